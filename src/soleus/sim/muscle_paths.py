"""The muscle paths of a scenario: exact ones measured by the lanes, or fitted polynomials in their place."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soleus import _core, models
from soleus.config import config_of_model, load_human_config
from soleus.config.schema import HumanRunConfig
from soleus.config.sources import is_model_file
from soleus.errors import UserError
from soleus.importing.ready import imported
from soleus.models import Human
from soleus.motions import Clips, Motion, load_clips
from soleus.paths import Bounds, FittedPaths, fit_paths, fitted_paths, read_paths
from soleus.paths.fit import Measure
from soleus.paths.poses import is_scalar, qpos_address
from soleus.sim.handover import human_data

Floats = NDArray[np.float64]


def exact_paths(human: Human, config: HumanRunConfig) -> Measure:
    """Return what gives lengths and moment arms of muscles along their paths: (n, nc) coordinates to (n, nm) and
    (n, crossings) [m]. Rotations of ball joints and of the root stay as in qpos0, which paths do not depend on or which
    nothing is fitted over.

    Raises UserError for a model that the lanes do not cover.
    """
    try:
        tile = _core.DynamicsTile(human.model._address, human_data(human, config), muscles=True)
    except ValueError as error:
        raise UserError(f"{config.subject}: expected a model that the lanes cover, but {error}") from None
    scalar = is_scalar(human)
    address = qpos_address(human)[scalar]
    lanes: int = _core.LANES
    still = np.zeros((lanes, human.model.nv))

    def measure(coordinates: Floats) -> tuple[Floats, Floats]:
        lengths = np.empty((len(coordinates), len(human.muscle_names)))
        moments = np.empty((len(coordinates), len(human.crossing)))
        for first in range(0, len(coordinates), lanes):
            own = coordinates[first : first + lanes]
            qpos = np.tile(human.model.qpos0, (lanes, 1))
            qpos[: len(own), address] = own[:, scalar]
            tile.set(qpos, still)
            lengths[first : first + lanes] = np.asarray(tile.muscle_lengths)[: len(own)]
            moments[first : first + lanes] = np.asarray(tile.muscle_moments)[: len(own)]
        return lengths, moments

    return measure


def paths_of(human: Human, motion: Motion | Clips | None, config: HumanRunConfig) -> FittedPaths | None:
    """Return the fitted paths that a configuration asks for, of a model that the lanes step; None: exact ones.

    Raises UserError for a model without tendons, or a file of other paths.
    """
    control = config.control
    if control.paths == "exact" or control.mode == "torque":
        return None
    check_tendons(human, config)
    measure = exact_paths(human, config)
    if control.paths_file is not None:
        return read_paths(Path(control.paths_file), human, measure)
    return fitted_paths(human, measure, motion)


def refit(human: Human, motion: Motion | Clips | None, config: HumanRunConfig, bounds: Bounds) -> FittedPaths:
    """Return paths that are fitted now, within bounds. Raises UserError as paths_of does."""
    check_tendons(human, config)
    return fit_paths(human, exact_paths(human, config), motion, bounds)


def check_tendons(human: Human, config: HumanRunConfig) -> None:
    """Raise UserError for a model whose muscles are no tendons."""
    if not human.muscle_names:
        raise UserError(f"{config.subject}: expected a model with muscles, got one without")
    if human.hill:
        raise UserError(
            f"{config.subject}: expected muscles along tendons, got Hill-type muscles, whose paths are polynomials"
            " already (control.paths exact)"
        )
    if human.polylines:
        raise UserError(
            f"{config.subject}: expected muscles along tendons, got polylines through waypoints, whose exact paths"
            " (control.paths exact) cost less than polynomials"
        )


def subject_of(subject: str, motion: str | None) -> tuple[Human, Clips | None, HumanRunConfig]:
    """Return the model that somebody names, and a motion if any: a model's name or file, a preset or a YAML file.

    Raises UserError for what is none of them.
    """
    if subject in models.names() or is_model_file(subject):
        config = config_of_model(subject, motion)
    else:
        config = load_human_config(subject, {"motion": motion} if motion else {})
    config = imported(config)
    human = models.load(config.model, config.control.sim_hz)
    return human, load_clips(config.motion, human) if config.motion else None, config
