"""Evaluation in environments that are not ours: whole episodes, on the options meant for it."""

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from soleus.collect.base import CollectorFailed
from soleus.collect.policy import TorchPolicy
from soleus.collect.watch import Watch
from soleus.config import EnvRunConfig
from soleus.environments import make_group
from soleus.environments.base import Array, Group, Slots
from soleus.environments.info import InfoSums
from soleus.errors import UserError, described, trace_of
from soleus.exchange.batch import Layout, info_means
from soleus.machine.stopping import let_through

_NOISE_STEPS = 4096  # whose random numbers are drawn at a time, where actions are sampled


def evaluate_env(
    config: EnvRunConfig, policy: Mapping[str, Any], episodes: int, seed: int, num_threads: int
) -> dict[str, float]:
    """Run `episodes` episodes and return what they came to.

    Every environment runs a fixed number of them, so that short ones do not count more. mean_return, std_return: over
    the episodes, undiscounted; mean_length: [steps]; share_truncated: episodes that their time limit ended, or ours
    (env.max_evaluation_steps); info/NAME: mean of a number in the last info, over the episodes that have it. Raises
    CollectorFailed for an environment that raises, gives what it did not promise, or does not return.
    """
    count = min(episodes, config.env.evaluation_envs)
    quota = np.array([episodes // count + (i < episodes % count) for i in range(count)])
    place = np.array([0, -1])
    group: Group | None = None
    try:
        with Watch(place, config.env.id, config.parallel.round_timeout, config.train.num_envs):
            group = make_group(config.env, count, num_threads, config.train.num_envs, evaluation=True)
            group.watch(place[1:])
            return _evaluate(config, policy, group, quota, seed, place)
    except UserError as error:
        raise CollectorFailed(f"{error} in evaluation") from None
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        let_through(error)
        print(trace_of(error), end="", file=sys.stderr)
        raise CollectorFailed(f"{config.env.id} failed in evaluation: {described(error)}") from None
    finally:
        if group is not None:
            group.close()


def _evaluate(
    config: EnvRunConfig, policy: Mapping[str, Any], group: Group, quota: Array, seed: int, place: Array
) -> dict[str, float]:
    """Run quota[i] episodes of environment i; quota is used up. place: whose first number counts the steps."""
    count, episodes = len(quota), int(quota.sum())
    layout = Layout(count, group.observation, group.action, group.control_dt)
    seeded = config.model_copy(update={"train": config.train.model_copy(update={"seed": seed})})
    actor = TorchPolicy(seeded, layout, 0, count)
    actor.load_policy(policy)
    observations = np.zeros((count, *group.observation.shape), group.observation.dtype)
    actions = np.zeros((count, *group.action.shape), group.action.dtype)
    log_probs = np.zeros(count, np.float32)
    terminated, truncated, valid = (np.zeros(count, np.uint8) for _ in range(3))
    slots = Slots(observations, observations.copy(), np.zeros(count, np.float32), terminated, truncated, valid)
    group.reset(seed, observations)
    returns, lengths = np.zeros(count), np.zeros(count)
    ended: list[tuple[float, float, float]] = []
    info, step = InfoSums(), 0
    while (quota > 0).any():
        if config.env.deterministic_evaluation:
            actions[...] = actor.likeliest(observations)
        else:
            if step % _NOISE_STEPS == 0:
                actor.begin(step // _NOISE_STEPS, _NOISE_STEPS)
            actor.act(step % _NOISE_STEPS, observations, actions, log_probs)
        step += 1
        place[0] = step
        group.step(actions, slots)
        returns += slots.rewards
        lengths += slots.valid
        done = (slots.terminated | slots.truncated).astype(bool)
        if (late := lengths >= config.env.max_evaluation_steps).any():
            # A pool's go on, for it cannot start one alone again: what follows counts as another episode.
            slots.truncated[late & ~done] = 1
            done |= late
        for i in np.flatnonzero(done & (quota > 0)):
            if (told := slots.ended.get(int(i))) is not None:
                info.add(told.info)
                returns[i] = returns[i] if told.raw_return is None else told.raw_return
            ended.append((returns[i], lengths[i], float(slots.truncated[i] and not slots.terminated[i])))
        quota -= done
        returns[done] = lengths[done] = 0
    total, length, cut = np.array(ended).T
    return {
        "episodes": episodes,
        "mean_return": float(total.mean()),
        "std_return": float(total.std()),
        "mean_length": float(length.mean()),
        "share_truncated": float(cut.mean()),
        **info_means(info.sums),
    }
