"""The Gymnasium face of the core: a VectorEnv whose step runs natively, and an Env for one human."""

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

from soleus import threads
from soleus.config import load_human_config
from soleus.errors import UserError
from soleus.simulation import EPISODE_COLUMNS, Body, Buffers, Simulation, check_seed, load_body

_SEEDS = 2**63


def make_vec(
    name: str,
    num_envs: int = 1,
    num_threads: int | None = None,
    seed: int | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> "BatchEnv":
    """Return a Gymnasium VectorEnv of `num_envs` humans of a preset or a YAML file.

    num_threads: null: the CPUs that the process may use. overrides: configuration values by dotted key.
    Raises UserError for an unknown name or key, num_envs below 1, a model or motion that does not fit.
    """
    return BatchEnv(load_body(load_human_config(name, overrides)), num_envs, num_threads, seed)


class BatchEnv(VectorEnv[Any, Any, Any]):
    """N humans, stepped natively on a pool of threads; same-step autoreset.

    Observations (N, D) float32, rewards (N,) float32, terminated and truncated (N,) bool are views of the core's
    buffers: they hold until the next step() or reset(); copy what has to last. Where an episode ended, the observation
    is the first of the next one, info["final_obs"][i] is the last of the old one, and info["final_info"] its summary:
    "return", "length_s" [s], "distance_m" [m] of the pelvis' path along the ground, "effort" mean squared activation,
    "metabolic_w_kg" [W/kg], "diverged" (the physics failed; the human was reset and named on stderr), (N,) each, with
    masks. Actions (N, A) float32 are clipped to [-1, 1].
    """

    def __init__(self, body: Body, num_envs: int, num_threads: int | None = None, seed: int | None = None) -> None:
        self.simulation = Simulation(body, num_envs, threads.collector_threads(num_threads), check_seed(seed or 0))
        core = self.simulation.core
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_fps": body.config.control.policy_hz}
        self.single_observation_space = spaces.Box(-np.inf, np.inf, (core.observation_size,), np.float32)
        self.single_action_space = spaces.Box(-1.0, 1.0, (core.action_size,), np.float32)
        self.observation_space = gymnasium.vector.utils.batch_space(self.single_observation_space, num_envs)
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, num_envs)
        self.spec = None
        self._seed = seed
        self._buffers = Buffers(self.simulation, 1, samples=False)
        self._started = False

    def reset(
        self, *, seed: int | list[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start a new episode of every human; the same seed gives the same episodes."""
        if isinstance(seed, (list, tuple)):
            raise UserError("seed: expected one whole number for all humans, got a list")
        if seed is None and not self._started:
            seed = self._seed
        super().reset(seed=seed)
        self._started = True
        core_seed = seed if seed is not None else int(self.np_random.integers(_SEEDS))
        self.simulation.reset(core_seed, self._buffers["observations"][1])
        return self._buffers["observations"][1], {}

    def load_muscle(self, state: Mapping[str, Any]) -> None:
        """Swap the muscle network's weights whole: what coordination.method network steps with; zeros until then.

        state: a plain torch state_dict. Raises UserError, the old weights staying, for one that does not fit.
        """
        self.simulation.load_muscle(state)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Advance every human by one control step; raises UserError for actions that are not (N, A) finite float32."""
        if not self._started:
            raise UserError("step: expected reset() first")
        buffers = self._buffers
        _check_actions(actions, buffers["actions"][0])
        buffers["actions"][0] = actions
        buffers["observations"][0] = buffers["observations"][1]
        buffers.run(self.simulation, with_policy=False)
        terminated, truncated = (buffers[name][0].view(np.bool_) for name in ("terminated", "truncated"))
        done = terminated | truncated
        info = self._episode_info(done) if done.any() else {}
        return buffers["observations"][1], buffers["rewards"][0], terminated, truncated, info

    def go_on(self, states: np.ndarray) -> None:
        """Go on from what simulation.save() gave, without a reset."""
        self.simulation.restore(states)
        self._started = True

    def _episode_info(self, done: np.ndarray) -> dict[str, Any]:
        final = np.full(self.num_envs, None, dtype=object)
        rows = self._buffers["episodes"][0]
        for i in np.flatnonzero(done):
            final[i] = self._buffers["final_observations"][0, i].copy()
        summary: dict[str, np.ndarray] = {}
        summary["diverged"], summary["_diverged"] = self._buffers["diverged"][0].astype(bool), done
        for column, name in enumerate(EPISODE_COLUMNS):
            summary[name], summary[f"_{name}"] = np.where(done, rows[:, column], 0), done
        return {"final_obs": final, "_final_obs": done, "final_info": summary, "_final_info": done}

    def close_extras(self, **kwargs: Any) -> None:
        """Nothing is held that the garbage collector does not free."""


def _check_actions(actions: Any, expected: np.ndarray) -> None:
    if not isinstance(actions, np.ndarray) or actions.dtype != expected.dtype:
        came = actions.dtype if isinstance(actions, np.ndarray) else type(actions).__name__
        raise UserError(f"actions: expected a {expected.dtype} array, got {came}")
    if actions.shape != expected.shape:
        raise UserError(f"actions: expected shape {expected.shape}, got {actions.shape}")
    if not np.isfinite(actions).all():
        human = int(np.argwhere(~np.isfinite(actions))[0, 0])
        raise UserError(f"actions: expected finite values, got some that are not, the first for human {human}")


class HumanEnv(gymnasium.Env[Any, Any]):
    """One human as a plain Gymnasium environment; the arrays it gives are the caller's."""

    def __init__(self, name: str, overrides: Mapping[str, Any] | None = None) -> None:
        self._batch = make_vec(name, num_envs=1, num_threads=1, overrides=overrides)
        self.metadata = {"render_modes": [], "render_fps": self._batch.metadata["render_fps"]}
        self.observation_space = self._batch.single_observation_space
        self.action_space = self._batch.single_action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start a new episode."""
        super().reset(seed=seed)
        observations, _ = self._batch.reset(seed=seed if seed is not None else int(self.np_random.integers(_SEEDS)))
        return observations[0].copy(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Advance by one control step; raises UserError as BatchEnv.step."""
        action = np.asarray(action)
        expected = self.action_space.shape
        if action.shape != expected:
            raise UserError(f"actions: expected shape {expected}, got {action.shape}")
        observations, rewards, terminated, truncated, info = self._batch.step(action[None])
        done = bool(terminated[0] or truncated[0])
        observation = info["final_obs"][0] if done else observations[0].copy()
        return observation, float(rewards[0]), bool(terminated[0]), bool(truncated[0]), {}
