"""OpenSim's storage files of a model's own motions, made by hand: y up, the pelvis turned about z, x and y."""

from pathlib import Path

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from soleus.models import Human
from soleus.motions import Motion
from soleus.motions.laps import Lap
from soleus.motions.posing import root_slots

SHARED = Path(__file__).parents[2].parent / "shared" / "opensim"
_OURS = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # from OpenSim's axes, y up, to z up


def coordinates(motion: Motion, human: Human, laps: int = 1) -> dict[str, np.ndarray]:
    """Coordinates by name over some laps and the first row of the next one: radians, metres."""
    model, data, slots = human.model, mujoco.MjData(human.model), root_slots(human)
    start = np.array([motion.qpos[0, adr] if adr >= 0 else 0.0 for adr in slots.shift])
    lap = Lap(start, motion.displacement, motion.turn)
    qpos = np.vstack(
        [lap.poses(motion.qpos, k, slots) for k in range(laps)] + [lap.poses(motion.qpos[:1], laps, slots)]
    )
    names = [model.joint(j).name for j in range(model.njnt)]
    hinges = [
        j
        for j in range(model.njnt)
        if model.jnt_type[j] == mujoco.mjtJoint.mjJNT_HINGE and not human.dof_coupled[model.jnt_dofadr[j]]
    ]
    result = {
        "time": motion.duration / len(motion.qpos) * np.arange(len(qpos)),
        **{name: np.zeros(len(qpos)) for name in ("pelvis_tilt", "pelvis_list", "pelvis_rotation")},
        **{name: np.zeros(len(qpos)) for name in ("pelvis_tx", "pelvis_ty", "pelvis_tz")},
        **{names[j]: qpos[:, model.jnt_qposadr[j]] for j in hinges if model.jnt_bodyid[j] != human.root_body},
    }
    align = Rotation.from_quat(human.root_align, scalar_first=True)
    for k, pose in enumerate(qpos):
        data.qpos[:] = pose
        mujoco.mj_kinematics(model, data)
        turn = (Rotation.from_quat(data.xquat[human.root_body], scalar_first=True) * align).as_matrix()
        for name, angle in zip(
            ("pelvis_tilt", "pelvis_list", "pelvis_rotation"),
            Rotation.from_matrix(_OURS.T @ turn @ _OURS).as_euler("ZXY"),
            strict=True,
        ):
            result[name][k] = angle
        place = _OURS.T @ data.xpos[human.root_body]
        for name, value in zip(("pelvis_tx", "pelvis_ty", "pelvis_tz"), place, strict=True):
            result[name][k] = value
    return result


def write_storage(
    path: Path, columns: dict[str, np.ndarray], degrees: bool = True, header: str | None = None, joint: str = "\t"
) -> Path:
    """Write columns, angles in radians, as a storage file. header: in place of the usual one."""
    lengths = ("time", "pelvis_tx", "pelvis_ty", "pelvis_tz")
    units = [np.rad2deg(1.0) if degrees and name not in lengths else 1.0 for name in columns]
    rows = np.column_stack(list(columns.values())) * units
    if header is None:
        counts = f"nRows={len(rows)}\nnColumns={len(columns)}"
        header = f"Coordinates\nversion=1\n{counts}\ninDegrees={'yes' if degrees else 'no'}\n\nendheader"
    lines = [header, joint.join(columns), *(joint.join(f"{value:.10f}" for value in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path
