"""People who are pushed once in an episode: who stays up, how soon they walk as before, how far aside they get."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soleus.config import HumanRunConfig
from soleus.config.fields import parse_seconds
from soleus.config.pushes import SIDES, PushConfig
from soleus.errors import UserError, nearest
from soleus.models.solid import pelvis_of
from soleus.motions.posing import root_slots
from soleus.sim.buffers import Buffers
from soleus.sim.scenario import Scenario, load_scenario
from soleus.sim.simulation import Simulation

Floats = NDArray[np.float64]

BEFORE, LATEST, AFTER = 2.0, 5.0, 4.0
"""[s] A push comes from BEFORE to LATEST into an episode, and AFTER before its end at the latest."""
SPEED, HEIGHT = 0.05, 0.01
"""[m/s] of speed, [m] of height: how far outside of what they were before the push they count as back."""
STEADY = 1.0
"""[s] for which they have to stay there."""
_OF_A_PLANE = ("front", "back")


@dataclass(frozen=True)
class Push:
    """A push that everybody gets once."""

    force: float
    """[N]"""
    seconds: float
    side: str
    """That it comes from"""


@dataclass(frozen=True)
class Pushed:
    """What became of people who were pushed from one side."""

    side: str
    force_n: float
    seconds: float
    """Of the push, in whole control steps"""
    body: str
    """That was pushed"""
    pushed: int
    """People who were still going when their push came"""
    survived: int
    """Of them, those whose episode lasted to its end"""
    recovered: int
    """Of these, those who walked as before again: speed and height of the pelvis"""
    mean_recovery_s: float | None
    """Of those, from the beginning of the push; None where there is nobody"""
    mean_sideways_m: float | None
    """Of the survivors, the farthest that the pelvis got aside of where it was headed; None in a plane"""
    max_sideways_m: float | None


@dataclass(frozen=True, eq=False)
class _Walk:
    """N people over T control steps, NaN from the end of their episode on."""

    place: Floats
    """(T, N, 3) of the root [m]"""
    speed: Floats
    """(T, N) of the root along the ground [m/s]"""
    force: Floats
    """(T, N, 2) of the push in the step that led there [N]"""
    full: NDArray[np.bool_]
    """(N,) whether the episode lasted to its end"""


def read_push(text: str) -> list[Push]:
    """Return what is meant by FORCE,TIME,SIDE, such as 150N,0.2s,left: a push, or one from each side for `all`.

    Raises UserError for anything else.
    """
    force, _, rest = text.partition(",")
    seconds, _, side = rest.partition(",")
    try:
        found = Push(float(force.strip().removesuffix("N")), float(parse_seconds(seconds)), side.strip())
    except (TypeError, ValueError):
        found = Push(0, 0, "")
    if not (0 < found.force <= 1e5 and 0 < found.seconds <= AFTER):
        raise UserError(
            f"--push: expected FORCE,TIME,SIDE such as 150N,0.2s,left, above 0 and of {AFTER:g} s at most, got '{text}'"
        )
    if found.side not in (*SIDES, "all"):
        known = (*SIDES, "all")
        raise UserError(
            f"--push: expected a side of {', '.join(known)}, got '{found.side}'{nearest(found.side, known)}"
        )
    return [replace(found, side=side) for side in (SIDES if found.side == "all" else (found.side,))]


def without_pushes(config: HumanRunConfig) -> HumanRunConfig:
    """Return a configuration in which nobody is pushed."""
    return config.model_copy(update={"task": config.task.model_copy(update={"pushes": None})})


def push_people(
    config: HumanRunConfig,
    policy: Mapping[str, Any],
    muscle: Mapping[str, Any] | None,
    pushes: Sequence[str],
    episodes: int,
    seed: int,
    num_threads: int,
) -> list[Pushed]:
    """Play episodes of deterministic actions for each push and side (read_push), and push everybody once in each.

    People begin alike, and are pushed at the same instants, whatever the push. Raises UserError for pushes that cannot
    be.
    """
    wanted = [one for text in pushes for one in read_push(text)]
    scenario = load_scenario(without_pushes(config))
    planar = root_slots(scenario.human).quaternion < 0
    if planar:
        for text in pushes:
            if read_push(text)[0].side not in _OF_A_PLANE:
                raise UserError(
                    f"--push: expected front or back for '{config.subject}', which moves in a plane, got '{text}'"
                )
        wanted = [one for one in wanted if one.side in _OF_A_PLANE]
    if scenario.clips and any(motion.once for motion in scenario.clips.motions):
        raise UserError("--push: expected a run whose motion goes on, got one that is played once")
    found = []
    for push in wanted:
        pushed = _with(scenario, push)
        walk = _play(pushed, policy, muscle, episodes, seed, num_threads)
        found.append(_judged(walk, pushed, planar))
    return found


def _with(scenario: Scenario, push: Push) -> Scenario:
    """Return a scenario in which everybody is pushed once. Raises UserError where episodes are too short."""
    task, rate = scenario.config.task, scenario.config.control.policy_hz
    steps = max(1, round(push.seconds * rate))
    latest = min(LATEST, task.episode_seconds - AFTER)
    if latest < BEFORE:
        raise UserError(
            f"--push: expected task.episode_seconds of {BEFORE + AFTER:g} or more, for a push {BEFORE:g} s into it"
            f" and {AFTER:g} s before the end, got {task.episode_seconds:g}"
        )
    pushes = PushConfig.model_validate(
        {"force": push.force, "seconds": steps / rate, "every": (BEFORE, latest), "side": push.side, "most": 1}
    )
    config = scenario.config.model_copy(update={"task": task.model_copy(update={"pushes": pushes})})
    return replace(scenario, config=config)


def _play(
    scenario: Scenario,
    policy: Mapping[str, Any],
    muscle: Mapping[str, Any] | None,
    episodes: int,
    seed: int,
    num_threads: int,
) -> _Walk:
    simulation = Simulation(scenario, episodes, num_threads, seed)
    simulation.load_policy(policy)
    if muscle is not None:
        simulation.load_muscle(muscle)
    simulation.core.set_deterministic(True)
    buffers, steps = Buffers(simulation, 1, samples=False), simulation.core.episode_steps
    place, speed, force = (np.full((steps, episodes, *shape), np.nan) for shape in ((3,), (), (2,)))
    going, full = np.ones(episodes, np.bool_), np.zeros(episodes, np.bool_)
    simulation.reset(seed, buffers["observations"][-1:][0])
    for t in range(steps):
        buffers["observations"][0] = buffers["observations"][-1]
        buffers.run(simulation, with_policy=True)
        over = buffers.done[-1]
        full |= going & (buffers["truncated"][-1] == 1)
        going &= ~over  # what there is to see of the others is of their next episode
        place[t, going] = simulation.look("root")[going]
        speed[t, going] = np.hypot(*simulation.look("root_velocity")[going, :2].T)
        force[t, going] = simulation.look("push")[going, :2]
        if not going.any():
            break
    return _Walk(place, speed, force, full)


def _judged(walk: _Walk, scenario: Scenario, planar: bool) -> Pushed:
    pushes, rate = scenario.config.task.pushes, scenario.config.control.policy_hz
    assert pushes is not None
    acts = (np.nan_to_num(walk.force) != 0).any(2)
    people = np.flatnonzero(acts.any(0))
    survivors = [int(k) for k in people if walk.full[k]]
    times = [_recovery(walk, k, int(acts[:, k].argmax()), rate) for k in survivors]
    back = [seconds for seconds in times if seconds is not None]
    aside = [] if planar else [_sideways(walk.place[:, k], int(acts[:, k].argmax()), rate) for k in survivors]
    human = scenario.human
    return Pushed(
        pushes.side,
        pushes.force[0],
        pushes.seconds,
        str(human.model.body(pelvis_of(human)).name),
        len(people),
        len(survivors),
        len(back),
        float(np.mean(back)) if back else None,
        float(np.mean(aside)) if aside else None,
        float(np.max(aside)) if aside else None,
    )


def _recovery(walk: _Walk, human: int, first: int, rate: int) -> float | None:
    """Return how long after the beginning of a push, in control step `first`, speed and height are back [s].

    They are back as soon as they stay for STEADY within what they were in the time BEFORE the push, give or take SPEED
    and HEIGHT; None: never.
    """
    within = np.ones(len(walk.place), np.bool_)
    for values, margin in ((walk.speed[:, human], SPEED), (walk.place[:, human, 2], HEIGHT)):
        before = values[first - round(BEFORE * rate) : first]
        within &= (values >= before.min() - margin) & (values <= before.max() + margin)  # not where there are none
    count = round(STEADY * rate)
    for t in range(first, len(within) - count + 1):
        if within[t : t + count].all():
            return (t - first) / rate
    return None


def _sideways(place: Floats, first: int, rate: int) -> float:
    """Return how far a path (T, 3) gets in the time AFTER a push from the line that it followed BEFORE it [m]."""
    start = place[first - 1, :2]
    ahead = start - place[first - round(BEFORE * rate), :2]
    ahead /= max(float(np.linalg.norm(ahead)), 1e-9)
    way = place[first : first + round(AFTER * rate), :2] - start
    return float(np.nanmax(np.abs(ahead[0] * way[:, 1] - ahead[1] * way[:, 0])))
