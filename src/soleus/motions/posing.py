"""Put a human into the poses of a gait cycle: anatomical angles to qpos."""

from dataclasses import dataclass, field

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.human import Human
from soleus.models.root import conjugate, multiply
from soleus.motions.cycle import GaitCycle
from soleus.motions.joints import JointTarget, joint_targets

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RootSlots:
    """Where qpos holds the root's pose; -1 for what a planar root lacks."""

    shift: tuple[int, int, int]  # x, y, z addresses
    quaternion: int  # of a free joint
    tilt: int  # of a planar hinge
    tilt_sign: float


def root_slots(human: Human) -> RootSlots:
    """Read the root's joints; in the rest pose, canonical and world frame agree."""
    model, body = human.model, human.root_body
    first = int(model.body_jntadr[body])
    adr = int(model.jnt_qposadr[first])
    if model.jnt_type[first] == mujoco.mjtJoint.mjJNT_FREE:
        return RootSlots((adr, adr + 1, adr + 2), adr + 3, -1, 1.0)
    data = mujoco.MjData(model)
    data.qpos[:] = human.qpos_rest
    mujoco.mj_kinematics(model, data)
    shift, tilt, sign = [-1, -1, -1], -1, 1.0
    for j in range(first, first + int(model.body_jntnum[body])):
        axis = data.xaxis[j]
        if model.jnt_type[j] == mujoco.mjtJoint.mjJNT_SLIDE:
            shift[int(np.argmax(np.abs(axis)))] = int(model.jnt_qposadr[j])
        elif abs(axis[1]) > 0.5:
            tilt, sign = int(model.jnt_qposadr[j]), float(np.sign(axis[1]))
    return RootSlots((shift[0], shift[1], shift[2]), -1, tilt, sign)


@dataclass(eq=False)
class Poser:
    """Poses a human through a cycle. `data` is scratch."""

    human: Human
    cycle: GaitCycle
    targets: list[JointTarget] = field(init=False)
    slots: RootSlots = field(init=False)
    data: mujoco.MjData = field(init=False)

    def __post_init__(self) -> None:
        self.targets = joint_targets(self.human, tuple(self.cycle.angles))
        self.slots = root_slots(self.human)
        self.data = mujoco.MjData(self.human.model)

    @property
    def free(self) -> bool:
        """Whether the root moves in three dimensions."""
        return self.slots.quaternion >= 0

    def qpos(self, phase: Floats, right: dict[str, Floats], left: dict[str, Floats], root: Floats) -> Floats:
        """Poses (K, nq) at phases (K,): leg angles (K,) by name [rad], root shift (K, 3) from its place at rest [m].
        Joint angles stop at the joints' ranges; coupled joints follow.
        """
        model = self.human.model
        qpos = np.tile(self.human.qpos_rest, (len(phase), 1))
        for target in self.targets:
            angle = (right if target.side == "r" else left)[target.angle]
            joint = model.dof_jntid[target.dof]
            value = self.human.qpos_rest[target.qpos_adr] + target.sign * angle
            if model.jnt_limited[joint]:
                value = np.clip(value, *model.jnt_range[joint])
            qpos[:, target.qpos_adr] = value
        for axis, adr in enumerate(self.slots.shift):
            if adr >= 0:
                qpos[:, adr] += root[:, axis]
        pelvis = {key: series(phase) for key, series in self.cycle.pelvis.items()}
        self._turn_root(qpos, pelvis)
        return self.human.consistent(qpos)

    def pushed(self, axis: int, frames: int) -> Floats:
        """(frames, nv) speeds of a root that goes along an axis at 1 m/s; zero where it cannot."""
        way = np.zeros((frames, self.human.model.nv))
        if self.slots.shift[axis] >= 0:
            way[:, self._dof(self.slots.shift[axis])] = 1.0
        return way

    def _dof(self, qpos_adr: int) -> int:
        """Degree of freedom of a number in qpos that is no quaternion's."""
        model = self.human.model
        joint = int(np.searchsorted(model.jnt_qposadr, qpos_adr, side="right")) - 1
        return int(model.jnt_dofadr[joint]) + qpos_adr - int(model.jnt_qposadr[joint])

    def _turn_root(self, qpos: Floats, pelvis: dict[str, Floats]) -> None:
        """Set the root's orientation, in place: first rotation, then tilt, then list."""
        zero = np.zeros(len(qpos))
        tilt = pelvis.get("tilt", zero)
        if self.slots.tilt >= 0:
            qpos[:, self.slots.tilt] += self.slots.tilt_sign * tilt
        if not self.free:
            return
        unalign = conjugate(self.human.root_align)
        adr = self.slots.quaternion
        rotation, side_up = pelvis.get("rotation", zero), pelvis.get("list", zero)
        for k in range(len(qpos)):
            # Right side forward is a left turn, round +z; right side up a roll to the left, round -x.
            turn = multiply(_about((0, 0, 1), rotation[k]), _about((0, 1, 0), tilt[k]))
            turn = multiply(turn, _about((1, 0, 0), -side_up[k]))
            qpos[k, adr : adr + 4] = multiply(turn, unalign)


def _about(axis: tuple[float, float, float], angle: float) -> Floats:
    """Quaternion of a turn about an axis [rad]."""
    result = np.zeros(4)
    mujoco.mju_axisAngle2Quat(result, np.array(axis, dtype=np.float64), float(angle))
    return result
