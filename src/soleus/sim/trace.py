"""A policy at work, seen from outside: what humans did at every simulation step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus import _core
from soleus.config import HumanRunConfig
from soleus.exoskeleton import Device
from soleus.models import Human
from soleus.sim.buffers import Buffers
from soleus.sim.scenario import Scenario, load_scenario
from soleus.sim.simulation import Simulation

Floats = NDArray[np.float64]

STATE = mujoco.mjtState.mjSTATE_INTEGRATION


@dataclass(frozen=True, eq=False)
class Trace:
    """One episode of one human, without a break, after each of T simulation steps, dt apart."""

    human: Human
    dt: float
    """[s] a simulation step"""
    devices: tuple[Device, ...]
    """The nd devices of the exoskeleton; none without one"""
    qpos: Floats
    """(T, nq)"""
    qvel: Floats
    """(T, nv)"""
    activation: Floats
    """(T, nm) of the muscles, in the order of human.muscle_names"""
    tension: Floats
    """(T, nm) with which the muscles pull [N], in the same order"""
    ground_force: Floats
    """(T, 2, 3) of the ground on the right and on the left foot, world axes [N]"""
    pressure: Floats
    """(T, 2, 3) centre of pressure of each foot, world [m]; NaN where the ground does not press on it"""
    ground_moment: Floats
    """(T, 2, 3) of the ground on each foot about its centre of pressure, world axes [N m]; 0 where there is none"""
    metabolic: Floats
    """(T,) metabolic power over body mass [W/kg]; 0 without muscles"""
    device_torque: Floats
    """(T, nd) of the exoskeleton's devices in the step that led there [N m]"""
    joint_torque: Floats
    """(T, nd) that the person has at their joints beside them: of all muscles, or of stable PD without any [N m]"""

    @property
    def times(self) -> Floats:
        """(T,) [s]"""
        return self.dt * np.arange(len(self.qpos), dtype=np.float64)

    @property
    def metabolic_w_kg(self) -> float:
        """Mean metabolic power over body mass [W/kg]."""
        return float(self.metabolic.mean()) if len(self.metabolic) else 0.0


@dataclass(frozen=True, eq=False)
class Episodes:
    """Episodes of several humans under one policy."""

    traces: list[Trace]
    residual_sums: tuple[float, float]
    """Squared torque that the coordination missed, and that it was asked for, summed [(N m)^2]; 0, 0 without one"""


@dataclass(frozen=True, eq=False)
class Step:
    """One control step of N humans."""

    trace: Floats
    """(substeps, N, trace size) after each simulation step: mjSTATE_INTEGRATION, then activations and forces [N] of the
    muscles, their metabolic power [W], and torques of devices and beside them [N m]"""
    reward: NDArray[np.float32]
    """(N,)"""
    terms: dict[str, float]
    """Reward terms, unweighted, means over the humans"""
    done: NDArray[np.bool_]
    """(N,) the episode ended: what comes next is a new one"""


class Playback:
    """N humans under a policy without noise, a control step at a time."""

    def __init__(
        self,
        scenario: Scenario,
        policy: Mapping[str, Any],
        muscle: Mapping[str, Any] | None,
        *,
        num_envs: int = 1,
        seed: int = 0,
        num_threads: int = 1,
        first: int = 0,
        conditions: Floats | None = None,
    ) -> None:
        """first: number of the first human among all that share the seed. conditions: values (num_envs, n) that each
        has; None: drawn, or those that the scenario asks for. Raises UserError where the weights do not fit."""
        self.simulation = Simulation(scenario, num_envs, num_threads, seed, first=first)
        if conditions is not None:
            self.simulation.set_conditions(conditions)
        self.load(policy, muscle)
        self.simulation.core.set_deterministic(True)
        self.human = scenario.person
        self.size = mujoco.mj_stateSize(scenario.human.model, STATE)
        self.activations = slice(self.size, self.size + len(self.human.muscle_names))  # of a row of the trace
        self._buffers = Buffers(self.simulation, 1, samples=False, trace=True)
        self.reset(seed)

    @property
    def control_dt(self) -> float:
        """[s]"""
        return 1.0 / self.simulation.scenario.config.control.policy_hz

    def reset(self, seed: int) -> None:
        """Start a new episode of everybody."""
        self.simulation.reset(seed, self._buffers["observations"][-1:][0])

    def load(self, policy: Mapping[str, Any], muscle: Mapping[str, Any] | None) -> None:
        """Go on under other weights."""
        self.simulation.load_policy(policy)
        if self.simulation.muscle_spec and muscle is not None:
            self.simulation.load_muscle(muscle)

    def step(self) -> Step:
        """Step the humans; the arrays are reused by the next call."""
        buffers = self._buffers
        buffers["observations"][0] = buffers["observations"][-1]
        buffers.run(self.simulation, with_policy=True)
        return Step(buffers["trace"], buffers["rewards"][-1], buffers.term_means(self.simulation), buffers.done[-1])

    def push(self, body: int, force: Floats) -> None:
        """Put a force (3,) [N], world axes, on a body of everybody, until another one is put there."""
        states, data = self.simulation.save(), mujoco.MjData(self.human.model)
        for row in states:
            mujoco.mj_setState(self.human.model, data, row[: self.size], STATE)
            data.xfrc_applied[body, :3] = force
            mujoco.mj_getState(self.human.model, data, row[: self.size], STATE)
        self.simulation.restore(states)

    @property
    def buffers(self) -> Buffers:
        """Arrays of the last step."""
        return self._buffers


def play(
    config: HumanRunConfig,
    policy: Mapping[str, Any],
    muscle: Mapping[str, Any] | None,
    *,
    episodes: int,
    seconds: float,
    seed: int = 0,
    num_threads: int = 1,
) -> Episodes:
    """Return the first episode of as many humans, without noise, each until it ends or `seconds` are over.

    Raises UserError where the weights do not fit the configuration.
    """
    task = config.task.model_copy(update={"episode_seconds": seconds})
    scenario = load_scenario(config.model_copy(update={"task": task}))
    playback = Playback(scenario, policy, muscle, num_envs=episodes, seed=seed, num_threads=num_threads)
    parts: list[list[Part]] = [[] for _ in range(episodes)]
    residuals = np.zeros(3)
    observer = Observer(playback)
    going = np.ones(episodes, np.bool_)
    while going.any():
        step, buffers = playback.step(), playback.buffers
        residuals += buffers["residual_sums"][going].sum(0)
        for i in np.flatnonzero(going):
            rows = step.trace[:, i]
            parts[i].append(observer.read(rows[np.isfinite(rows).all(1)]))
            if step.done[i]:
                going[i] = False
    missed, wanted, _ = residuals
    dt = 1.0 / config.control.sim_hz
    return Episodes([observer.joined(dt, own) for own in parts], (float(missed), float(wanted)))


Part = tuple[Floats, ...]
"""Of a Trace, its arrays in their order, over some of its steps"""


class Observer:
    """Reads what rows of a trace mean."""

    def __init__(self, playback: Playback, human: Human | None = None) -> None:
        """human: whose rows they are, by default the one that all humans of the playback are."""
        self.human = human = human or playback.human
        self.devices = playback.simulation.scenario.devices
        self.model = playback.simulation.stepped_model(human)  # which the core looks with
        self.muscles, self.mass = len(human.muscle_names), human.mass
        self.size = playback.size
        foot, own = np.full(self.model.nbody, -1), np.zeros(self.model.nbody, np.int_)
        own[human.own_bodies] = 1
        for side, bodies in enumerate(human.feet):
            foot[bodies] = side
        self._onlooker = _core.Onlooker(self.model._address, foot.tolist(), own.tolist())

    def read(self, rows: Floats) -> Part:
        """Read trace rows (T, trace size) of one human."""
        count = len(rows)
        qpos, qvel = np.zeros((count, self.model.nq)), np.zeros((count, self.model.nv))
        ground = np.zeros((count, 2, 3, 3))
        self._onlooker.see(np.ascontiguousarray(rows), qpos, qvel, ground)
        ends = np.cumsum([self.muscles, self.muscles, 1, len(self.devices)])
        activation, tension, power, device, beside = (
            part.copy() for part in np.split(rows[:, self.size :], ends, axis=1)
        )
        force, pressure, moment = (ground[:, :, k] for k in range(3))
        return qpos, qvel, activation, tension, force, pressure, moment, power[:, 0] / self.mass, device, beside

    def ground(self, rows: Floats) -> Floats:
        """Where the ground presses on each foot [m], NaN where it does not, and its force [N]: (T, feet, 2, 3)."""
        _, _, _, _, force, pressure, *_ = self.read(rows)
        return np.stack([pressure, force], axis=2)

    def joined(self, dt: float, parts: Sequence[Part]) -> Trace:
        """Return the trace that parts make one after the other."""
        arrays = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return Trace(self.human, dt, self.devices, *arrays)
