"""Clips: the reference motions of which each episode follows one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soleus.config.sources import ClipsMotion, MotionSource
from soleus.errors import UserError
from soleus.models.human import Human
from soleus.motions.motion import Motion
from soleus.motions.registry import load

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Clips:
    """One motion or several, and how often each is followed."""

    motions: tuple[Motion, ...]
    weights: Floats
    """(number of motions,) how often an episode follows each, beside the others"""
    floor: float | None = None
    """Share of the episodes that are drawn by weight alone, the others by failure too; None: all by weight alone"""

    @property
    def several(self) -> bool:
        """Whether there is more than one, so that an episode has to draw."""
        return len(self.motions) > 1

    @property
    def qpos(self) -> Floats:
        """(F, nq) frames of all."""
        return np.concatenate([motion.qpos for motion in self.motions])

    @property
    def names(self) -> tuple[str, ...]:
        """Of the motions; those of the same name are counted, as in walk, walk-2."""
        result = list[str]()
        for motion in self.motions:
            like = sum(1 for name in result if name == motion.name or name.startswith(f"{motion.name}-"))
            result.append(f"{motion.name}-{like + 1}" if like else motion.name)
        return tuple(result)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was made of recordings, in sentences for their owner."""
        if not self.several:
            return self.motions[0].notes
        return tuple(
            f"{name}: {note}" for name, one in zip(self.names, self.motions, strict=True) for note in one.notes
        )


def load_clips(source: MotionSource, human: Human) -> Clips:
    """Return the motion of a configuration, or its motions. Raises UserError as registry.load, naming the clip."""
    if not isinstance(source, ClipsMotion):
        return Clips((load(source, human),), np.ones(1))
    motions = []
    for k, clip in enumerate(source.clips):
        try:
            motions.append(load(clip.file, human))
        except UserError as error:
            raise UserError(f"motion.clips.{k}: {error}") from None
    weights = np.array([clip.weight for clip in source.clips])
    return Clips(tuple(motions), weights, source.floor if source.sampling == "failure" else None)
