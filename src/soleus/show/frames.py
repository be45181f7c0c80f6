"""What is looked at, frame by frame: a policy at work, a motion, or the moments before a human diverged."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.models import Human
from soleus.models.solid import pelvis_of
from soleus.motions import Motion
from soleus.motions.laps import Lap
from soleus.motions.posing import RootSlots, root_slots
from soleus.run.trained import Trained
from soleus.sim.scenario import load_scenario
from soleus.sim.trace import STATE, Observer, Playback

Floats = NDArray[np.float64]

_FOR_EVER = 3600.0  # [s] of an episode that is only looked at


@dataclass(frozen=True, eq=False)
class Instant:
    """One frame."""

    time: float
    """[s] since the act began"""
    qpos: Floats
    """(nq,)"""
    activation: Floats
    """(nm,)"""
    reference: Floats | None = None
    """(nq,) where the motion is"""
    phase: float | None = None
    """Of the motion, [0, 1)"""
    speed: float = 0.0
    """[m/s] of the root along the ground"""
    forces: Floats | None = None
    """(2, 2, 3) of the ground on the right and on the left foot: where [m], and the force [N]; None without contacts"""
    reward: float | None = None
    terms: Mapping[str, float] = field(default_factory=dict)
    """Reward terms, unweighted"""
    episode: int = 0
    """How many ended before it"""


class Act(Protocol):
    """Something that goes on for ever, or to its end."""

    human: Human
    dt: float
    """[s] from one frame to the next"""

    def frames(self) -> Iterator[Instant]:
        """Yield the frames from now on."""
        ...

    def reset(self) -> None:
        """Restart, elsewhere where there is a choice."""
        ...

    def push(self, force: Floats) -> None:
        """Put a force (3,) [N] on the pelvis until another is put there."""
        ...


class PolicyAct:
    """A single human under a policy without noise, whose episodes end only where it falls."""

    def __init__(self, trained: Trained, seed: int = 0, fps: float = 60.0) -> None:
        """fps: frames a second, about. Raises UserError for a run that is none of a human."""
        config = trained.human()
        task = config.task.model_copy(update={"episode_seconds": _FOR_EVER})
        scenario = load_scenario(config.model_copy(update={"task": task}))
        self.playback = Playback(scenario, trained.policy, trained.muscle, seed=seed)
        self.human, self._seed = scenario.person, seed
        substeps = config.control.sim_hz // config.control.policy_hz
        self._shown = min(max(1, round(fps / config.control.policy_hz)), substeps)  # frames a control step
        self._rows = np.linspace(0, substeps, self._shown + 1)[1:].round().astype(int) - 1
        self.dt = self.playback.control_dt / self._shown
        self._look()

    def _look(self) -> None:
        """Make what reads the rows of the human."""
        self._data = mujoco.MjData(self.human.model)
        self._observer = Observer(self.playback, self.human)

    @property
    def conditions(self) -> dict[str, tuple[float, float, float]]:
        """Least, greatest and present value of each condition, by name; none where the run has none."""
        conditions = self.playback.simulation.scenario.conditions
        if conditions is None:
            return {}
        now = self.playback.simulation.conditions()[0]
        columns = zip(conditions.names, conditions.low, conditions.high, now, strict=True)
        return {name: (float(low), float(high), float(value)) for name, low, high, value in columns}

    def ask(self, values: Mapping[str, float]) -> None:
        """Give the human other values of conditions, the rest as they are, from the next reset on.

        Where lengths change, it is another `human`. Raises UserError for a name or a value out of range.
        """
        simulation = self.playback.simulation
        scenario = simulation.scenario
        if scenario.conditions is None:
            raise UserError("conditions: expected a run with conditions, got one without any")
        now = {name: value for name, (_, _, value) in self.conditions.items()}
        wanted = scenario.conditions.at({**now, **values})
        simulation.set_conditions(wanted[None])
        self.human = scenario.person_at(wanted)
        self._look()

    def frames(self) -> Iterator[Instant]:
        """Yield the frames of control step after control step; a human that diverged is left out until it is reset."""
        model, data, root = self.human.model, self._data, self.human.root_body
        time, place, episode = 0.0, None, 0
        while True:
            step = self.playback.step()
            reference, phase = (None, None)
            if self.playback.simulation.scenario.motion is not None and not step.done[0]:  # of the new episode then
                poses, phases = self.playback.simulation.reference()
                reference, phase = poses[0], float(phases[0])
            for row in step.trace[self._rows, 0]:
                time += self.dt
                if not np.isfinite(row).all():
                    continue
                mujoco.mj_setState(model, data, row[: self.playback.size], STATE)
                mujoco.mj_kinematics(model, data)
                before, place = place, data.xpos[root, :2].copy()
                yield Instant(
                    time,
                    data.qpos.copy(),
                    row[self.playback.activations].copy(),
                    reference,
                    phase,
                    0.0 if before is None else float(np.linalg.norm(place - before)) / self.dt,
                    self._observer.ground(row[None])[0],
                    float(step.reward[0]),
                    step.terms,
                    episode,
                )
            if step.done[0]:
                place, episode = None, episode + 1  # the next episode starts elsewhere

    def reset(self) -> None:
        """Start another episode."""
        self._seed += 1
        self.playback.reset(self._seed)

    def push(self, force: Floats) -> None:
        """Put a force (3,) [N] on the pelvis."""
        self.playback.push(pelvis_of(self.human), force)

    def load(self, trained: Trained) -> None:
        """Go on under the weights of another checkpoint of the run."""
        self.playback.load(trained.policy, trained.muscle)


class MotionAct:
    """A human in the poses of a motion, or standing where there is none. Nothing is simulated."""

    def __init__(self, human: Human, motion: Motion | None, fps: float = 60.0) -> None:
        self.human, self.motion, self.dt = human, motion, 1.0 / fps

    def frames(self) -> Iterator[Instant]:
        """Yield lap after lap."""
        time, still = 0.0, np.zeros(len(self.human.muscle_names))
        slots = root_slots(self.human)
        speed = _path_speed(self.motion, slots) if self.motion is not None else 0.0
        while True:
            qpos, phase = self.human.qpos_rest, None
            if self.motion is not None:
                laps, phase = divmod(time / self.motion.duration, 1.0)
                first = self.motion.qpos[0]
                start = np.array([first[adr] if adr >= 0 else 0.0 for adr in slots.shift])
                lap = Lap(start, self.motion.displacement, self.motion.turn)
                qpos = lap.poses(self.motion.qpos[int(phase * len(self.motion.qpos))], int(laps), slots)
            yield Instant(time, qpos.copy(), still, phase=phase, speed=speed)
            time += self.dt

    def reset(self) -> None:
        """Nothing is to be started."""

    def push(self, force: Floats) -> None:
        """Raise UserError: nothing moves by itself."""
        raise UserError("push: expected a policy, got a motion, which no force moves")


def _path_speed(motion: Motion, slots: RootSlots) -> float:
    """Mean speed [m/s] along the root's path over the ground, whichever way it leads."""
    start = np.array([motion.qpos[0, adr] if adr >= 0 else 0.0 for adr in slots.shift])
    again = Lap(start, motion.displacement, motion.turn).poses(motion.qpos[:1], 1, slots)
    ground = [adr for adr in slots.shift[:2] if adr >= 0]
    steps = np.diff(np.vstack([motion.qpos, again])[:, ground], axis=0)
    return float(np.linalg.norm(steps, axis=1).sum()) / motion.duration


def most_active(human: Human, instant: Instant, count: int = 10) -> list[tuple[str, float]]:
    """Names and activations of the most active muscles, the first the most."""
    order = np.argsort(-instant.activation, kind="stable")[:count]
    return [(human.muscle_names[k], float(instant.activation[k])) for k in order]
