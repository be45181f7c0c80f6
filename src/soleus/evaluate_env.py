"""Evaluation in environments that are not ours: whole episodes, on the options meant for it."""

import sys
import traceback
from collections.abc import Mapping
from typing import Any

import numpy as np

from soleus.batch import Layout
from soleus.collect.actor import TorchActor
from soleus.collect.base import CollectorFailed
from soleus.config import EnvConfig
from soleus.environments import make_group
from soleus.environments.base import Array, Group, Slots
from soleus.errors import UserError, described

_ENVS = 32  # at once, at most
_NOISE_STEPS = 4096  # whose random numbers are drawn at a time, where actions are sampled


def evaluate_env(
    config: EnvConfig, policy: Mapping[str, Any], episodes: int, seed: int, num_threads: int
) -> dict[str, float]:
    """Run `episodes` episodes and return what they came to.

    Every environment runs a fixed number of them, so that short ones do not count more. mean_return, std_return: over
    the episodes, undiscounted; mean_length: [steps]; share_truncated: episodes that their time limit ended, or ours
    (env.max_evaluation_steps). Raises CollectorFailed for an environment that raises.
    """
    count = min(episodes, _ENVS)
    quota = np.array([episodes // count + (i < episodes % count) for i in range(count)])
    group = make_group(config.env, count, num_threads, evaluation=True)
    try:
        return _evaluate(config, policy, group, quota, seed)
    except UserError:
        raise
    except Exception as error:
        print(traceback.format_exc(), end="", file=sys.stderr)
        raise CollectorFailed(f"{config.env.id} failed in evaluation: {described(error)}") from None
    finally:
        group.close()


def _evaluate(config: EnvConfig, policy: Mapping[str, Any], group: Group, quota: Array, seed: int) -> dict[str, float]:
    """Run quota[i] episodes of environment i; quota is used up."""
    count, episodes = len(quota), int(quota.sum())
    layout = Layout(count, group.observation, group.action, group.control_dt)
    seeded = config.model_copy(update={"train": config.train.model_copy(update={"seed": seed})})
    actor = TorchActor(seeded, layout, 0, count)
    actor.load_policy(policy)
    observations = np.zeros((count, *group.observation.shape), group.observation.dtype)
    actions = np.zeros((count, *group.action.shape), group.action.dtype)
    log_probs = np.zeros(count, np.float32)
    flags = [np.zeros(count, np.uint8) for _ in range(3)]
    slots = Slots(observations, observations.copy(), np.zeros(count, np.float32), *flags)
    group.reset(seed, observations)
    returns, lengths = np.zeros(count), np.zeros(count)
    ended: list[tuple[float, float, float]] = []
    step = 0
    while (quota > 0).any():
        if config.env.deterministic_evaluation:
            actions[...] = actor.likeliest(observations)
        else:
            if step % _NOISE_STEPS == 0:
                actor.begin(step // _NOISE_STEPS, _NOISE_STEPS)
            actor.act(step % _NOISE_STEPS, observations, actions, log_probs)
        step += 1
        group.step(actions, slots)
        returns += slots.rewards
        lengths += slots.valid
        done = (slots.terminated | slots.truncated).astype(bool)
        if (late := lengths >= config.env.max_evaluation_steps).any():
            # They go on, for a group cannot start one alone anew: what follows counts as another episode.
            slots.truncated[late & ~done] = 1
            done |= late
        for i in np.flatnonzero(done & (quota > 0)):
            ended.append((returns[i], lengths[i], float(slots.truncated[i] and not slots.terminated[i])))
        quota -= done
        returns[done] = lengths[done] = 0
    total, length, truncated = np.array(ended).T
    return {
        "episodes": episodes,
        "mean_return": float(total.mean()),
        "std_return": float(total.std()),
        "mean_length": float(length.mean()),
        "share_truncated": float(truncated.mean()),
    }
