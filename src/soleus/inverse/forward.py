"""The forward network: from conditions to the gait that a policy has under them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from soleus import models
from soleus.config.sources import ModelSource
from soleus.errors import UserError, nearest
from soleus.exchange.weights import NetworkSpec
from soleus.inverse.columns import Column, columns_of, write_poses
from soleus.inverse.series import TERMS, basis, by_column, travelled
from soleus.models import Human
from soleus.motions import Motion
from soleus.motions.motion import make_motion

Floats = NDArray[np.float64]

_HIDDEN = (256, 256, 256)
_FRAMES = 128  # of a motion


@dataclass(frozen=True)
class Condition:
    """A number that differs from human to human."""

    low: float
    high: float
    default: float


@dataclass(frozen=True)
class Facts:
    """What a network was learnt from."""

    run: str
    checkpoint: str
    """Name of its file"""
    sha256: str
    """Of that file"""
    steps: int
    """Control steps that the policy had learnt from"""
    motions: int
    """People who walked, each under conditions of its own"""
    fell: int
    """Of these, who did not last"""
    cycles: int
    """Strides of each that were learnt from"""
    seed: int


def spec_of(conditions: int, columns: int) -> NetworkSpec:
    """Return the network from conditions, each from -1 to 1, to normalised numbers of a stride."""
    return NetworkSpec(conditions, _HIDDEN, 1 + columns * TERMS, "elu")


@dataclass(frozen=True, eq=False)
class Forward:
    """A network that says what gait a policy has under n conditions; C columns of it.

    A stride is 1 + C * TERMS numbers: the logarithm of its duration [s], then the Fourier series of all columns.
    """

    model: ModelSource
    sim_hz: int
    conditions: dict[str, Condition]
    columns: tuple[Column, ...]
    net: nn.Sequential
    mean: Tensor
    """(1 + C * TERMS,) of all motions"""
    scale: Tensor
    """(1 + C * TERMS,) by how much motions differ; all terms of a column have one"""
    residuals: Tensor
    """(H, 1 + C * TERMS) of motions that it has not learnt from: what they were, minus what it says"""
    deviations: Tensor
    """(S, 1 + C * TERMS) of single strides of these from their means"""
    facts: Facts

    def __repr__(self) -> str:
        return f"soleus.Forward({self.facts.run}, over {', '.join(self.conditions)})"

    @cached_property
    def human(self) -> Human:
        """The model. Raises UserError where it is not there, or is another one by now."""
        human = models.load(self.model, self.sim_hz)
        self.check_human(human)
        return human

    def check_human(self, human: Human) -> None:
        """Raise UserError for another model than that whose gait was learnt."""
        own, other = ({c.joint for c in columns} for columns in (self.columns, columns_of(human)))
        if columns_of(human) != self.columns:
            differing = sorted(own ^ other)
            what = (
                f"with {differing[0]} {'missing' if differing[0] in own else 'besides'}" if differing else "otherwise"
            )
            raise UserError(f"expected the model that the network was learnt from, got '{human.name}', {what}")

    def values(self, at: Mapping[str, float]) -> Floats:
        """Return values (n,) of all conditions, the default of those that are not named.

        Raises UserError for a name that is none of them, or a value out of its range.
        """
        for name, value in at.items():
            if name not in self.conditions:
                known = ", ".join(self.conditions)
                raise UserError(f"expected one of the conditions {known}, got '{name}'{nearest(name, self.conditions)}")
            one = self.conditions[name]
            if not one.low <= value <= one.high:
                raise UserError(f"{name}: expected a value within {one.low:g} and {one.high:g}, got {value:g}")
        return np.array([at.get(name, one.default) for name, one in self.conditions.items()], np.float64)

    def normalised(self, values: Tensor) -> Tensor:
        """Return values (..., n) of the conditions over their ranges, each from -1 to 1."""
        ends = ([getattr(one, end) for one in self.conditions.values()] for end in ("low", "high"))
        low, high = (torch.tensor(end, dtype=values.dtype) for end in ends)
        return 2 * (values - low) / (high - low).clamp(min=1e-12) - 1

    def points(self, normalised: Floats) -> Floats:
        """Return values (..., n) of conditions that are normalised, from -1 to 1, within their ranges."""
        low, high = (np.array([getattr(one, end) for one in self.conditions.values()]) for end in ("low", "high"))
        return np.asarray(np.clip(low + (high - low) * (normalised + 1) / 2, low, high))

    def strides(self, normalised: Tensor) -> Tensor:
        """Return strides (..., 1 + C * TERMS) under conditions (..., n) from -1 to 1; torch can differentiate them."""
        result: Tensor = self.mean + self.scale * self.net(normalised)
        return result

    def curves(self, values: Tensor, phases: Tensor) -> Tensor:
        """Return columns (B, P, C) under conditions (B, n), at phases (P,) in cycles from a right heel strike.

        In radians, metres, m/s and body weights; torch can differentiate them by both.
        """
        strides = self.strides(self.normalised(values))
        series = by_column(strides[..., 1:])
        return torch.einsum("pt,bct->bpc", basis(phases), series)

    def duration(self, at: Mapping[str, float]) -> float:
        """Return how long a cycle is [s]."""
        return float(np.exp(self._stride(at)[0]))

    def poses(self, at: Mapping[str, float], phases: Sequence[float] | Floats) -> Floats:
        """Return poses (P, nq) of the model under conditions by name, at phases (P,) in cycles.

        A cycle begins with a strike of the right heel; the root begins at x = 0 and heads along x. Conditions that are
        not named have their defaults. Raises UserError for a name that is none of them, a value out of its range, or
        where the model is not there.
        """
        stride, where = self._stride(at), np.asarray(phases, np.float64)
        series = stride[1:].reshape(len(self.columns), TERMS)
        values = basis(torch.from_numpy(where)).numpy() @ series.T
        place = np.zeros((len(where), 2))
        for k, column in enumerate(self.columns):
            if column.kind == "velocity":
                whole = np.floor(where)
                covered = whole * series[k, 0] + travelled(series[k : k + 1], where - whole)[:, 0]
                place[:, column.axis] = np.exp(stride[0]) * covered
        return write_poses(self.columns, self.human, values, place)

    def motion(self, at: Mapping[str, float]) -> Motion:
        """Return one cycle under conditions by name as a motion. Errors as of poses."""
        qpos = self.poses(at, np.arange(_FRAMES) / _FRAMES)
        stride = self._stride(at)
        displacement = np.zeros(3)
        for k, column in enumerate(self.columns):
            if column.kind == "velocity":
                displacement[column.axis] = np.exp(stride[0]) * stride[1 + k * TERMS]
        name = ", ".join(f"{name} {value:g}" for name, value in at.items()) or "default"
        return make_motion(name, float(np.exp(stride[0])), qpos, displacement, self.human)

    def _stride(self, at: Mapping[str, float]) -> Floats:
        """(1 + C * TERMS,)"""
        with torch.no_grad():
            values = torch.tensor(self.values(at), dtype=torch.float32)
            return self.strides(self.normalised(values)).double().numpy()
