"""A yardstick of a walk: a value, what is normal, how much people differ, and a score from 0 to 1."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOPICS: Mapping[str, str] = MappingProxyType(
    {
        "angles": "Joint angles",
        "forces": "Ground forces",
        "torques": "Joint torques and powers",
        "muscles": "Timing of muscles",
        "cost": "Metabolic cost",
        "gait": "Gait figures",
    }
)
"""What yardsticks are about, by key. Each weighs the same, however many yardsticks it has."""
NEAR, FAR = 1.0, 4.0
"""Spreads away from what is normal: up to the first the score is 1, from the second on it is 0, linear between them."""
OUTSIDE = 2.0
"""Spreads away from what is normal beyond which a figure is said to be outside: one person in twenty is."""
_FLAT = 1e-9  # of a curve that does not move


@dataclass(frozen=True)
class Yardstick:
    """One comparison of a walk with people's. What the model cannot give has no value, and no score."""

    key: str
    topic: str
    """Of TOPICS"""
    label: str
    unit: str
    value: float | None
    normal: float
    spread: float | None
    """Standard deviation between people, in the same unit; None of a correlation"""
    score: float | None
    """[0, 1]"""
    source: str
    """Of what is normal: a key of sources.SOURCES"""
    away: float | None = None
    """Spreads that the value is away from what is normal, with its sign; 0 on the side where less is no flaw"""

    @property
    def outside(self) -> bool:
        """Whether it is so far from normal that it should be said."""
        return self.away is not None and abs(self.away) > OUTSIDE


@dataclass(frozen=True)
class Kind:
    """What a yardstick is, before anything is measured."""

    key: str
    topic: str
    label: str
    unit: str
    source: str


def near(kind: Kind, value: float | None, normal: float, spread: float, *, only_above: bool = False) -> Yardstick:
    """Return a yardstick of a value that people differ in by `spread`. only_above: less than normal is no flaw."""
    known = (kind.key, kind.topic, kind.label, kind.unit, value, normal, spread)
    if value is None:
        return Yardstick(*known, None, kind.source)
    away = (value - normal) / spread
    if only_above:
        away = max(away, 0.0)
    score = min(1.0, max(0.0, (FAR - abs(away)) / (FAR - NEAR)))
    return Yardstick(*known, score, kind.source, away)


def alike(kind: Kind, value: float | None, best: float = 1.0) -> Yardstick:
    """Return a yardstick of a share or a correlation: its own score over the best that people come to, from 0 to 1."""
    score = None if value is None else min(1.0, max(0.0, value / best))
    return Yardstick(kind.key, kind.topic, kind.label, kind.unit, value, best, None, score, kind.source)


def correlation(one: Floats, other: Floats) -> float | None:
    """Return Pearson's correlation of two curves (101,); None where one of them is flat."""
    if min(np.ptp(one), np.ptp(other)) < _FLAT:
        return None
    return float(np.corrcoef(one[:-1], other[:-1])[0, 1])  # the last instant is the first


def over_sides(values: Iterable[float | None]) -> float | None:
    """Return the mean of what is known of both sides; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
