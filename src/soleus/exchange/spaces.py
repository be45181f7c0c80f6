"""What is seen and what is done: the observations and actions that collectors, networks and learner agree on."""

from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

ActionKind = Literal["continuous", "discrete", "multidiscrete", "multibinary"]


@dataclass(frozen=True)
class ObservationSpec:
    """One observation: a float32 vector (D,), or an image (H, W, C) of uint8."""

    shape: tuple[int, ...]

    @property
    def is_image(self) -> bool:
        """Whether it is an image."""
        return len(self.shape) == 3

    @property
    def dtype(self) -> type[np.generic]:
        """How it is stored."""
        return np.uint8 if self.is_image else np.float32

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)


@dataclass(frozen=True)
class ActionSpec:
    """One action.

    kind: continuous: float32 (A,). discrete: int32 (), one of sizes[0] choices. multidiscrete: int32 (A,), component a
    one of sizes[a]. multibinary: int32 (A,) of zeros and ones.
    sizes: choices of each component; of a continuous action, one for every value.
    """

    kind: ActionKind
    sizes: tuple[int, ...]

    @classmethod
    def continuous(cls, size: int) -> "ActionSpec":
        """Return the action of `size` real values."""
        return cls("continuous", (1,) * size)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one action as it is stored."""
        return () if self.kind == "discrete" else (len(self.sizes),)

    @property
    def dtype(self) -> type[np.generic]:
        """How it is stored."""
        return np.float32 if self.kind == "continuous" else np.int32

    @property
    def parameters(self) -> int:
        """Values that a network gives for its distribution: means or logits."""
        return sum(self.sizes)
