"""The Gymnasium face of the core: a VectorEnv whose step runs natively."""

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

from soleus.config import load_human_config
from soleus.errors import UserError
from soleus.exchange.seeds import SEEDS, check_seed
from soleus.machine import threads
from soleus.sim.buffers import EPISODE_COLUMNS, Buffers
from soleus.sim.scenario import Scenario, load_scenario
from soleus.sim.simulation import Simulation, check_count


def make_vec(
    name: str,
    num_envs: int = 1,
    num_threads: int | None = None,
    seed: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    render_mode: str | None = None,
) -> "BatchEnv":
    """Return a Gymnasium VectorEnv of `num_envs` humans of a preset or a YAML file.

    num_threads: null: the CPUs that the process may use. overrides: configuration values by dotted key. autoreset_mode:
    when a human whose episode ended restarts, as in Gymnasium; its wrappers of observations ask for NEXT_STEP.
    render_mode: None, as many humans are not drawn. Raises UserError for an unknown name or key, num_envs below 1, a
    model or motion that does not fit.
    """
    if render_mode is not None:
        advice = "gymnasium.make draws one (rgb_array), soleus view and record draw a policy's"
        raise UserError(f"render_mode: expected none for many humans ({advice}), got {render_mode!r}")
    return BatchEnv(load_scenario(load_human_config(name, overrides)), num_envs, num_threads, seed, autoreset_mode)


class BatchEnv(VectorEnv[Any, Any, Any]):
    """N humans, stepped natively on a pool of threads.

    Observations (N, D) float32, rewards (N,) float32, terminated and truncated (N,) bool are views of the core's
    buffers: they hold until the next step() or reset(); copy what has to last. Where an episode ended, the observation
    is the first of the next one, info["final_obs"][i] is the last of the old one, and info["final_info"] its summary:
    "return", "length_s" [s], "distance_m" [m] of the pelvis' path along the ground, "effort" mean squared activation,
    "metabolic_w_kg" [W/kg], "diverged" (the physics failed; the human was reset and named on stderr), (N,) each, with
    masks. Actions (N, A) are clipped to [-1, 1].

    That is Gymnasium's SAME_STEP. With NEXT_STEP and DISABLED the observation is the last of the old episode, and the
    summary is in the info itself. The first of the next one comes with the next step, whose action does nothing, or
    with reset(options={"reset_mask": ...}).
    """

    def __init__(
        self,
        scenario: Scenario,
        num_envs: int,
        num_threads: int | None = None,
        seed: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
        trace: bool = False,
    ) -> None:
        """trace: keep the poses within each step (poses)."""
        self._mode = _mode(autoreset_mode)
        count = threads.collector_threads(None if num_threads is None else check_count("num_threads", num_threads))
        self.simulation = Simulation(scenario, num_envs, count, 0 if seed is None else check_seed(seed))
        core = self.simulation.core
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": self._mode, "render_fps": scenario.config.control.policy_hz}
        self.single_observation_space = spaces.Box(-np.inf, np.inf, (core.observation_size,), np.float32)
        self.single_action_space = spaces.Box(-1.0, 1.0, (core.action_size,), np.float32)
        self.observation_space = gymnasium.vector.utils.batch_space(self.single_observation_space, num_envs)
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, num_envs)
        self.spec = None
        self._seed = seed
        self._buffers = Buffers(self.simulation, 1, samples=False, trace=trace)
        self._started = False
        self._ended = np.zeros(num_envs, bool)  # those whose next episode is still to be shown
        self._shown = self._buffers["observations"][1]

    def reset(
        self, *, seed: int | list[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start a new episode of every human; the same seed gives the same episodes.

        options: reset_mask, (N,) bool: start those alone again. Raises UserError for other options, or another mask.
        """
        if isinstance(seed, (list, tuple)):
            raise UserError("seed: expected one whole number for all humans, got a list")
        mask = _reset_mask(options, self.num_envs)
        if mask is not None and not self._started:
            raise UserError("reset_mask: expected reset() of all humans first")
        if seed is None and not self._started:
            seed = self._seed
        super().reset(seed=None if seed is None else check_seed(seed))
        self._started = True
        observations = self._buffers["observations"][1]
        if mask is None:
            self.simulation.reset(self._next_seed(seed), observations)
            self._ended[:] = False
            self._shown = observations
            return observations, {}
        if seed is not None or not self._ended[mask].all():  # the core has started those again whose episodes ended
            self._restart(mask, self._next_seed(seed))
        self._ended[mask] = False
        self._shown = np.where(mask[:, None], observations, self._shown) if self._ended.any() else observations
        return self._shown, {}

    def _next_seed(self, seed: int | None) -> int:
        return seed if seed is not None else int(self.np_random.integers(SEEDS))

    def _restart(self, mask: np.ndarray, seed: int) -> None:
        """Start some humans again under a seed, the next episodes of all others being drawn from it too."""
        observations = self._buffers["observations"][1]
        states, seen = self.simulation.save(), observations.copy()
        self.simulation.reset(seed, observations)
        fresh = self.simulation.save()
        self.simulation.restore(np.where(mask[:, None], fresh, states))
        observations[~mask] = seen[~mask]

    def load_muscle(self, state: Mapping[str, Any]) -> None:
        """Swap the muscle network's weights whole: what coordination.method network steps with; zeros until then.

        state: a plain torch state_dict. Raises UserError, the old weights staying, for one that does not fit.
        """
        self.simulation.load_muscle(state)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Advance every human by one control step; raises UserError for actions that are not (N, A) finite numbers."""
        if not self._started:
            raise UserError("step: expected reset() first")
        if self._mode == AutoresetMode.DISABLED and self._ended.any():
            human = int(np.flatnonzero(self._ended)[0])
            raise UserError(f"step: expected reset(options={{'reset_mask': ...}}) first, for human {human} has ended")
        buffers = self._buffers
        buffers["actions"][0] = _checked(actions, buffers["actions"][0])
        buffers["observations"][0] = buffers["observations"][1]
        resting = self._ended.copy()
        states = self.simulation.save() if resting.any() else None
        buffers.run(self.simulation, with_policy=False)
        if states is not None:
            self._undo(resting, states)
        terminated, truncated = (buffers[name][0].view(np.bool_) for name in ("terminated", "truncated"))
        done = terminated | truncated
        info = self._episode_info(done) if done.any() else {}
        self._shown = buffers["observations"][1]
        if self._mode != AutoresetMode.SAME_STEP:
            self._ended = done
            if done.any():
                self._shown = np.where(done[:, None], buffers["final_observations"][0], self._shown)
        return self._shown, buffers["rewards"][0], terminated, truncated, info

    def _undo(self, resting: np.ndarray, states: np.ndarray) -> None:
        """Put humans back to the start of their episodes: this step only shows it."""
        buffers = self._buffers
        self.simulation.restore(np.where(resting[:, None], states, self.simulation.save()))
        buffers["observations"][1][resting] = buffers["observations"][0][resting]
        for name in ("rewards", "terminated", "truncated", "diverged"):
            buffers[name][0][resting] = 0

    @property
    def poses(self) -> np.ndarray:
        """Positions (substeps, N, nq) after each simulation step of the last step(), NaN from a divergence on.

        They are those of the episode that step() went on with, where it ended too. Of an environment with trace alone.
        """
        return self._buffers["trace"][:, :, 1 : 1 + self.simulation.scenario.human.model.nq]  # the time comes first

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
        if self._mode != AutoresetMode.SAME_STEP:
            return summary
        return {"final_obs": final, "_final_obs": done, "final_info": summary, "_final_info": done}

    def close_extras(self, **kwargs: Any) -> None:
        """Nothing is held that the garbage collector does not free."""


def _mode(given: AutoresetMode | str) -> AutoresetMode:
    known = {one.name.lower(): one for one in AutoresetMode} | {one.value.lower(): one for one in AutoresetMode}
    found = given if isinstance(given, AutoresetMode) else known.get(str(given).lower())
    if found is None:
        names = ", ".join(one.name.lower() for one in AutoresetMode)
        raise UserError(f"autoreset_mode: expected one of {names}, got {given!r}")
    return found


def check_options(options: Any, known: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the options of a reset. Raises UserError for one that is not known."""
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise UserError(f"reset: expected options as a dictionary, got {type(options).__name__}")
    for name in options:
        if name not in known:
            raise UserError(
                f"reset: expected {'no options' if not known else f'no option but {known[0]}'}, got {name!r}"
            )
    return dict(options)


def _reset_mask(options: Any, count: int) -> np.ndarray | None:
    """Return which humans to restart, None for all. Raises UserError for options that do not fit."""
    found = check_options(options, ("reset_mask",))
    if "reset_mask" not in found:
        return None
    mask = found["reset_mask"]
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.shape != (count,):
        got = f"{mask.dtype} of shape {mask.shape}" if isinstance(mask, np.ndarray) else type(mask).__name__
        raise UserError(f"reset_mask: expected a bool array of shape ({count},), got {got}")
    if not mask.any():
        raise UserError("reset_mask: expected one human or more to restart, got none")
    return mask


def as_array(actions: Any) -> np.ndarray:
    """Return actions as an array. Raises UserError for what is none."""
    try:
        return np.asarray(actions)
    except Exception:  # a ragged list, a tensor that wants a gradient, ...
        raise UserError(f"actions: expected numbers, got a {type(actions).__name__} that is no array") from None


def _checked(actions: Any, expected: np.ndarray) -> np.ndarray:
    """Return actions as the core takes them: numbers of any kind, all of them finite."""
    given = as_array(actions)
    if given.dtype.kind not in "biuf":
        raise UserError(f"actions: expected numbers that fit {expected.dtype}, got {given.dtype}")
    if given.shape != expected.shape:
        raise UserError(f"actions: expected shape {expected.shape}, got {given.shape}")
    if not np.isfinite(given).all():
        human = int(np.argwhere(~np.isfinite(given))[0, 0])
        raise UserError(f"actions: expected finite values, got some that are not, the first for human {human}")
    return np.clip(given, -1.0, 1.0).astype(np.float32, copy=False) if given.dtype != expected.dtype else given
