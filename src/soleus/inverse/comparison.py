"""How far a gait is from another one: in what a motion file tells, over what is known of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import qmc
from torch import Tensor

from soleus.inverse.columns import UNITS, Kind
from soleus.inverse.forward import Forward
from soleus.inverse.given import Given
from soleus.inverse.series import TERMS, by_column, mean_squares, moved

_MOST = 32
"""Directions in which gaits are compared"""
_KEPT = 0.999  # of the variance over conditions
_POINTS = 1024
_LATER = 0.03  # [cycles]
_FLOOR = 0.05  # of a direction's variance: a few motions do not tell it exactly
_LEAST: dict[Kind, float] = {
    "hinge": 1e-3, "ball": 1e-3, "root": 1e-3, "slide": 5e-4, "height": 5e-4, "velocity": 5e-3, "force": 5e-3,
}  # fmt: skip
"""As closely is a column known at best, in its own unit: what differs by less tells nothing"""
_LEAST_DURATION = 1e-3  # of the duration


@dataclass(frozen=True, eq=False)
class Comparison:
    """Directions in which gaits differ from one another under all conditions, K of them, each in its own unit.

    They are the principal components of what the network says, of the numbers that are compared, and what a shift of
    the cycle's beginning changes.
    """

    numbers: Tensor
    """(m,) of a stride that are compared: the duration, and the series of the columns that the file tells of"""
    directions: Tensor
    """(m, K)"""
    network: Tensor
    """(K, K) covariance of the network's errors"""
    strides: Tensor
    """(K, K) covariance of single strides of one person"""

    def of(self, strides: Tensor) -> Tensor:
        """Return strides (..., 1 + C * TERMS) along the directions (..., K)."""
        return strides[..., self.numbers] @ self.directions

    def of_given(self, stride: Tensor, shift: Tensor) -> Tensor:
        """Return a stride (1 + C * TERMS,) that begins later by shifts (B,) in cycles along the directions (B, K)."""
        return self.of(_moved(stride, shift))


def _moved(stride: Tensor, shift: Tensor) -> Tensor:
    """(B, 1 + C * TERMS) of a stride (1 + C * TERMS,) that begins later by shifts (B,) in cycles."""
    series = moved(by_column(stride[1:]).expand(len(shift), -1, -1), shift)
    return torch.cat([stride[:1].expand(len(shift), 1), series.flatten(1)], dim=1)


def compare_by(forward: Forward, given: Given) -> Comparison:
    """Return in which directions a gait is compared with those of a network."""
    columns = torch.tensor(given.compared)
    terms = (1 + columns[:, None] * TERMS + torch.arange(TERMS)).flatten()
    numbers = torch.cat([torch.zeros(1, dtype=torch.long), terms])
    # Each column counts in units of what the network does not know of it.
    missed = forward.residuals[:, numbers].double()
    of_columns = mean_squares(missed[:, 1:]).sqrt()
    least = torch.tensor([_LEAST[forward.columns[k].kind] for k in given.compared], dtype=torch.float64)
    of_columns = torch.maximum(of_columns, least).repeat_interleave(TERMS)
    unit = torch.cat([missed[:, :1].square().mean(dim=0).sqrt().clamp(min=_LEAST_DURATION), of_columns])
    at = torch.from_numpy(2 * qmc.Sobol(len(forward.conditions), rng=np.random.default_rng(0)).random(_POINTS) - 1)
    said = forward.strides(at.float())[:, numbers].double() / unit
    _, sizes, axes = torch.linalg.svd(said - said.mean(dim=0), full_matrices=False)
    share = sizes.square().cumsum(0) / sizes.square().sum()
    kept = min(int((share < _KEPT).sum()) + 1, _MOST)
    # A gait that begins a little later differs too, or shifts could make up for conditions.
    later = _moved(forward.mean.double(), torch.tensor([-_LATER, _LATER], dtype=torch.float64))[:, numbers] / unit
    together, _ = torch.linalg.qr(torch.cat([axes[:kept], later - said.mean(dim=0)]).T)
    directions = together / unit[:, None]
    single = forward.deviations[:, numbers].double()
    return Comparison(numbers, directions, _covariance(missed @ directions), _covariance(single @ directions))


def _covariance(rows: Tensor) -> Tensor:
    """(K, K) about 0 of rows (R, K) in units of errors, drawn towards its diagonal, and no direction known exactly."""
    found = rows.T @ rows / len(rows)
    share = min(1.0, rows.shape[1] / len(rows))
    own = torch.diag(found.diagonal())
    return (1 - share) * found + share * own + _FLOOR * own + _FLOOR**2 * torch.eye(len(own), dtype=own.dtype)


def gait_error(forward: Forward, given: Given, stride: Tensor, shift: float) -> dict[str, float]:
    """Return by how much a gait differs from the given one, by joint or other part, each in the unit of UNITS."""
    target = torch.tensor(given.gait.mean)
    series = moved(by_column(target[1:]), torch.tensor(shift, dtype=torch.float64))
    away = (by_column(stride[1:].double()) - series).square().sum(dim=1)
    found: dict[str, float] = {}
    _add_by_part(found, forward, given.compared, away)
    return found


def _add_by_part(found: dict[str, float], forward: Forward, compared: Sequence[int], squares: Tensor) -> None:
    """Add mean squares (C,) of columns to the root mean squares of the parts that they belong to, in units of UNITS."""
    for k in compared:
        joint, factor = forward.columns[k].joint, UNITS[forward.columns[k].kind][1]
        found[joint] = float(np.hypot(found.get(joint, 0.0), factor * float(squares[k].sqrt())))


def mean_degrees(errors: Mapping[str, float], forward: Forward, compared: Sequence[int]) -> float:
    """Return the root mean square over the joints that turn, of errors by joint [degree]."""
    turning = {forward.columns[k].joint for k in compared if UNITS[forward.columns[k].kind][0] == "degree"}
    return float(np.sqrt(np.mean([errors[joint] ** 2 for joint in turning])))


def usual_degrees(forward: Forward, compared: Sequence[int], network: bool) -> float:
    """Return by how much a stride of a person is off its mean, likewise; network: and the mean off what it says."""
    rows = [forward.deviations, forward.residuals] if network else [forward.deviations]
    found: dict[str, float] = {}
    for each in rows:
        _add_by_part(found, forward, compared, mean_squares(each[:, 1:]))
    return mean_degrees(found, forward, compared)
