"""A real collector over a small task in NumPy: hold a point mass at the origin. Tests learn with it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from soleus.config import HumanRunConfig
from soleus.exchange.batch import Batch, Layout, MuscleLayout, MuscleSamples
from soleus.exchange.spaces import ActionSpec, ObservationSpec
from soleus.exchange.weights import (
    OBSERVATION_CLIP,
    check_policy,
    check_state,
    layers,
    muscle_network,
    policy_network,
    to_numpy,
)

DT, EPISODE_STEPS, LIMIT = 0.1, 60, 2.0
MUSCLES = MuscleLayout(
    crossing_adr=np.array([0, 1, 2, 4, 5, 6, 8], np.int32),
    crossing=np.array([0, 0, 0, 1, 1, 1, 0, 1], np.int32),
    num_actuated=2,
    num_muscles=6,
)
MOMENTS = np.array([60, -60, 40, 30, 50, -50, -40, -30], np.float32)

TASK = {"name": "hold", "observation": {"state": {}}, "reward": {"terms": {"hold": {"weight": 1.0}}}}
CONFIG = {
    "model": "point",
    "task": TASK,
    "control": {"mode": "torque", "engine": "mujoco"},
    "policy": {"hidden": [32, 32]},
    "ppo": {"value_hidden": [32, 32], "gamma": 0.95, "epochs": 4, "minibatches": 4, "learning_rate": 1e-3},
    "train": {"steps": 4096, "num_envs": 16, "rollout_steps": 32, "num_threads": 1, "checkpoint_interval": 1024},
}


class PointMassCollector:
    """N point masses x'' = 4 u, |u| <= 1; reward 1 - x^2 - 0.1 v^2; |x| > LIMIT terminates."""

    scenario = None

    def __init__(self, config: HumanRunConfig, num_threads: int = 1) -> None:
        count = config.train.num_envs
        self.config = config
        self.layout = Layout(
            count,
            ObservationSpec((3,)),
            ActionSpec.continuous(1),
            DT,
            MUSCLES if config.trains_muscle_network else None,
        )
        self.spec = policy_network(config.policy, 3, 1)
        self.rng = np.random.default_rng(config.train.seed)
        self.x, self.v = np.zeros(count), np.zeros(count)
        self.age, self.total = np.zeros(count, np.int64), np.zeros(count)
        self.policy: dict[str, Any] = {}
        self.muscle: dict[str, Any] = {}
        self.closed = False
        self._reset(np.ones(count, bool))

    def _reset(self, who: np.ndarray) -> None:
        self.x[who] = self.rng.uniform(-1, 1, who.sum())
        self.v[who] = self.rng.uniform(-1, 1, who.sum())
        self.age[who] = 0
        self.total[who] = 0

    def observe(self) -> np.ndarray:
        return np.stack([self.x, self.v, np.ones_like(self.x)], axis=1).astype(np.float32)

    @property
    def num_workers(self) -> int:
        """One."""
        return 1

    @property
    def pids(self) -> list[int]:
        return []

    def load_policy(self, state: Mapping[str, Any]) -> None:
        check_policy(self.spec, state)
        self.policy = {name: to_numpy(tensor).copy() for name, tensor in state.items()}

    def load_muscle(self, state: Mapping[str, Any]) -> None:
        check_state(muscle_network(self.config.coordination, len(MUSCLES.crossing), 2, 6), state, "muscle network")
        self.muscle = dict(state)

    def mean(self, observations: np.ndarray) -> np.ndarray:
        state = self.policy
        normalized = (observations - state["normalizer.mean"]) / state["normalizer.std"]
        hidden = np.clip(normalized, -OBSERVATION_CLIP, OBSERVATION_CLIP)
        for weight, bias, activation in layers(self.spec, state, "net."):
            hidden = hidden @ weight.T + bias
            hidden = np.tanh(hidden) if activation == "tanh" else hidden
        return hidden

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        self.v += 4 * DT * np.clip(actions[:, 0], -1, 1)
        self.x += DT * self.v
        self.age += 1
        rewards = 1 - self.x**2 - 0.1 * self.v**2
        self.total += rewards
        return rewards, np.abs(self.x) > LIMIT, self.age >= EPISODE_STEPS

    def collect(self) -> Batch:
        steps, envs = self.config.train.rollout_steps, self.config.train.num_envs
        observations = np.zeros((steps + 1, envs, 3), np.float32)
        final = np.full((steps, envs, 3), np.nan, np.float32)
        actions, log_probs = np.zeros((steps, envs, 1), np.float32), np.zeros((steps, envs), np.float32)
        rewards = np.zeros((steps, envs), np.float32)
        terminated, truncated = np.zeros((steps, envs), bool), np.zeros((steps, envs), bool)
        returns, lengths = [], []
        log_std = self.policy["log_std"]
        for t in range(steps):
            observations[t] = self.observe()
            noise = self.rng.standard_normal((envs, 1))
            actions[t] = self.mean(observations[t]) + np.exp(log_std) * noise
            log_probs[t] = (-0.5 * noise**2 - log_std - 0.5 * np.log(2 * np.pi)).sum(1)
            rewards[t], terminated[t], truncated[t] = self.step(actions[t])
            done = terminated[t] | truncated[t]
            final[t, done] = self.observe()[done]
            returns += list(self.total[done])
            lengths += list(self.age[done] * DT)
            self._reset(done)
        observations[steps] = self.observe()
        return Batch(
            observations,
            actions,
            log_probs,
            rewards,
            terminated,
            truncated,
            final,
            self._muscle_samples(steps * envs),
            np.array(returns, np.float32),
            np.array(lengths, np.float32),
            {"hold": float(rewards.mean())},
            {"diverged": 0.0},
        )

    def _muscle_samples(self, count: int) -> MuscleSamples | None:
        if self.layout.muscle is None:
            return None
        moments = MOMENTS * self.rng.uniform(0.8, 1.2, (count, len(MOMENTS)))
        desired = self.rng.uniform(-50, 50, (count, 2))
        passive = self.rng.uniform(-5, 5, (count, 2))
        return MuscleSamples(moments.astype(np.float32), desired.astype(np.float32), passive.astype(np.float32))

    def state(self) -> dict[str, np.ndarray]:
        words = np.frombuffer(repr(self.rng.bit_generator.state).encode(), np.uint8)
        return {"x": self.x, "v": self.v, "age": self.age, "total": self.total, "rng": words}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        self.x, self.v, self.age, self.total = (state[key].copy() for key in ("x", "v", "age", "total"))
        self.rng.bit_generator.state = eval(state["rng"].tobytes().decode())

    def close(self) -> None:
        self.closed = True


def evaluate(
    config: HumanRunConfig,
    policy_state: Mapping[str, Any],
    muscle_state: Any,
    episodes: int,
    seed: int,
    num_threads: int,
) -> dict[str, float]:
    """Evaluate whole episodes without noise, with the keys of the real evaluation."""
    wide = config.model_copy(update={"train": config.train.model_copy(update={"num_envs": episodes, "seed": seed})})
    collector = PointMassCollector(wide)
    collector.load_policy(policy_state)
    alive, total, length = np.ones(episodes, bool), np.zeros(episodes), np.zeros(episodes)
    for _ in range(EPISODE_STEPS):
        rewards, fell, _ = collector.step(collector.mean(collector.observe()))
        total += rewards * alive
        length += DT * alive
        alive &= ~fell
    return {
        "episodes": episodes,
        "share_full": float(alive.mean()),
        "mean_length_s": float(length.mean()),
        "mean_speed_m_s": float(np.abs(collector.v).mean()),
        "mean_return": float(total.mean()),
        "mean_distance_m": float(np.abs(collector.x).mean()),
        "effort": 0.0,
    }
