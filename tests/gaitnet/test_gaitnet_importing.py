"""Environments of the successor of MASS as files of our own, and in training."""

import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from gaitnet_files import changed, coordinates, reference, write, write_h5
from soleus import UserError, import_gaitnet
from soleus.bench.parts import random_state
from soleus.cli import main
from soleus.config import load_config
from soleus.exchange.weights import policy_tensors
from soleus.sim.buffers import Buffers
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import Simulation


def _imported(folder: Path, content=None):
    path = write(folder) if content is None else write(folder, content)
    import_gaitnet(path, data=folder / "data", out=folder / "out")
    return load_scenario(load_config(folder / "out" / "train.yaml"))


def test_it_imports_and_trains(tmp_path, capsys):
    path = write(tmp_path)
    arguments = ["import", "gaitnet", str(path), "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "note: not followed: training.max_epoch, environment.skeleton.kp, environment.motion.cyclic" in said
    assert "use_velocity_force" not in said  # it is switched off
    small = {
        "coordination.hidden": "[8]",
        "policy.hidden": "[8]",
        "ppo.value_hidden": "[8]",
        "train.eval_episodes": "1",
    }
    small |= {"train.steps": "64", "train.num_envs": "4", "train.rollout_steps": "16"}
    flags = [word for key, value in small.items() for word in (f"--{key}", value)]
    run = str(tmp_path / "run")
    assert main(["train", str(tmp_path / "out" / "train.yaml"), *flags, "--run-dir", run]) == 0
    assert "diverged" not in capsys.readouterr().err
    assert main(arguments) == 2
    assert "is there already" in capsys.readouterr().err


def test_the_motion_is_that_of_the_file(tmp_path):
    loaded = _imported(tmp_path)
    _, motion = coordinates()
    assert loaded.motion.duration == pytest.approx(1.0)
    assert len(loaded.motion.qpos) == 60
    at = np.arange(0, 60, 5)
    theirs = motion.qpos[np.round(at * len(motion.qpos) / 60).astype(int) % len(motion.qpos)]
    np.testing.assert_allclose(loaded.motion.qpos[at][:, 7:], theirs[:, 7:], atol=0.03)
    assert loaded.motion.displacement[0] == pytest.approx(motion.displacement[0], abs=1e-3)


def test_a_lap_begins_at_phase_0(tmp_path):
    whole, shifted = _imported(tmp_path / "whole"), tmp_path / "shifted"
    path = write(shifted)
    given, _ = coordinates()
    count = len(given) - 1
    quarter = count // 4
    # The same lap, from a quarter of it to a quarter of the next.
    later = given[1 : quarter + 1].copy()
    later[:, 3:6] += given[-1, 3:6] - given[0, 3:6]
    write_h5(shifted / "data" / "motion" / "stride.h5", np.vstack([given[quarter:], later]), first=quarter / count)
    import_gaitnet(path, data=shifted / "data", out=shifted / "out")
    other = load_scenario(load_config(shifted / "out" / "train.yaml"))
    np.testing.assert_allclose(other.motion.qpos[:, 7:], whole.motion.qpos[:, 7:], atol=5e-3)


def test_gaps_are_spread_and_turns_straightened(tmp_path):
    path = write(tmp_path)
    given, motion = coordinates(gap=0.1, turn=0.05)
    write_h5(tmp_path / "data" / "motion" / "stride.h5", given)
    import_gaitnet(path, data=tmp_path / "data", out=tmp_path / "out")
    loaded = load_scenario(load_config(tmp_path / "out" / "train.yaml"))
    assert loaded.motion.turn == 0
    steps = np.abs(np.diff(np.vstack([loaded.motion.qpos, loaded.motion.qpos[:1]])[:, 7:], axis=0)).max(axis=1)
    assert steps[-1] < 1.5 * steps[:-1].max()  # the last leads to the first
    assert loaded.motion.speed == pytest.approx(motion.speed * motion.duration, rel=0.02)


def test_a_gap_that_no_stride_has_is_an_error(tmp_path):
    path = write(tmp_path)
    write_h5(tmp_path / "data" / "motion" / "stride.h5", coordinates(gap=0.6)[0])
    with pytest.raises(UserError, match="expected the last row to be about the first one lap later"):
        import_gaitnet(path, data=tmp_path / "data", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_the_person_is(tmp_path):
    human = _imported(tmp_path).human
    names = [human.coordinate_names[human.actuated[k]] for k in human.direct]
    assert names == [f"{joint}_{axis}" for joint in ("Torso", "Head", "ArmR", "ArmL") for axis in "xyz"]
    assert np.isin(human.direct, human.crossing).any()  # the obliques cross the trunk
    np.testing.assert_array_equal(human.polylines.curves, [0.45, 5.5, 0.3])
    np.testing.assert_allclose(human.model.dof_damping, 0.4)
    assert np.isinf(human.torque_limit).all()


@pytest.mark.parametrize(
    ("actuator", "mode", "direct"), [("mass", "muscle", 0), ("pd", "torque", 0), ("muscle", "excitation", 0)]
)
def test_other_actuators(actuator, mode, direct, tmp_path):
    loaded = _imported(tmp_path, changed(("skeleton.actuator", actuator)))
    assert (loaded.config.control.mode, len(loaded.human.direct)) == (mode, direct)
    assert bool(loaded.human.muscle_names) == (actuator != "pd")
    Simulation(loaded, 2, 1, seed=0)


def test_what_is_to_be_learnt(tmp_path):
    config = _imported(tmp_path).config
    terms = config.task.reward.terms
    assert config.task.reward.combine == "product"
    assert terms["head_smooth"]["scale"] == pytest.approx(4 / 3 / 900)
    assert terms["mean_velocity"] == {"weight": 1, "laps": 1, "band": 0.2, "scale": 6, "sideways": 1}
    assert (terms["step_target"]["scale"], terms["step_target"]["band"]) == (2, 0.075)
    assert terms["muscle_energy"] == {"weight": 1, "scale": 0.03, "power": 2, "by_mass": 0}
    assert terms["torque_energy"]["scale"] == pytest.approx(0.003)
    assert config.task.termination == {"low_com": {"height": 0.6}}
    assert (config.task.episode_seconds, config.policy.mirror, config.coordination.interval) == (10, True, 1)
    assert (config.control.action_scale, config.control.phase_scale) == (0.4, 0.01)


def test_what_is_not_followed_is_named(tmp_path):
    keys = ("reward.knee_pain", {"use": True, "weight": 1.0}), ("reward.metabolic.multiplicative", False)
    off = ("reward.locomotion.dragX", {"use": False, "weight": 1.0}), ("advanced.torque_clipping", False)
    path = write(tmp_path, changed(*keys, *off, ("noise_injection", {"file": "noise.yaml"})))
    said = import_gaitnet(path, data=tmp_path / "data", out=tmp_path / "out").notes[0]
    assert "environment.reward.knee_pain.use, environment.reward.knee_pain.weight" in said
    assert "environment.noise_injection.file, environment.reward.metabolic.multiplicative" in said
    assert not any(key in said for key in ("dragX", "torque_clipping"))


def test_parameters_are_conditions(tmp_path):
    one, other = {"min": 0.75, "max": 1.25, "default": 1.0, "sampling": "uniform"}, {"min": -0.4, "max": 0.4}
    loaded = _imported(
        tmp_path,
        changed(
            ("parameters.gait.stride", one),
            ("parameters.gait.cadence", {"min": 1.0, "max": 1.0}),
            ("parameters.skeleton.global", {"min": 0.9, "max": 1.0}),
            ("parameters.skeleton.FemurL", one),
            ("parameters.skeleton.FemurR", one),
            ("parameters.torsion.femur_l", other),
            ("parameters.torsion.femur_r", other),
        ),
    )
    conditions = loaded.config.conditions
    assert list(conditions) == ["stride", "size", *(f"{what}.Femur{s}" for what in ("length", "torsion") for s in "LR")]
    assert (conditions["stride"].range, conditions["stride"].default) == ((0.75, 1.25), 1.0)
    assert "conditions" in loaded.config.task.observation
    made = Simulation(loaded, 4, 1, seed=0)
    buffers = Buffers(made, 4, samples=False)
    made.core.reset(1, buffers["observations"][0])
    made.load_policy(random_state(policy_tensors(made.policy_spec), 1))
    made.load_muscle(random_state(made.muscle_spec.tensors(), 2))
    buffers.run(made, with_policy=True)
    assert np.isfinite(buffers["rewards"]).all()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("skeleton.actuater", "pd")], "unknown key 'environment.skeleton.actuater' .did you mean"),
        ([("skeleton.actuator", "px")], "environment.skeleton.actuator: expected 'pd', 'muscle', 'mass' or"),
        ([("reward.type", "deepmimic")], "environment.reward.type: expected 'gaitnet', got 'deepmimic'"),
        ([("action.residual", False)], "environment.action.residual: expected True"),
        ([("simulation.sim_hz", -1)], "environment.simulation.sim_hz: expected greater than or equal to 1"),
        ([("simulation.sim_hz", 500)], r"sim_hz: expected a multiple of control_hz \(30\), got 500"),
        ([("skeleton.file", "@data/skeleton/none.xml")], "skeleton.file: expected a file, got '@data/skeleton"),
        ([("motion.file", "none.h5")], "environment.motion.file: expected a file, got 'none.h5'"),
        ([("parameters.gait.stride", {"min": 2, "max": 1})], "gait.stride.max: expected 2 or more, as min is"),
        ([("parameters.gait.speed", {"min": 1, "max": 2})], "environment.parameters.gait"),
        ([("muscle.file", None)], "environment.muscle.file: expected a valid string, got None"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_an_environment(changes, said, tmp_path):
    with pytest.raises(UserError, match=said) as error:
        import_gaitnet(write(tmp_path, changed(*changes)), data=tmp_path / "data", out=tmp_path / "out")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "line 1: expected valid YAML"),
        ("<Environment/>", "expected an environment in YAML, got XML, the form of earlier ones"),
        ("- 1", "expected a mapping with the section environment"),
        ("environment: {}", "environment.skeleton: expected a value, got none"),
        ("environment: {}\ntraning: {}", "unknown key 'traning' .did you mean 'training'"),
    ],
)
def test_what_is_no_environment(text, said, tmp_path):
    (tmp_path / "env.yaml").write_text(text)
    with pytest.raises(UserError, match=said):
        import_gaitnet(tmp_path / "env.yaml", out=tmp_path / "out")


def test_a_missing_file_of_an_environment(tmp_path, capsys):
    assert main(["import", "gaitnet", str(tmp_path / "none.yaml"), "--out", str(tmp_path / "out")]) == 2
    assert "expected a readable YAML file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--hz", "30"], "--hz: expected it for soleus import mass alone"),
        (["--lock", "x"], "--lock: expected it for soleus import opensim alone"),
        (["--from", "1"], "--from: expected it for soleus import mass or opensim alone"),
    ],
)
def test_flags_of_other_formats(flags, said, tmp_path, capsys):
    assert main(["import", "gaitnet", str(write(tmp_path)), "--out", str(tmp_path / "out"), *flags]) == 2
    assert said in capsys.readouterr().err


def test_data_is_of_no_other_format(tmp_path, capsys):
    assert main(["import", "mass", "human.xml", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "--data: expected it for soleus import gaitnet alone" in capsys.readouterr().err


def test_hdf5_needs_its_package(tmp_path, monkeypatch):
    path = write(tmp_path)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UserError, match=r"expected the package h5py .* pip install 'soleus\[gaitnet\]'"):
        import_gaitnet(path, data=tmp_path / "data", out=tmp_path / "out")


def test_the_known_environment(tmp_path):
    """Its body weighs what it should, and a rollout of it lasts."""
    data = reference()
    import_gaitnet(data / "A2_sep.yaml", data=data, out=tmp_path)
    content = yaml.safe_load((tmp_path / "train.yaml").read_text())
    assert content["control"]["sim_hz"] == 480
    loaded = load_scenario(load_config(tmp_path / "train.yaml"))
    human = loaded.human
    assert (human.model.nv, len(human.muscle_names), len(human.polylines.body)) == (56, 164, 676)
    assert (len(human.crossing), len(human.actuated) - len(human.direct)) == (540, 18)
    assert loaded.motion.duration == pytest.approx(1.0896, abs=1e-3)
    assert loaded.motion.displacement[0] == pytest.approx(1.428, abs=2e-3)
    assert loaded.motion.turn == 0
    knee = human.actuated.tolist().index(human.coordinate_names.index("TibiaR"))
    assert (human.kp[knee], human.kd[knee], human.root_kp) == (250, 10, 0)
    made = Simulation(loaded, 4, 1, seed=0)
    assert made.muscle_spec.inputs == np.isin(human.crossing, human.direct, invert=True).sum() + 18
    buffers = Buffers(made, 8, samples=False)
    made.core.reset(1, buffers["observations"][0])
    assert np.isfinite(buffers["observations"][0]).all()
