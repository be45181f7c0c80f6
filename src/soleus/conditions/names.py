"""What the name of a condition stands for: `speed`, `strength.soleus_r`, `length.femur_both`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soleus.conditions.elements import bodies_of, dofs_of, joints_of, long_axis, muscles_of, whole_segment
from soleus.errors import UserError, nearest
from soleus.models import Human
from soleus.models.sides import other_side, side
from soleus.models.solid import solid
from soleus.motions.limbs import trunk_of

Floats = NDArray[np.float64]

ALONE = {
    "speed": "[m/s] Mean speed of the reference motion; without one, the speed that forward_speed rewards.",
    "stride": "Length of the motion's strides, over what it is.",
    "cadence": "The motion's steps a minute, over what they are.",
    "size": "All lengths of the body, over what they are.",
    "mass": "Masses of all bodies, over what they are.",
    "friction": "Coefficient of sliding friction between the feet and the ground.",
    "slope": "[rad] Slope of the ground, which rises ahead of a person who faces along x.",
    "load": "[kg] Mass that is carried on the trunk, at its centre of mass.",
    "heading": "[rad] Direction, to the left of x, that the terms heading and forward_speed reward.",
    "assistance": "Torque of the exoskeleton, over what it is.",
}
"""Conditions by name."""
OF_PARTS = {
    "length": "Length of a body from joint to joint, and of what is fixed to it, over what it is.",
    "torsion": "[rad] By how much a bone is twisted inward between its joints, beyond what it is.",
    "mass": "Mass of a body, over what it is.",
    "strength": "Greatest force of muscles, over what it is.",
    "contracture": "Length of muscles that their force depends on, over what it is; below 1 they are short.",
    "stiffness": "Springs of a joint, over what they are.",
    "damping": "Damping of a joint, over what it is.",
    "range": "Range of a joint, about its middle, over what it is.",
}
"""Conditions of a part of the body, which follows after a point."""
GAIT = ("speed", "stride", "cadence")


@dataclass(frozen=True, eq=False)
class Meaning:
    """What a condition changes in a model."""

    effect: str
    """Of the core's effects"""
    elements: Sequence[int] = ()
    """Bodies, muscles, dofs or joints"""
    axes: Sequence[Floats] = ()
    """(3,) of each body, in its frame, for lengths and torsions"""


def check_known(name: str, key: str, own: Sequence[str] = ()) -> None:
    """Raise UserError, which begins with the key, for a name of no condition. own: names that may be meant too."""
    effect, _, target = name.partition(".")
    if effect in (OF_PARTS if target else ALONE):
        return
    known = [*own, *ALONE, *(f"{one}." for one in OF_PARTS)]
    raise UserError(
        f"{key}: expected one of {', '.join(ALONE)}, or {', '.join(f'{one}.NAME' for one in OF_PARTS)},"
        f" got '{name}'{nearest(name, known)}"
    )


def meaning_of(name: str, human: Human) -> Meaning:
    """Return what a condition changes. Raises UserError for a name that is none, or that the model lacks."""
    effect, _, target = name.partition(".")
    key = f"conditions.{name}"
    check_known(name, key)
    if not target:
        return _whole(effect, human)
    if effect in ("strength", "contracture"):
        return Meaning(effect, muscles_of(human, key, target))
    if effect in ("stiffness", "damping", "range"):
        joints = joints_of(human, key, target)
        return Meaning(effect, joints if effect == "range" else dofs_of(human, joints))
    bodies = bodies_of(human, key, target)
    if effect == "mass":
        return Meaning(effect, bodies)
    _check_lengths(name, human)
    parts = [
        part
        for body in bodies
        for part in whole_segment(human, body, _sign(effect, human, body) * long_axis(human, body))
    ]
    if effect == "torsion":  # of the bone that the joints are on: what is welded to it is twisted with it
        parts = [(body, _sign(effect, human, body) * long_axis(human, body)) for body in bodies]
    return Meaning(effect, [body for body, _ in parts], [axis for _, axis in parts])


def _whole(effect: str, human: Human) -> Meaning:
    if effect == "size":
        _check_lengths(effect, human)
    if effect == "load":
        trunk = trunk_of(human)
        return Meaning(effect, [solid(human, human.root_body if trunk is None else trunk)])
    of_bodies = effect in ("size", "mass")
    return Meaning(effect, [int(body) for body in human.own_bodies] if of_bodies else ())


def _check_lengths(name: str, human: Human) -> None:
    """Raise UserError where lengths cannot vary."""
    if human.hill:
        raise UserError(
            f"conditions.{name}: expected a condition that leaves lengths as they are, for '{human.name}', whose"
            " muscles' paths are polynomials of one anatomy"
        )
    model = human.model
    for geom in range(model.ngeom):
        touches = model.geom_contype[geom] or model.geom_conaffinity[geom]
        own = np.isin(model.geom_bodyid[geom], human.own_bodies)
        if own and touches and model.geom_dataid[geom] >= 0:
            raise UserError(
                f"conditions.{name}: expected a model whose bodies touch the ground with spheres, capsules, boxes,"
                f" ellipsoids or cylinders, got a mesh on '{model.body(model.geom_bodyid[geom]).name}'"
            )


def _sign(effect: str, human: Human, body: int) -> float:
    """Torsion turns what is below inward on both sides: about the axis down the left bone, and up the right one."""
    return -1.0 if effect == "torsion" and side(str(human.model.body(body).name)) == "r" else 1.0


def mirror_of(name: str, names: Sequence[str]) -> int | None:
    """Return which condition the mirrored body has in place of one; None where it is not among them."""
    effect, point, target = name.partition(".")
    swapped = f"{effect}{point}{other_side(target)}"
    return names.index(swapped) if swapped in names else None
