"""The analysis of a walk: what the page shows and the JSON holds, from traces alone."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from soleus.errors import UserError
from soleus.gait.beside import Beside, beside
from soleus.gait.curves import Curve, Side, activation_curves, angle_curves, force_rows, muscle_curves
from soleus.gait.cycles import REASONS, Strides, cut
from soleus.gait.devices import device_curves, device_summary
from soleus.gait.electromyography import GROUPS, Group, acting, bursts, group_rows
from soleus.gait.kinetic_norms import force_bands, torque_bands
from soleus.gait.kinetics import load_rows, loads_by_walk, slip_distance
from soleus.gait.likeness import Likeness, Walked, judge
from soleus.gait.measures import Measure, measures_of, strides_by_side, symmetry
from soleus.gait.norms import Band, Phase, angle_bands, gait_of, phases, usual_figures
from soleus.gait.recorded import Recorded
from soleus.motions.anatomy import Angle, angles_of
from soleus.paths.function import Function, functions
from soleus.sim.trace import Trace

LEAST = 20
"""Strides of each foot from which means are taken to mean something."""


@dataclass(frozen=True, eq=False)
class Report:
    """One person's gait."""

    model: str
    mass: float
    """[kg]"""
    episodes: int
    seconds: float
    """Of all episodes"""
    strides: dict[str, int]
    """Number that count, by "right" and "left"."""
    left_out: dict[str, int]
    """By reason, of cycles.REASONS."""
    stance: float
    """[%] of the cycle, mean of both feet"""
    phases: list[Phase]
    measures: dict[str, Measure]
    symmetry: dict[str, float | None]
    """[%] right minus left over their mean, by key of measures"""
    angles: dict[str, Curve]
    forces: dict[str, Curve]
    activations: dict[str, Curve]
    """By group of muscles"""
    muscles: dict[str, Side]
    exoskeleton: dict[str, Curve]
    """Of its devices (device_curves)"""
    loads: dict[str, Curve]
    """Torques and powers of the joints (kinetics.load_rows)"""
    timing: dict[str, Curve]
    """Mean activations by key of electromyography.GROUPS"""
    likeness: Likeness | None
    """To people who walk; None of who runs"""
    beside: Beside | None
    """A subject's own recording, which takes the place of what is normal in curves and pictures"""
    functions: list[Function]
    torque_residual: float | None

    @property
    def gait(self) -> str:
        """walk or run, by the stance."""
        return gait_of(self.stance)

    @property
    def enough(self) -> bool:
        """Whether there are as many strides as means need."""
        return min(self.strides.values()) >= LEAST

    @property
    def note(self) -> str:
        """How many strides there are, said plainly."""
        right, left = self.strides["right"], self.strides["left"]
        said = f"Means are over {right} strides of the right foot and {left} of the left"
        return f"{said}." if self.enough else f"{said}: fewer than the {LEAST} of each that they should be over."

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data; what is not known is None."""
        usual, band = usual_figures(self.gait), "recorded" if self.beside else "normal"
        return {
            "model": self.model,
            "mass_kg": self.mass,
            "episodes": self.episodes,
            "seconds": self.seconds,
            "strides": {**self.strides, "wanted": LEAST, "enough": self.enough, "left_out": self.left_out},
            "note": self.note,
            "gait": self.gait,
            "stance_percent": self.stance,
            "phases": [asdict(phase) for phase in self.phases],
            "measures": {
                key: {**asdict(m), "usual": asdict(usual[key]) if key in usual else None}
                for key, m in self.measures.items()
            },
            "symmetry_percent": self.symmetry,
            "torque_residual": self.torque_residual,
            "angles": {
                name: _curve(curve, band) | {"summary": _summaries(curve)} for name, curve in self.angles.items()
            },
            "forces": {name: _curve(curve, band) for name, curve in self.forces.items()},
            "activations": {name: _curve(curve) for name, curve in self.activations.items()},
            "loads": {name: _curve(curve) for name, curve in self.loads.items()},
            "timing": {
                group.key: _timing(self.timing[group.key], group) for group in GROUPS if group.key in self.timing
            },
            "likeness": self.likeness.as_json() if self.likeness else None,
            "beside": self.beside.as_json() if self.beside else None,
            "exoskeleton": {
                name: _curve(curve) | {"summary": device_summary(curve.sides)}
                for name, curve in self.exoskeleton.items()
            },
            "muscles": {
                f.muscle: {
                    "side": {"r": "right", "l": "left"}[f.side],
                    "groups": list(f.groups),
                    "moment_arms_m": f.arms,
                    **_side(self.muscles[f.muscle]),
                }
                for f in self.functions
                if f.muscle in self.muscles
            },
        }


def analyse(
    traces: Sequence[Trace], *, torque_residual: float | None = None, recorded: Recorded | None = None
) -> Report:
    """Analyse the gait of people of one model.

    torque_residual: of the coordination, relative; None without one. recorded: what a subject did, to be put beside
    it. Raises UserError where nobody walks.
    """
    strides = cut(traces)
    check_walks(strides)
    human = traces[0].human
    angles = angles_of(human)
    measures = measures_of(strides)
    stances = [m for m in (measures["stance_share"].right, measures["stance_share"].left) if m is not None]
    stance = float(np.mean(stances))
    # With torques for muscles there is nothing to show of them.
    act = any(walk.trace.activation.any() for walk in strides.walks)
    roles = functions(human, angles) if act else []
    report = Report(
        model=human.name,
        mass=human.mass,
        episodes=len(traces),
        seconds=sum(walk.duration for walk in strides.walks),
        strides=strides_by_side(strides),
        left_out=dict(strides.left_out),
        stance=stance,
        phases=phases(stance),
        measures=measures,
        symmetry=symmetry(measures),
        angles=angle_curves(strides, angles, angle_bands(gait_of(stance))),
        forces={},
        activations=activation_curves(strides, roles),
        muscles=muscle_curves(strides, roles),
        exoskeleton=device_curves(strides),
        loads={},
        timing={key: rows.curve() for key, rows in group_rows(strides, roles).items()},
        likeness=None,
        beside=None,
        functions=roles,
        torque_residual=torque_residual,
    )
    report = _with_loads(report, strides, angles)
    return report if recorded is None else _beside(report, recorded)


def _with_loads(report: Report, strides: Strides, angles: Sequence[Angle]) -> Report:
    """The same report with forces, torques and powers, and who walks put beside people."""
    walks = report.gait == "walk"
    loads = loads_by_walk(strides, angles)
    forces, torques = force_rows(strides), load_rows(strides, loads)
    walked = Walked(
        report.angles, forces, torques, report.timing, report.measures, report.symmetry, slip_distance(strides, loads)
    )
    of_forces, of_torques = (force_bands(), torque_bands()) if walks else ({}, {})
    return replace(
        report,
        forces={name: rows.curve(of_forces.get(name)) for name, rows in forces.items()},
        loads={name: rows.curve(of_torques.get(name)) for name, rows in torques.items()},
        likeness=judge(walked) if walks else None,
    )


def _beside(report: Report, recorded: Recorded) -> Report:
    """The same report beside a recording."""
    found = beside(recorded, {"angles": report.angles, "forces": report.forces, "timing": report.timing})

    def with_bands(curves: dict[str, Curve], bands: dict[str, Band]) -> dict[str, Curve]:
        return {name: replace(curve, band=bands.get(name)) for name, curve in curves.items()}

    angles, forces = with_bands(report.angles, found.angles), with_bands(report.forces, found.forces)
    return replace(report, angles=angles, forces=forces, beside=found)


def check_walks(strides: Strides) -> None:
    """Raise UserError where there is no stride at all, saying what there was instead."""
    if strides.kept:
        return
    seconds = sum(walk.duration for walk in strides.walks)
    said = ", ".join(f"{count} {REASONS[reason]}" for reason, count in strides.left_out.items())
    other = f"; left out: {said}" if said else ""
    episodes = f"{len(strides.walks)} episode{'s' * (len(strides.walks) != 1)} of {seconds:.1f} s together"
    raise UserError(f"expected a person who walks, got no stride in {episodes}{other}")


def _curve(curve: Curve, band: str = "normal") -> dict[str, Any]:
    """A curve as plain data. band: what its band is of."""
    found: dict[str, Any] = {"label": curve.label, "unit": curve.unit}
    found |= {side: _side(values) for side, values in curve.sides.items()}
    if curve.band:
        found[band] = {
            "mean": _list(curve.band.mean),
            "sd": None if curve.band.sd is None else _list(curve.band.sd),
        }
    if curve.muscles:
        found["muscles"] = list(curve.muscles)
    return found


def _timing(curve: Curve, group: Group) -> dict[str, Any]:
    """A group's mean activation, when it acts [%], and when people's does."""
    on = {side: bursts(acting(values.mean)) for side, values in curve.sides.items()}
    return _curve(curve) | {
        "acts": {side: [list(burst) for burst in own] for side, own in on.items()},
        "people": {"acts": [list(burst) for burst in group.on], "envelope": _list(group.envelope)},
    }


def _side(side: Side) -> dict[str, list[float]]:
    return {"mean": _list(side.mean), "sd": _list(side.sd)}


def _list(values: np.ndarray) -> list[float]:
    return [round(float(value), 6) for value in values]


def _summaries(curve: Curve) -> dict[str, dict[str, float | None]]:
    return {side: summary(values, curve.band) for side, values in curve.sides.items()}


def summary(side: Side, band: Band | None) -> dict[str, float | None]:
    """Return what a curve comes to: least, most, range, mean SD; rms distance from what is normal, share inside."""
    away = side.mean - band.mean if band else None
    inside = None if away is None or band is None or band.sd is None else 100 * float(np.mean(np.abs(away) <= band.sd))
    return {
        "least": float(side.mean.min()),
        "most": float(side.mean.max()),
        "range": float(np.ptp(side.mean)),
        "mean_sd": float(side.sd.mean()),
        "rms_from_normal": None if away is None else float(np.sqrt(np.mean(away**2))),
        "percent_within_band": inside,
    }
