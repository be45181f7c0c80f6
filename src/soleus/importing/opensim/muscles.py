"""Muscles of an OpenSim model as Hill-type muscles whose lengths are polynomials (models/hill_table.py)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.importing.opensim.branches import beyond_jump, cuts
from soleus.importing.opensim.ranges import fitted_range
from soleus.importing.opensim.sampling import Flags, PathSampler
from soleus.models.hill_table import MOST_VARIABLES, HillParameters, HillTable, PathPieces
from soleus.models.sides import partners
from soleus.paths import Bounds
from soleus.paths.pieces import BOUNDS, Cut, Errors, Piece, Samples, errors_of, evaluate, fit_pieces, fits_too

Floats = NDArray[np.float64]

MISSED = Bounds(length=0.5e-3, moment=1e-3, worst=3e-3)
"""What muscles are named for that they do not keep within."""
_SPREAD = 4096  # poses all over the range, a power of two as Sobol's sequence wants it
_NEAR = 1024  # poses near motions
_ROUNDS = 4  # in which the poses beyond a jump are found
_NOISE = np.deg2rad(4.0)  # by which their coordinates are moved [rad]
# Of classes that have no time constants of their own: those of M. Millard, T. Uchida, A. Seth, S. L. Delp, "Flexing
# computational muscle", J. Biomech. Eng. 135(2), 2013.
_RISE, _FALL = 0.010, 0.040


@dataclass(frozen=True)
class Jump:
    """A path of OpenSim's jumps as it slips on or off what it wraps round, and is followed on one side of that."""

    by: float
    """[m]"""
    beyond: float
    """Share of the poses that are on the other side"""
    everywhere: Errors
    """At all poses, those of the other side too"""


@dataclass(frozen=True, eq=False)
class ImportedMuscles:
    """Muscles, and how far their polynomials are from OpenSim's paths."""

    table: HillTable
    errors: tuple[Errors, ...]
    """Of each, but for poses beyond a jump of its path"""
    jumps: Mapping[str, "Jump"]
    """Of muscles whose paths jump in OpenSim, by name"""
    left_out: tuple[str, ...]
    """Why some muscles are not among them, an element each."""

    @property
    def missed(self) -> tuple[str, ...]:
        """Names of muscles that are further off than MISSED."""
        found = zip(self.table.names, self.errors, strict=True)
        return tuple(name for name, errors in found if not errors.keep(MISSED))

    def lines(self) -> list[str]:
        """Return what is to be said about them."""
        if not self.errors:
            return [*self.left_out]
        length = np.array([one.length for one in self.errors]) * 1e3
        moment = np.array([one.moment for one in self.errors]) * 1e3
        terms = len(self.table.pieces.coefficient)
        said = [
            f"muscles: {len(self.errors)}, by {len(self.table.pieces)} polynomials of {terms:,} terms; RMS error,"
            f" median and greatest, of lengths {np.median(length):.3f} and {length.max():.3f} mm, of moment arms"
            f" {np.median(moment):.3f} and {moment.max():.3f} mm"
        ]
        for name, errors in zip(self.table.names, self.errors, strict=True):
            if name in self.missed:
                said.append(
                    f"  {name} jumps or bends beyond what polynomials follow: length {errors.length * 1e3:.2f} mm RMS,"
                    f" moment arm {errors.moment * 1e3:.2f} mm RMS, {errors.worst * 1e3:.1f} mm at most"
                )
        return [*said, *(_sentence(name, jump) for name, jump in self.jumps.items()), *self.left_out]


def _sentence(name: str, jump: Jump) -> str:
    return (
        f"  {name} jumps by up to {jump.by * 1e3:.1f} mm in OpenSim as it slips on or off what it wraps round, and is"
        f" followed on the side of standing, or of the motions, at {1 - jump.beyond:.0%} of the poses; at all poses:"
        f" length {jump.everywhere.length * 1e3:.2f} mm RMS, moment arm {jump.everywhere.moment * 1e3:.2f} mm RMS"
    )


def read_muscles(
    opensim: Any, model: Any, coordinates: Sequence[str], motion: Mapping[str, Floats], path: Path
) -> ImportedMuscles:
    """Read the muscles of an opensim.Model, and fit their paths.

    coordinates: the independent ones that become joints, but for the root's; motion: values that they take in motions,
    (n,) each, by name; path: of the table. Raises UserError for parameters that no muscle can have.
    """
    left_out = [
        f"muscle {muscle.getName()} is left out: it applies no force"
        for muscle in model.getMuscles()
        if not muscle.get_appliesForce()
    ]
    muscles = [muscle for muscle in model.getMuscles() if muscle.get_appliesForce()]
    if not muscles:
        return ImportedMuscles(HillTable(path, (), (), _parameters(opensim, []), _packed([])), (), {}, tuple(left_out))
    sampled = _sample(opensim, model, muscles, coordinates, motion)
    crossed = sampled.crossed
    names = [str(muscle.getName()) for muscle in muscles]
    kept = []
    for k, name in enumerate(names):
        count = int(crossed[k].sum())
        if 1 <= count <= MOST_VARIABLES:
            kept.append(k)
        else:
            left_out.append(f"muscle {name} is left out: it crosses {count} joints, not 1 to {MOST_VARIABLES}")
    fits: dict[int, tuple[list[Piece], Samples]] = {}
    jumps: dict[str, Jump] = {}
    partner = partners(names)
    for k in kept:
        known = list(_jumps(opensim, muscles[k], [coordinates[int(c)] for c in np.flatnonzero(crossed[k])]))
        fits[k], jump = _fit_muscle(sampled, k, partner[k], fits, known)
        if jump is not None:
            jumps[names[k]] = jump
    used = np.flatnonzero(crossed[kept].any(axis=0))
    table = HillTable(
        path,
        tuple(names[k] for k in kept),
        tuple(coordinates[int(c)] for c in used),
        _parameters(opensim, [muscles[k] for k in kept]),
        _packed([(fits[k][0], np.searchsorted(used, np.flatnonzero(crossed[k]))) for k in kept]),
    )
    return ImportedMuscles(table, tuple(errors_of(*fits[k]) for k in kept), jumps, tuple(left_out))


@dataclass(frozen=True, eq=False)
class _Sampled:
    """Muscles at poses, as OpenSim has them."""

    coordinates: Sequence[str]
    low: Floats
    high: Floats
    crossed: Flags
    """(nm, nk)"""
    poses: Floats
    """(n, nk)"""
    lengths: Floats
    """(n, nm) [m]"""
    gradients: Floats
    """(n, nm, nk)"""
    points: NDArray[np.int64]
    """(n, nm) of the paths"""
    origin: Floats
    """(nk,) standing, or in the middle of the motions"""
    own: NDArray[np.int64]
    """(nm,) points of the paths there"""


def _sample(
    opensim: Any, model: Any, muscles: list[Any], coordinates: Sequence[str], motion: Mapping[str, Floats]
) -> _Sampled:
    low, high = _box(model, coordinates, motion)
    sampler = PathSampler(opensim, model, muscles, coordinates)
    rng = np.random.default_rng(0)
    crossed = sampler.crossings(low, high, rng)
    poses = _poses(coordinates, low, high, motion, rng)
    lengths, gradients, points = sampler.sample(poses, crossed)
    origin = np.clip(0.0, low, high) if len(poses) == _SPREAD else np.median(poses[_SPREAD:], axis=0)
    sampler.lengths(origin)
    return _Sampled(coordinates, low, high, crossed, poses, lengths, gradients, points, origin, sampler.points())


def _fit_muscle(
    sampled: _Sampled, own: int, other: int, fits: Mapping[int, tuple[list[Piece], Samples]], known: list[Cut]
) -> tuple[tuple[list[Piece], Samples], Jump | None]:
    """Fit a muscle, on one side where its path jumps. other: its partner; known: cuts where points come and go."""
    columns = np.flatnonzero(sampled.crossed[own])
    low, high, points = sampled.low[columns], sampled.high[columns], sampled.points[:, own]
    samples = Samples(sampled.poses[:, columns], sampled.lengths[:, own], sampled.gradients[:, own][:, columns])

    def fit(samples: Samples) -> list[Piece]:
        pieces = _of_partner(own, other, fits, sampled.crossed, sampled.coordinates, samples)
        return fit_pieces(samples, low, high, known, BOUNDS) if pieces is None else pieces

    pieces = fit(samples)
    errors = errors_of(pieces, samples)
    if errors.keep(MISSED):
        return (pieces, samples), None
    at_single_poses = errors.keep(replace(MISSED, worst=np.inf))  # no jump of any extent is as small
    found = None if at_single_poses else beyond_jump(samples, low, high, points, sampled.origin[columns])
    if found is None:
        known = [*known, *cuts(samples.coordinates, points)]
        return (fit(samples), samples), None
    pieces, branch = _on_one_side(samples, found.beyond, points != sampled.own[own], fit)
    return (pieces, branch), Jump(found.by, 1 - float(branch.weighed().mean()), errors_of(pieces, samples))


def _on_one_side(
    samples: Samples, beyond: Flags, otherwise: Flags, fit: Callable[[Samples], list[Piece]]
) -> tuple[list[Piece], Samples]:
    """Fit a path that jumps on the side of it that is not beyond.

    A jump may end within the range, and round its end both sides come together; what a fit then misses by a jump, with
    other points than where the path is seen from (`otherwise`), is beyond too.
    """
    for _ in range(_ROUNDS):
        branch = replace(samples, beyond=beyond)
        pieces = fit(branch)
        if errors_of(pieces, branch).keep(MISSED):
            break
        lengths, _ = evaluate(pieces, samples.coordinates)
        more = beyond | (otherwise & (np.abs(lengths - samples.lengths) > MISSED.length))
        if (more == beyond).all():
            break
        beyond = more
    return pieces, branch


def _box(model: Any, coordinates: Sequence[str], motion: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Return the range of each coordinate."""
    ranges = []
    for name in coordinates:
        one = model.getCoordinateSet().get(name)
        ranges.append(fitted_range(name, one.getRangeMin(), one.getRangeMax(), one.getDefaultValue(), motion))
    low, high = np.array(ranges).reshape(-1, 2).T
    return low, high


def _poses(
    coordinates: Sequence[str], low: Floats, high: Floats, motion: Mapping[str, Floats], rng: np.random.Generator
) -> Floats:
    """Return poses all over the box, and near motions."""
    from scipy.stats import qmc  # it takes long to import

    poses: Floats = low + (high - low) * qmc.Sobol(len(low), scramble=True, rng=0).random(_SPREAD)
    rows = max((len(values) for values in motion.values()), default=0)
    if not rows:
        return poses
    still = np.clip(0.0, low, high)
    frames = np.stack(
        [np.resize(motion.get(name, still[k : k + 1]), rows) for k, name in enumerate(coordinates)], axis=1
    )
    near = frames[rng.integers(rows, size=_NEAR)]
    near = np.clip(near + rng.normal(0, _NOISE, near.shape), low, high)
    return np.concatenate([poses, near])


def _of_partner(
    own: int,
    other: int,
    fits: Mapping[int, tuple[list[Piece], Samples]],
    crossed: Flags,
    coordinates: Sequence[str],
    samples: Samples,
) -> list[Piece] | None:
    """Return the pieces of the same muscle of the other side, where they fit this one too; None: they do not.

    OpenSim's coordinates of both legs have the same signs.
    """
    if other == own or other not in fits:
        return None
    mirrored = partners(coordinates)
    if [mirrored[c] for c in np.flatnonzero(crossed[other])] != np.flatnonzero(crossed[own]).tolist():
        return None
    pieces, _ = fits[other]
    return pieces if fits_too(pieces, samples, BOUNDS) else None


def _jumps(opensim: Any, muscle: Any, coordinates: list[str]) -> Iterator[Cut]:
    """Yield where points of a path come and go."""
    path = opensim.GeometryPath.safeDownCast(muscle.getPath())
    if path is None:
        return
    points = path.getPathPointSet()
    for i in range(points.getSize()):
        point = opensim.ConditionalPathPoint.safeDownCast(points.get(i))
        if point is None or not point.hasCoordinate() or str(point.getCoordinate().getName()) not in coordinates:
            continue
        for end in range(2):
            yield coordinates.index(str(point.getCoordinate().getName())), float(point.get_range(end))


def _parameters(opensim: Any, muscles: list[Any]) -> HillParameters:
    rows = []
    for muscle in muscles:
        rise, fall = _time_constants(opensim, muscle)
        row = (
            muscle.getMaxIsometricForce(),
            muscle.getOptimalFiberLength(),
            muscle.getTendonSlackLength(),
            muscle.getPennationAngleAtOptimalFiberLength(),
            muscle.getMaxContractionVelocity(),
            rise,
            fall,
            muscle.getMinControl(),
            min(muscle.getMaxControl(), 1.0),
        )
        if not (np.all(np.isfinite(row)) and min(row) >= 0 and min(row[1], *row[4:7]) > 0 and row[3] < np.pi / 2):
            said = ", ".join(f"{value:g}" for value in row)
            raise UserError(
                f"muscle '{muscle.getName()}': expected positive lengths, velocity and time constants and a pennation"
                f" angle below 90 degrees, got {said}"
            )
        rows.append(row)
    return HillParameters(*np.array(rows, np.float64).reshape(-1, 9).T.copy())


def _time_constants(opensim: Any, muscle: Any) -> tuple[float, float]:
    """Return those of activation and deactivation [s], whatever a muscle's class calls them."""

    def read(name: str) -> float:
        return float(opensim.PropertyHelper.getValueDouble(muscle.getPropertyByName(name)))

    if muscle.hasProperty("activation_time_constant"):
        return read("activation_time_constant"), read("deactivation_time_constant")
    if muscle.hasProperty("activation1"):  # Schutte's: the rate is (activation1 excitation + activation2) / time_scale
        scale, with_excitation, always = (read(name) for name in ("time_scale", "activation1", "activation2"))
        return scale / (with_excitation + always), scale / always
    return _RISE, _FALL


def _packed(fits: list[tuple[list[Piece], NDArray[np.int64]]]) -> PathPieces:
    rows = [(k, piece, columns) for k, (pieces, columns) in enumerate(fits) for piece in pieces]

    def joined(parts: list[Any], kind: Any) -> NDArray[Any]:
        return np.concatenate([np.zeros(0, kind), *parts]).astype(kind)

    return PathPieces(
        muscle=np.array([k for k, *_ in rows], np.int64),
        coordinate_adr=np.cumsum([0, *(len(columns) for *_, columns in rows)]),
        coordinate=joined([columns for *_, columns in rows], np.int64),
        centre=joined([(piece.cell.box_low + piece.cell.box_high) / 2 for _, piece, _ in rows], np.float64),
        half=joined([(piece.cell.box_high - piece.cell.box_low) / 2 for _, piece, _ in rows], np.float64),
        low=joined([piece.cell.low for _, piece, _ in rows], np.float64),
        high=joined([piece.cell.high for _, piece, _ in rows], np.float64),
        squared=np.array([piece.squared for _, piece, _ in rows], bool),
        offset=np.array([piece.offset for _, piece, _ in rows], np.float64),
        coefficient_adr=np.cumsum([0, *(len(piece.coefficients) for _, piece, _ in rows)]),
        coefficient=joined([piece.coefficients for _, piece, _ in rows], np.float64),
    )
