"""What a substep of one human costs beside the physics, on one core: its muscles, and stable PD."""

from typing import Any

import mujoco
import numpy as np

from soleus.config import HumanRunConfig
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import one_human

_REPEATS = 4000
_SPREAD = 0.3  # [rad] of the poses


def bench_body(config: HumanRunConfig, rounds: int) -> dict[str, Any]:
    """Return muscles_us (lengths, moments and forces of all) and stable_pd_us, medians over poses about the rest pose.

    They are those of MuJoCo's engine, a human at a time; `bench rollout` says what they cost in lanes. Of muscles that
    are MuJoCo's own the paths are part of the physics, and muscles_us is what comes after them.
    """
    scenario = load_scenario(config)
    human, one = scenario.human, one_human(scenario)
    rng = np.random.default_rng(0)
    muscles, torque = [], []
    for _ in range(rounds):
        turn, qpos = rng.normal(0, _SPREAD, human.model.nv), human.qpos_rest.copy()
        turn[np.setdiff1d(np.arange(human.model.nv), human.coordinate_dof[human.actuated])] = 0.0
        mujoco.mj_integratePos(human.model, qpos, turn, 1.0)
        one.reset(human.consistent(qpos), np.zeros(human.model.nv))
        muscles.append(one.time_muscles(_REPEATS))
        torque.append(one.time_stable_pd(_REPEATS))
    return {
        "model": config.subject,
        "engine": "mujoco",
        "coordinates": len(human.coordinate_names),
        "muscles": len(human.muscle_names),
        "waypoints": len(human.polylines.body) if human.polylines else None,
        "crossings": len(human.crossing),
        "muscles_us": 1e6 * float(np.median(muscles)),
        "stable_pd_us": 1e6 * float(np.median(torque)),
    }
