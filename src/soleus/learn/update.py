"""What an update of proximal policy optimization is, whoever computes it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from soleus.learn.samples import Samples

Epoch = Callable[[Tensor, int], Tensor]
"""Takes a step for each so many rows of an order (M,); returns policy loss, value loss, KL divergence, clipped share
and entropy of each step, (steps, 5)."""


class Update(Protocol):
    """Moves policy and value function by Adam's steps. Weights and moments are torch's, before it and after it."""

    def at_work(self) -> AbstractContextManager[None]:
        """While it lasts, values() and of() are called."""

    def values(self, observations: Tensor) -> npt.NDArray[np.float32]:
        """Return values (M,) in units of the return at observations as the networks see them."""

    def of(self, samples: Samples) -> AbstractContextManager[Epoch]:
        """Give what takes an epoch's steps on samples; the weights in torch are the new ones at its end."""

    def close(self) -> None:
        """End the threads that learn."""
