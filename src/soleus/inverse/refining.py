"""Answers of the network put right by the policy itself, which walks under those that were found.

What the policy does there, minus what the network says, is what the network lacks. Between these points a Gaussian
process says it (Kennedy and O'Hagan 2000, Biometrika 87:1, of a fast code and a slow one), the search goes on with
both, and the policy walks again under what it finds.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from soleus.inverse.comparison import Comparison
from soleus.inverse.forward import Forward
from soleus.inverse.playing import Player

PEOPLE = 64
"""Who walk at once, a candidate each"""
_REACHES = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the process, in conditions from -1 to 1


@dataclass(frozen=True, eq=False)
class Walked:
    """What the policy did under conditions, S of them; those under which it fell are left out."""

    at: Tensor
    """(S, n) from -1 to 1"""
    strides: Tensor
    """(S, 1 + C * TERMS) means"""

    def __add__(self, other: "Walked") -> "Walked":
        return Walked(torch.cat([self.at, other.at]), torch.cat([self.strides, other.strides]))


def walk(player: Player, forward: Forward, at: Tensor, seed: int, num_threads: int) -> list[Tensor | None]:
    """Return the mean stride (1 + C * TERMS,) of the policy under each of the conditions (S, n) from -1 to 1; None
    where it fell."""
    gaits = player.gaits(forward.points(at.numpy()), seed, num_threads)
    return [None if gait is None else torch.from_numpy(gait.mean) for gait in gaits]


def walked_of(at: Tensor, strides: list[Tensor | None]) -> Walked:
    """Return what walk() gave under conditions (S, n)."""
    there = [k for k, one in enumerate(strides) if one is not None]
    return Walked(at[there], torch.stack([one for one in strides if one is not None]) if there else torch.zeros(0, 0))


class Lack:
    """What a network lacks, told from points at which it is known."""

    def __init__(self, forward: Forward, comparison: Comparison, walked: Walked, cycles: int) -> None:
        """cycles: strides that the means are of."""
        self.at = walked.at
        said = comparison.of(forward.strides(walked.at.float()).double())
        root = torch.linalg.cholesky(comparison.network)
        self._root, whiten = root, torch.linalg.inv(root)
        lacking = (comparison.of(walked.strides) - said) @ whiten.T
        noise = float((whiten @ comparison.strides @ whiten.T).trace()) / len(root) / cycles
        self._reach, self._factor = max(
            ((reach, self._factor_of(reach, noise)) for reach in _REACHES),
            key=lambda one: _likelihood(one[1], lacking),
        )
        self._weights = torch.cholesky_solve(lacking, self._factor)

    def _factor_of(self, reach: float, noise: float) -> Tensor:
        alike = _alike(self.at, self.at, reach) + noise * torch.eye(len(self.at), dtype=torch.float64)
        factor: Tensor = torch.linalg.cholesky(alike)
        return factor

    def __call__(self, at: Tensor) -> Tensor:
        """Return what is lacking under conditions (B, n), along the directions (B, K)."""
        lacking: Tensor = _alike(at, self.at, self._reach) @ self._weights @ self._root.T
        return lacking

    def unknown(self, at: Tensor) -> float:
        """Return which share of the network's errors is not known under conditions (B, n), on average."""
        known = torch.linalg.solve_triangular(self._factor, _alike(self.at, at, self._reach), upper=False)
        return float((1 - known.square().sum(dim=0)).clamp(min=0.0).mean())


def _alike(one: Tensor, other: Tensor, reach: float) -> Tensor:
    """Correlations (A, B) of what lacks under conditions (A, n) and (B, n)."""
    return torch.exp(-0.5 * (one[:, None] - other).square().sum(dim=2) / reach**2)


def _likelihood(factor: Tensor, lacking: Tensor) -> float:
    """Logarithm, up to a constant, of how likely a process makes what lacks (S, K)."""
    whole = torch.linalg.solve_triangular(factor, lacking, upper=False).square().sum()
    return float(-0.5 * whole - lacking.shape[1] * factor.diagonal().log().sum())
