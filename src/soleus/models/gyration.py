"""Inertias that the mass of a body can have: its radius of gyration is no longer than a person's parts are.

Segments without mass between the joints of a shoulder or a spine are given some mass and inertia, since no simulation
moves a body without. In the arm of myo-sim, and in what was made of it, four such bodies of a gram have 1 kg m^2 each,
as a point mass would have 32 m away. The plane that an arm is raised in (elv_angle) would turn with 1.1 kg m^2, where a
hanging arm has 0.03 to 0.1, and both arms would give the upper body 8 kg m^2 beside 0.5 to 1.5.
"""

import sys
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

MOST = 1.0  # [m] that a part of a person can be from the middle of its body

_said: set[str] = set()


def limit_gyration(spec: Any, most: float) -> None:
    """Scale down, in place, the inertia that bodies of a mujoco.MjSpec are given where it is more than mass most^2.

    most [m]: radius of gyration about the axis of most inertia. What MuJoCo computes from geoms is left alone.
    """
    for body in spec.bodies:
        if not body.explicitinertial or body.mass <= 0:
            continue
        full = np.array(body.fullinertia)
        largest = float(_principal(full).max() if np.isfinite(full).all() else max(body.inertia))
        factor = body.mass * most**2 / largest if largest > 0 else 1.0
        if factor < 1.0:
            body.inertia, body.fullinertia = np.array(body.inertia) * factor, full * factor


def warn_of_gyration(name: str, model: mujoco.MjModel) -> None:
    """Print a line, once, of bodies of a model whose mass cannot have the inertia that they are given."""
    largest = model.body_inertia.max(axis=1)
    reach = np.full(model.nbody, MOST)  # what stands in a scene may be larger than a person: as far as its geoms go
    np.maximum.at(reach, model.geom_bodyid, model.geom_rbound + np.linalg.norm(model.geom_pos, axis=1))
    far = np.flatnonzero((largest > 1.0001 * model.body_mass * reach**2) & (model.body_mass > 0))
    if not far.size or name in _said:
        return
    _said.add(name)
    first, more = far[0], f" and of {far.size - 1} more bodies" if far.size > 1 else ""
    mass, radius = model.body_mass[first], np.sqrt(largest[first] / model.body_mass[first])
    print(
        f"warning: model '{name}': expected a radius of gyration up to {MOST:g} m, got {radius:.3g} m of"
        f" '{model.body(first).name}' ({mass:g} kg, {largest[first]:g} kg m^2){more}, which turn as if they were heavy:"
        f" model.gyration: {MOST:g} limits it",
        file=sys.stderr,
    )


def _principal(full: NDArray[np.float64]) -> NDArray[np.float64]:
    """Principal moments (3,) of an inertia (6,): xx, yy, zz, xy, xz, yz."""
    xx, yy, zz, xy, xz, yz = full
    return np.linalg.eigvalsh(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]))
