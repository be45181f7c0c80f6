"""How closely a policy follows its motion: each joint's angle against the reference, over whole episodes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from soleus.config import HumanRunConfig
from soleus.errors import UserError
from soleus.models import Human
from soleus.sim.scenario import load_scenario
from soleus.sim.trace import Playback


@dataclass(frozen=True)
class JointTracking:
    """Of a hinge [degree] or slide [m]."""

    joint: str
    rms: float
    """Root of the mean squared difference from the motion"""
    correlation: float
    """Pearson's, with the motion; NaN for a joint that rests in the motion"""
    range: float
    """Of the motion"""


def tracking(
    config: HumanRunConfig,
    policy: Mapping[str, Any],
    muscle: Mapping[str, Any] | None,
    episodes: int,
    seed: int,
    num_threads: int,
) -> list[JointTracking]:
    """Play episodes of deterministic actions and compare every joint, at the end of each control step, with where the
    motion is then. Raises UserError for a task without a motion.
    """
    if config.motion is None:
        raise UserError("expected a run that imitates a motion, got one without")
    scenario = load_scenario(config)
    playback = Playback(scenario, policy, muscle, num_envs=episodes, seed=seed, num_threads=num_threads)
    simulation = playback.simulation
    going = np.ones(episodes, np.bool_)
    moved, wanted = [], []
    for _ in range(simulation.core.episode_steps):
        going &= ~playback.step().done  # the pose is that of the next episode then
        if not going.any():
            break
        moved.append(simulation.qpos()[going])
        wanted.append(simulation.reference()[0][going])
    if not moved:
        raise UserError("expected episodes of two control steps or more, got none")
    return _compared(scenario.human, np.concatenate(moved), np.concatenate(wanted))


def _compared(human: Human, moved: np.ndarray, wanted: np.ndarray) -> list[JointTracking]:
    model, found = human.model, []
    for c in human.actuated:
        joint = model.dof_jntid[human.coordinate_dof[c]]
        if int(model.jnt_type[joint]) not in (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE):
            continue
        scale = 180 / np.pi if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE else 1.0
        own, goal = (scale * one[:, model.jnt_qposadr[joint]] for one in (moved, wanted))
        moves = float(np.ptp(goal))
        related = float(np.corrcoef(own, goal)[0, 1]) if moves > 0 and np.ptp(own) > 0 else float("nan")
        rms = float(np.sqrt(np.mean((own - goal) ** 2)))
        found.append(JointTracking(human.coordinate_names[c], rms, related, moves))
    return found
