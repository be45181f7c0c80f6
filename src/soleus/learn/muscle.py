"""Supervised training of the muscle coordination network of Lee et al. 2019 (Scalable muscle-actuated simulation)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from soleus.config import CoordinationConfig
from soleus.exchange.batch import MuscleLayout, MuscleSamples
from soleus.exchange.state import flaw_of
from soleus.exchange.weights import TORQUE_SCALE, check_state, muscle_network, sequential_names, to_numpy
from soleus.learn.adam import Adam, completed, flaw_of_adam
from soleus.nets.mlp import build_network

_LOSS_TORQUE = 100.0  # [N m] a torque error of this size costs 1
_EFFORT, _PREACTIVATION = 0.01, 0.01  # weights of mean(a^2) and mean(x^2)


class MuscleLearner:
    """The muscle network, and how it learns to make the torques asked for."""

    def __init__(self, config: CoordinationConfig, layout: MuscleLayout, seed: int = 0, device: str = "cpu") -> None:
        self.config = config
        self.device = torch.device(device)
        self.generator = torch.Generator().manual_seed(seed)
        self.spec = muscle_network(config, len(layout.crossing), layout.num_actuated, layout.num_muscles)
        self.net = build_network(self.spec, self.generator, output_gain=1.0).to(self.device)
        self.optimizer = Adam(self.net.parameters(), lr=config.learning_rate, fused=True)
        rows = np.repeat(np.arange(layout.num_muscles), np.diff(layout.crossing_adr))
        self._muscle = torch.from_numpy(rows).to(self.device)  # (nnz,) muscle of each moment
        scatter = np.zeros((len(rows), layout.num_actuated), np.float32)
        scatter[np.arange(len(rows)), layout.crossing] = 1.0
        self._scatter = torch.from_numpy(scatter).to(self.device)  # (nnz, na) moment -> coordinate

    def torque(self, moments: Tensor, activations: Tensor) -> Tensor:
        """Return the active muscle torque JtA a (S, na) [N m] of moments (S, nnz) and activations (S, nm)."""
        return (moments * activations.index_select(1, self._muscle)) @ self._scatter

    def loss(self, moments: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss and the torque error (S, na) [N m]; wanted (S, na): desired minus passive torque.

        With a = relu(tanh(x)): mean(((JtA a - wanted) / 100)^2) + 0.01 mean(a^2) + 0.01 mean(x^2).
        """
        x = self.net[:-1](torch.cat([moments, wanted], dim=1) / TORQUE_SCALE)
        a = self.net[-1](x)
        error = self.torque(moments, a) - wanted
        loss = (error / _LOSS_TORQUE).square().mean()
        return loss + _EFFORT * a.square().mean() + _PREACTIVATION * x.square().mean(), error

    def learn(self, samples: MuscleSamples) -> dict[str, float]:
        """Train on one rollout's samples; return metrics, the residual as it was before this training.

        muscle/residual is |JtA a + passive - desired| / |desired - passive|, each averaged over the samples first:
        where hardly any torque is asked for, the quotient of one sample says nothing. Without any sample, as when all
        humans diverged, nothing is learnt and there are no metrics.
        """
        if not len(samples.moments):
            return {}
        moments = torch.from_numpy(samples.moments).to(self.device)
        wanted = torch.from_numpy(samples.desired - samples.passive).to(self.device)
        with torch.no_grad():
            _, error = self.loss(moments, wanted)
            residual = error.norm(dim=1).mean() / wanted.norm(dim=1).mean().clamp_min(1e-6)
        total = torch.zeros((), device=self.device)
        batches = 0
        for _ in range(self.config.epochs):
            order = torch.randperm(len(moments), generator=self.generator).to(self.device)
            for index in torch.split(order, self.config.batch):
                loss, _ = self.loss(moments.index_select(0, index), wanted.index_select(0, index))
                self.optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(self.net.parameters(), self.config.max_grad_norm)
                self.optimizer.step()
                total += loss.detach()
                batches += 1
        return {"muscle/loss": float(total) / batches, "muscle/residual": float(residual)}

    def start_from(self, state: Mapping[str, Any], source: str) -> None:
        """Take over the weights of a state_dict, by any of the names of sequential_names.

        Raises UserError naming `source` and the tensor that does not fit.
        """
        state = sequential_names(state)
        check_state(self.spec, state, source)
        self.net.load_state_dict({name: torch.as_tensor(to_numpy(value)) for name, value in state.items()})

    def restart_rate(self) -> None:
        """Set the learning rate back to the configured one."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate

    def muscle_state(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return copies of the network's weights by the names of NetworkSpec.tensors."""
        return {name: to_numpy(tensor).copy() for name, tensor in self.net.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the next learn() depends on, as tensors and plain data."""
        return {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from state_dict(). Raises ValueError naming what of it is not as it was given."""
        expected = self.state_dict()
        expected.pop("optimizer")
        known = {name: value for name, value in state.items() if name != "optimizer"}
        if flaw := flaw_of(known, expected) or flaw_of_adam(state.get("optimizer"), self.optimizer):
            raise ValueError(flaw)
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(completed(state["optimizer"], self.optimizer))
        self.generator.set_state(state["generator"])
