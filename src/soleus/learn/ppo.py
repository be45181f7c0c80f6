"""Proximal policy optimization (Schulman et al. 2017) on whole batches."""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from soleus.batch import Batch, Layout
from soleus.config import PolicyConfig, PpoConfig
from soleus.errors import UserError
from soleus.learn.gae import generalized_advantages
from soleus.learn.nets import Policy, Value
from soleus.learn.norm import RunningMoments
from soleus.networks import OBSERVATION_CLIP, NetworkSpec, policy_network

_OBSERVATION_EPSILON = 1e-2  # keeps observations that hardly vary, such as those of a rare contact, from blowing up
_RETURN_EPSILON = 1e-4
_RETURN_MEMORY = 50  # rollouts that the statistics of the returns look back on: returns grow as the policy learns
_RATE_FACTOR, _RATE_LIMITS = 1.5, (1e-5, 1e-2)  # of the adaptive schedule


def clipped_surrogate(ratio: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """Mean of min(r A, clip(r, 1 - clip, 1 + clip) A), the objective to maximise."""
    return torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages).mean()


def value_loss(values: Tensor, old_values: Tensor, targets: Tensor, clip: float | None) -> Tensor:
    """Half the mean squared error; with clip, the worse of it and that of values held within clip of the old ones."""
    loss = (values - targets).square()
    if clip is not None:
        loss = torch.maximum(loss, (old_values + (values - old_values).clamp(-clip, clip) - targets).square())
    return 0.5 * loss.mean()


@dataclass
class _Samples:
    """A batch as the networks take it, all float32 on the device, M = T N rows."""

    observations: Tensor  # (M, D) normalised
    actions: Tensor  # (M, A)
    log_probs: Tensor  # (M,)
    advantages: Tensor  # (M,) of zero mean and unit variance
    values: Tensor  # (M,) as predicted before the update, in the value network's units
    targets: Tensor  # (M,) in the value network's units

    def rows(self, index: Tensor) -> "_Samples":
        return _Samples(*(tensor.index_select(0, index) for tensor in vars(self).values()))


class Ppo:
    """The policy and the value function, and how they learn from batches."""

    def __init__(
        self, config: PpoConfig, policy: PolicyConfig, layout: Layout, seed: int = 0, device: str = "cpu"
    ) -> None:
        self.config = config
        self.device = torch.device(device)
        # Random numbers come from a CPU generator on every device: its state travels with the checkpoint.
        self.generator = torch.Generator().manual_seed(seed)
        spec = policy_network(policy, layout.observation_size, layout.action_size)
        self.policy = Policy(spec, policy.initial_std, self.generator).to(self.device)
        value = NetworkSpec(layout.observation_size, config.value_hidden, 1, config.value_activation)
        self.value = Value(value, self.generator).to(self.device)
        self.optimizer = torch.optim.Adam(
            [{"params": list(net.parameters()), "lr": config.learning_rate} for net in (self.policy, self.value)],
            eps=1e-5,
            fused=True,
        )
        self.observations = RunningMoments((layout.observation_size,))
        self.returns = RunningMoments(())

    def policy_state(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return copies of all that acting takes (networks.policy_tensors)."""
        return {
            **self.policy.export(),
            "normalizer.mean": self.observations.mean.astype(np.float32),
            "normalizer.std": self.observations.std(_OBSERVATION_EPSILON).astype(np.float32),
        }

    def learn(self, batch: Batch, progress: float = 0.0) -> dict[str, float]:
        """Update policy and value function from a batch that policy_state() gathered; return metrics.

        progress: share of the training that is done, for the linear schedule. The statistics of the observations move
        on only at the end, so that this update sees them exactly as the rollout did.
        """
        if self.config.schedule == "linear":
            self._set_rates(self.config.learning_rate * max(1.0 - progress, 0.0), self.optimizer.param_groups)
        samples, metrics = self._prepare(batch)
        metrics.update(self._update(samples))
        if self.config.normalize_observations:
            self.observations.update(batch.observations[:-1].reshape(-1, batch.observations.shape[-1]))
        metrics["ppo/learning_rate"] = self.optimizer.param_groups[0]["lr"]
        metrics["ppo/std"] = float(self.policy.log_std.detach().exp().mean())
        metrics["ppo/entropy"] = float(self.policy.entropy().detach())
        return metrics

    def _normalize(self, observations: npt.NDArray[np.float32]) -> Tensor:
        """Return (M, D) on the device, normalised as the rollout did it; raw observations (..., D) stay as they are."""
        state = [self.observations.mean, self.observations.std(_OBSERVATION_EPSILON)]
        mean, std = (torch.from_numpy(array.astype(np.float32)).to(self.device) for array in state)
        raw = torch.from_numpy(observations.reshape(-1, observations.shape[-1])).to(self.device)
        return (raw - mean).div_(std).clamp_(-OBSERVATION_CLIP, OBSERVATION_CLIP)

    @torch.no_grad()
    def _prepare(self, batch: Batch) -> tuple[_Samples, dict[str, float]]:
        steps, envs = batch.rewards.shape
        observations = self._normalize(batch.observations)
        values = self.value(observations).cpu().numpy().reshape(steps + 1, envs)
        final_values = np.zeros_like(batch.rewards)
        bootstrapped = batch.truncated & ~batch.terminated
        if bootstrapped.any():
            final_values[bootstrapped] = self.value(self._normalize(batch.final_observations[bootstrapped])).cpu()
        advantages, targets = generalized_advantages(
            batch.rewards,
            values,
            final_values,
            batch.terminated,
            batch.truncated,
            self.config.gamma,
            self.config.lambda_,
        )
        if not np.isfinite(advantages).all():
            raise UserError("batch: expected finite observations and rewards, got some that are not")
        explained = 1 - (targets - values[:-1]).var() / max(float(targets.var()), 1e-12)
        if self.config.normalize_returns:
            self.returns.memory = _RETURN_MEMORY * targets.size
            self.returns.update(targets.reshape(-1))
            self.value.rescale(float(self.returns.mean), float(self.returns.std(_RETURN_EPSILON)))

        def flat(array: npt.NDArray[np.float32]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(self.device).flatten(0, 1)

        scaled = (advantages - advantages.mean()) / (advantages.std() + np.float32(1e-8))
        mean, std = self.value.mean, self.value.std
        samples = _Samples(
            observations[: steps * envs],
            flat(batch.actions),
            flat(batch.log_probs),
            flat(scaled),
            (flat(values[:-1]) - mean) / std,
            (flat(targets) - mean) / std,
        )
        return samples, {"ppo/explained_variance": float(explained), "ppo/value": float(values.mean())}

    def _update(self, samples: _Samples) -> dict[str, float]:
        config = self.config
        count = len(samples.log_probs)
        size = math.ceil(count / config.minibatches)
        totals = torch.zeros(4)
        batches = epochs = 0
        for _ in range(config.epochs):
            order = torch.randperm(count, generator=self.generator).to(self.device)
            kl = torch.zeros((), device=self.device)
            for index in torch.split(order, size):
                losses = self._step(samples.rows(index))
                totals += losses.cpu()
                kl += losses[2] * (len(index) / count)
                batches += 1
            epochs += 1
            if self._follow_kl(float(kl)):
                break
        loss, value, _, clipped = (totals / batches).tolist()
        return {
            "ppo/policy_loss": loss,
            "ppo/value_loss": value,
            "ppo/kl": float(kl),
            "ppo/clip_fraction": clipped,
            "ppo/epochs": float(epochs),
        }

    def _step(self, rows: _Samples) -> Tensor:
        """Take one gradient step; return policy loss, value loss, KL divergence and clipped share as a tensor (4,)."""
        config = self.config
        log_ratio = self.policy.log_prob(rows.observations, rows.actions) - rows.log_probs
        ratio = log_ratio.exp()
        policy_loss = -clipped_surrogate(ratio, rows.advantages, config.clip)
        loss_of_value = value_loss(
            self.value.normalized(rows.observations), rows.values, rows.targets, config.value_clip
        )
        loss = policy_loss + config.value_coefficient * loss_of_value
        if config.entropy:
            loss = loss - config.entropy * self.policy.entropy()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for group in self.optimizer.param_groups:  # apart, so that a rough value function does not slow the policy
            nn.utils.clip_grad_norm_(group["params"], config.max_grad_norm)
        self.optimizer.step()
        with torch.no_grad():
            # The low-variance unbiased estimate of KL(old, new) by Schulman, "Approximating KL divergence" (2020).
            kl = (ratio - 1 - log_ratio).mean()
            clipped = ((ratio - 1).abs() > config.clip).float().mean()
            return torch.stack([policy_loss, loss_of_value, kl, clipped])

    def _follow_kl(self, kl: float) -> bool:
        """Adapt the policy's rate to an epoch's KL divergence, or tell whether to stop."""
        target = self.config.target_kl
        if target is None:
            return False
        if self.config.schedule != "adaptive":
            return kl > 1.5 * target
        group = self.optimizer.param_groups[:1]
        if kl > 2 * target:
            self._set_rates(group[0]["lr"] / _RATE_FACTOR, group)
        elif kl < 0.5 * target:
            self._set_rates(group[0]["lr"] * _RATE_FACTOR, group)
        return False

    def _set_rates(self, rate: float, groups: list[dict[str, Any]]) -> None:
        low, high = _RATE_LIMITS if self.config.schedule == "adaptive" else (0.0, math.inf)
        for group in groups:
            group["lr"] = min(max(rate, low), high)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the next learn() depends on, as tensors and plain data."""
        return {
            "policy": self.policy.state_dict(),
            "value": self.value.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "observations": self.observations.state_dict(),
            "returns": self.returns.state_dict(),
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from state_dict()."""
        self.policy.load_state_dict(state["policy"])
        self.value.load_state_dict(state["value"])
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))  # torch would share its tensors
        self.observations.load_state_dict(state["observations"])
        self.returns.load_state_dict(state["returns"])
        self.generator.set_state(state["generator"])
