"""Max pooling of 3 x 3 pixels with stride 2 and padding 1, the one that the IMPALA network has."""

from torch import Tensor
from torch.nn import functional


def max_pool(images: Tensor) -> Tensor:
    """Return (M, C, ceil(H/2), ceil(W/2)) for images (M, C, H, W)."""
    return functional.max_pool2d(images, 3, 2, 1)
