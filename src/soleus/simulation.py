"""From a configuration to the native core: the model, the motion and the task, handed over once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from soleus import _core, motions, sums
from soleus.batch import Layout, MuscleLayout
from soleus.config import Config
from soleus.errors import UserError
from soleus.handover import control_data, human_data, motion_data, task_data
from soleus.models import Human
from soleus.models import load as load_human
from soleus.motions import Motion
from soleus.networks import NetworkSpec, check_policy, check_state, layers, muscle_network, policy_network
from soleus.sources import is_clip_or_table
from soleus.spaces import ActionSpec, ObservationSpec
from soleus.system import check_memory
from soleus.tasks.catalog import catalog, check_terms


@dataclass(frozen=True)
class Body:
    """What is loaded and compiled once, whatever the number of humans."""

    config: Config
    human: Human
    motion: Motion | None


def load_body(config: Config) -> Body:
    """Load the model and the motion of a configuration and check its task. Raises UserError."""
    check_terms(config.task, catalog())
    human = load_human(config.model, config.control.sim_hz)
    mode = config.control.mode
    if mode == "muscle" and not human.muscle_names:
        raise UserError(
            f"control.mode: expected torque for a model without muscles, got '{mode}' for '{config.subject}'"
        )
    if mode == "excitation" and not (human.muscle_names or human.motors.names):
        raise UserError(
            f"control.mode: expected torque for a model without muscles and motors, got '{mode}' for '{config.subject}'"
        )
    if mode != "torque" and human.model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_ACTUATION:
        raise UserError(
            f'control.mode: expected torque for a model whose <option><flag actuation="disable"/> rests its muscles,'
            f" got '{mode}' for '{config.subject}'"
        )
    motion = motions.load(config.motion, human) if config.motion else None
    if config.policy.mirror and motion is None:
        raise UserError("policy.mirror: expected a motion, whose phase says when to mirror, got none")
    if config.policy.mirror and human.motors.lopsided:
        raise UserError(
            f"policy.mirror: expected motors that are mirror images, on joints, of equal gears and control ranges, got"
            f" '{human.motors.lopsided}' without one"
        )
    return Body(config, human, motion)


def one_body(body: Body) -> _core.Body:
    """Return one human in the core, to be put into poses and looked at. Raises UserError."""
    try:
        return _core.Body(body.human.model._address, human_data(body.human, body.config))
    except ValueError as error:
        raise UserError(f"{body.config.subject}: {error}") from None


def _poses_from(body: Body, error: str) -> str:
    """Return which file starts come from, where it is starts that are wrong."""
    source = body.config.motion
    if body.motion is None or body.config.task.initial != "reference" or "expected a start" not in error:
        return ""
    file = getattr(source, "table", None) or getattr(source, "bvh", None) or source
    units = ": its units and axes are motion.scale, motion.unit and motion.up" if is_clip_or_table(source) else ""
    return f", or motion '{file}', in whose poses episodes start{units}"


class Simulation:
    """N humans in the native core. Errors of the core come out as UserError."""

    def __init__(
        self, body: Body, num_envs: int, num_threads: int, seed: int, shard_size: int = 0, first: int = 0
    ) -> None:
        """first: number of the first human among all that share the seed."""
        num_envs, num_threads = check_count("num_envs", num_envs), check_count("num_threads", num_threads)
        config, human = body.config, body.human
        self.body = body
        each = mujoco.MjData(human.model)
        humans = f"{config.subject}: the simulations of {num_envs:,} humans"
        check_memory(humans, num_envs * each.nbuffer, num_envs * each.narena)
        cpus = sorted(os.sched_getaffinity(0)) if config.train.pin_threads else []
        try:
            self.core = _core.Rollout(
                human.model._address,
                human_data(human, config),
                motion_data(body.motion) if body.motion else None,
                task_data(config),
                control_data(config),
                num_envs,
                min(num_threads, num_envs),
                cpus,
                check_seed(seed),
                shard_size,
                first,
            )
        except ValueError as error:
            raise UserError(f"{config.subject}: {error}{_poses_from(body, str(error))}") from None
        self.muscle_layout = MuscleLayout(
            human.crossing_adr, human.crossing, len(human.actuated), len(human.muscle_names)
        )
        self.policy_spec = policy_network(config.policy, self.core.observation_size, self.core.action_size)
        self.core.set_policy(list(self.policy_spec.sizes), _activations(self.policy_spec))
        self.muscle_spec: NetworkSpec | None = None
        if config.trains_muscle_network:
            layout = self.muscle_layout
            self.muscle_spec = muscle_network(
                config.coordination, len(layout.crossing), layout.num_actuated, layout.num_muscles
            )
            self.core.set_muscle(list(self.muscle_spec.sizes), _activations(self.muscle_spec))

    def stepped_model(self) -> mujoco.MjModel:
        """Return a copy of the human's model as the core steps it: without what is not simulated or rests."""
        model = self.body.human.model.__copy__()
        groups = np.zeros(model.nactuator, np.int32)
        model.opt.disableflags = self.core.disable_flags
        model.opt.disableactuator = self.core.rest_actuators(groups)
        model.actuator_group[:] = groups
        return model

    @property
    def layout(self) -> Layout:
        """Sizes of what the core gives."""
        control = self.body.config.control
        return Layout(
            self.core.humans,
            ObservationSpec((self.core.observation_size,)),
            ActionSpec.continuous(self.core.action_size),
            1.0 / control.policy_hz,
            self.muscle_layout if self.muscle_spec else None,
        )

    def load_policy(self, state: Mapping[str, Any]) -> None:
        """Swap the policy's weights whole; raises UserError, the old ones staying, for a state that does not fit."""
        check_policy(self.policy_spec, state)
        self.core.load_policy(
            layers(self.policy_spec, state, "net."),
            _vector(state["normalizer.mean"]),
            _vector(state["normalizer.std"]),
            _vector(state["log_std"]),
        )

    def load_muscle(self, state: Mapping[str, Any]) -> None:
        """Swap the muscle network's weights whole; raises UserError, the old ones staying, for what does not fit."""
        if self.muscle_spec is None:
            raise UserError("load_muscle: expected coordination.method network, got static_optimization")
        check_state(self.muscle_spec, state, "muscle network")
        self.core.load_muscle(layers(self.muscle_spec, state))

    def reset(self, seed: int, observations: np.ndarray) -> None:
        """Start episode 0 of every human under this seed and write what they see first, (N, D) float32."""
        self.core.reset(check_seed(seed), observations)
        if not np.isfinite(observations).all():
            human = int(np.argwhere(~np.isfinite(observations))[0, 0])
            raise UserError(
                f"{self.body.config.subject}: expected finite first observations, got others of human {human}"
            )

    def save(self) -> np.ndarray:
        """Return what each human's future depends on, (N, state size) float64."""
        states = np.zeros((self.core.humans, self.core.state_size))
        self.core.save(states)
        return states

    def restore(self, states: np.ndarray) -> None:
        """Go on from what save() gave. Raises UserError for another shape."""
        try:
            self.core.restore(np.ascontiguousarray(states, np.float64))
        except ValueError as error:
            raise UserError(str(error)) from None

    def qpos(self) -> np.ndarray:
        """Return the generalized positions, (N, nq) float64."""
        out = np.zeros((self.core.humans, self.body.human.model.nq))
        self.core.qpos(out)
        return out

    def reference(self) -> tuple[np.ndarray, np.ndarray]:
        """Return where the motion is: poses (N, nq) and phases (N) in [0, 1). Raises UserError without a motion."""
        qpos, phase = np.zeros((self.core.humans, self.body.human.model.nq)), np.zeros(self.core.humans)
        try:
            self.core.reference(qpos, phase)
        except ValueError as error:
            raise UserError(f"{self.body.config.subject}: {error}") from None
        return qpos, phase


def _activations(spec: NetworkSpec) -> list[str]:
    return [spec.activation] * len(spec.hidden) + [spec.output_activation]


def _vector(tensor: Any) -> np.ndarray:
    from soleus.networks import to_numpy

    return np.ascontiguousarray(to_numpy(tensor), np.float32)


EPISODE_COLUMNS: tuple[str, ...] = _core.EPISODE_COLUMNS
"""Columns of an episode's summary, in the core's order."""

_SEEDS = 2**63


def check_seed(seed: Any) -> int:
    """Return the seed; raises UserError for anything but a whole number in [0, 2^63)."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < _SEEDS:
        raise UserError(f"seed: expected a whole number from 0 to 2^63 - 1, got {seed!r}")
    return int(seed)


def check_count(name: str, value: Any) -> int:
    """Return how many there are to be; raises UserError for anything but a whole number from 1 on."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise UserError(f"{name}: expected a whole number of at least 1, got {value!r}")
    return int(value)


class Buffers:
    """Arrays of a rollout of T steps, which the core writes and the caller reads until the next one.

    Before every rollout values become NaN and flags 255, so that a slot that the core does not write shouts: the traces
    of a human from where it diverged to its next control step, and what is defined only where an episode ended.
    """

    def __init__(self, simulation: Simulation, steps: int, samples: bool, trace: bool = False) -> None:
        """samples: of the muscles too; trace: every human's state at every simulation step too."""
        core = simulation.core
        n, d, a = core.humans, core.observation_size, core.action_size
        terms = len(simulation.body.config.task.reward.terms)
        self.steps = steps
        check_memory(
            f"{simulation.body.config.subject}: a rollout of {steps:,} steps of {n:,} humans",
            4.0 * steps * n * (2 * d + a + 16 + len(simulation.muscle_layout.crossing) * samples),
        )
        self.arrays: dict[str, np.ndarray] = {
            "observations": np.full((steps + 1, n, d), np.nan, np.float32),
            "actions": np.full((steps, n, a), np.nan, np.float32),
            "log_probs": np.full((steps, n), np.nan, np.float32),
            "rewards": np.full((steps, n), np.nan, np.float32),
            "terminated": np.full((steps, n), 255, np.uint8),
            "truncated": np.full((steps, n), 255, np.uint8),
            "diverged": np.full((steps, n), 255, np.uint8),
            "final_observations": np.full((steps, n, d), np.nan, np.float32),
            "episodes": np.full((steps, n, len(EPISODE_COLUMNS)), np.nan, np.float32),
            "term_sums": np.zeros((n, terms)),
            "residual_sums": np.zeros((n, 3)),
        }
        if samples:
            layout = simulation.muscle_layout
            self.arrays["moments"] = np.empty((steps, n, len(layout.crossing)), np.float32)
            self.arrays["desired"] = np.empty((steps, n, layout.num_actuated), np.float32)
            self.arrays["passive"] = np.empty((steps, n, layout.num_actuated), np.float32)
        if trace:
            control = simulation.body.config.control
            rows = steps * (control.sim_hz // control.policy_hz)
            self.arrays["trace"] = np.full((rows, n, core.trace_size), np.nan)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    @property
    def done(self) -> np.ndarray:
        """(T, N) bool: an episode ended in this step."""
        done: np.ndarray = (self["terminated"] | self["truncated"]).astype(bool)
        return done

    def run(self, simulation: Simulation, with_policy: bool) -> None:
        """Fill the arrays (fill()), and say which humans diverged."""
        self.fill(simulation, with_policy)
        sums.name_diverged(self["diverged"])

    def fill(self, simulation: Simulation, with_policy: bool) -> None:
        """Fill the arrays by one rollout from the first row of observations on; without a policy, by its actions."""
        given = {"observations"} if with_policy else {"observations", "actions"}
        for name, array in self.arrays.items():
            if name in ("term_sums", "residual_sums"):
                array[:] = 0.0
            elif name not in given:
                array[:] = 255 if array.dtype == np.uint8 else np.nan
        self["observations"][1:] = np.nan
        simulation.core.run(self.arrays, self.steps, with_policy)

    def term_means(self, simulation: Simulation) -> dict[str, float]:
        """Mean of each reward term, unweighted, over the rollout."""
        return sums.term_means(simulation.body.config, self["term_sums"], self["rewards"].size)

    def residuals(self) -> tuple[float, float]:
        """Relative torque residuals of the rollout (sums.residuals)."""
        return sums.residuals(self["residual_sums"])
