"""Which engine steps a model: the lanes where they cover it, or MuJoCo, and what is said of it."""

import re
from pathlib import Path

import mujoco
import numpy as np
import pytest
import yaml

import lane_bodies
import scene
from soleus.cli import main
from soleus.config import load_human_config
from soleus.errors import UserError
from soleus.sim.buffers import Buffers
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import Simulation


@pytest.mark.parametrize("mode", ["muscle", "torque", "excitation"])
@pytest.mark.parametrize("preset", ["walk2d", "walk-myolegs"])
def test_the_lanes_cover_the_presets(preset: str, mode: str) -> None:
    engine = load_scenario(load_human_config(preset, {"control.mode": mode})).engine
    assert (engine.name, engine.uncovered) == ("lanes", ())
    assert str(engine).startswith("lanes, ")


def test_mujoco_is_taken_where_it_is_asked_for() -> None:
    engine = load_scenario(load_human_config("walk2d", {"control.engine": "mujoco"})).engine
    assert str(engine) == "MuJoCo"


def test_mujocos_polynomials_are_named_where_they_are_far_from_the_splines(tmp_path: Path) -> None:
    scene.write(tmp_path, lane_bodies.SPLINES)
    file = scene.write(tmp_path, "model: scene.xml\ntask: walk\ncontrol: {mode: torque}\n", "scene.yaml")
    assert str(load_scenario(load_human_config(str(file))).engine).startswith("lanes, ")
    engine = load_scenario(load_human_config(str(file), {"control.engine": "mujoco"})).engine
    expected = r"MuJoCo; its joint 'knee_x_l' is up to \d+\.\d mm off its spline, which the lanes follow exactly"
    assert re.fullmatch(expected, str(engine))
    turns_alone = re.sub("spline:knee", "near:knee", lane_bodies.SPLINES)
    scene.write(tmp_path, turns_alone)
    engine = load_scenario(load_human_config(str(file), {"control.engine": "mujoco"})).engine
    assert re.search(r"its joint 'patella_turn_r' is up to \d+\.\d degrees off its spline", str(engine))


def _config(folder: Path, engine: str, **parts: str) -> str:
    scene.write(folder, scene.mjcf(**parts))
    text = f"model: scene.xml\ntask: walk\ncontrol: {{mode: torque, engine: {engine}}}\n"
    return str(scene.write(folder, text, "scene.yaml"))


TOUCHING = (
    "contact of 'sole_r' and 'sole_l': expected the ground, a plane that stands still, and a body, "
    "or two spheres or capsules"
)
PARTS = {
    "legs that touch": ({}, TOUCHING),
    "another integrator": ({"head": '<option integrator="implicitfast"/>'}, "option integrator: expected Euler"),
    "elliptic cones": ({"head": '<option cone="elliptic"/>'}, "option cone: expected pyramidal"),
    "air": ({"head": '<option density="1.2"/>'}, "option density or viscosity: expected no fluid"),
    "a floor that moves": (
        {"floor": '<geom name="floor" type="plane" size="0 0 1" surfacevel="1 0 0 0 0 0"/>'},
        "geom 'floor': surfacevel",
    ),
    "a floor that sticks": (
        {"floor": '<geom name="floor" type="plane" size="0 0 1" adhesion="5"/>'},
        "geom 'floor': adhesion",
    ),
    "a pair that sticks": (
        {"tail": '<contact><pair name="soles" geom1="sole_r" geom2="floor" adhesion="5"/></contact>'},
        "contact pair 'soles': adhesion",
    ),
    "a flag that is enabled": (
        {"head": '<option><flag invdiscrete="enable"/></option>'},
        "option flag invdiscrete: expected disable",
    ),
    "a flag that is disabled": (
        {"head": '<option><flag eulerdamp="disable"/></option>'},
        "option flag eulerdamp: expected enable",
    ),
    "a tendon of limited force": (
        {"tail": '<tendon><fixed name="band" actuatorfrcrange="-1 1"><joint joint="hip_r" coef="1"/></fixed></tendon>'},
        "tendon 'band': actuatorfrclimited",
    ),
    "a motor": ({"actuators": '<motor name="pull" joint="hip_r"/>'}, "actuator 'pull': no muscle"),
    "a ball": (
        {"after": '<body name="ball" pos="2 0 1"><freejoint name="flies"/><geom size="0.1"/></body>'},
        "joint 'flies'",
    ),
}


@pytest.mark.parametrize("part", PARTS)
def test_what_the_lanes_do_not_cover_is_named(tmp_path: Path, part: str) -> None:
    parts, reason = PARTS[part]
    engine = load_scenario(load_human_config(_config(tmp_path, "auto", **parts))).engine
    assert engine.name == "mujoco"
    assert any(found.startswith(reason) for found in engine.uncovered), engine.uncovered
    assert str(engine).startswith("MuJoCo, since the lanes do not cover ")
    with pytest.raises(UserError, match=r"control\.engine: expected a model that the lanes cover, but '\S+' has "):
        load_scenario(load_human_config(_config(tmp_path, "lanes", **parts)))


@pytest.mark.parametrize("collector", ["native", "stepping"])
def test_a_run_keeps_the_engine_that_auto_came_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], collector: str
) -> None:
    run = tmp_path / "run"
    flags = ["--num-envs", "8", "--train.rollout-steps", "32", "--steps", "256", "--train.eval-episodes", "1"]
    assert main(["train", "test-walk2d-small", *flags, "--collector", collector, "--run-dir", str(run)]) == 0
    assert "engine: lanes, " in capsys.readouterr().out
    assert yaml.safe_load((run / "config.yaml").read_text())["control"]["engine"] == "lanes"
    found = []
    for engine in ([], ["--engine", "lanes"], ["--engine", "mujoco"]):
        assert main(["evaluate", str(run), "--episodes", "2", "--json", *engine]) == 0
        found.append(yaml.safe_load(capsys.readouterr().out)["mean_return"])
    assert found[0] == found[1]
    assert found[2] == pytest.approx(found[0], rel=0.05)


def test_another_body_is_stepped_by_what_covers_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The policy of a run in lanes is put on a body whose legs touch, which the lanes do not cover."""
    run, other = str(tmp_path / "run"), str(scene.write(tmp_path, scene.mjcf(), "touching.xml"))
    apart = {
        "head": '<default><geom conaffinity="0"/></default>',
        "floor": scene.FLOOR.replace("/>", ' conaffinity="1"/>'),
    }
    few = ["--num-envs", "2", "--train.rollout_steps", "16", "--ppo.minibatches", "1", "--train.eval_episodes", "1"]
    assert main(["train", _config(tmp_path, "auto", **apart), *few, "--steps", "32", "--run-dir", run]) == 0
    assert load_human_config(tmp_path / "run/config.yaml").control.engine == "lanes"
    evaluate = ["evaluate", run, "--episodes", "1", "--model", other]
    assert main(evaluate) == 0
    assert main([*evaluate, "--engine", "lanes"]) == 2
    assert "control.engine: expected a model that the lanes cover, but" in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["torque", "muscle"])
def test_a_push_moves_a_human_the_same_with_both(mode: str) -> None:
    """A steady force on the pelvis over two control steps."""
    state, found = mujoco.mjtState.mjSTATE_INTEGRATION, {}
    for engine in ("lanes", "mujoco"):
        scenario = load_scenario(load_human_config("walk2d", {"control.mode": mode, "control.engine": engine}))
        made, model = Simulation(scenario, 2, 1, 3), scenario.human.model
        buffers = Buffers(made, 2, samples=False)
        made.core.reset(3, buffers["observations"][0])
        rows, data, size = made.save(), mujoco.MjData(model), mujoco.mj_stateSize(model, state)
        for row in rows:
            mujoco.mj_setState(model, data, row[:size], state)
            data.xfrc_applied[scenario.human.root_body, :3] = [60.0, 0.0, 20.0]
            mujoco.mj_getState(model, data, row[:size], state)
        made.restore(rows)
        buffers["actions"][:] = 0.0
        buffers.run(made, with_policy=False)
        found[engine] = made.save()[:, : 1 + model.nq + model.nv]
    np.testing.assert_allclose(found["lanes"], found["mujoco"], atol=2e-3)
