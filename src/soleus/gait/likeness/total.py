"""The likeness of a walk to people's: one figure from 0 to 1, and its parts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from soleus.gait.likeness.sources import SOURCES
from soleus.gait.likeness.yardstick import TOPICS, Yardstick


@dataclass(frozen=True)
class Likeness:
    """Yardsticks of a walk, and what they come to."""

    yardsticks: tuple[Yardstick, ...]
    """Those that the model gives a value for, topic by topic"""
    missing: tuple[str, ...]
    """Labels of the others"""

    @property
    def topics(self) -> dict[str, float]:
        """Means of the scores of each topic of TOPICS that has any."""
        scores = {
            topic: [y.score for y in self.yardsticks if y.topic == topic and y.score is not None] for topic in TOPICS
        }
        return {topic: sum(own) / len(own) for topic, own in scores.items() if own}

    @property
    def figure(self) -> float:
        """[0, 1] mean of the topics."""
        topics = self.topics
        return sum(topics.values()) / len(topics)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return {
            "figure": self.figure,
            "topics": self.topics,
            "yardsticks": {y.key: {**asdict(y), "outside": y.outside} for y in self.yardsticks},
            "missing": list(self.missing),
            "sources": {name: SOURCES[name] for name in dict.fromkeys(y.source for y in self.yardsticks)},
        }


def total(yardsticks: Sequence[Yardstick]) -> Likeness:
    """Return the likeness that yardsticks come to; those without a value are left out and named."""
    order = list(TOPICS)
    known = sorted((y for y in yardsticks if y.value is not None), key=lambda y: order.index(y.topic))
    return Likeness(tuple(known), tuple(y.label for y in yardsticks if y.value is None))
