"""A reference motion of a human: one period of poses, velocities and what tasks compare with."""

from dataclasses import dataclass, replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.human import Human
from soleus.motions.laps import Lap
from soleus.motions.posing import root_slots

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Motion:
    """K frames evenly over [0, duration), periodic but for the displacement and the turn of each lap.

    Every lap is the one before, turned by `turn` about the vertical through where the root starts it and moved by that
    lap's displacement, so that it starts where the other ended. Gait cycles begin at the right heel strike, at root
    x = 0. The heading frame turns with the root's yaw alone: x forward, y left, z up.
    """

    name: str
    duration: float
    """[s] of one cycle"""
    qpos: Floats
    """(K, nq)"""
    qvel: Floats
    """(K, nv) central differences along the cycle"""
    displacement: Floats
    """(3,) [m] of the root in the first cycle, world, heading +x; from start to end of a motion that is played once"""
    end_effectors: Floats
    """(K, ne, 3) [m] end effectors minus the centre of mass, heading frame"""
    com: Floats
    """(K, 3) [m] centre of mass minus the root, heading frame"""
    com_velocity: Floats
    """(K, 3) [m/s] heading frame"""
    once: bool = False
    """It ends after its duration, with its last frame, instead of beginning again."""
    turn: float = 0.0
    """[rad] per cycle about the vertical, to the left; 0 for a planar root"""
    notes: tuple[str, ...] = ()
    """What was made of a recording, in sentences for its owner"""

    @property
    def speed(self) -> float:
        """Mean speed along the ground [m/s]: where a cycle gets to over its duration."""
        return float(np.linalg.norm(self.displacement[:2])) / self.duration


def play_once(name: str, duration: float, qpos: Floats, human: Human) -> Motion:
    """Complete poses (K, nq), spread evenly from the first instant to the last, to a Motion that is played once."""
    inner = np.isin(np.arange(len(qpos)), (0, len(qpos) - 1), invert=True)
    spans = duration / (len(qpos) - 1) * np.where(inner, 2.0, 1.0)
    before, after = np.vstack([qpos[:1], qpos[:-1]]), np.vstack([qpos[1:], qpos[-1:]])
    seen = _kinematics(human, qpos)
    root, com = seen[:2]
    com_steps = np.vstack([com[1:], com[-1:]]) - np.vstack([com[:1], com[:-1]])
    qvel = _velocities(human, before, after, spans)
    motion = _completed(name, duration, qpos, qvel, root[-1] - root[0], seen, com_steps / spans[:, None])
    return replace(motion, once=True)


def make_motion(
    name: str, duration: float, qpos: Floats, displacement: Floats, human: Human, turn: float = 0.0
) -> Motion:
    """Complete poses (K, nq) of one cycle to a Motion."""
    slots = root_slots(human)
    start = np.array([qpos[0, adr] if adr >= 0 else 0.0 for adr in slots.shift])
    lap = Lap(start, displacement, turn)
    before = np.vstack([lap.poses(qpos[-1:], -1, slots), qpos[:-1]])
    after = np.vstack([qpos[1:], lap.poses(qpos[:1], 1, slots)])
    span = 2 * duration / len(qpos)
    seen = _kinematics(human, qpos)
    com = seen[1]
    com_steps = np.vstack([com[1:], lap.points(com[:1], 1)]) - np.vstack([lap.points(com[-1:], -1), com[:-1]])
    qvel = _velocities(human, before, after, np.full(len(qpos), span))
    motion = _completed(name, duration, qpos, qvel, displacement, seen, com_steps / span)
    return replace(motion, turn=turn)


def _velocities(human: Human, before: Floats, after: Floats, spans: Floats) -> Floats:
    """(K, nv) that lead from poses (K, nq) to others in times (K,) [s]."""
    qvel = np.zeros((len(spans), human.model.nv))
    for k, span in enumerate(spans):
        mujoco.mj_differentiatePos(human.model, qvel[k], span, before[k], after[k])
    return qvel


def _completed(
    name: str,
    duration: float,
    qpos: Floats,
    qvel: Floats,
    displacement: Floats,
    seen: tuple[Floats, Floats, Floats, Floats],
    com_velocity: Floats,
) -> Motion:
    """Make a Motion of poses, their velocities and what _kinematics saw of them; com_velocity (K, 3): world."""
    root, com, heading, effectors = seen
    return Motion(
        name=name, duration=duration, qpos=qpos, qvel=qvel, displacement=displacement,
        end_effectors=np.einsum("kji,kej->kei", heading, effectors - com[:, None]),
        com=np.einsum("kji,kj->ki", heading, com - root),
        com_velocity=np.einsum("kji,kj->ki", heading, com_velocity),
    )  # fmt: skip


def _kinematics(human: Human, qpos: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """World root (K, 3), centre of mass (K, 3), heading frames (K, 3, 3) and end effectors (K, ne, 3)."""
    model, data = human.model, mujoco.MjData(human.model)
    align = np.zeros(9)
    mujoco.mju_quat2Mat(align, human.root_align)
    root, com = np.zeros((len(qpos), 3)), np.zeros((len(qpos), 3))
    heading, effectors = np.zeros((len(qpos), 3, 3)), np.zeros((len(qpos), len(human.end_effectors), 3))
    for k, q in enumerate(qpos):
        data.qpos[:] = q
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        root[k], com[k] = data.xpos[human.root_body], data.subtree_com[human.root_body]
        forward = data.xmat[human.root_body].reshape(3, 3) @ align.reshape(3, 3)[:, 0]
        yaw = np.arctan2(forward[1], forward[0])
        heading[k] = [[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]]
        effectors[k] = data.xpos[human.end_effectors]
    return root, com, heading, effectors
