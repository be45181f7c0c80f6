"""What of a foot touches the ground: the spheres of the file, or else five under each foot.

Where the file has none, the sole is as low as the lower of two estimates: an ankle's height of 0.039 over a shank of
0.246 body heights (Winter 2009, Biomechanics and Motor Control of Human Movement, figure 4.1) below the ankle's centre,
and 1 cm of soft tissue below the lowest point of a muscle's path in the foot, as flexors of the toes run along the
sole. A foot is 0.152 body heights long. The heel's sphere is below the hindmost point of a muscle's path, where the
Achilles tendon ends; those of the ball just behind the toes' joint, the outer one farther back; those of the toes at
the front.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.importing.opensim.skeleton import GROUND, NOWHERE, UPRIGHT, Frame, Skeleton, frame_of
from soleus.models.sides import side

Floats = NDArray[np.float64]

_SHANK, _ANKLE, _FOOT = 0.246, 0.039, 0.152  # body heights
_TISSUE = 0.01  # [m]
# Radii over the foot's length, and places ahead of the toes' joint and outward of it, over that too.
_HEEL, _BALL, _TOE = 0.11, 0.11, 0.08
_INNER, _OUTER, _APART, _TOES_APART = -0.02, -0.14, 0.1, 0.07
_TOES_AT = 0.73  # the toes' joint ahead of the heel's end, over the foot's length, where there is no such joint


@dataclass(frozen=True, eq=False)
class Sphere:
    """A sphere of a body that touches the ground."""

    name: str
    body: str
    place: Floats
    """(3,) in the body's frame [m]"""
    radius: float
    """[m]"""


def spheres(opensim: Any, model: Any, skeleton: Skeleton, path: Path) -> tuple[list[Sphere], str]:
    """Return the spheres under the feet, and a sentence on where they are from."""
    own = list(_of_file(opensim, model))
    if own:
        return own, f"the {len(own)} contact spheres of the file touch the ground"
    found = [sphere for which in ("r", "l") for sphere in _under_foot(opensim, model, skeleton, which, path)]
    return found, (
        f"the file has no contact spheres, so {len(found)} were placed under the feet, which model.spheres changes"
    )


def _of_file(opensim: Any, model: Any) -> Iterable[Sphere]:
    for geometry in model.getContactGeometrySet():
        sphere = opensim.ContactSphere.safeDownCast(geometry)
        if sphere is None or str(geometry.getFrame().findBaseFrame().getName()) == GROUND:
            continue
        inside = frame_of(geometry.getFrame()) @ Frame(
            np.array([geometry.get_location().get(i) for i in range(3)]), UPRIGHT
        )
        body = str(geometry.getFrame().findBaseFrame().getName())
        yield Sphere(str(geometry.getName()), body, inside.place, float(sphere.getRadius()))


def _under_foot(opensim: Any, model: Any, skeleton: Skeleton, which: str, path: Path) -> list[Sphere]:
    foot = _body(skeleton, which, ("calcn", "foot"))
    if foot is None:
        raise UserError(
            f"{path}: expected a body named like 'calcn_{which}' or 'foot_{which}' to put contact spheres under, or"
            " contact spheres in the file, got neither"
        )
    rest = skeleton.frames({})
    toes = _body(skeleton, which, ("toe",))
    heel = rest[foot]

    def level(body: str, point: Floats) -> Floats:
        """A point of a body: ahead of the foot's frame, above and to the right of it, with the foot as at rest."""
        there = rest[body].place + rest[body].turn.apply(point) - heel.place
        return np.asarray(UPRIGHT.inv().apply(there))

    ankle, shank = _ankle(skeleton, foot)
    points = [level(body, point) for body, point in _muscle_points(opensim, model, {foot, *([toes] if toes else [])})]
    height = shank / _SHANK
    length = _FOOT * height
    sole = float(level(*ankle)[1] - _ANKLE * height)
    if points:
        sole = min(sole, min(float(p[1]) for p in points) - _TISSUE)
    back = min((float(p[0]) for p in points), default=float(level(*ankle)[0]) - 0.2 * length)
    end = back - _HEEL * length
    joint = level(toes, np.zeros(3)) if toes else np.array([end + _TOES_AT * length, 0.0, level(*ankle)[2]])
    outward = 1.0 if which == "r" else -1.0
    tip = max(end + length, float(joint[0]) + 1.5 * _TOE * length)

    def sphere(name: str, body: str, ahead: float, aside: float, radius: float) -> Sphere:
        there = np.array([ahead, sole + radius * length, aside])
        world = UPRIGHT.apply(there) + heel.place
        inside = rest[body].inverse()
        return Sphere(f"{name}_{which}", body, inside.place + inside.turn.apply(world), radius * length)

    middle, front = float(joint[2]), toes or foot
    return [
        sphere("heel", foot, back, 0.0, _HEEL),
        sphere("ball_inner", foot, joint[0] + _INNER * length, middle - outward * _APART * length, _BALL),
        sphere("ball_outer", foot, joint[0] + _OUTER * length, middle + outward * _APART * length, _BALL),
        sphere("toe_inner", front, tip - _TOE * length, middle - outward * _TOES_APART * length, _TOE),
        sphere("toe_outer", front, tip - 1.5 * _TOE * length, middle + outward * _TOES_APART * length, _TOE),
    ]


def _body(skeleton: Skeleton, which: str, names: tuple[str, ...]) -> str | None:
    for name in names:
        for body in skeleton.bodies:
            if name in body.name.lower() and side(body.name) == which:
                return body.name
    return None


def _ankle(skeleton: Skeleton, foot: str) -> tuple[tuple[str, Floats], float]:
    """The ankle's centre, in a body, and the length of the shank above it [m]: to the first joint far from it."""
    bodies, rest = {body.name: body for body in skeleton.bodies}, skeleton.frames({})

    def center(name: str) -> Floats:
        return (rest[name] @ Frame(bodies[name].anchor, NOWHERE.turn)).place

    name = foot
    while bodies[name].parent in bodies:
        above = bodies[name].parent
        length = float(np.linalg.norm(center(above) - center(name)))
        if length > 0.15:  # [m] no bones of the foot are as long
            return (name, bodies[name].anchor), length
        name = above
    return (foot, np.zeros(3)), 0.43


def _muscle_points(opensim: Any, model: Any, bodies: set[str]) -> Iterable[tuple[str, Floats]]:
    """Points of muscles' paths that bodies have."""
    for muscle in model.getMuscles():
        path = opensim.GeometryPath.safeDownCast(muscle.getPath())
        if path is None:
            continue
        for point in path.getPathPointSet():
            fixed = opensim.PathPoint.safeDownCast(point)
            body = str(point.getParentFrame().findBaseFrame().getName())
            if fixed is None or body not in bodies:
                continue
            there = frame_of(point.getParentFrame())
            place = np.array([fixed.get_location().get(i) for i in range(3)])
            yield body, there.place + there.turn.apply(place)
