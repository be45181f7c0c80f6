"""Which bodies, muscles and joints of a model the name of a condition means."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError, nearest
from soleus.models import Human
from soleus.models.sides import bare_name, side
from soleus.motions.anatomy import angles_of, leg_bodies
from soleus.paths.function import GROUPS, functions

Floats = NDArray[np.float64]

_BOTH = "_both"
_SEGMENTS = {"thigh": "femur", "shank": "tibia", "femur": "thigh", "tibia": "shank"}
_TWO_JOINTS = {  # groups of which a muscle is both
    "hamstrings": ("hip_extensors", "knee_flexors"),
    "gastrocnemius": ("knee_flexors", "ankle_plantarflexors"),
}
_SHORT = {key.partition("_")[2]: key for key in GROUPS if key.startswith("ankle_")} | {"quadriceps": "knee_extensors"}
_LEAST = 0.01  # [m] of an axis between two joints


def split(target: str) -> tuple[str, str]:
    """Return a name without its side, and the side: 'r', 'l' or '' of both."""
    target = target.removesuffix(_BOTH)
    return _plain(target), side(target)


def _plain(name: str) -> str:
    """A name without side, capitals and numbers at its end: glmax of glmax1_r, soleus of L_Soleus."""
    return re.sub(r"\d+$", "", bare_name(name).strip("_ ")).casefold()


def named(target: str, names: Sequence[str]) -> list[int]:
    """Return which names are meant: one alone, all of a pattern, or all of that name on a side or on both."""
    if target in names:
        return [names.index(target)]
    if matches := [k for k, name in enumerate(names) if fnmatchcase(name, target)]:
        return matches
    bare, which = split(target)
    return [k for k, name in enumerate(names) if _plain(name) == bare and which in ("", side(name))]


def muscles_of(human: Human, key: str, target: str) -> list[int]:
    """Muscles by name, pattern or function. Raises UserError, which begins with the key, for a name of none."""
    if not human.muscle_names:
        raise UserError(f"{key}: expected a model with muscles, got '{human.name}' without any")
    if target.removesuffix(_BOTH) == "all":
        return list(range(len(human.muscle_names)))
    if found := named(target, human.muscle_names):
        return found
    bare, which = split(target)
    wanted = _TWO_JOINTS.get(bare, (_SHORT.get(bare, bare),))
    if set(wanted) <= GROUPS.keys():
        groups = functions(human, angles_of(human))
        found = [
            m
            for m, one in enumerate(groups)
            if all(group in one.groups for group in wanted) and which in ("", one.side)
        ]
        if found:
            return found
        raise UserError(f"{key}: expected muscles of that function in '{human.name}', got none")
    known = [*human.muscle_names, *GROUPS, *_TWO_JOINTS, *_SHORT]
    raise UserError(
        f"{key}: expected a muscle of '{human.name}', a pattern of names, or a function such as"
        f" plantarflexors_r, got '{target}'{nearest(target, known)}"
    )


def bodies_of(human: Human, key: str, target: str) -> list[int]:
    """Bodies of the person by name. Raises UserError, which begins with the key, for a name of none."""
    names = [str(human.model.body(body).name) for body in human.own_bodies]
    found = named(target, names)
    bare, which = split(target)
    if not found and bare in _SEGMENTS:
        found = named(_SEGMENTS[bare] + (f"_{which}" if which else ""), names)
    if not found and bare == "foot":
        feet = human.feet if not which else (human.feet["rl".index(which)],)
        return [int(foot[0]) for foot in feet]
    if not found and bare == "leg":  # its thigh and shank
        return [body for one in which or "rl" for body in leg_bodies(human, one)[:2]]
    if not found:
        raise UserError(f"{key}: expected a body of '{human.name}', got '{target}'{nearest(target, names)}")
    return [int(human.own_bodies[k]) for k in found]


def joints_of(human: Human, key: str, target: str) -> list[int]:
    """Joints that are free to move, by name. Raises UserError, which begins with the key, for a name of none."""
    joints = list(dict.fromkeys(int(human.model.dof_jntid[human.coordinate_dof[c]]) for c in human.actuated))
    names = [str(human.model.joint(joint).name) for joint in joints]
    found = named(target, names)
    if not found:
        raise UserError(
            f"{key}: expected a joint of '{human.name}' that follows no other, got '{target}'{nearest(target, names)}"
        )
    return [joints[k] for k in found]


def dofs_of(human: Human, joints: Sequence[int]) -> list[int]:
    """Degrees of freedom of joints."""
    return [dof for joint in joints for dof in np.flatnonzero(human.model.dof_jntid == joint).tolist()]


def whole_segment(human: Human, body: int, axis: Floats) -> list[tuple[int, Floats]]:
    """A body and all that is welded to it, each with an axis of the body (3,) in its own frame."""
    model, found = human.model, [(body, axis)]
    for part, along in found:
        for child in np.flatnonzero(model.body_parentid == part).tolist():
            if child != part and model.body_jntnum[child] == 0:
                turned = np.zeros(3)
                back = np.zeros(4)
                mujoco.mju_negQuat(back, model.body_quat[child])
                mujoco.mju_rotVecQuat(turned, along, back)
                found.append((child, turned))
    return found


def long_axis(human: Human, body: int) -> Floats:
    """(3,) from the joint above a body to the one below that bears most, in its frame, of unit length; of a body that
    bears none, to its centre of mass."""
    model = human.model
    start = model.jnt_pos[model.body_jntadr[body]] if model.body_jntnum[body] else np.zeros(3)
    parts = whole_segment(human, body, np.zeros(3))
    below = [
        child
        for part, _ in parts
        for child in np.flatnonzero(model.body_parentid == part).tolist()
        if model.body_jntnum[child] > 0
    ]
    data = mujoco.MjData(model)
    data.qpos[:] = human.qpos_rest
    mujoco.mj_kinematics(model, data)

    def way_to(place: Floats) -> Floats:
        return np.array(data.xmat[body].reshape(3, 3).T @ (place - data.xpos[body]) - start)

    way = way_to(data.xipos[body])
    if below:
        heaviest = max(below, key=lambda child: float(model.body_subtreemass[child]))
        joint = way_to(data.xanchor[model.body_jntadr[heaviest]])
        way = joint if np.linalg.norm(joint) > _LEAST else way
    return way / max(float(np.linalg.norm(way)), 1e-9)
