"""What an onlooker does to an act."""

import itertools

import numpy as np
import pytest

from small_run import small_run
from soleus import models, motions
from soleus.cli import main
from soleus.run.trained import load_trained
from soleus.show.frames import MotionAct, PolicyAct, most_active
from soleus.show.view.control import SPEEDS, Control, muscle_sets
from soleus.show.view.subject import act_of, run_of


@pytest.fixture
def act():
    return PolicyAct(load_trained(small_run()))


def test_time_passes_as_fast_as_is_asked(act):
    control = Control(act, speed=0.5)
    for _ in range(30):
        control.advance(1 / 30)
    assert control.played == pytest.approx(0.5, abs=2 * act.dt)
    control.faster(1)
    assert control.speed == 1.0
    for _ in range(len(SPEEDS)):
        control.faster(1)
    assert control.speed == SPEEDS[-1]


def test_a_stall_is_not_caught_up_with(act):
    control = Control(act)
    before = control.shown.time
    control.advance(30.0)
    assert control.shown.time - before <= 0.5 + act.dt


def test_a_fall_is_no_speed():
    speeds, episodes = [], set()
    for one in itertools.islice(PolicyAct(load_trained(small_run())).frames(), 400):
        speeds.append(one.speed)
        episodes.add(one.episode)
    assert len(episodes) > 1, "the test wants falls"
    assert max(speeds) < 6


def test_pause_and_one_frame(act):
    control = Control(act)
    control.advance(0.05)
    control.paused = True
    before = control.shown
    assert control.advance(1.0) is before
    control.step()
    after = control.advance(1.0)
    assert after.time == pytest.approx(before.time + act.dt)
    assert control.advance(1.0) is after


def test_a_new_start_is_another_one(act):
    control = Control(act)
    first = control.shown.qpos
    control.reset()
    assert not np.array_equal(control.shown.qpos, first)


def test_a_push_moves_the_body_and_ends():
    free, pushed = (Control(PolicyAct(load_trained(small_run()))) for _ in range(2))
    pushed.push()
    tracks = []
    for control in (free, pushed):
        tracks.append([control.advance(control.act.dt).qpos[0] for _ in range(24)])
    assert tracks[1][11] - tracks[0][11] > 0.02, "it went forward"
    state = pushed.act.playback.simulation.save()[0]
    model = pushed.act.human.model
    start = 1 + 2 * model.nv + model.na  # time, positions, velocities, activations; then what is applied
    assert model.nq == model.nv
    forces = state[start : start + model.nu + model.nv + 6 * model.nbody][-6 * model.nbody :]
    assert np.abs(forces).max() == 0, "and nothing pushes it after a fifth of a second"


def test_a_motion_is_not_to_be_pushed():
    human = models.load("walk2d")
    control = Control(MotionAct(human, motions.load("walk", human)))
    control.push()
    assert "no force moves" in control.notice


def test_a_motion_goes_on_where_it_ended():
    human = models.load("walk2d")
    walk = motions.load("walk", human)
    places = [one.qpos[0] for one in itertools.islice(MotionAct(human, walk).frames(), 300)]
    assert min(np.diff(places)) > -1e-6
    assert places[-1] == pytest.approx(walk.speed * 299 / 60, abs=0.05)


def test_what_is_shown_of_an_instant(act):
    control = Control(act)
    control.advance(0.1)
    rows = dict(control.lines())
    assert rows["time"] == f"{control.shown.time:.2f} s"
    assert {"speed", "phase", "reward", "  pose"} < rows.keys()
    names = [name for name, _ in control.muscles()]
    assert len(names) == 10
    values = [value for _, value in control.muscles()]
    assert values == sorted(values, reverse=True)
    assert values[0] == control.shown.activation.max()
    assert most_active(act.human, control.shown, 3) == control.muscles()[:3]


def test_sets_of_muscles():
    sets = muscle_sets(models.load("myolegs"))
    assert (len(sets["all"]), len(sets["none"])) == (80, 0)
    assert len(sets["right"]) == len(sets["left"]) == 40
    assert not set(sets["right"]) & set(sets["left"])
    assert len(sets["glmax"]) == 6


def test_subjects():
    run = small_run()
    assert run_of(str(run)) == run
    assert run_of(str(run / "checkpoints" / "latest.pt")) == run
    assert run_of("myolegs") is None
    act, trained = act_of(str(run), None, "latest", None, 0)
    assert isinstance(act, PolicyAct)
    assert (trained.run, trained.steps) == (run, 8192)
    for name, motion in (("myolegs26", None), ("walk2d", "walk"), ("test-walk2d-small", None)):
        act, trained = act_of(name, None, "best", motion, 0)
        assert trained is None
        assert isinstance(act, MotionAct)
        assert (act.motion is None) == (name == "myolegs26")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "expected a run, a model or a preset, or --dump FILE, got neither"),
        (["walk2d", "--dump", "x"], "got both"),
        (["walk2d", "--speed", "0"], "--speed: expected 0.01 to 10, got 0"),
        (["walk2d", "--port", "0"], "--port: expected 1 to 65535"),
        (
            ["walk2d", "--seconds", "nan"],
            "--seconds: expected a time such as 90s, 15m, 1h30m or 90",
        ),
        (["wlak2d"], "wlak2d"),
        (["procgen-coinrun"], "expected a configuration with a model"),
        (["."], ".: expected a run folder (with config.yaml), got another folder"),
        (["walk2d", "--motion", "jog"], "unknown motion 'jog'"),
    ],
)
def test_mistakes_are_one_line(arguments, said, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["view", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error


def test_without_a_screen(capsys, monkeypatch):
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    assert main(["view", "walk2d", "--seconds", "1"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "expected a screen to open a window on" in error
