"""What becomes of people who are pushed, and what pushes can be asked for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import soleus
from soleus.config import load_config, load_human_config
from soleus.errors import UserError
from soleus.evaluation import pushes
from soleus.evaluation.pushes import Push, read_push
from soleus.sim.scenario import load_scenario

RATE = 30
MASS = Path(__file__).parents[1] / "mass"
PERSON = {
    "model.mass.skeleton": str(MASS / "person.xml"),
    "model.mass.muscles": str(MASS / "muscles.xml"),
    "motion.bvh": str(MASS / "stride.bvh"),
    "control.sim_hz": 600,
}


def test_pushes_are_read() -> None:
    assert read_push("150N,0.2s,left") == [Push(150, 0.2, "left")]
    assert read_push("80, 0.1, back") == [Push(80, 0.1, "back")]
    assert [one.side for one in read_push("150N,0.2s,all")] == ["front", "back", "left", "right"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("150N", "expected FORCE,TIME,SIDE such as 150N,0.2s,left, above 0 and of 4 s at most, got '150N'"),
        ("150N,0.2s", "expected a side of front, back, left, right, all, got ''"),
        ("150N,0.2s,lft", r"expected a side of .*, got 'lft' \(did you mean 'left'\?\)"),
        ("-5N,0.2s,left", "expected FORCE,TIME,SIDE"),
        ("nanN,0.2s,left", "expected FORCE,TIME,SIDE"),
        ("5N,9s,left", "expected FORCE,TIME,SIDE .* of 4 s at most"),
        ("5N,soon,left", "expected FORCE,TIME,SIDE"),
    ],
)
def test_a_push_of_another_form(text: str, said: str) -> None:
    with pytest.raises(UserError, match=f"--push: {said}"):
        read_push(text)


def test_recovery_and_the_way_aside() -> None:
    """Somebody who walks along y at 1 m/s, is slowed down for a second by a push at 3 s, and then walks 0.3 m aside."""
    steps, first = 300, 90
    time = np.arange(steps) / RATE
    place = np.stack([np.zeros(steps), time, 0.9 + 0.02 * np.sin(7 * time)], 1)[:, None]
    speed = np.ones((steps, 1))
    speed[first : first + RATE] = 0.8
    place[first + 15 :, 0, 0] = -0.3
    force = np.zeros((steps, 1, 2))
    force[first : first + 6, 0, 0] = -100
    walk = pushes._Walk(place, speed, force, np.array([True]))
    assert pushes._recovery(walk, 0, first, RATE) == pytest.approx(1.0)
    assert pushes._sideways(place[:, 0], first, RATE) == pytest.approx(0.3)
    scenario = pushes._with(load_scenario(load_human_config("walk2d")), Push(100, 0.21, "back"))
    found = pushes._judged(walk, scenario, planar=False)
    assert (found.pushed, found.survived, found.recovered) == (1, 1, 1)
    assert (found.mean_recovery_s, found.max_sideways_m) == (pytest.approx(1.0), pytest.approx(0.3))
    assert (found.force_n, found.seconds, found.body) == (100, pytest.approx(0.2), "pelvis")
    speed[:] = np.where(np.arange(steps)[:, None] < first, 1.0, 0.9)
    assert pushes._judged(walk, scenario, planar=True).mean_recovery_s is None
    assert pushes._judged(walk, scenario, planar=True).mean_sideways_m is None
    fallen = pushes._Walk(np.where(time[:, None, None] > 4, np.nan, place), speed, force, np.array([False]))
    assert pushes._judged(fallen, scenario, planar=False).survived == 0
    unpushed = pushes._Walk(place, speed, np.zeros_like(force), np.array([True]))
    assert pushes._judged(unpushed, scenario, planar=False).pushed == 0


@pytest.fixture(scope="module")
def stander(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose people stay in their episodes until a push comes, since nothing ends them."""
    folder = tmp_path_factory.mktemp("pushed") / "run"
    small: dict[str, Any] = {"num_envs": 4, "train": {"rollout_steps": 16, "eval_episodes": 0}, "ppo.minibatches": 1}
    keys = {"task.termination.fall": None, "task.termination.lost_reference": None, "task.episode_seconds": 6.5}
    soleus.train("test-walk2d-small", steps=64, num_threads=1, run_dir=folder, **small, **keys)
    return folder


@pytest.mark.parametrize("engine", ["lanes", "mujoco"])
def test_the_same_at_any_number_of_threads(stander: Path, engine: str) -> None:
    how: dict[str, Any] = {"episodes": 5, "seed": 3, "engine": engine, "push": ["20N,0.2s,all"]}
    one, three = (soleus.evaluate(stander, num_threads=threads, **how) for threads in (1, 3))
    assert one == three
    assert [found["side"] for found in one["pushes"]] == ["front", "back"]
    assert all(found["pushed"] == 5 for found in one["pushes"])


def test_one_push_alone(stander: Path) -> None:
    found = soleus.evaluate(stander, episodes=2, num_threads=1, push="20N,0.2s,back")["pushes"]
    assert [(one["side"], one["force_n"], one["body"]) for one in found] == [("back", 20, "pelvis")]


def test_what_cannot_be_pushed(stander: Path) -> None:
    with pytest.raises(
        UserError, match="--push: expected front or back for 'walk2d', which moves in a plane, got '9N,"
    ):
        soleus.evaluate(stander, push=["9N,0.2s,right"])
    short = load_human_config("walk2d", {"task.episode_seconds": 5})
    with pytest.raises(UserError, match=r"--push: expected task\.episode_seconds of 6 or more, .*, got 5"):
        pushes.push_people(short, {}, None, ["9N,0.2s,front"], 1, 0, 1)
    once = load_human_config("walk2d", {**PERSON, "motion.lap": "once"})
    with pytest.raises(UserError, match="--push: expected a run whose motion goes on, got one that is played once"):
        pushes.push_people(once, {}, None, ["9N,0.2s,front"], 1, 0, 1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"force": [150, 50]}, r"task\.pushes\.force: expected the least value, then the greatest, got \[150, 50\]"),
        ({"force": -5}, r"task\.pushes\.force.*expected"),
        ({"seconds": 0.2}, r"task\.pushes\.force: expected a value, got none"),
        ({"force": 50, "seconds": "soon"}, r"task\.pushes\.seconds: expected a time such as 90s"),
        ({"force": 50, "every": ["2s", "1s"]}, r"task\.pushes\.every: expected the least value, then the greatest"),
        ({"force": 50, "every": ["2s", "x"]}, r"task\.pushes\.every: expected a time such as 90s"),
        ({"force": 50, "side": "above"}, r"task\.pushes\.side: expected 'any', 'front', 'back', 'left' or 'right'"),
        ({"force": 50, "most": 0}, r"task\.pushes\.most: expected"),
    ],
)
def test_pushes_that_make_no_sense(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        load_config("walk2d", {"task.pushes": given})


def test_pushes_are_read_as_they_are_meant() -> None:
    config = load_human_config("walk2d", {"task.pushes": {"force": 50, "every": ["1s", "90"], "seconds": "0.3s"}})
    assert config.task.pushes is not None
    assert config.task.pushes.force == (50, 50)
    assert config.task.pushes.every == (1, 90)
    assert config.task.pushes.seconds == 0.3
