"""Learn the forward network from gaits, and say how well it knows those that it has not seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from soleus.errors import UserError
from soleus.inverse.columns import UNITS
from soleus.inverse.forward import Condition, Facts, Forward, spec_of
from soleus.inverse.playing import Player
from soleus.inverse.series import TERMS, mean_squares
from soleus.inverse.strides import Gait
from soleus.machine.threads import computing_with
from soleus.nets.mlp import build_network

Floats = NDArray[np.float64]

LEAST = 32
"""Motions that do not fall, of which something can be learnt"""
_HELD_OUT = 8  # one in so many is kept to measure by
_STEPS, _BATCH = 2000, 256
_RATE, _DECAY = 1e-3, 1e-2
_TOLD = 250  # steps
_GAIN = 0.1  # of the last layer: at first every gait is about the mean one


def learn_forward(
    player: Player,
    points: Floats,
    gaits: Sequence[Gait | None],
    seed: int,
    facts: Facts,
    say: Callable[[int, int, float], None] = lambda step, steps, loss: None,
) -> Forward:
    """Return a network of the gaits at points (N, n) of a policy's conditions.

    say: called with the steps that are done, all of them, and the loss, which is 1 where
    nothing is known. Raises UserError where too few of the people walked.
    """
    walked = {k: gait for k, gait in enumerate(gaits) if gait is not None}
    if len(walked) < LEAST:
        raise UserError(
            f"{player.trained.called}: expected {LEAST} motions or more that last, got {len(walked)} of {len(points)}:"
            " the policy falls, or --motions are too few"
        )
    order = np.random.default_rng(seed).permutation(list(walked))
    held, own = order[: len(order) // _HELD_OUT], order[len(order) // _HELD_OUT :]
    targets = _tensor(np.array([walked[k].mean for k in own]))
    forward = _untrained(player, targets, seed, facts)
    with computing_with(1):  # the same bits whatever the threads
        at = forward.normalised(_tensor(points))
        _fit(forward, at[own], (targets - forward.mean) / forward.scale, seed, say)
        forward.net.requires_grad_(False)
        missed = _tensor(np.array([walked[k].mean for k in held])) - forward.strides(at[held])
    single = _tensor(np.vstack([walked[k].rows - walked[k].mean for k in held]))
    return replace(forward, residuals=missed, deviations=single)


def _untrained(player: Player, targets: Tensor, seed: int, facts: Facts) -> Forward:
    """A network that knows the mean of the targets (N, 1 + C * TERMS) and by how much each part differs from it."""
    config, conditions = player.scenario.config, player.scenario.conditions
    assert conditions is not None
    ends = zip(conditions.low.tolist(), conditions.high.tolist(), conditions.defaults.tolist(), strict=True)
    mean = targets.mean(dim=0)
    away = (targets - mean).square().mean(dim=0)
    of_columns = away[1:].reshape(-1, TERMS).sum(dim=1).repeat_interleave(TERMS)
    scale = torch.cat([away[:1], of_columns]).sqrt().clamp(min=1e-6)
    spec = spec_of(len(conditions.names), len(player.columns))
    net = build_network(spec, torch.Generator().manual_seed(seed), _GAIN)
    return Forward(
        config.model, config.control.sim_hz,
        {name: Condition(*one) for name, one in zip(conditions.names, ends, strict=True)},
        player.columns, net, mean, scale, torch.zeros(0), torch.zeros(0), facts,
    )  # fmt: skip


def _fit(forward: Forward, at: Tensor, wanted: Tensor, seed: int, say: Callable[[int, int, float], None]) -> None:
    """Fit the network to normalised strides (N, 1 + C * TERMS) under conditions (N, n) from -1 to 1."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(forward.net.parameters(), _RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
    for step in range(1, _STEPS + 1):
        batch = torch.randint(len(at), (min(_BATCH, len(at)),), generator=generator)
        # The terms of a column have one scale, so that their sum is the column's mean square over the cycle.
        loss = (forward.net(at[batch]) - wanted[batch]).square().sum(dim=1).mean() / (1 + len(forward.columns))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % _TOLD == 0:
            say(step, _STEPS, float(loss.detach()))


@dataclass(frozen=True)
class Error:
    """How well a part of the gait is known: root mean squares over the cycle, of motions not learnt from."""

    name: str
    unit: str
    error: float
    """Of the network"""
    strides: float
    """By which the strides of a person differ from their mean"""
    motions: float
    """By which motions differ from their mean: an error as large says that nothing is known"""


def errors_of(forward: Forward) -> list[Error]:
    """Return the errors of a network by joint and other parts of the gait, the duration of the cycle first."""
    groups: dict[str, list[int]] = {}
    for k, column in enumerate(forward.columns):
        groups.setdefault(column.joint, []).append(k)
    parts = [mean_squares(rows[:, 1:]).sqrt() for rows in (forward.residuals, forward.deviations)]
    scales = forward.scale[1::TERMS]
    seconds = 1000 * float(forward.mean[0].exp())
    found = [Error("duration", "ms", *(seconds * float(one) for one in (
        forward.residuals[:, 0].square().mean().sqrt(), forward.deviations[:, 0].square().mean().sqrt(),
        forward.scale[0])))]  # fmt: skip
    for joint, own in groups.items():
        unit, factor = UNITS[forward.columns[own[0]].kind]
        values = [factor * float(one[own].square().sum().sqrt()) for one in (*parts, scales)]
        found.append(Error(joint, unit, *values))
    return found


def _tensor(values: Floats) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)
