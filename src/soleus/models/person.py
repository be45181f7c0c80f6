"""Which part of a model is the person: the floating body that has feet, and all that hangs below it.

What else is in the scene (a ball, a belt, a door, a cloth, an exoskeleton on a weld, somebody else) is MuJoCo's.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError, nearest
from soleus.models.facing import find_yaw
from soleus.models.root import Root, floating, root_of, standing_axes
from soleus.models.segments import find_feet, missing_foot

_UP = 0.9  # of a unit axis, along z


@dataclass(frozen=True, eq=False)
class Person:
    """The person's part of a model."""

    root: Root
    bodies: NDArray[np.int32]
    """Ids, sorted"""
    owns: NDArray[np.bool_]
    """(nbody,) whether a body is the person's"""
    dofs: NDArray[np.bool_]
    """(nv,) likewise"""
    mass: float
    """[kg]"""

    def owns_dof(self, dof: int) -> bool:
        """Whether a dof is the person's."""
        return bool(self.dofs[dof])


def find_person(model: mujoco.MjModel, yaw: float | None, name: str | None = None) -> Person:
    """Return the person whose pelvis is called `name`, or else the only one that floats and has feet.

    yaw [rad]: where the person faces at qpos0; None: as toes and knees have it. Raises UserError where nothing floats,
    there is no such body, more than one body could be the pelvis, or one that cannot turn is to face elsewhere than +x.
    """
    found = floating(model)
    if not found:
        raise UserError(
            "the model has no floating body: expected a free joint, or slide joints between the world and a pelvis"
        )
    body = _named(model, found, name) if name is not None else _only(model, found)
    _check_upward(model, body)
    owns = _below(model, body)
    bodies = np.flatnonzero(owns).astype(np.int32)
    return Person(
        root=root_of(model, body, _yaw(model, body, bodies, yaw)),
        bodies=bodies,
        owns=owns,
        dofs=owns[model.dof_bodyid],
        mass=float(np.where(owns, model.body_mass, 0.0).sum()),
    )


def _yaw(model: mujoco.MjModel, body: int, bodies: NDArray[np.int32], given: float | None) -> float:
    if model.jnt_type[model.body_jntadr[body]] != mujoco.mjtJoint.mjJNT_FREE:
        if given:
            raise UserError(
                f"model.yaw: expected none for the root '{model.body(body).name}', which has no free joint to turn by:"
                f" it faces +x; got {np.rad2deg(given):g}"
            )
        return 0.0
    return find_yaw(model, find_feet(model, bodies)) if given is None else given


def _below(model: mujoco.MjModel, body: int) -> NDArray[np.bool_]:
    """(nbody,) whether a body is this one or hangs below it."""
    owns = np.zeros(model.nbody, dtype=np.bool_)
    owns[body] = True
    for b in range(body + 1, model.nbody):  # parents come first
        owns[b] = owns[model.body_parentid[b]]
    return owns


def _named(model: mujoco.MjModel, found: list[int], name: str) -> int:
    names = {str(model.body(b).name): b for b in range(1, model.nbody)}
    if name not in names:
        raise UserError(f"model.root: expected a body of the model, got '{name}'{nearest(name, names)}")
    if names[name] not in found:
        floats = _list(model, found)
        raise UserError(f"model.root: expected a body that floats, which are {floats}; got '{name}'")
    return names[name]


def _only(model: mujoco.MjModel, found: list[int]) -> int:
    if len(found) == 1:
        return found[0]
    walkers = [b for b in found if missing_foot(model, np.flatnonzero(_below(model, b))) is None]
    if len(walkers) == 1:
        return walkers[0]
    if not walkers:
        raise UserError(
            f"the model has {len(found)} bodies that float, {_list(model, found)}, and none has two feet: expected"
            " one with colliding bodies named like 'foot_r' and 'foot_l'"
        )
    first = str(model.body(walkers[0]).name)
    raise UserError(
        f"the model has {len(walkers)} bodies that could be the person's pelvis, {_list(model, walkers)}: choose one,"
        f" such as model: {{mjcf: FILE, root: {first}}}"
    )


def _check_upward(model: mujoco.MjModel, body: int) -> None:
    """Raise UserError for a root of slides, none of which leads up: where its joints are spread over several bodies."""
    joints = range(model.body_jntadr[body], model.body_jntadr[body] + model.body_jntnum[body])
    kinds = [mujoco.mjtJoint(model.jnt_type[j]) for j in joints]
    if mujoco.mjtJoint.mjJNT_FREE in kinds:
        return
    axes = standing_axes(model)
    slides = [j for j, kind in zip(joints, kinds, strict=True) if kind == mujoco.mjtJoint.mjJNT_SLIDE]
    if not any(axes[j, 2] > _UP for j in slides):
        raise UserError(
            f"body '{model.body(body).name}' slides, but not upwards: expected a free joint, or all joints between the"
            " world and the pelvis in one body, a slide along z among them"
        )


def _list(model: mujoco.MjModel, bodies: list[int]) -> str:
    names = [f"'{model.body(b).name}'" for b in bodies]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
