"""Contact spheres that the key model.spheres changes in an MJCF file, adds to it, or takes away."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import mujoco

from soleus.config.sources import ContactSphere
from soleus.errors import UserError, nearest
from soleus.models.segments import is_foot

_SPHERE = mujoco.mjtGeom.mjGEOM_SPHERE
_OF_CONTACT = (
    "contype", "conaffinity", "condim", "priority", "friction", "solmix", "solref", "solimp", "margin", "gap", "rgba",
    "group",
)  # fmt: skip


def with_spheres(spec: Any, spheres: Mapping[str, ContactSphere | None]) -> None:
    """Change a mujoco.MjSpec in place. Raises UserError for a body that is not there, or what is no sphere."""
    for name, sphere in spheres.items():
        key = f"model.spheres.{name}"
        found = _found(spec, key, name)
        if not found:
            if sphere is None or _is_pattern(name):
                near = _near(spec, name)
                raise UserError(f"{key}: expected the name of a sphere of the file, or a pattern of names{near}")
            _add(spec, key, name, sphere)
        if sphere is not None and sphere.pos is not None and len(found) > 1:
            raise UserError(f"{key}.pos: expected the name of one sphere, got a pattern of {len(found)}")
        for geom in found:
            if sphere is None:
                _take_away(spec, geom)
            else:
                _change(key, geom, sphere)


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")


def _found(spec: Any, key: str, name: str) -> list[Any]:
    """Return the spheres of a name or a pattern. Raises UserError for the name of another geom."""
    if _is_pattern(name):
        return [geom for geom in spec.geoms if geom.type == _SPHERE and geom.name and fnmatchcase(geom.name, name)]
    geom = spec.geom(name)
    if geom is not None and geom.type != _SPHERE:
        raise UserError(f"{key}: expected the name of a sphere, got that of a geom of another shape")
    return [] if geom is None else [geom]


def _add(spec: Any, key: str, name: str, sphere: ContactSphere) -> None:
    near = _near(spec, name)
    for part in ("body", "pos", "radius"):
        if getattr(sphere, part) is None:
            raise UserError(f"{key}.{part}: expected one, since the file has no sphere of this name, got none{near}")
    body = spec.body(sphere.body)
    if body is None:
        names = [one.name for one in spec.bodies]
        raise UserError(
            f"{key}.body: expected a body of the model, got '{sphere.body}'{nearest(str(sphere.body), names)}"
        )
    like = _like(spec, body)
    added = body.add_geom(name=name, type=_SPHERE, pos=sphere.pos, size=[sphere.radius, 0, 0], mass=0)
    for part in _OF_CONTACT if like is not None else ():
        setattr(added, part, getattr(like, part))
    if like is None:
        added.contype = added.conaffinity = 1


def _like(spec: Any, body: Any) -> Any:
    """Return a geom that touches the ground already: one of the body, or else of any foot; None: there is none."""
    feet = [one for one in spec.bodies if is_foot(one)]
    return next((geom for one in (body, *feet) for geom in one.geoms if geom.contype or geom.conaffinity), None)


def _change(key: str, geom: Any, sphere: ContactSphere) -> None:
    if sphere.body not in (None, geom.parent.name):
        raise UserError(
            f"{key}.body: expected none or '{geom.parent.name}' for a sphere that is there, got '{sphere.body}'"
        )
    if sphere.pos is not None:
        if geom.frame is not None:
            raise UserError(f"{key}.pos: expected a sphere outside <frame>, by whose axes its place counts")
        geom.pos = sphere.pos
    if sphere.radius is not None:
        geom.size = [sphere.radius, 0, 0]


def _take_away(spec: Any, geom: Any) -> None:
    for pair in [one for one in spec.pairs if geom.name in (one.geomname1, one.geomname2)]:
        spec.delete(pair)
    spec.delete(geom)


def _near(spec: Any, name: str) -> str:
    return nearest(name, [geom.name for geom in spec.geoms if geom.type == _SPHERE and geom.name])
