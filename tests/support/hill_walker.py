"""walk2d with Hill-type muscles in place of its tendons: polynomials fitted to them, in a file beside its MJCF."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from soleus.config import load_human_config
from soleus.models.hill_table import HillParameters, HillTable, PathPieces, to_bytes
from soleus.paths import Bounds, FittedPaths
from soleus.sim.muscle_paths import refit
from soleus.sim.scenario import Scenario, load_scenario

MUSCLES = "muscles.npz"


def write(folder: Path) -> dict[str, str]:
    """Write the model and its muscles to a folder; return the configuration's overrides that choose them."""
    (folder / "walker.xml").write_text(skeleton())
    (folder / MUSCLES).write_bytes(to_bytes(table()))
    return {"model.mjcf": str(folder / "walker.xml"), "model.muscles": str(folder / MUSCLES)}


def skeleton() -> str:
    """Return MJCF of walk2d without its muscles."""
    root = ElementTree.fromstring(files("soleus.models").joinpath("walk2d.xml").read_text())
    for tag in ("tendon", "actuator"):
        for part in root.findall(tag):
            root.remove(part)
    return ElementTree.tostring(root, encoding="unicode")


@cache
def _fitted() -> tuple[Scenario, FittedPaths]:
    scenario = load_scenario(load_human_config("walk2d"))
    paths = refit(scenario.human, scenario.motion, scenario.config, Bounds(1e-3, 4e-3, 0.03))
    assert all(one.kind == "whole" for one in paths.muscles)
    return scenario, paths


def table() -> HillTable:
    """Return muscles with the lengths, forces and time constants of walk2d's own."""
    scenario, paths = _fitted()
    human, model = scenario.human, scenario.human.model
    own = human.muscle_actuator
    low, high = model.actuator_lengthrange[own].T  # range="0 2": slack, slack + 2 optimal lengths
    parameters = HillParameters(
        max_isometric_force=model.actuator_gainprm[own, 2],
        optimal_fiber_length=(high - low) / 2,
        tendon_slack_length=low,
        pennation_angle_at_optimal=np.full(len(own), 0.1),
        max_contraction_velocity=model.actuator_gainprm[own, 6],
        activation_time_constant=model.actuator_dynprm[own, 0],
        deactivation_time_constant=model.actuator_dynprm[own, 1],
        min_control=np.zeros(len(own)),
        max_control=np.ones(len(own)),
    )
    joints = tuple(human.coordinate_names[c] for c in human.actuated)
    return HillTable(Path(MUSCLES), tuple(human.muscle_names), joints, parameters, _pieces(paths, human.actuated))


def _pieces(paths: FittedPaths, actuated: NDArray[np.int32]) -> PathPieces:
    groups = np.repeat(np.arange(len(paths.muscle_adr) - 1), np.diff(paths.muscle_adr))
    own = [slice(*paths.coordinate_adr[g : g + 2]) for g in groups]
    joined = {name: np.concatenate([getattr(paths, name)[s] for s in own]) for name in ("coordinate", "centre", "half")}
    count = len(joined["coordinate"])
    return PathPieces(
        muscle=paths.muscle.astype(np.int64),
        coordinate_adr=np.cumsum([0, *(s.stop - s.start for s in own)]),
        low=np.full(count, -np.inf),
        high=np.full(count, np.inf),
        squared=np.zeros(len(groups), bool),
        offset=np.zeros(len(groups)),
        coefficient_adr=paths.coefficient_adr.astype(np.int64),
        coefficient=paths.coefficient,
        **joined | {"coordinate": np.searchsorted(actuated, joined["coordinate"])},
    )


def odd_table(rng: np.random.Generator) -> HillTable:
    """Return muscles whose pieces are of every kind: cells of one and two coordinates, squares, offsets, pennation."""
    usual = table()
    hip, knee, ankle = (usual.coordinates.index(f"{joint}_r") for joint in ("hip_flexion", "knee_angle", "ankle_angle"))
    half = np.array([0.5, 0.4, 0.3])
    rows = [  # muscle, its coordinates, their cell, whether it is a square and beyond which offset
        (0, [hip], [(-np.inf, 0.2)], True, 0.05),
        (0, [hip], [(0.2, np.inf)], False, 0.0),
        (1, [hip, knee, ankle], [(-np.inf, np.inf)] * 3, True, 0.1),
        (2, [hip, knee], [(-np.inf, 0.0), (-np.inf, 0.3)], False, 0.0),
        (2, [hip, knee], [(0.0, np.inf), (-np.inf, 0.3)], True, 0.0),
        (2, [hip, knee], [(-np.inf, np.inf), (0.3, np.inf)], False, 0.0),
    ]
    terms = {1: 6, 2: 15, 3: 20}
    coefficients = [
        np.r_[0.09 if squared else 0.3, rng.normal(0, 0.004, terms[len(own)] - 1)] for _, own, _, squared, _ in rows
    ]
    cells = np.array([cell for _, _, own, _, _ in rows for cell in own])
    counts = [len(own) for _, own, *_ in rows]
    pieces = PathPieces(
        muscle=np.array([row[0] for row in rows]),
        coordinate_adr=np.cumsum([0, *counts]),
        coordinate=np.concatenate([row[1] for row in rows]),
        centre=np.full(sum(counts), 0.1),
        half=np.concatenate([half[:n] for n in counts]),
        low=cells[:, 0],
        high=cells[:, 1],
        squared=np.array([row[3] for row in rows]),
        offset=np.array([row[4] for row in rows]),
        coefficient_adr=np.cumsum([0, *map(len, coefficients)]),
        coefficient=np.concatenate(coefficients),
    )
    parameters = HillParameters(
        max_isometric_force=np.array([1000.0, 500.0, 2000.0]),
        optimal_fiber_length=np.array([0.08, 0.1, 0.05]),
        tendon_slack_length=np.array([0.22, 0.29, 0.27]),
        pennation_angle_at_optimal=np.array([0.0, 0.3, 0.6]),
        max_contraction_velocity=np.array([10.0, 8.0, 12.0]),
        activation_time_constant=np.array([0.01, 0.015, 0.012]),
        deactivation_time_constant=np.array([0.04, 0.05, 0.06]),
        min_control=np.array([0.01, 0.0, 0.02]),
        max_control=np.array([1.0, 0.9, 1.0]),
    )
    return HillTable(Path(MUSCLES), ("one_r", "two_r", "three_r"), usual.coordinates, parameters, pieces)


def write_odd(folder: Path, rng: np.random.Generator) -> dict[str, str]:
    """Write walk2d with the muscles of odd_table() to a folder; return the overrides that choose them."""
    (folder / "walker.xml").write_text(skeleton())
    (folder / MUSCLES).write_bytes(to_bytes(odd_table(rng)))
    return {"model.mjcf": str(folder / "walker.xml"), "model.muscles": str(folder / MUSCLES)}
