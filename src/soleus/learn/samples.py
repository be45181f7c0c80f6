"""A batch as the networks learn from it."""

from dataclasses import dataclass

from torch import Tensor


@dataclass
class Samples:
    """A batch for the networks: on the device, M = T N rows, in float32 except for images and choices."""

    observations: Tensor  # (M, D) normalised, or images (M, H, W, C) uint8
    actions: Tensor  # (M, A)
    log_probs: Tensor  # (M,)
    advantages: Tensor  # (M,) of zero mean and unit variance
    values: Tensor  # (M,) as predicted before the update, in the value network's units
    targets: Tensor  # (M,) in the value network's units

    def rows(self, index: Tensor) -> "Samples":
        """Return some of the rows, in the order of the index."""
        return Samples(*(tensor.index_select(0, index) for tensor in vars(self).values()))
