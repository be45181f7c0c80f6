"""Which way markers are up and ahead, and in which unit, by how the model's own lie as it stands at rest."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from soleus.config.sources import Axis
from soleus.errors import UserError
from soleus.importing.opensim.markers import Markers
from soleus.motions.axes import AXES, vector
from soleus.motions.units import LENGTHS, fitting, said

Floats = NDArray[np.float64]

_SIZE = 1.5  # times as large or small: a child and a grown-up are within it, inches and centimetres are not
_SURE = 0.8  # cosine of the angle from an axis: of who walks, not of who lies or turns cartwheels
_FACES = 0.2  # of a unit vector


def stood_up(markers: Markers, rest: Floats, up: Axis | None) -> tuple[Markers, str]:
    """Return markers in OpenSim's axes, y up and the person along x at first, and a sentence on what was turned.

    rest (n, 3): places of the same markers on the model at rest [m]. up: the file's axis that points up; None: it is
    the one nearest to where the markers stand as the model's do. Raises UserError where none is near enough, and for
    markers that are not as far apart as the model's in the file's unit, or in any where it says none.
    """
    sizes, turns = _fits(markers, rest)
    markers, unit = _in_metres(markers, float(np.median(sizes)))
    above = turns[:, 1].mean(axis=0)  # the rows of a turn are the model's axes in the file's
    found = max(AXES, key=lambda axis: float(above @ vector(axis)))
    if up is None and above @ vector(found) < _SURE:
        raise UserError(
            f"{markers.what}: expected a person who stands upright along an axis of the file, got one who leans: --up"
            " says which axis points up"
        )
    axis = up or found
    facing = _facing(turns[:, 0], vector(axis))
    ahead = max((one for one in AXES if one[-1] != axis[-1]), key=lambda one: float(facing @ vector(one)))
    turn = np.stack([vector(ahead), vector(axis), np.cross(vector(ahead), vector(axis))])
    told = f"{markers.path.name}: {axis} points up{' as --up says' if up else ''}, and the person faces along {ahead}"
    return replace(markers, places=markers.places @ turn.T), f"{told}; lengths are in {unit}"


def _fits(markers: Markers, rest: Floats) -> tuple[Floats, Floats]:
    """Sizes (K,) of the markers over the model's, and the turns (K, 3, 3) that bring them to it as nearly as can be
    (Kabsch 1976, Acta Cryst. A32:922)."""
    sizes, turns = np.ones(len(markers.times)), np.tile(np.eye(3), (len(markers.times), 1, 1))
    for k, places in enumerate(markers.places):
        seen = ~np.isnan(places).any(axis=1)
        theirs, own = places[seen] - places[seen].mean(axis=0), rest[seen] - rest[seen].mean(axis=0)
        sizes[k] = np.linalg.norm(theirs) / max(float(np.linalg.norm(own)), 1e-9)
        u, _, vt = np.linalg.svd(own.T @ theirs)
        turns[k] = u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
    return sizes, turns


def _in_metres(markers: Markers, size: float) -> tuple[Markers, str]:
    """Return the markers in metres, and their unit. size: how many times as far apart as the model's they are."""
    if not markers.unit:
        unit = fitting(1 / size, _SIZE) if size > 0 else None
        if unit is None:
            raise UserError(
                f"{markers.what}: expected markers as far apart as the model's in some unit, got them {size:.3g} times"
                " as far as in metres, and no unit in the file"
            )
        scaled = replace(markers, places=LENGTHS[unit] * markers.places, unit=unit, scale=LENGTHS[unit])
        return scaled, f"{unit}, which the file does not say and the model's markers fit"
    if 1 / _SIZE < size < _SIZE:
        return markers, markers.unit
    fits = f": what fits is {said(markers.scale / size, _SIZE)}" if size > 0 else ""
    raise UserError(
        f"{markers.what}: expected markers as far apart as the model's, got them {size:.3g} times as far in"
        f" {markers.unit}, as the file says{fits}"
    )


def _facing(ahead: Floats, up: Floats) -> Floats:
    """(3,) where the person faces along the ground on average, or at first where that is nowhere. ahead (K, 3)."""
    level = ahead - np.outer(ahead @ up, up)
    mean: Floats = level.mean(axis=0)
    first: Floats = level[0]
    return mean if np.linalg.norm(mean) >= _FACES else first
