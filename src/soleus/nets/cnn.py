"""Encoders of images: the Nature network (Mnih et al. 2015) and the IMPALA network (Espeholt et al. 2018).

Images come as (M, H, W, C), as environments give them: seen as (M, C, H, W) that is torch's channels-last format, in
which its convolutions are fastest on CPUs, without a copy. Every feature map stays in it, so that nothing is reordered
on the way, and the last one is flattened in the order (y, x, channel).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from soleus.errors import UserError
from soleus.nets import native
from soleus.nets.pooling import max_pool

_PIXEL = 1 / 255


class _Encoder(nn.Module):
    """What both networks share: convolutions of images, natively where that is possible, then a linear layer."""

    least: int  # pixels of height and of width
    linear: nn.Linear

    def __init__(self, height: int, width: int, channels: int, features: int, scale: float) -> None:
        super().__init__()
        if min(height, width) < self.least or channels < 1:
            raise UserError(
                f"expected images of at least {self.least}x{self.least}x1 (height, width, channels), "
                f"got {height}x{width}x{channels}"
            )
        self.shape = (height, width, channels)
        self.features = features
        self.scale = scale

    def forward(self, images: Tensor) -> Tensor:
        """Return features (M, features) of images (M, height, width, channels)."""
        if tuple(images.shape[1:]) != self.shape:
            raise UserError(f"expected images of shape (M, *{self.shape}), got {tuple(images.shape)}")
        encoder = self.native()
        parameters = self._parameters_of_convolutions()
        if encoder is not None and native.takes(images, parameters):
            flat = native.convolutions(encoder, images, parameters)
        else:
            flat = self.maps(images).permute(0, 2, 3, 1).flatten(1)
        features: Tensor = self.linear(flat).relu_()
        return features

    def frozen(self) -> Callable[[Tensor], Tensor]:
        """Return forward() under autocast to bfloat16, with the weights of this moment laid out once: for inference."""
        encoder = self.native()
        if encoder is None:
            return self
        packed = native.pack(encoder, self._parameters_of_convolutions())
        weight, bias = (tensor.detach().bfloat16() for tensor in (self.linear.weight, self.linear.bias))

        def features(images: Tensor) -> Tensor:
            return functional.linear(native.features(encoder, packed, images), weight, bias).relu_()

        return features

    def _parameters_of_convolutions(self) -> list[Tensor]:
        return [tensor for conv in self.convolutions() for tensor in conv.parameters()]

    def convolutions(self) -> list[nn.Conv2d]:
        """Return them in order."""
        return [module for module in self.modules() if isinstance(module, nn.Conv2d)]

    def native(self) -> Any:
        """Return the native convolutions, or None."""
        raise NotImplementedError

    def maps(self, images: Tensor) -> Tensor:
        """Return the last feature map (M, C', H', W'), channels-last and after its ReLU, by torch."""
        raise NotImplementedError

    def first(self, conv: nn.Conv2d, images: Tensor) -> Tensor:
        """Return the first convolution (M, C', H', W') of images (M, H, W, C).

        bfloat16 holds every integer of 0..255, so that pixels enter as they are; their scale goes into the weights,
        which are fewer.
        """
        device = images.device.type
        computed = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else torch.float32
        weight, (down, across) = conv.weight * self.scale, conv.stride
        wide = conv.kernel_size[1]
        if across > 1 and wide % across == images.shape[2] % across == 0 and conv.padding == (0, 0):
            images, weight, across = *_fold(images, weight, across), 1
        pixels = images.permute(0, 3, 1, 2).to(computed)
        return functional.conv2d(pixels, weight, conv.bias, (down, across), conv.padding)


def _fold(images: Tensor, weight: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Return images (M, H, W / s, s C) and weights (O, s C, h, w / s) for (M, H, W, C) and (O, C, h, w).

    A convolution of horizontal stride s is one of stride 1 over blocks of s pixels. For the images that is another view
    of the same bytes; the convolution has more channels to sum over at a time, and on a CPU its weights' gradient took
    a third of the time (3 channels, 8x8 pixels, stride 4).
    """
    outputs, channels, high, wide = weight.shape
    folded = weight.view(outputs, channels, high, wide // stride, stride).permute(0, 4, 1, 2, 3)
    return (
        images.view(images.shape[0], images.shape[1], -1, stride * channels),
        folded.reshape(outputs, stride * channels, high, wide // stride),
    )


class NatureCnn(_Encoder):
    """Three convolutions and a linear layer, each followed by ReLU (Mnih et al. 2015).

    Weights are orthogonal with gain sqrt(2), biases zero, drawn from `generator`. forward: (M, height, width, channels)
    of any type to (M, features), in bfloat16 under such an autocast, in float32 otherwise.

    scale: what pixels are multiplied by; 1/255 for 0..255. UserError for an image of fewer than 36 pixels a side.
    """

    least = 36

    def __init__(
        self,
        height: int,
        width: int,
        channels: int,
        features: int = 512,
        *,
        generator: torch.Generator,
        scale: float = _PIXEL,
    ) -> None:
        super().__init__(height, width, channels, features, scale)
        self.conv1 = nn.Conv2d(channels, 32, 8, stride=4)
        self.conv2 = nn.Conv2d(32, 64, 4, stride=2)
        self.conv3 = nn.Conv2d(64, 64, 3)
        rows, columns = (((side - 8) // 4 - 3) // 2 - 1 for side in (height, width))
        self.linear = nn.Linear(64 * rows * columns, features)
        for layer in (self.conv1, self.conv2, self.conv3, self.linear):
            nn.init.orthogonal_(layer.weight, math.sqrt(2), generator=generator)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def native(self) -> Any:
        """Return the native convolutions, or None."""
        return native.nature_encoder(*self.shape, self.scale)

    def maps(self, images: Tensor) -> Tensor:
        """Return the last feature map."""
        maps = self.first(self.conv1, images).relu_()
        maps = self.conv2(maps).relu_()
        last: Tensor = self.conv3(maps).relu_()
        return last


class _Residual(nn.Module):
    """x + conv(relu(conv(relu(x)))), channels as they are (He et al. 2016, pre-activated)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the same shape."""
        moved: Tensor = self.conv1(self.conv0(maps.relu()).relu_())
        return moved.add_(maps)


class _Stage(nn.Module):
    """A convolution, a pooling that halves height and width, two residual blocks."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.residual0 = _Residual(outputs)
        self.residual1 = _Residual(outputs)

    def rest(self, maps: Tensor) -> Tensor:
        """Return what follows the convolution."""
        pooled: Tensor = self.residual1(self.residual0(max_pool(maps)))
        return pooled


class ImpalaCnn(_Encoder):
    """Stages of a convolution, a pooling and two residual blocks, then a linear layer (Espeholt et al. 2018).

    `widths` are the channels of the stages; the default is the network of the Procgen paper (Cobbe et al. 2020).
    Weights and biases are uniform within 1/sqrt(fan-in), torch's own scheme and CleanRL's for Procgen, drawn from
    `generator`. forward: (M, height, width, channels) of any type to (M, features), in bfloat16 under such an autocast,
    in float32 otherwise.

    scale: what pixels are multiplied by; 1/255 for 0..255. UserError for an image without pixels.
    """

    least = 1

    def __init__(
        self,
        height: int,
        width: int,
        channels: int,
        widths: Sequence[int] = (16, 32, 32),
        features: int = 256,
        *,
        generator: torch.Generator,
        scale: float = _PIXEL,
    ) -> None:
        super().__init__(height, width, channels, features, scale)
        if not widths or min(widths) < 1:
            raise UserError(f"expected one or more widths above 0, got {tuple(widths)}")
        stages = []
        rows, columns, inputs = height, width, channels
        for outputs in widths:
            stages.append(_Stage(inputs, outputs))
            rows, columns, inputs = (rows + 1) // 2, (columns + 1) // 2, outputs
        self.widths = tuple(widths)
        self.stages = nn.ModuleList(stages)
        self.linear = nn.Linear(rows * columns * inputs, features)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                bound = 1 / math.sqrt(layer.weight[0].numel())
                for tensor in layer.parameters():
                    nn.init.uniform_(tensor, -bound, bound, generator=generator)

    def native(self) -> Any:
        """Return the native convolutions, or None."""
        return native.impala_encoder(*self.shape, self.widths, self.scale)

    def maps(self, images: Tensor) -> Tensor:
        """Return the last feature map."""
        maps = images
        for number, stage in enumerate(self.stages):
            assert isinstance(stage, _Stage)
            maps = stage.rest(stage.conv(maps) if number else self.first(stage.conv, maps))
        return maps.relu_()
