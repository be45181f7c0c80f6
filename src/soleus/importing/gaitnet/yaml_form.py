"""The form of skeletons and muscles in YAML, whose places are in the frames of bodies."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import yaml
from numpy.typing import NDArray

from soleus.config.strict_yaml import parse_yaml
from soleus.errors import UserError, nearest
from soleus.models.mass.muscles import check_waypoints, local_place
from soleus.models.mass.skeleton import NO_PARENT, Skeleton, skeleton_of
from soleus.models.mass.xml import Element
from soleus.models.muscle_table import MuscleTable, Waypoint

Floats = NDArray[np.float64]

YAML_ENDINGS = (".yaml", ".yml")
_NODE = {"name": "name", "parent": "parent", "ee": "endeffector"}
_BODY = {"type": "type", "mass": "mass", "size": "size", "contact": "contact", "obj": "obj", "color": "color",
         "radius": "radius", "height": "height"}  # fmt: skip
_JOINT = {key: key for key in ("type", "bvh", "axis", "lower", "upper", "kp", "kv", "damping", "stiffness", "friction",
                               "weight")}  # fmt: skip
"""Keys, and the attribute of the XML form that each is."""
_SWITCHES = {"ee": ("True", "False"), "contact": ("On", "Off")}
_OF_MUSCLE = ("name", "f0", "lm", "lt", "lm_contract", "lt_rel", "pen_angle", "lmax", "lm_contractax", "waypoints")
"""lm_contract and lt_rel are other names of lm and lt; the next three enter no force."""
_OFF_ONE = 0.01  # that the weights of a waypoint may be, as they are rounded


@dataclass(frozen=True, eq=False)
class _Item:
    """A mapping of a list of a file."""

    path: Path
    line: int
    values: Mapping[str, Any]

    def fail(self, reason: str) -> NoReturn:
        name = self.values.get("name")
        label = f" '{name}'" if name else ""
        raise UserError(f"{self.path} line {self.line}{label}: {reason}")

    def only(self, keys: tuple[str, ...]) -> None:
        for key in self.values:
            if key not in keys:
                expected = f"; expected one of {', '.join(keys)}"
                self.fail(f"unknown key '{key}'{nearest(str(key), keys) or expected}")

    def part(self, key: str) -> "_Item":
        """Return a mapping in this one."""
        value = self.values.get(key)
        if not isinstance(value, Mapping):
            self.fail(f"expected a mapping '{key}', got {value!r:.40}")
        return _Item(self.path, self.line, {"name": self.values.get("name"), **value})

    def numbers(self, key: str, shape: tuple[int, ...]) -> Floats:
        """Return finite numbers of a shape."""
        try:
            array = np.array(self.values.get(key), dtype=np.float64)
        except (TypeError, ValueError):
            array = np.full(1, np.nan)
        if array.shape != shape or not np.isfinite(array).all():
            what = " x ".join(map(str, shape)) if shape else "one"
            self.fail(f"{key}: expected numbers ({what}), got {self.values.get(key)!r:.40}")
        return array

    def element(self, tag: str, names: Mapping[str, str]) -> Element:
        """Return the element of the XML form that this is."""
        found = Element(self.path, tag, {}, self.line)
        for key, attribute in names.items():
            if (value := self.values.get(key)) is not None:
                found.attributes[attribute] = self._text(key, value)
        return found

    def _text(self, key: str, value: Any) -> str:
        if key in _SWITCHES:
            on, off = _SWITCHES[key]
            return on if value is True or value == on else off if value is False or value == off else str(value)
        return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def yaml_skeleton(path: Path) -> Skeleton:
    """Read a skeleton. Raises UserError naming the file, the line and what was expected there."""
    name, items = _read(path, "skeleton", "nodes")
    root = Element(path, "Skeleton", {"name": name or path.stem}, 1)
    frames: dict[str, tuple[Floats, Floats]] = {NO_PARENT: (np.eye(3), np.zeros(3))}
    for item in items:
        root.children.append(_node(item, frames))
    return skeleton_of(root)


def _node(item: _Item, frames: dict[str, tuple[Floats, Floats]]) -> Element:
    """The element of a node; frames: rotation and place of each body above it in the world, to which its own comes."""
    item.only((*_NODE, "body", "joint"))
    element, parent = item.element("Node", _NODE), str(item.values.get("parent"))
    if parent not in frames:
        item.fail(
            f"expected a parent among the nodes above it, or {NO_PARENT}, got '{parent}'{nearest(parent, frames)}"
        )
    turn, place = frames[parent]
    for key, tag, names in (("body", "Body", _BODY), ("joint", "Joint", _JOINT)):
        part = item.part(key)
        part.only((*names, "R", "t", "name"))
        child = part.element(tag, names)
        own_turn, own_place = turn @ part.numbers("R", (3, 3)), place + turn @ part.numbers("t", (3,))
        attributes = {"linear": _words(own_turn), "translation": _words(own_place)}
        child.children.append(Element(item.path, "Transformation", attributes, item.line))
        element.children.append(child)
        if key == "body":
            u, _, v = np.linalg.svd(own_turn)  # rounding does not add up along a limb
            frames[str(item.values.get("name"))] = (u @ v, own_place)
    return element


def _words(values: Floats) -> str:
    return " ".join(repr(float(v)) for v in values.ravel())


def yaml_muscles(path: Path, skeleton: Skeleton) -> MuscleTable:
    """Read muscles, whose waypoints are in the sizes of their bodies' boxes. Raises UserError as yaml_skeleton."""
    _, items = _read(path, "muscles", None)
    names = [str(item.values.get("name") or item.fail("expected a name, got none")) for item in items]
    for item, name in zip(items, names, strict=True):
        item.only(_OF_MUSCLE)
        if names.count(name) > 1:
            item.fail("expected names that differ, got this one twice")
    if not items:
        raise UserError(f"{path}: expected at least one muscle, got none")
    values = np.array([[_number(item, "f0"), _either(item, "lm", "lm_contract"), _either(item, "lt", "lt_rel")]
                       for item in items])  # fmt: skip
    for item, (force, optimal, _) in zip(items, values, strict=True):
        if force <= 0 or optimal <= 0:
            item.fail(f"expected positive f0 and lm, got {force:g} and {optimal:g}")
    waypoints = tuple(_waypoints(item, skeleton) for item in items)
    return MuscleTable(path, tuple(names), values[:, 0], values[:, 1], values[:, 2], waypoints)


def _number(item: _Item, key: str) -> float:
    return float(item.numbers(key, ()))


def _either(item: _Item, key: str, other: str) -> float:
    if key in item.values and other in item.values:
        item.fail(f"expected {key} or {other}, which mean the same, got both")
    return _number(item, other if other in item.values else key)


def _waypoints(item: _Item, skeleton: Skeleton) -> tuple[Waypoint, ...]:
    given = item.values.get("waypoints")
    if not isinstance(given, list) or not all(isinstance(one, list) and one for one in given):
        item.fail("waypoints: expected a list of lists of bodies with places")
    if len(given) < 2:
        item.fail(f"expected at least two waypoints, got {len(given) or 'none'}")
    made, places = list[Waypoint](), list[Floats]()
    for point in given:
        shares = [_share(item, one, skeleton) for one in point]
        weights = np.array([weight for _, _, weight in shares])
        if len(shares) > 2 or (weights < 0).any() or abs(weights.sum() - 1) > _OFF_ONE:
            item.fail(f"expected one body or two at a waypoint, of weights that add up to 1, got {weights.tolist()}")
        weights /= weights.sum()
        bodies = [skeleton.nodes[body] for body, _, _ in shares]
        own = tuple(local_place(place, node) for (_, place, _), node in zip(shares, bodies, strict=True))
        made.append(Waypoint(tuple(node.name for node in bodies), own, tuple(map(float, weights))))
        places.append(sum((w * place for w, (_, place, _) in zip(weights, shares, strict=True)), np.zeros(3)))
    said = check_waypoints(places)
    if said:
        item.fail(said)
    return tuple(made)


def _share(item: _Item, given: Any, skeleton: Skeleton) -> tuple[str, Floats, float]:
    """Body of a waypoint, its place in the world at the T-pose [m], and its weight."""
    if not isinstance(given, Mapping):
        item.fail(f"waypoints: expected a body with its place, got {given!r:.40}")
    share = _Item(item.path, item.line, {"name": item.values.get("name"), **given})
    share.only(("body", "p", "w", "name"))
    body = str(given.get("body"))
    if body not in skeleton.nodes:
        item.fail(f"expected a body of {skeleton.path.name}, got '{body}'{nearest(body, skeleton.nodes)}")
    node = skeleton.nodes[body]
    if node.shape != "Box":
        item.fail(f"expected waypoints on boxes, in whose sizes their places are, got '{body}', a {node.shape}")
    weight = _number(share, "w") if "w" in given else 1.0
    return body, node.place + node.rotation @ (share.numbers("p", (3,)) * node.size), weight


def _read(path: Path, section: str, within: str | None) -> tuple[str, list[_Item]]:
    """Return the name of a section, and the mappings of its list, or of the list `within` it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: expected a readable YAML file, but {error}") from None
    raw = parse_yaml(text, str(path))
    found = raw.get(section) if isinstance(raw, Mapping) else None
    name = str(found.get("name", "")) if isinstance(found, Mapping) else ""
    items = found.get(within) if within and isinstance(found, Mapping) else found
    where = f"{section}.{within}" if within else section
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise UserError(f"{path}: expected a list of mappings '{where}', got {type(items).__name__}")
    lines = [mark.line + 1 for mark in _marks(text, where.split("."))]
    return name, [_Item(path, line, item) for line, item in zip(lines, items, strict=True)]


def _marks(text: str, keys: list[str]) -> list[yaml.Mark]:
    """Where the items of a list begin, which is at some keys in a text."""
    node: Any = yaml.compose(text, yaml.SafeLoader)
    for key in keys:
        node = next(value for name, value in node.value if name.value == key)
    return [item.start_mark for item in node.value]
