"""Conditions under which a network's gait is a given one: many starts, each down the gradient within the ranges."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.stats import qmc
from torch import Tensor

from soleus.inverse.comparison import Comparison
from soleus.inverse.forward import Forward
from soleus.inverse.given import Given

STARTS = 128
_STEPS = 300
_RATE = 0.05
_SHIFT_RATE = 0.1  # of that of the conditions: shifts are shares of a cycle
_SHIFTS = 100  # that are tried at first

Correction = Callable[[Tensor], Tensor]
"""Of conditions (B, n) from -1 to 1: a part of the gait there, or what the network lacks, along directions (B, K)"""


@dataclass(frozen=True, eq=False)
class Answers:
    """Conditions whose gait is about the given one, B of them."""

    at: Tensor
    """(B, n) from -1 to 1"""
    shift: Tensor
    """(B,) [cycles] by which the given gait begins later"""
    distance: Tensor
    """(B,) squares of distances, each in units of what is known along it"""

    def first(self, count: int) -> "Answers":
        """Return so many of them."""
        return Answers(self.at[:count], self.shift[:count], self.distance[:count])


def first_shift(forward: Forward, comparison: Comparison, given: Given) -> Tensor:
    """Return the shift at which the given gait is most like the mean one."""
    target = torch.tensor(given.gait.mean)
    shifts = torch.arange(_SHIFTS, dtype=torch.float64) / _SHIFTS
    away = comparison.of_given(target, shifts) - comparison.of(forward.mean.double())
    return shifts[(away @ torch.linalg.inv(comparison.network) * away).sum(dim=1).argmin()]


def starts_of(bounds: tuple[Tensor, Tensor], seed: int, shift: Tensor) -> Answers:
    """Return where searches start, STARTS of them, all over the conditions within bounds (n,)."""
    drawn = torch.from_numpy(qmc.Sobol(len(bounds[0]), rng=np.random.default_rng(seed)).random(STARTS))
    at = bounds[0] + (bounds[1] - bounds[0]) * drawn
    return Answers(at, shift.expand(STARTS).clone(), torch.full((STARTS,), torch.inf, dtype=torch.float64))


def _along(forward: Forward, comparison: Comparison) -> Correction:
    """Return what the network says under conditions (B, n) from -1 to 1, along the directions (B, K): comparison.of()
    of its strides, with the last layer and the directions as one, which takes half the time."""
    last = forward.net[-1]
    assert isinstance(last, torch.nn.Linear)
    directions = comparison.directions
    weight = (forward.scale[:, None] * last.weight)[comparison.numbers].double().T @ directions
    bias = (forward.mean + forward.scale * last.bias)[comparison.numbers].double() @ directions
    before = forward.net[:-1]

    def said(at: Tensor) -> Tensor:
        hidden: Tensor = before(at.float())
        return hidden.double() @ weight + bias

    return said


def descend(
    forward: Forward,
    comparison: Comparison,
    given: Given,
    start: Answers,
    bounds: tuple[Tensor, Tensor],
    covariance: Tensor,
    noise: Tensor,
    correction: Correction | None = None,
) -> Answers:
    """Return the answers that lie below their starts.

    bounds: (n,) least and greatest conditions, alike where they are held. covariance: (K, K) of what is not known.
    noise: (B, K) in its units, that each search takes for what was measured.
    """
    whiten = torch.linalg.inv(torch.linalg.cholesky(covariance))
    target = torch.tensor(given.gait.mean)
    at, shift = start.at.clone().requires_grad_(), start.shift.clone().requires_grad_()
    groups: list[dict[str, Any]] = [{"params": [at]}, {"params": [shift], "lr": _SHIFT_RATE * _RATE}]
    optimizer = torch.optim.Adam(groups, _RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)

    said_of = _along(forward, comparison)

    def distances() -> Tensor:
        said = said_of(at)
        if correction is not None:
            said = said + correction(at)
        away = (said - comparison.of_given(target, shift)) @ whiten.T - noise
        squares: Tensor = away.square().sum(dim=1)
        return squares

    for _ in range(_STEPS):
        optimizer.zero_grad()
        distances().sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            at.copy_(at.clamp(*bounds))
    with torch.no_grad():
        return Answers(at.detach(), shift.detach(), distances())
