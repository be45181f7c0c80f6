"""Muscles that are polylines, fitted to a compiled model: body ids, and which coordinates each muscle crosses."""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError, nearest
from soleus.models.crossings import ancestor_dofs, sparse_rows
from soleus.models.muscle_table import MuscleTable

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Polylines:
    """nm muscles of nw waypoints in all."""

    names: tuple[str, ...]
    max_force: Floats
    """(nm,) maximum isometric force [N]"""
    optimal: Floats
    """(nm,) optimal fibre length over the length of the whole path at qpos0"""
    slack: Floats
    """(nm,) tendon slack length over the same"""
    adr: Ints
    """(nm+1,) row starts of the waypoints"""
    body: Ints
    """(nw, 2) body ids, the second -1 for a rigid waypoint"""
    local: Floats
    """(nw, 2, 3) place in the frame of each body [m]"""
    weight: Floats
    """(nw, 2)"""
    spread: bool
    """Forces at a blended waypoint act on both bodies by weight: the gradient of the path's length. Otherwise all on
    the first, as in MASS."""
    own_length: Floats
    """(nm,) length of the muscle over that which fits its path at qpos0: 1, but of muscles that are short"""
    curves: Floats | None
    """(3,) width of the active force-length curve, steepness of the passive one, and the strain at which the passive
    force is the maximum isometric one; None: those of MASS"""


def fit_polylines(
    table: MuscleTable, model: mujoco.MjModel, own: Ints, spread: bool, curves: Floats | None = None
) -> Polylines:
    """Find the bodies of a table among a person's own. Raises UserError naming the file and a body that is no such."""
    points = [point for own in table.waypoints for point in own]
    bodies = {model.body(b).name: int(b) for b in own}
    body = np.full((len(points), 2), -1, dtype=np.int32)
    local, weight = np.zeros((len(points), 2, 3)), np.zeros((len(points), 2))
    for i, point in enumerate(points):
        for j, name in enumerate(point.bodies):
            if name not in bodies:
                raise UserError(f"{table.path}: expected bodies of the person, got '{name}'{nearest(name, bodies)}")
            body[i, j], local[i, j], weight[i, j] = bodies[name], point.places[j], point.weights[j]
    adr = np.cumsum([0] + [len(own) for own in table.waypoints]).astype(np.int32)
    own_length = np.ones(len(table.names))
    return Polylines(
        table.names, table.max_force, table.optimal, table.slack, adr, body, local, weight, spread, own_length, curves
    )


def polyline_crossings(polylines: Polylines, model: mujoco.MjModel, dof_actuated: Ints) -> tuple[Ints, Ints]:
    """Sparse rows (adr (nm+1,), index (nnz,)) of the actuated indices that each muscle crosses.

    Those that its forces can feel: dofs that move some of the bodies it pulls on, not all of them.
    """
    chains = {b: frozenset(ancestor_dofs(model, b)) for b in map(int, np.unique(polylines.body)) if b >= 0}
    rows = []
    for start, end in zip(polylines.adr, polylines.adr[1:], strict=False):
        pulled = [chains[int(b)] for b in polylines.body[start:end, 0]]
        crossed = frozenset().union(*pulled) - pulled[0].intersection(*pulled[1:])
        for first, second in polylines.body[start:end] if polylines.spread else ():
            if second >= 0:
                crossed |= chains[int(first)] ^ chains[int(second)]
        rows.append(crossed)
    return sparse_rows(rows, dof_actuated)
