"""Supervised training of the muscle coordination network of Lee et al. 2019 (Scalable muscle-actuated simulation)."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from soleus import _core
from soleus.config import CoordinationConfig
from soleus.exchange.batch import Float32, MuscleLayout, MuscleSamples
from soleus.exchange.state import flaw_of
from soleus.exchange.weights import TORQUE_SCALE, check_state, muscle_network, sequential_names, to_numpy
from soleus.learn.adam import Adam, completed, flaw_of_adam
from soleus.learn.twin import Twin
from soleus.nets.mlp import build_network

_LOSS_TORQUE = 100.0  # [N m] a torque error of this size costs 1
_EFFORT, _PREACTIVATION = 0.01, 0.01  # weights of mean(a^2) and mean(x^2)


class MuscleLearner:
    """The muscle network, and how it learns to make the torques asked for.

    backend: what computes the regression, as PpoConfig.backend.
    """

    def __init__(
        self,
        config: CoordinationConfig,
        layout: MuscleLayout,
        seed: int = 0,
        device: str = "cpu",
        backend: Literal["auto", "native", "torch"] = "auto",
    ) -> None:
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
        self.core = None if backend == "torch" or self.device.type != "cpu" else self._in_core(layout, rows)

    def _in_core(self, layout: MuscleLayout, rows: npt.NDArray[np.integer[Any]]) -> _core.MuscleUpdate:
        update = _core.MuscleUpdate(
            sizes=list(self.spec.sizes),
            activation=self.spec.activation,
            muscle=rows.tolist(),
            coordinate=layout.crossing.tolist(),
            muscles=layout.num_muscles,
            coordinates=layout.num_actuated,
            torque_scale=TORQUE_SCALE,
            loss_torque=_LOSS_TORQUE,
            effort=_EFFORT,
            preactivation=_PREACTIVATION,
            max_grad_norm=self.config.max_grad_norm,
            adam_epsilon=self.optimizer.defaults["eps"],
            threads=torch.get_num_threads(),
        )
        self._twin = Twin(update.network, list(self.net.parameters()), self.optimizer)
        return update

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
        wanted = samples.desired - samples.passive
        if self.core is not None:
            return self._learn_in_core(self.core, samples.moments, wanted)
        return self._learn_in_torch(torch.from_numpy(samples.moments), torch.from_numpy(wanted))

    def _orders(self, count: int) -> Iterator[Tensor]:
        for _ in range(self.config.epochs):
            yield torch.randperm(count, generator=self.generator)

    def _learn_in_core(self, update: _core.MuscleUpdate, moments: Float32, wanted: Float32) -> dict[str, float]:
        self._twin.load()
        error, asked = update.residual(moments, wanted)
        losses = []
        for order in self._orders(len(moments)):
            losses.append(np.empty(-(-len(moments) // self.config.batch), np.float32))
            update.epoch(moments, wanted, to_numpy(order), self.config.batch, self._twin.rate, losses[-1])
        self._twin.store()
        residual = error / max(asked, 1e-6 * len(moments))
        return {"muscle/loss": float(np.concatenate(losses).mean(dtype=np.float64)), "muscle/residual": residual}

    def _learn_in_torch(self, moments: Tensor, wanted: Tensor) -> dict[str, float]:
        moments, wanted = moments.to(self.device), wanted.to(self.device)
        with torch.no_grad():
            _, error = self.loss(moments, wanted)
            residual = error.norm(dim=1).mean() / wanted.norm(dim=1).mean().clamp_min(1e-6)
        total = torch.zeros((), device=self.device)
        batches = 0
        for order in self._orders(len(moments)):
            for index in torch.split(order.to(self.device), self.config.batch):
                self.step(moments.index_select(0, index), wanted.index_select(0, index), total)
                batches += 1
        return {"muscle/loss": float(total) / batches, "muscle/residual": float(residual)}

    def step(self, moments: Tensor, wanted: Tensor, total: Tensor) -> None:
        """Take one gradient step by torch; add its loss to a total."""
        loss, _ = self.loss(moments, wanted)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), self.config.max_grad_norm)
        self.optimizer.step()
        total += loss.detach()

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
