"""How fast a pelvis goes where the feet that stand carry it: on a treadmill, and on legs of another length."""

from dataclasses import replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.ground import contact_geoms, lowest_of_each
from soleus.models.human import Human
from soleus.motions.posing import root_slots
from soleus.motions.recording import Recording

Floats = NDArray[np.float64]

_STANDS = 0.03  # [m] above the height of the lowest point of both feet in a quarter of the rows
_GROUNDED = 0.25
_BELT = 0.3  # [m/s] of a foot that stands: slower is standing about
_STAYS = 0.3  # of the belt's speed: a pelvis on a treadmill goes to and fro more slowly
# Of the pelvis' speed: feet of legs that are shorter or longer than the recorded ones; feet roll by less than that.
_SLIPS = (0.02, 0.35)


def carried(recording: Recording, human: Human, retargeted: bool) -> Recording:
    """Return the recording over ground, in which the feet that stand do so on average, and a note of its speed.

    Where the pelvis hardly moves while the standing feet move, they are on a treadmill, whose belt runs as they do.
    retargeted: whether the poses are another body's, so that the pelvis may go less far, or farther, by as much as the
    legs are shorter or longer. A recording of which neither holds is returned as it is.
    """
    slots = root_slots(human)
    plane = [adr for adr in slots.shift[:2] if adr >= 0]
    axes = [axis for axis, adr in enumerate(slots.shift[:2]) if adr >= 0]
    velocities = standing_velocities(recording.qpos, recording.step, human)
    slip = np.median(velocities, axis=0)[axes] if len(velocities) else np.zeros(len(axes))
    elapsed = recording.times - recording.times[0]
    way = (recording.qpos[-1, plane] - recording.qpos[0, plane]) / elapsed[-1]
    speed, belt = float(np.linalg.norm(way)), float(np.linalg.norm(slip))
    treadmill = belt > _BELT and speed < _STAYS * belt
    if not treadmill and not (retargeted and speed > _BELT and _SLIPS[0] * speed < belt < _SLIPS[1] * speed):
        return recording
    qpos = recording.qpos.copy()
    qpos[:, plane] -= elapsed[:, None] * slip
    now = float(np.linalg.norm(way - slip))
    if treadmill:
        note = f"the pelvis hardly moves while the standing feet do: a treadmill, whose belt runs at {belt:.2f} m/s"
    else:
        note = f"the feet that stand carry the pelvis at {now:.2f} m/s, which in the file goes at {speed:.2f} m/s"
    return replace(recording, qpos=qpos, notes=(*recording.notes, note))


def standing_velocities(qpos: Floats, dt: float, human: Human) -> Floats:
    """Velocities (n, 2) [m/s] along x and y of the parts of the feet that are on the ground, in poses (K, nq) dt [s]
    apart.

    Of each geom, that of the point of its body below its centre at the height of its lowest point, as no foot that
    rolls over the ground moves that along it.
    """
    model, data = human.model, mujoco.MjData(human.model)
    geoms = contact_geoms(model, np.concatenate(human.feet))
    count = len(qpos)
    centres, turns = np.zeros((count, len(geoms), 3)), np.zeros((count, len(geoms), 3, 3))
    heights = np.zeros((count, len(geoms)))
    for k, pose in enumerate(qpos):
        data.qpos[:] = pose
        mujoco.mj_kinematics(model, data)
        centres[k], turns[k] = data.geom_xpos[geoms], data.geom_xmat[geoms].reshape(-1, 3, 3)
        heights[k] = lowest_of_each(model, data, geoms)
    low = heights < np.quantile(heights.min(axis=1), _GROUNDED) + _STANDS
    stands = low[1:] & low[:-1]
    arms = np.zeros((count, len(geoms), 3))
    arms[..., 2] = heights - centres[..., 2]
    turned = np.einsum("kgij,kglj,kgl->kgi", turns[1:], turns[:-1], arms[:-1])
    steps = np.diff(centres, axis=0) + turned - arms[:-1]
    velocities: Floats = steps[stands][:, :2] / dt
    return velocities
