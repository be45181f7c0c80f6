"""Curves over a cycle as Fourier series: periodic by construction, at any phase, and moved along by a rotation."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]

HARMONICS = 20
"""Of a curve over the cycle: joint angles have 99 % of their power below the seventh (Winter 2009, Biomechanics and
Motor Control of Human Movement, 4th ed., chapter 3), forces of the ground twice as far."""
TERMS = 2 * HARMONICS + 1
"""Coefficients of a curve: its mean, then cosine and sine of each harmonic, scaled so that the sum of their squares is
the mean square of the curve"""
_ROOT2 = float(np.sqrt(2.0))


def series_of(curves: Floats) -> Floats:
    """Return coefficients (C, TERMS) of curves (P, C) at P phases, evenly from 0 to 1, both included.

    What keeps the end from being the start is taken off evenly over the cycle.
    """
    share = np.linspace(-0.5, 0.5, len(curves))[:, None]
    closed = curves - share * (curves[-1] - curves[0])
    transform = np.fft.rfft(closed[:-1], axis=0) / (len(curves) - 1)
    result = np.zeros((curves.shape[1], TERMS))
    result[:, 0] = transform[0].real
    count = min(HARMONICS, len(transform) - 1)
    result[:, 1 : 2 * count : 2] = _ROOT2 * transform[1 : 1 + count].real.T
    result[:, 2 : 2 * count + 1 : 2] = -_ROOT2 * transform[1 : 1 + count].imag.T
    return result


def by_column(numbers: Tensor) -> Tensor:
    """Return series (..., C, TERMS) of numbers (..., C * TERMS)."""
    return numbers.reshape(*numbers.shape[:-1], -1, TERMS)


def mean_squares(numbers: Tensor) -> Tensor:
    """Return mean squares (C,) of curves, over the cycle and over rows of numbers (R, C * TERMS)."""
    return by_column(numbers).square().sum(dim=2).mean(dim=0)


def basis(phases: Tensor) -> Tensor:
    """Return the functions (..., TERMS) that coefficients weigh, at phases (...) in cycles."""
    angles = 2 * torch.pi * phases[..., None] * torch.arange(1, HARMONICS + 1, dtype=phases.dtype)
    waves = _ROOT2 * torch.stack([angles.cos(), angles.sin()], dim=-1).flatten(-2)
    return torch.cat([torch.ones_like(phases)[..., None], waves], dim=-1)


def moved(series: Tensor, shift: Tensor) -> Tensor:
    """Return the series (..., C, TERMS) of curves that begin later in the cycle: at phase 0 is what was at `shift`."""
    angles = 2 * torch.pi * shift[..., None, None] * torch.arange(1, HARMONICS + 1, dtype=series.dtype)
    cosine, sine = angles.cos(), angles.sin()
    a, b = series[..., 1::2], series[..., 2::2]
    waves = torch.stack([a * cosine + b * sine, b * cosine - a * sine], dim=-1).flatten(-2)
    return torch.cat([series[..., :1], waves], dim=-1)


def travelled(series: Floats, phases: Floats) -> Floats:
    """Return integrals (n, C) from phase 0 to phases (n,) of curves with coefficients (C, TERMS), in cycles."""
    turns = 2 * np.pi * np.arange(1, HARMONICS + 1)
    angles = phases[:, None] * turns
    grown = np.stack([np.sin(angles) / turns, (1 - np.cos(angles)) / turns], axis=-1).reshape(len(phases), -1)
    result: Floats = phases[:, None] * series[:, 0] + _ROOT2 * grown @ series[:, 1:].T
    return result
