"""Proximal policy optimization (Schulman et al. 2017) on whole batches."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from soleus.config import PolicyConfig, PpoConfig
from soleus.errors import UserError
from soleus.exchange.batch import Batch, Layout
from soleus.exchange.state import flaw_of
from soleus.exchange.weights import Weights, to_numpy
from soleus.learn.adam import Adam, completed, flaw_of_adam
from soleus.learn.gae import generalized_advantages
from soleus.learn.native_update import NativeUpdate
from soleus.learn.norm import RewardScaler, RunningMoments
from soleus.learn.samples import Samples
from soleus.learn.torch_update import TorchUpdate
from soleus.learn.update import Update
from soleus.nets.policy import build_policy, build_value, normalize, weights_of
from soleus.nets.precision import effective_precision

_OBSERVATION_EPSILON = 1e-2  # keeps observations that hardly vary, such as those of a rare contact, from blowing up
_RETURN_EPSILON = 1e-4
_RETURN_MEMORY = 50  # rollouts that the statistics of the returns look back on: returns grow as the policy learns
_CHUNK = 512  # images whose values are computed at a time: their feature maps stay in the cache's reach
_MOST_IMPORTANCE = 2.0  # of a sample of an older policy: what few samples weigh does not carry an update
_RATE_FACTOR, _RATE_LIMITS = 1.5, (1e-5, 1e-2)  # of the adaptive schedule


class Ppo:
    """The policy and the value function, and how they learn from batches."""

    def __init__(
        self, config: PpoConfig, policy: PolicyConfig, layout: Layout, seed: int = 0, device: str = "cpu"
    ) -> None:
        self.config = config
        self.device = torch.device(device)
        self.image = layout.observation.is_image
        # Random numbers come from a CPU generator on every device: its state travels with the checkpoint.
        self.generator = torch.Generator().manual_seed(seed)
        self.precision = effective_precision(config.precision, self.image)
        self.policy = build_policy(policy, layout, self.generator, self.precision)
        self.value = build_value(config, self.policy, self.generator).to(self.device)
        self.weights = weights_of(self.policy, layout.observation)
        self.policy.to(self.device)
        nets = (self.policy, self.value)
        self.optimizer = Adam(
            [{"params": list(net.parameters()), "lr": config.learning_rate} for net in nets], eps=1e-5, fused=True
        )
        self.update = self._make_update(layout)
        self.observations = RunningMoments(() if self.image else layout.observation.shape)
        self.returns = RunningMoments(())
        self.rewards = RewardScaler(layout.num_envs, config.gamma)
        self.updates = 0

    def _make_update(self, layout: Layout) -> Update:
        """Return what computes the update: the one place that decides it."""
        config, asked, threads = self.config, self.config.backend, torch.get_num_threads()
        uncovered = NativeUpdate.uncovered(self.policy, self.device)
        if asked == "native" and uncovered:
            raise UserError(f"ppo.backend: expected auto or torch for {uncovered}, got native")
        shards = None if config.shards == "auto" else config.shards
        if asked != "torch" and not uncovered:
            count = threads if shards is None else shards
            return NativeUpdate(config, self.policy, self.value, self.optimizer, layout.action, count)
        if shards is None:
            shards = threads if self.policy.shares_features and self.device.type == "cpu" else 1
        return TorchUpdate(config, self.policy, self.value, self.optimizer, shards)

    def policy_state(self) -> Weights:
        """Return all tensors that acting needs (exchange.weights.policy_tensors; for images without the normaliser).

        They are the policy's own: they change with the next learn().
        """
        if self.device.type != "cpu":
            for name, tensor in self.policy.state_dict().items():
                self.weights[name][...] = to_numpy(tensor)
        if not self.image:
            self.weights["normalizer.mean"][:] = self.observations.mean
            self.weights["normalizer.std"][:] = self.observations.std(_OBSERVATION_EPSILON)
        return self.weights

    def learn(self, batch: Batch, progress: float = 0.0) -> dict[str, float]:
        """Update policy and value function from a batch that policy_state() gathered; return metrics.

        progress: share of the training that is done, for the linear schedule. The statistics of the observations move
        on only at the end, so that this update sees them exactly as the rollout did. A batch of an older policy
        (Batch.lag) is corrected for (_correct()).
        """
        if self.config.schedule == "linear":
            self._set_rates(self.config.learning_rate * max(1.0 - progress, 0.0), self.optimizer.param_groups)
        with self.update.at_work():
            samples, metrics = self._prepare(batch)
            if batch.lag:
                metrics["ppo/behaviour_kl"] = self._correct(samples, batch.valid)
            metrics.update(self._update(samples, batch.valid))
        if self.config.normalize_observations and not self.image:
            seen = batch.observations[:-1]
            self.observations.update(seen.reshape(-1, seen.shape[-1]) if batch.valid is None else seen[batch.valid])
        metrics["ppo/learning_rate"] = self.optimizer.param_groups[0]["lr"]
        if self.policy.log_std is not None:
            metrics["ppo/std"] = float(self.policy.log_std.detach().exp().mean())
        return metrics

    def _seen(self, observations: npt.NDArray[Any]) -> Tensor:
        """Return (M, D) normalised as the rollout did it, or images as they are; raw observations stay unchanged."""
        raw = torch.from_numpy(observations).to(self.device)
        if self.image:
            return raw
        state = [self.observations.mean, self.observations.std(_OBSERVATION_EPSILON)]
        mean, std = (torch.from_numpy(array.astype(np.float32)).to(self.device) for array in state)
        return normalize(raw, mean, std)

    def minibatch_size(self, samples: int) -> int:
        """Return how many of the samples of a round are in a minibatch."""
        return self.config.batch_size or math.ceil(samples / self.config.minibatches)

    @torch.no_grad()
    def _prepare(self, batch: Batch) -> tuple[Samples, dict[str, float]]:
        steps, envs = batch.rewards.shape
        observations = self._seen(batch.observations.reshape(-1, *batch.observations.shape[2:]))
        values = self.update.values(observations).reshape(steps + 1, envs)
        final_values = np.zeros_like(batch.rewards)
        bootstrapped = batch.truncated & ~batch.terminated
        if bootstrapped.any():
            final_values[bootstrapped] = self.update.values(self._seen(batch.final_observations[bootstrapped]))
        rewards, valid = batch.rewards, batch.valid
        if self.config.normalize_rewards:
            rewards = self.rewards.scale(rewards, batch.terminated | batch.truncated, valid)
        advantages, targets = generalized_advantages(
            rewards,
            values,
            final_values,
            batch.terminated,
            batch.truncated,
            self.config.gamma,
            self.config.lambda_,
        )
        if not np.isfinite(advantages).all():
            raise UserError("batch: expected finite observations and rewards, got some that are not")
        mine, aims, foreseen = (
            array if valid is None else array[valid] for array in (advantages, targets, values[:-1])
        )
        explained = 1 - (aims - foreseen).var() / max(float(aims.var()), 1e-12)
        if self.config.normalize_returns:
            self.returns.memory = _RETURN_MEMORY * targets.size
            self.returns.update(aims.reshape(-1))
            self.value.rescale(float(self.returns.mean), float(self.returns.std(_RETURN_EPSILON)))

        def flat(array: npt.NDArray[Any]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(self.device).flatten(0, 1)

        scaled = (advantages - mine.mean()) / (mine.std() + np.float32(1e-8))
        mean, std = self.value.mean, self.value.std
        samples = Samples(
            observations[: steps * envs],
            flat(batch.actions),
            flat(batch.log_probs),
            flat(scaled),
            (flat(values[:-1]) - mean) / std,
            (flat(targets) - mean) / std,
        )
        return samples, {"ppo/explained_variance": float(explained), "ppo/value": float(foreseen.mean())}

    @torch.no_grad()
    def _correct(self, samples: Samples, valid: npt.NDArray[np.bool_] | None) -> float:
        """Correct samples of an older policy for updating this one; return the KL divergence of this policy from it.

        The objective holds the update near this policy and weighs each sample by its importance, pi(a|s) / mu(a|s) of
        this policy pi and the one that acted, mu: the decoupled objective of Hilton, Cobbe and Schulman, "Batch
        size-invariance for policy optimization" (2021), its weights truncated.
        """

        def log_probs(rows: Samples) -> Tensor:
            features = self.policy.features(rows.observations)
            return self.policy.head.log_prob(self.policy.net(features), rows.actions)

        parts = torch.split(torch.arange(len(samples.actions), device=self.device), _CHUNK)
        now = torch.cat([log_probs(samples.rows(part)) for part in parts])
        log_ratio = now - samples.log_probs
        samples.advantages *= log_ratio.exp().clamp(max=_MOST_IMPORTANCE)
        samples.log_probs = now
        kept = slice(None) if valid is None else torch.from_numpy(np.flatnonzero(valid)).to(self.device)
        return float((log_ratio.exp() - 1 - log_ratio)[kept].mean())

    def _update(self, samples: Samples, valid: npt.NDArray[np.bool_] | None) -> dict[str, float]:
        config = self.config
        kept = None if valid is None else torch.from_numpy(np.flatnonzero(valid))
        count = len(samples.log_probs) if kept is None else len(kept)
        size = self.minibatch_size(len(samples.log_probs))
        weights = torch.tensor([min(size, count - begin) / count for begin in range(0, count, size)])
        steps = []
        with self.update.of(samples) as epoch:
            for _ in range(config.epochs):
                order = torch.randperm(count, generator=self.generator)
                steps.append(epoch((order if kept is None else kept[order]).to(self.device), size))
                kl = float(weights @ steps[-1][:, 2])
                if self._follow_kl(kl):
                    break
        figures = torch.cat(steps)
        self.updates += len(figures)
        loss, value, _, clipped, entropy = figures.mean(0).tolist()
        return {
            "ppo/policy_loss": loss,
            "ppo/value_loss": value,
            "ppo/kl": kl,
            "ppo/clip_fraction": clipped,
            "ppo/entropy": entropy,
            "ppo/epochs": float(len(steps)),
        }

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
            "rewards": self.rewards.state_dict(),
            "updates": self.updates,
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from state_dict(). Raises ValueError naming what of it is not as it was given."""
        expected = self.state_dict()
        for name in ("optimizer", "rewards"):  # the optimizer's is empty as it begins, the other goes by environments
            expected.pop(name)
        known = {name: value for name, value in state.items() if name not in ("optimizer", "rewards")}
        if (
            flaw := flaw_of(known, expected)
            or flaw_of_adam(state.get("optimizer"), self.optimizer)
            or self._flaw_of_rewards(state)
        ):
            raise ValueError(flaw)
        self.policy.load_state_dict(state["policy"])
        self.value.load_state_dict(state["value"])
        self.optimizer.load_state_dict(completed(state["optimizer"], self.optimizer))
        self.observations.load_state_dict(state["observations"])
        self.returns.load_state_dict(state["returns"])
        self.rewards.load_state_dict(state["rewards"])
        self.updates = int(state["updates"])
        self.generator.set_state(state["generator"])

    def _flaw_of_rewards(self, state: Mapping[str, Any]) -> str | None:
        return flaw_of(state.get("rewards"), self.rewards.state_dict(), "rewards", sizes=False)

    def start_from(self, policy: Mapping[str, Any], state: Mapping[str, Any] | None, samples: float) -> bool:
        """Start with the weights and the normaliser of another run; everything else is new.

        policy: as policy_state() gives it, of these names and shapes. state: as state_dict() gives it, where there is
        one; its value function is taken over where it fits, and whether it does is returned. samples: how
        many the normaliser counts for, if there is no state to say it.
        """
        weights = {name: torch.as_tensor(to_numpy(policy[name])) for name in self.policy.state_dict()}
        self.policy.load_state_dict(weights)
        if not self.image:
            if state is not None:
                self.observations.load_state_dict(state["observations"])
            else:
                self.observations.mean = to_numpy(policy["normalizer.mean"]).astype(np.float64)
                std = to_numpy(policy["normalizer.std"]).astype(np.float64)
                self.observations.variance = (std - _OBSERVATION_EPSILON).clip(min=0.0) ** 2
                self.observations.count = samples
        if state is None:
            return False
        mine, theirs = self.value.state_dict(), state["value"]
        if {name: one.shape for name, one in mine.items()} != {name: one.shape for name, one in theirs.items()}:
            return False
        self.value.load_state_dict(theirs)
        self.returns.load_state_dict(state["returns"])
        return True

    def restart_rate(self) -> None:
        """Set the learning rate back to the configured one, whatever a schedule has made of it."""
        self._set_rates(self.config.learning_rate, self.optimizer.param_groups)

    def close(self) -> None:
        """End the threads that learn."""
        self.update.close()
