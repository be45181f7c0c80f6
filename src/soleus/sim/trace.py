"""A policy at work, seen from outside: what humans did at every simulation step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.config import HumanRunConfig
from soleus.models import Human
from soleus.sim.buffers import EPISODE_COLUMNS, Buffers
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
    qpos: Floats
    """(T, nq)"""
    qvel: Floats
    """(T, nv)"""
    activation: Floats
    """(T, nm) of the muscles, in the order of human.muscle_names"""
    ground_force: Floats
    """(T, 2, 3) of the ground on the right and on the left foot, world axes [N]"""
    metabolic_w_kg: float
    """Mean metabolic power over body mass [W/kg]; 0 without muscles"""

    @property
    def times(self) -> Floats:
        """(T,) [s]"""
        return self.dt * np.arange(len(self.qpos), dtype=np.float64)


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
    """(substeps, N, trace size) states after each simulation step: mjSTATE_INTEGRATION, then activations"""
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
    ) -> None:
        """Raises UserError where the weights do not fit."""
        self.simulation = Simulation(scenario, num_envs, num_threads, seed)
        self.load(policy, muscle)
        self.simulation.core.set_deterministic(True)
        self.human = scenario.person
        self.size = mujoco.mj_stateSize(scenario.human.model, STATE)
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
    parts: list[list[_Part]] = [[] for _ in range(episodes)]
    metabolic, residuals = np.zeros(episodes), np.zeros(3)
    observer = _Observer(playback)
    going = np.ones(episodes, np.bool_)
    while going.any():
        step, buffers = playback.step(), playback.buffers
        residuals += buffers["residual_sums"][going].sum(0)
        for i in np.flatnonzero(going):
            rows = step.trace[:, i]
            parts[i].append(observer.read(rows[np.isfinite(rows).all(1)]))
            if step.done[i]:
                going[i] = False
                metabolic[i] = buffers["episodes"][0, i, EPISODE_COLUMNS.index("metabolic_w_kg")]
    missed, wanted, _ = residuals
    return Episodes(
        [
            _joined(playback.human, 1.0 / config.control.sim_hz, own, power)
            for own, power in zip(parts, metabolic, strict=True)
        ],
        (float(missed), float(wanted)),
    )


_Part = tuple[Floats, Floats, Floats, Floats]  # qpos, qvel, activation, ground force


def _joined(human: Human, dt: float, parts: list[_Part], metabolic: float) -> Trace:
    qpos, qvel, activation, force = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Trace(human, dt, qpos, qvel, activation, force, float(metabolic))


class _Observer:
    """Reads what states mean."""

    def __init__(self, playback: Playback) -> None:
        self.model = playback.simulation.stepped_model()
        self.data = mujoco.MjData(self.model)
        self.size = playback.size
        self.foot = np.full(self.model.nbody, -1)
        self.own = np.zeros(self.model.nbody, np.bool_)
        self.own[playback.human.own_bodies] = True
        for side, bodies in enumerate(playback.human.feet):
            self.foot[bodies] = side

    def read(self, rows: Floats) -> _Part:
        """Read trace rows (T, trace size) of one human."""
        model, data = self.model, self.data
        qpos, qvel = np.zeros((len(rows), model.nq)), np.zeros((len(rows), model.nv))
        force = np.zeros((len(rows), 2, 3))
        for t, row in enumerate(rows):
            mujoco.mj_setState(model, data, row[: self.size], STATE)
            mujoco.mj_forward(model, data)
            qpos[t], qvel[t], force[t] = data.qpos, data.qvel, self._ground_force()
        return qpos, qvel, rows[:, self.size :].copy(), force

    def _ground_force(self) -> Floats:
        total, local = np.zeros((2, 3)), np.zeros(6)
        for index in range(self.data.ncon):
            contact = self.data.contact[index]
            bodies = self.model.geom_bodyid[contact.geom]
            if (contact.geom < 0).any() or self.own[bodies].all():  # a cloth, or the other leg
                continue
            for side, sign in ((self.foot[bodies[0]], -1.0), (self.foot[bodies[1]], 1.0)):
                if side < 0:
                    continue
                # The force of the first geom on the second, in axes whose first is the normal.
                mujoco.mj_contactForce(self.model, self.data, index, local)
                total[side] += sign * (contact.frame.reshape(3, 3).T @ local[:3])
        return total
