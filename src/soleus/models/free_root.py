"""A root of three slides and three hinges, as converters write it, becomes the free joint that it stands for.

All that knows of roots then has one kind to know beside the planar one, and no angle of the root locks in a gimbal.
"""

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SPATIAL = 3
_JOINT = mujoco.mjtJoint


def with_free_root(spec: Any) -> Any:
    """Return a mujoco.MjSpec in which each body on the world that moves by three slides and three hinges has a free
    joint in their place; the same spec where there is none.

    Keyframes keep the poses that they say. Joints that something else refers to by name, an actuator, an equality, a
    tendon or a sensor, stay as they are.
    """
    bodies = [body for body in spec.worldbody.bodies if _is_spatial(body)]
    bodies = [body for body in bodies if not _named_elsewhere(spec, {joint.name for joint in body.joints})]
    if not bodies:
        return spec
    before = spec.copy().compile()
    names = [body.name for body in bodies]
    keys = [_key(before, k, names) for k in range(before.nkey)]
    for body in bodies:
        for joint in list(body.joints):
            spec.delete(joint)
        body.add_freejoint()
    for key, (qpos, qvel) in zip(spec.keys, keys, strict=True):
        key.qpos, key.qvel = qpos, qvel
    return spec


def _is_spatial(body: Any) -> bool:
    kinds = [joint.type for joint in body.joints]
    return bool(body.name) and all(
        kinds.count(kind) == _SPATIAL == len(kinds) / 2 for kind in (_JOINT.mjJNT_SLIDE, _JOINT.mjJNT_HINGE)
    )


def _named_elsewhere(spec: Any, joints: set[str]) -> bool:
    model = spec.copy().compile()
    ids = {int(model.joint(name).id) for name in joints if name}
    joint_actuators = (mujoco.mjtTrn.mjTRN_JOINT, mujoco.mjtTrn.mjTRN_JOINTINPARENT)
    used = {
        int(model.actuator_trnid[a, 0])
        for a in range(model.nactuator)
        if int(model.actuator_trntype[a]) in joint_actuators
    }
    of_joints = model.eq_type == mujoco.mjtEq.mjEQ_JOINT
    used |= set(model.eq_obj1id[of_joints].tolist()) | set(model.eq_obj2id[of_joints].tolist())
    used |= set(model.wrap_objid[model.wrap_type == mujoco.mjtWrap.mjWRAP_JOINT].tolist())
    used |= set(model.sensor_objid[model.sensor_objtype == mujoco.mjtObj.mjOBJ_JOINT].tolist())
    return bool(ids & used)


def _key(model: mujoco.MjModel, key: int, names: list[str]) -> tuple[Floats, Floats]:
    """Return qpos and qvel of a keyframe, the roots' as those of free joints."""
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, key)
    mujoco.mj_forward(model, data)
    roots = {int(model.body(name).id) for name in names}
    qpos, qvel = list[Floats](), list[Floats]()
    done = set[int]()
    for joint in range(model.njnt):
        body = int(model.jnt_bodyid[joint])
        if body in roots:
            if body not in done:
                done.add(body)
                qpos.append(np.concatenate([data.xpos[body], data.xquat[body]]))
                qvel.append(_rates(model, data, body))
            continue
        after = model.jnt_qposadr[joint + 1] if joint + 1 < model.njnt else model.nq
        until = model.jnt_dofadr[joint + 1] if joint + 1 < model.njnt else model.nv
        qpos.append(data.qpos[model.jnt_qposadr[joint] : after].copy())
        qvel.append(data.qvel[model.jnt_dofadr[joint] : until].copy())
    return np.concatenate(qpos), np.concatenate(qvel)


def _rates(model: mujoco.MjModel, data: mujoco.MjData, body: int) -> Floats:
    """Velocity of a body as a free joint has it: linear in world axes, angular in the body's."""
    jacobian, turning = np.zeros((3, model.nv)), np.zeros((3, model.nv))
    mujoco.mj_jacBody(model, data, jacobian, turning, body)
    rates: Floats = np.concatenate([jacobian @ data.qvel, data.xmat[body].reshape(3, 3).T @ (turning @ data.qvel)])
    return rates
