"""The muscle file: musculotendon units as polylines, their waypoints placed in the world at the T-pose."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soleus.errors import nearest
from soleus.models.mass.skeleton import Node, Skeleton
from soleus.models.mass.xml import Element, read_xml
from soleus.models.muscle_table import MuscleTable, Waypoint

_OF_UNIT = ("name", "f0", "lm", "lt", "pen_angle", "lmax", "lm_contract", "lt_rel", "lm_contractax")
"""The last three are other names of lm, lt and lmax; pen_angle and lmax enter no force, as in the original program."""
_APART = 1e-4  # [m] at least of the waypoints of a muscle
_BLEND_RADIUS = 0.08  # [m] from a joint's centre, within which a waypoint follows the bodies on both sides


def read_muscles(path: Path, skeleton: Skeleton) -> MuscleTable:
    """Read a muscle file for a skeleton. Raises UserError naming the file, the line, the element and the reason."""
    root = read_xml(path, "Muscle")
    units: dict[str, Element] = {}
    for unit in root.all("Unit"):
        name = unit.text("name")
        if name in units:
            unit.fail("expected names that differ, got this one twice")
        units[name] = unit
    root.only((), ("Unit",))
    for unit in units.values():
        unit.only(_OF_UNIT, ("Waypoint",))
        for waypoint in unit.all("Waypoint"):
            waypoint.only(("body", "p"))
    if not units:
        root.fail("expected at least one <Unit>, got none")
    return MuscleTable(
        path=path,
        names=tuple(units),
        max_force=np.array([unit.positive("f0") for unit in units.values()]),
        optimal=np.array([unit.positive(unit.key_of("lm", "lm_contract")) for unit in units.values()]),
        slack=np.array([unit.number(unit.key_of("lt", "lt_rel")) for unit in units.values()]),
        waypoints=tuple(_waypoints(unit, skeleton) for unit in units.values()),
    )


def _waypoints(unit: Element, skeleton: Skeleton) -> tuple[Waypoint, ...]:
    elements = list(unit.all("Waypoint"))
    if len(elements) < 2:
        unit.fail(f"expected at least two waypoints, got {len(elements) or 'none'}")
    made = []
    for i, element in enumerate(elements):
        body = element.text("body")
        if body not in skeleton.nodes:
            element.fail(
                f"expected a body of {skeleton.path.name}, got '{body}'{nearest(body, skeleton.nodes)}; a waypoint of"
                f" '{unit.text('name')}'"
            )
        place = element.numbers("p", 3)
        apart = float(np.linalg.norm(place - skeleton.nodes[body].joint_place))
        if apart > _extent(skeleton):
            element.fail(
                f"expected a place on '{body}' in the skeleton's unit, metres, got one {apart:.3g} m from its joint:"
                " are the muscles in another unit?"
            )
        made.append(_blended(place, body, skeleton) if 0 < i < len(elements) - 1 else _rigid(place, body, skeleton))
    said = check_waypoints([place for _, _, place in made])
    if said:
        unit.fail(said)
    return tuple(waypoint for waypoint, _, _ in made)


def check_waypoints(places: Sequence[NDArray[np.float64]]) -> str:
    """Return what is wrong with the places (3,) of a muscle's waypoints at the T-pose, "" where nothing is."""
    if max(np.linalg.norm(places[0] - other) for other in places[1:]) < _APART:
        return "expected waypoints apart from one another, got all at one place"
    return ""


def _extent(skeleton: Skeleton) -> float:
    """The largest distance between joints [m], and a metre at least: no muscle runs farther from its body."""
    places = np.array([node.joint_place for node in skeleton.nodes.values()])
    return max(1.0, float(np.linalg.norm(np.ptp(places, axis=0))))


_Made = tuple[Waypoint, str, NDArray[np.float64]]


def _rigid(place: NDArray[np.float64], body: str, skeleton: Skeleton) -> _Made:
    return Waypoint((body,), (local_place(place, skeleton.nodes[body]),), (1.0,)), body, place


def _blended(place: NDArray[np.float64], body: str, skeleton: Skeleton) -> _Made:
    """Near a joint's centre, between its two bodies, by weights of 1 / sqrt(distance to each one's own joint)."""

    def distance(node: Node) -> float:
        return float(np.linalg.norm(place - node.joint_place))

    near = min(skeleton.nodes.values(), key=distance)
    if distance(near) >= _BLEND_RADIUS:
        return _rigid(place, body, skeleton)
    if near.parent is None or distance(near) == 0:
        return _rigid(place, near.name, skeleton)
    parent = skeleton.nodes[near.parent]
    shares = np.array([1 / np.sqrt(distance(near)), 1 / np.sqrt(distance(parent))])
    shares /= shares.sum()
    bodies = (near.name, parent.name)
    places = (local_place(place, near), local_place(place, parent))
    return Waypoint(bodies, places, (float(shares[0]), float(shares[1]))), near.name, place


def local_place(place: NDArray[np.float64], node: Node) -> tuple[float, float, float]:
    """Return a place of the T-pose in the frame of a body, which is that of its joint."""
    x, y, z = (float(v) for v in node.joint_rotation.T @ (place - node.joint_place))
    return x, y, z
