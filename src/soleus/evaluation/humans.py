"""Evaluation: whole episodes, of humans in the native core, in other environments as environments.py does it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from soleus.config import EnvRunConfig, HumanRunConfig, RunConfig

_MOST_EPISODES = 1000  # of several clips together


def evaluate(
    config: RunConfig,
    policy: Mapping[str, Any],
    muscle: Mapping[str, Any] | None,
    episodes: int,
    seed: int,
    num_threads: int,
) -> dict[str, float]:
    """Run `episodes` episodes and return what they came to: see evaluate_humans and evaluate_env."""
    if isinstance(config, EnvRunConfig):  # which takes no MuJoCo
        from soleus.evaluation.environments import evaluate_env

        return evaluate_env(config, policy, episodes, seed, num_threads)
    assert isinstance(config, HumanRunConfig)
    return evaluate_humans(config, policy, muscle, episodes, seed, num_threads)


def evaluate_humans(
    config: HumanRunConfig,
    policy: Mapping[str, Any],
    muscle: Mapping[str, Any] | None,
    episodes: int,
    seed: int,
    num_threads: int,
) -> dict[str, float]:
    """Run `episodes` episodes of deterministic actions, each of a human of its own, and return what they came to.

    Where there are several clips, as many episodes of each clip, or fewer of very many: every clip has the same number.

    share_full: share of the episodes that last their whole time; mean_length_s [s]; mean_speed_m_s: distance over
    time, both summed over the episodes [m/s]; mean_return; mean_distance_m: before the end [m]; effort: mean squared
    activation. A distance is the length of the pelvis' path along the ground, from control step to control step,
    whichever way it leads. With several clips also clip/NAME/share_full and clip/NAME/mean_length_s of each.
    """
    from soleus.sim.buffers import EPISODE_COLUMNS, Buffers
    from soleus.sim.scenario import load_scenario
    from soleus.sim.simulation import Simulation

    scenario = load_scenario(config)
    names = scenario.clips.names if scenario.clips and scenario.clips.several else ()
    if names:
        episodes = len(names) * max(1, min(episodes, _MOST_EPISODES // len(names)))
    simulation = Simulation(scenario, episodes, num_threads, seed)
    if names:
        simulation.core.set_clips([human % len(names) for human in range(episodes)])
    simulation.load_policy(policy)
    if muscle is not None:
        simulation.load_muscle(muscle)
    simulation.core.set_deterministic(True)
    buffers = Buffers(simulation, simulation.core.episode_steps, samples=False)
    simulation.reset(seed, buffers["observations"][0])
    buffers.run(simulation, with_policy=True)
    first = buffers.done.argmax(0)  # every episode ends by the last step at the latest
    human = np.arange(episodes)
    rows = dict(zip(EPISODE_COLUMNS, buffers["episodes"][first, human].T.astype(float), strict=True))
    full = buffers["truncated"][first, human]
    by_clip = {}
    for clip, name in enumerate(names):
        by_clip[f"clip/{name}/share_full"] = float(full[clip :: len(names)].mean())
        by_clip[f"clip/{name}/mean_length_s"] = float(rows["length_s"][clip :: len(names)].mean())
    return {
        "episodes": episodes,
        "share_full": float(full.mean()),
        "mean_length_s": float(rows["length_s"].mean()),
        "mean_speed_m_s": float(rows["distance_m"].sum() / rows["length_s"].sum()),
        "mean_return": float(rows["return"].mean()),
        "mean_distance_m": float(rows["distance_m"].mean()),
        "effort": float(rows["effort"].mean()),
        **by_clip,
    }
