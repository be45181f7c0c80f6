"""What keys of a model change in an MJCF file as it is loaded: names, joints that are locked, muscles left out."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import mujoco
import numpy as np

from soleus.config.sources import ModelFiles
from soleus.errors import UserError, nearest
from soleus.models.crossings import crossed_dofs, muscles
from soleus.models.gyration import limit_gyration
from soleus.models.segments import is_foot
from soleus.models.spheres import with_spheres

_EQ, _OBJ = mujoco.mjtEq, mujoco.mjtObj
_OF_JOINTS = (mujoco.mjtTrn.mjTRN_JOINT, mujoco.mjtTrn.mjTRN_JOINTINPARENT)
_FOOT_BIT = 1
_OF_BODIES = (_EQ.mjEQ_CONNECT, _EQ.mjEQ_WELD)


def adapted(spec: Any, files: ModelFiles) -> Any:
    """Return a mujoco.MjSpec, changed in place as `files` say. Raises UserError for a name that is not there."""
    for name, given in files.bodies.items():
        _rename_body(spec, name, given)
    for name, given in files.joints.items():
        _rename_joint(spec, name, given)
    if files.without:
        muscles = [a.name for a in spec.actuators if a.gaintype == mujoco.mjtGain.mjGAIN_MUSCLE]
        _leave_out(spec, matching("model.without", "muscle", files.without, muscles))
    if files.lock:
        _lock(spec, matching("model.lock", "joint", files.lock, [joint.name for joint in spec.joints]))
    with_spheres(spec, files.spheres)
    if files.contacts == "feet":
        _only_feet_touch(spec)
    if files.contact_time is not None:
        _soften(spec, files.contact_time)
    if files.gyration is not None:
        limit_gyration(spec, files.gyration)
    return spec


def _soften(spec: Any, time: float) -> None:
    """Give contacts a time constant [s]; their damping ratio stays, or is 1 where the file gives stiffness instead."""
    for one in (*spec.geoms, *spec.pairs):
        one.solref[:] = (time, one.solref[1] if one.solref[0] > 0 else 1.0)


def _only_feet_touch(spec: Any) -> None:
    """Let of the bodies that move none but feet collide, and these with what stands still alone."""
    world, of_feet = {geom.name for geom in spec.worldbody.geoms}, set[str]()
    for body in spec.bodies:
        foot = is_foot(body)
        for geom in body.geoms if body.name != "world" else ():
            geom.contype, geom.conaffinity = (_FOOT_BIT if foot and _touches(geom) else 0), 0
            of_feet |= {geom.name} if foot else set()
    for geom in spec.worldbody.geoms:
        geom.contype, geom.conaffinity = 0, _FOOT_BIT if _touches(geom) else 0
    for pair in list(spec.pairs):
        ends = {pair.geomname1, pair.geomname2}
        if not (ends & of_feet and ends & world):
            spec.delete(pair)


def _touches(geom: Any) -> bool:
    return bool(geom.contype or geom.conaffinity)


def matching(key: str, what: str, patterns: Iterable[str], names: list[str]) -> set[str]:
    """Return the names that are of the patterns. Raises UserError, which begins with the key, for a pattern of none."""
    found = set[str]()
    for pattern in patterns:
        matches = {name for name in names if fnmatchcase(name, pattern)}
        if not matches:
            near = nearest(pattern, names)
            raise UserError(f"{key}: expected the name of a {what}, or a pattern of names, got '{pattern}'{near}")
        found |= matches
    return found


def _rename_body(spec: Any, name: str, given: str) -> None:
    names = [body.name for body in spec.bodies]
    if given not in names:
        raise UserError(f"model.bodies.{name}: expected a body of the file, got '{given}'{nearest(given, names)}")
    if name in names and name != given:
        raise UserError(f"model.bodies.{name}: expected a name that no body has, but there is one, beside '{given}'")
    spec.body(given).name = name
    for one in spec.equalities:
        if one.type in _OF_BODIES and one.objtype == _OBJ.mjOBJ_BODY:
            one.name1, one.name2 = (name if old == given else old for old in (one.name1, one.name2))
    for one in spec.excludes:
        one.bodyname1, one.bodyname2 = (name if old == given else old for old in (one.bodyname1, one.bodyname2))
    _rename_sensed(spec, (_OBJ.mjOBJ_BODY, _OBJ.mjOBJ_XBODY), given, name)


def _rename_joint(spec: Any, name: str, given: str) -> None:
    old, turned = given.removeprefix("-"), given.startswith("-")
    names = [joint.name for joint in spec.joints]
    if old not in names:
        raise UserError(f"model.joints.{name}: expected a joint of the file, got '{old}'{nearest(old, names)}")
    if name in names and name != old:
        raise UserError(f"model.joints.{name}: expected a name that no joint has, but there is one, beside '{old}'")
    joint = spec.joint(old)
    if turned:
        _turn(spec, joint, name)
    joint.name = name
    for one in spec.equalities:
        if one.type == _EQ.mjEQ_JOINT:
            one.name1, one.name2 = (name if was == old else was for was in (one.name1, one.name2))
    for one in spec.actuators:
        if one.trntype in _OF_JOINTS and one.target == old:
            one.target = name
    _rename_sensed(spec, (_OBJ.mjOBJ_JOINT,), old, name)


def _rename_sensed(spec: Any, kinds: tuple[Any, ...], old: str, name: str) -> None:
    for one in spec.sensors:
        if one.objtype in kinds and one.objname == old:
            one.objname = name


def _turn(spec: Any, joint: Any, name: str) -> None:
    """Let a hinge or slide count the other way round."""
    refers = [one for one in spec.equalities if one.type == _EQ.mjEQ_JOINT and joint.name in (one.name1, one.name2)]
    acts = [one for one in spec.actuators if one.trntype in _OF_JOINTS and one.target == joint.name]
    if refers or acts or list(spec.keys):
        what = "an equality" if refers else "an actuator" if acts else "a keyframe"
        raise UserError(
            f"model.joints.{name}: expected a joint without the sign, since {what} counts by it, got '-{joint.name}'"
        )
    joint.axis = -np.array(joint.axis)
    joint.range = [-joint.range[1], -joint.range[0]]
    joint.ref, joint.springref = -joint.ref, -np.array(joint.springref)


def _lock(spec: Any, joints: set[str]) -> None:
    """Take joints away, so that their bodies stay as at qpos0; what drives or follows them goes too, as do muscles that
    move nothing else. A joint that follows a locked one stays where that leaves it, which is qpos0."""
    before = _idle(spec)
    ties = [(one.name1, one.name2) for one in spec.equalities if one.type == _EQ.mjEQ_JOINT]
    while followers := {follower for follower, driver in ties if driver in joints} - joints:
        joints |= followers
    for one in list(spec.equalities):
        if one.type == _EQ.mjEQ_JOINT and joints & {one.name1, one.name2}:
            spec.delete(one)
    for one in [*spec.sensors, *spec.actuators]:
        target = one.objname if hasattr(one, "objname") else one.target
        kind = one.objtype == _OBJ.mjOBJ_JOINT if hasattr(one, "objname") else one.trntype in _OF_JOINTS
        if kind and target in joints:
            spec.delete(one)
    for key in list(spec.keys):
        spec.delete(key)
    for joint in list(spec.joints):
        if joint.name in joints:
            spec.delete(joint)
    if idle := _idle(spec) - before:
        _leave_out(spec, idle)


def _idle(spec: Any) -> set[str]:
    """Names of muscles whose paths no joint moves."""
    model = spec.copy().compile()
    return {str(model.actuator(a).name) for a in muscles(model) if not crossed_dofs(model, int(a))}


def _leave_out(spec: Any, muscles: set[str]) -> None:
    tendons: Mapping[str, Any] = {tendon.name: tendon for tendon in spec.tendons}
    for actuator in [a for a in spec.actuators if a.name in muscles]:
        for sensor in [s for s in spec.sensors if s.objname in (actuator.name, actuator.target)]:
            spec.delete(sensor)
        tendon = tendons.get(actuator.target)
        spec.delete(actuator)
        if tendon is not None:
            spec.delete(tendon)
    for key in list(spec.keys):
        spec.delete(key)
