"""A gait cycle: tables of joint angles over one stride, smoothed by low-order Fourier series."""

import difflib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soleus.config.strict_yaml import parse_yaml
from soleus.errors import UserError
from soleus.motions.jumps import JOINT, PLACE, TURN, find_jump

Floats = NDArray[np.float64]

ANGLES = (
    "hip_flexion", "knee_flexion", "ankle_dorsiflexion", "toe_extension", "hip_adduction", "hip_internal_rotation",
)  # fmt: skip
PELVIS = ("tilt", "list", "rotation", "sway")
TRUNK = ("tilt", "list", "rotation")
ARMS = ("shoulder_flexion", "shoulder_abduction", "elbow_flexion")
_LENGTHS = {"duration": "[s]", "leg_length": "[m]", "stride": "[leg lengths]"}
_WITHIN = {"duration": (0.2, 10.0), "leg_length": (0.2, 2.0), "stride": (0.02, 5.0)}
_MOST_ANGLE, _MOST_SWAY = 180.0, 0.5  # [degree], [m]
_RADIANS = 3.2  # what all angles in radians stay within
_PARTS = ("stance", "heel_rise", "foot_flat")
_SCALARS = (*_LENGTHS, *_PARTS)
_TRUNK_SHARE = 0.25  # of the list and rotation of the pelvis that a fixed trunk follows
_HARMONICS = 7  # human gait has 99 % of its power below 6 Hz (Winter 2009), the sixth or seventh harmonic of a stride
_EVEN_PELVIS = ("tilt",)  # twice a stride alike; the others change sides every half


def fourier(phase: Floats, orders: list[int]) -> Floats:
    """Basis (K, 1 or 2 an order): cos and sin of the harmonics, a constant for order 0. phase (K,) in strides."""
    columns = []
    for n in orders:
        columns += [np.cos(2 * np.pi * n * phase)] + ([np.sin(2 * np.pi * n * phase)] if n else [])
    return np.stack(columns, axis=-1)


@dataclass(frozen=True, eq=False)
class Series:
    """A smooth periodic function of the phase."""

    orders: list[int]
    coefficients: Floats

    def __call__(self, phase: Floats) -> Floats:
        """Values (K,) at phases (K,) [strides]."""
        return fourier(phase, self.orders) @ self.coefficients

    def scaled(self, factor: float) -> "Series":
        """The series times a number."""
        return Series(self.orders, self.coefficients * np.float64(factor))

    def plus(self, other: "Series") -> "Series":
        """The sum of two series."""
        orders = sorted({*self.orders, *other.orders})
        grid = np.arange(2 * orders[-1] + 2) / (2 * orders[-1] + 2)
        return fit_series(self(grid) + other(grid), orders)


def fit_series(table: Floats, orders: list[int]) -> Series:
    """Least-squares fit to samples spread evenly over one period."""
    phase = np.arange(len(table)) / len(table)
    coefficients = np.linalg.lstsq(fourier(phase, orders), table, rcond=None)[0]
    return Series(orders, np.array(coefficients, dtype=np.float64))


@dataclass(frozen=True, eq=False)
class GaitCycle:
    """One stride from the right heel strike. The left leg follows half a stride behind the right."""

    name: str
    duration: float  # [s] of those measured
    leg_length: float  # [m] of those measured
    stride: float  # [leg lengths]
    stance: float  # part of the stride
    heel_rise: float
    foot_flat: float
    angles: dict[str, Series]  # [rad] of the right leg
    pelvis: dict[str, Series]  # [rad], sway [m]
    trunk: dict[str, Series] = field(default_factory=dict)  # [rad] in space
    arms: dict[str, Series] = field(default_factory=dict)  # [rad] of the right arm


def steady_trunk(cycle: GaitCycle) -> GaitCycle:
    """The same legs under a pelvis that lists and rotates less, because a trunk is fixed to it.

    A spine keeps the trunk within two degrees of upright over a pelvis that lists by five (Perry and Burnfield 2010,
    chapters 6-7). Without one, the list of the pelvis in single stance would carry the trunk away from the standing
    foot by about as much as the sway brings it there, and no body could balance so. What the pelvis loses, the hips
    take, so that the legs keep their directions in space.
    """
    angles, pelvis = dict(cycle.angles), dict(cycle.pelvis)
    for part, hip, sign in (("list", "hip_adduction", -1.0), ("rotation", "hip_internal_rotation", 1.0)):
        if part in pelvis:
            moved = pelvis[part].scaled(1 - _TRUNK_SHARE)
            pelvis[part] = pelvis[part].scaled(_TRUNK_SHARE)
            if hip in angles:
                angles[hip] = angles[hip].plus(moved.scaled(sign))
    return replace(cycle, angles=angles, pelvis=pelvis)


def read_cycle(path: Path) -> GaitCycle:
    """Read a YAML file like the built-in walk.yaml: scalars; `angles`, `trunk` and `arms` in degrees; `pelvis` in
    degrees and metres. Trunk and arms may be left out.

    Tables may have any even number of samples from 8. Raises UserError naming the file and the key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"motion file '{path}' cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"motion file '{path}': expected text in UTF-8, but {error}") from None
    content = parse_yaml(text, f"motion file '{path}'")
    if not isinstance(content, dict):
        raise UserError(f"motion file '{path}': expected keys and tables, got {type(content).__name__}")
    _check_keys(path, "", content, ("name", *_SCALARS, "angles", "pelvis", "trunk", "arms"))
    scalars = {key: _scalar(path, content, key) for key in _SCALARS}
    legs = _tables(path, content, "angles", ANGLES, required=True)
    pelvis = _tables(path, content, "pelvis", PELVIS, required=False)
    named = {f"angles.{key}": table for key, table in legs.items()}
    trunk = _tables(path, content, "trunk", TRUNK, required=False)
    arms = _tables(path, content, "arms", ARMS, required=False)
    for section, tables in (("pelvis", pelvis), ("trunk", trunk), ("arms", arms)):
        named |= {f"{section}.{key}": table for key, table in tables.items()}
    _check_units(path, named)
    _check_jumps(path, named, scalars["duration"])
    return GaitCycle(
        name=str(content.get("name", path.stem)),
        **scalars,
        angles={key: fit_series(np.deg2rad(table), _orders(table, 1)) for key, table in legs.items()},
        pelvis={key: _pelvis_series(key, table) for key, table in pelvis.items()},
        trunk={key: _pelvis_series(key, table) for key, table in trunk.items()},
        arms={key: fit_series(np.deg2rad(table), _orders(table, 1)) for key, table in arms.items()},
    )


def _orders(table: Floats, step: int, start: int = 0) -> list[int]:
    return list(range(start, min(_HARMONICS, (len(table) - 1) // 2) + 1, step))


def _pelvis_series(key: str, table: Floats) -> Series:
    """Left and right steps are alike: even harmonics for what repeats each step, odd ones for what changes sides."""
    scaled = table if key == "sway" else np.deg2rad(table)
    return fit_series(scaled, _orders(table, 2, start=0 if key in _EVEN_PELVIS else 1))


def _check_keys(path: Path, prefix: str, content: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in content:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.0)[0]
            raise UserError(f"motion file '{path}': unknown key '{prefix}{key}', nearest is '{prefix}{near}'")


def _scalar(path: Path, content: dict[str, Any], key: str) -> float:
    value = content.get(key)
    upper = np.inf if key in _LENGTHS else 1.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < upper:
        wanted = f"a positive number {_LENGTHS[key]}" if key in _LENGTHS else "a part of the stride between 0 and 1"
        raise UserError(f"motion file '{path}': '{key}' must be {wanted}, got {value!r}")
    if key in _WITHIN and not _WITHIN[key][0] <= value <= _WITHIN[key][1]:
        low, high = _WITHIN[key]
        raise UserError(
            f"motion file '{path}': '{key}' must be from {low:g} to {high:g} {_LENGTHS[key]}, got {value:g}"
        )
    return float(value)


def _check_units(path: Path, tables: dict[str, Floats]) -> None:
    """Raise UserError where tables, by key, are not in degrees and metres."""
    for key, table in tables.items():
        most, unit = (_MOST_SWAY, "[m]") if key == "pelvis.sway" else (_MOST_ANGLE, "[degree]")
        if np.abs(table).max() > most:
            raise UserError(
                f"motion file '{path}': '{key}' must be within {most:g} {unit}, got {np.abs(table).max():g}"
            )
    for section in ("angles", "arms"):
        widest = max(
            (float(np.abs(table).max()) for key, table in tables.items() if key.startswith(section)), default=0
        )
        if 0 < widest < _RADIANS:
            raise UserError(
                f"motion file '{path}': '{section}' must be in degrees, got none beyond {widest:.3g}: are they in"
                " radians?"
            )


def _check_jumps(path: Path, tables: dict[str, Floats], duration: float) -> None:
    """Raise UserError where a table, by key, jumps from a sample to the next, which smoothing would hide."""
    for key, table in tables.items():
        pace = PLACE if key == "pelvis.sway" else TURN if key.startswith(("pelvis.", "trunk.")) else JOINT
        steps = np.diff(table if pace is PLACE else np.deg2rad(table), append=0.0)[:, None]
        steps[-1] = table[0] - table[-1] if pace is PLACE else np.deg2rad(table[0] - table[-1])
        jump = find_jump(steps, duration / len(table), pace)
        if jump:
            at, after = jump.frame, (jump.frame + 1) % len(table)
            raise UserError(
                f"motion file '{path}': '{key}' must not jump, got {table[at]:g} and {table[after]:g} as samples {at}"
                f" and {after}, {duration / len(table):.3g} s apart"
            )


def _tables(
    path: Path, content: dict[str, Any], section: str, known: tuple[str, ...], required: bool
) -> dict[str, Floats]:
    tables = content.get(section)
    if tables is None and not required:
        return {}
    if not isinstance(tables, dict):
        raise UserError(f"motion file '{path}': '{section}' must hold tables of {', '.join(known)}, got {tables!r}")
    _check_keys(path, f"{section}.", tables, known)
    result = {}
    for key, values in tables.items():
        numbers = isinstance(values, list) and all(isinstance(v, int | float) and abs(v) < 1e300 for v in values)
        if not numbers or len(values) < 8 or len(values) % 2:
            raise UserError(
                f"motion file '{path}': '{section}.{key}' must be an even number (8 or more) of finite numbers"
            )
        result[key] = np.array(values, dtype=np.float64)
    return result
