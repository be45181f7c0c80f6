"""What a motion became on a model: how long and fast it is, joints against their limits, and feet on the ground."""

from dataclasses import asdict, dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.ground import contact_geoms, lowest
from soleus.models.human import Human
from soleus.motions.carrying import standing_velocities
from soleus.motions.motion import Motion
from soleus.motions.rotations import log

Floats = NDArray[np.float64]

_ON_GROUND = 0.02  # [m] below which a foot is taken to be on the ground


@dataclass(frozen=True)
class JointRange:
    """A hinge [degree], a slide [m], or the whole turn of a ball joint from its zero [degree], over a lap."""

    joint: str
    least: float
    most: float
    lower: float | None
    """Limit of the model, None without one"""
    upper: float | None
    beyond: float
    """How far past a limit it gets; 0 within"""


@dataclass(frozen=True)
class Account:
    """Figures of a motion."""

    motion: str
    model: str
    duration_s: float
    frames: int
    length_m: float
    speed_m_s: float
    turn_degrees: float
    """Of a lap, to the left"""
    joints: tuple[JointRange, ...]
    """Those of the person but the root's and those that follow others"""
    clearance_m: tuple[float, float]
    """Least and greatest height of the lowest point of both feet above the ground; negative in it"""
    on_ground: float
    """Share of the lap in which a foot is on the ground"""
    slip_m_s: float
    """Median speed along the ground of the parts of the feet that stand on it"""
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """Return the figures as plain data."""
        return asdict(self)


def account_of(motion: Motion, human: Human) -> Account:
    """Measure a motion on its model."""
    model, data = human.model, mujoco.MjData(human.model)
    feet = contact_geoms(model, np.concatenate(human.feet))
    heights = np.zeros(len(motion.qpos))
    for k, pose in enumerate(motion.qpos):
        data.qpos[:] = pose
        mujoco.mj_kinematics(model, data)
        heights[k] = lowest(model, data, feet) - human.ground_height
    steps = len(motion.qpos) - 1 if motion.once else len(motion.qpos)
    velocities = standing_velocities(motion.qpos, motion.duration / steps, human)
    return Account(
        motion=motion.name,
        model=human.name,
        duration_s=motion.duration,
        frames=len(motion.qpos),
        length_m=float(np.linalg.norm(motion.displacement[:2])),
        speed_m_s=motion.speed,
        turn_degrees=float(np.rad2deg(motion.turn)),
        joints=tuple(_ranges(motion.qpos, human)),
        clearance_m=(float(heights.min()), float(heights.max())),
        on_ground=float(np.mean(heights < _ON_GROUND)),
        slip_m_s=float(np.median(np.linalg.norm(velocities, axis=1))) if len(velocities) else 0.0,
        notes=motion.notes,
    )


def _ranges(qpos: Floats, human: Human) -> list[JointRange]:
    model, result = human.model, []
    ball, degree = mujoco.mjtJoint.mjJNT_BALL, 180 / np.pi
    kinds = {mujoco.mjtJoint.mjJNT_HINGE: degree, mujoco.mjtJoint.mjJNT_SLIDE: 1.0, ball: degree}
    for j in range(model.njnt):
        body, kind = model.jnt_bodyid[j], mujoco.mjtJoint(model.jnt_type[j])
        follows = human.dof_coupled[model.jnt_dofadr[j]]
        if kind not in kinds or body == human.root_body or body not in human.own_bodies or follows:
            continue
        adr = int(model.jnt_qposadr[j])
        turns = np.linalg.norm(log(qpos[:, adr : adr + 4]), axis=1) if kind == ball else qpos[:, adr]
        values = kinds[kind] * turns
        low, high = (float(limit) * kinds[kind] for limit in model.jnt_range[j])
        least, most, limited = float(values.min()), float(values.max()), bool(model.jnt_limited[j])
        beyond = max(0.0, low - least, most - high) if limited else 0.0
        name = model.joint(j).name or f"joint{j}"
        result.append(JointRange(name, least, most, low if limited else None, high if limited else None, beyond))
    return result


def as_text(account: Account) -> str:
    """Return the figures as lines for a terminal."""
    turn = f", turning by {account.turn_degrees:.1f} degrees to the left" if account.turn_degrees else ""
    lines = [
        f"{account.motion} on {account.model}: {account.duration_s:.3f} s in {account.frames} frames,"
        f" {account.length_m:.3f} m, {account.speed_m_s:.3f} m/s{turn}",
        *account.notes,
        "",
    ]
    width = max([len(one.joint) for one in account.joints] + [len("joint")])
    lines.append(f"{'joint':{width}}  {'least':>8}  {'most':>8}  {'limits':>18}  beyond [degree; m of slides]")
    for one in account.joints:
        limits = "none" if one.lower is None else f"{one.lower:.4g} to {one.upper:.4g}"
        beyond = f"{one.beyond:.3g}" if one.beyond > 0 else ""
        lines.append(f"{one.joint:{width}}  {one.least:8.4g}  {one.most:8.4g}  {limits:>18}  {beyond}".rstrip())
    least, most = (round(1000 * height) for height in account.clearance_m)
    lines += [
        "",
        f"lowest point of the feet: {least} to {most} mm above the ground, on it (below"
        f" {1000 * _ON_GROUND:.0f} mm) for {100 * account.on_ground:.0f} % of the lap",
        f"feet that stand slip at {account.slip_m_s:.3f} m/s (median)",
    ]
    return "\n".join(lines)
