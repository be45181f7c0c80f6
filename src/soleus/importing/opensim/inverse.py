"""Inverse kinematics of markers by OpenSim's own solver: the coordinates at which a model's markers lie best."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soleus.config.sources import Axis
from soleus.errors import UserError
from soleus.importing.opensim.library import first_words
from soleus.importing.opensim.markers import Markers, gaps, of_model
from soleus.importing.opensim.standing import stood_up
from soleus.importing.opensim.tasks import Tasks

Floats = NDArray[np.float64]

_ACCURACY = 1e-7  # hundredths of a degree; the 1e-5 of OpenSim's tool leaves light limbs by degrees
_LARGE, _NONE = 0.04, 0.15  # [m] of the root mean square: by OpenSim's guide, and of markers that are not the model's


@dataclass(frozen=True, eq=False)
class Solved:
    """Coordinates over time."""

    times: Floats
    """(K,) [s]"""
    names: tuple[str, ...]
    values: Floats
    """(K, n) [rad] and [m]"""
    notes: tuple[str, ...]


def solve(opensim: Any, model: Any, path: Path, markers: Markers, tasks: Tasks | None, up: Axis | None) -> Solved:
    """Find the coordinates of an opensim.Model, whose file is path, frame by frame.

    tasks: weights of markers and coordinates; None: all markers weigh the same. Raises UserError where markers are not
    the model's, lie otherwise, or cannot be followed.
    """
    state = model.initSystem()
    names = [str(one.getName()) for one in model.getMarkerSet()]
    mine, notes = of_model(markers, _weighed(names, tasks), path)
    notes += gaps(mine)
    rest = np.array([_place(model.getMarkerSet().get(name).getLocationInGround(state)) for name in mine.names])
    turned, told = stood_up(mine, rest, up)
    # The solver does not keep what it is given: names here do.
    reference = _reference(opensim, turned, tasks.markers if tasks else {})
    held = _coordinates(opensim, model, tasks)
    solver = opensim.InverseKinematicsSolver(model, reference, held, float("inf"))
    solver.setAccuracy(_ACCURACY)
    coordinates = list(model.getCoordinateSet())
    values, apart = np.zeros((len(turned.times), len(coordinates))), np.full(turned.places.shape[:2], np.nan)
    for k, time in enumerate(turned.times):
        state.setTime(float(time))
        try:
            solver.track(state) if k else solver.assemble(state)
        except Exception as error:  # whatever the library throws is about the file
            raise UserError(
                f"{markers.what}: expected markers that the model can follow, but at {time:.4g} s {first_words(error)}"
            ) from None
        place = {str(solver.getMarkerNameForIndex(m)): m for m in range(solver.getNumMarkersInUse())}
        values[k] = [one.getValue(state) for one in coordinates]
        found = opensim.SimTKArrayDouble()
        solver.computeCurrentMarkerErrors(found)
        for m, name in enumerate(turned.names):
            if not np.isnan(turned.places[k, m, 0]):
                apart[k, m] = found.getElt(place[name])
    notes += [told, _residual(turned, apart)]
    return Solved(turned.times, tuple(str(one.getName()) for one in coordinates), values, tuple(notes))


def _weighed(names: list[str], tasks: Tasks | None) -> list[str]:
    """Markers of the model that are followed: as with OpenSim's tool, those with a weight, where weights are given."""
    return names if tasks is None else [name for name in names if tasks.markers.get(name, 0.0) > 0]


def _place(vector: Any) -> list[float]:
    return [float(vector.get(i)) for i in range(3)]


def _reference(opensim: Any, markers: Markers, weights: Mapping[str, float]) -> Any:
    table, labels = opensim.TimeSeriesTableVec3(), opensim.StdVectorString()
    for name in markers.names:
        labels.append(name)
    table.setColumnLabels(labels)
    for time, places in zip(markers.times, markers.places, strict=True):
        row = opensim.RowVectorVec3(len(markers.names))
        for k, place in enumerate(places):
            row[k] = opensim.Vec3(*(float(x) for x in place))
        table.appendRow(float(time), row)
    of_names = opensim.SetMarkerWeights()
    for name in markers.names:
        of_names.cloneAndAppend(opensim.MarkerWeight(name, float(weights.get(name, 1.0))))
    return opensim.MarkersReference(table, of_names)


def _coordinates(opensim: Any, model: Any, tasks: Tasks | None) -> Any:
    array = opensim.SimTKArrayCoordinateReference()
    for name, (weight, value) in (tasks.coordinates if tasks else {}).items():
        wanted = model.getCoordinateSet().get(name).getDefaultValue() if value is None else value
        one = opensim.CoordinateReference(name, opensim.Constant(wanted))
        one.setWeight(weight)
        array.push_back(one)
    return array


def _residual(markers: Markers, apart: Floats) -> str:
    """Return how far the markers of the model stay from those of the file. Raises UserError where they are elsewhere.

    apart (K, n) [m], NaN of markers that were not seen.
    """
    rms = float(np.sqrt(np.nanmean(apart**2)))
    frame, worst = np.unravel_index(int(np.nanargmax(apart)), apart.shape)
    most = f"{1000 * apart[frame, worst]:.0f} mm, of {markers.names[worst]} at {markers.times[frame]:.3g} s"
    if rms > _NONE:
        raise UserError(
            f"{markers.what}: expected markers that lie as the model's do, got them {1000 * rms:.0f} mm (RMS) from"
            f" where inverse kinematics could bring the model's, up to {most}"
        )
    told = (
        f"{markers.path.name}: inverse kinematics brings the model's markers to {1000 * rms:.1f} mm (RMS) from the"
        f" file's {len(markers.names)}, up to {most}"
    )
    if rms > _LARGE:
        told += (
            f"; more than {1000 * _LARGE:.0f} mm is much: expected a model that is scaled to the person, with its"
            " markers where the person's were"
        )
    return told
