"""A model in the format of MASS as files of our own, in a configuration, and in training."""

import json
from pathlib import Path

import mujoco
import numpy as np
import pytest
import yaml

from mass_files import FILES, config_of, files_of
from soleus import UserError, import_mass, models, motions
from soleus.cli import main
from soleus.config import dump_config, load_config
from soleus.config.sources import BvhMotion, ModelFiles
from soleus.models.paths import muscle_paths
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import one_human


@pytest.fixture(scope="module", params=list(FILES))
def converted(request, tmp_path_factory):
    """(name, the original's body, the folder that it was imported to)"""
    files = files_of(request.param)
    folder = tmp_path_factory.mktemp("imported")
    import_mass(files["skeleton"], files["muscles"], bvh=files["bvh"], out=folder)
    return request.param, load_scenario(config_of(request.param)), folder


def test_the_files_are_the_model(converted):
    name, original, folder = converted
    files = FILES[name]
    loaded = load_scenario(load_config(folder / "train.yaml"))
    for field in ("body_mass", "body_inertia", "body_ipos", "body_iquat", "jnt_range", "qpos0"):
        np.testing.assert_array_equal(getattr(loaded.human.model, field), getattr(original.human.model, field))
    rng = np.random.default_rng(0)
    turn, qpos = rng.normal(0, 0.3, original.human.model.nv), original.human.qpos_rest.copy()
    mujoco.mj_integratePos(original.human.model, qpos, turn, 1.0)
    ours, theirs = one_human(loaded), one_human(original)
    for body in (ours, theirs):
        body.reset(qpos, np.zeros(len(turn)))
    for one, other in zip((ours.muscle_lengths, *ours.muscle_torques()),
                          (theirs.muscle_lengths, *theirs.muscle_torques()), strict=True):  # fmt: skip
        np.testing.assert_array_equal(one, other)
    motion = motions.load(BvhMotion(bvh=str(files["bvh"])), original.human)
    np.testing.assert_allclose(loaded.motion.qpos, motion.qpos, atol=1e-12)
    np.testing.assert_allclose(loaded.motion.displacement, motion.displacement, atol=1e-12)
    assert loaded.motion.turn == pytest.approx(motion.turn, abs=1e-12)
    assert loaded.motion.duration == pytest.approx(motion.duration, abs=1e-12)


def test_the_mjcf_loads_without_us(converted):
    name, original, folder = converted
    model = mujoco.MjModel.from_xml_path(str(folder / FILES[name]["skeleton"].name))
    assert (model.nq, model.nv) == (original.human.model.nq, original.human.model.nv)
    assert model.nbody == len(models.mass.read_skeleton(FILES[name]["skeleton"]).nodes) + 1


def test_what_a_human_of_ball_joints_is(imported):
    human = imported.human
    assert human.polylines is not None
    assert len(human.muscle_names) == len(human.polylines.max_force)
    if imported.name == "reference":
        assert (human.model.nv, len(human.muscle_names), len(human.polylines.body)) == (56, 284, 1212)
        assert [human.model.body(b).name for b in human.end_effectors] == ["TalusR", "TalusL", "Head", "HandR", "HandL"]
    assert (human.kp == 300).all()
    assert human.root_kp == 300
    assert human.kd == pytest.approx(np.sqrt(600))
    # left and right, whatever the case of the letter that says so
    left = human.coordinate_names.index("FemurL_y")
    assert human.coordinate_names[human.mirror_coordinate[left]] == "FemurR_y"
    assert (human.mirror_muscle != np.arange(len(human.muscle_names))).all()


def test_ball_joints_bind_by_axis(tmp_path):
    """A torque that turns a hip beyond its limits is held there, and one within them meets nothing."""
    body = load_scenario(config_of("person"))
    human = body.human
    human.model.opt.gravity[2] = -1e-6
    human.model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONTACT
    c = human.coordinate_names.index("FemurR_z")
    torque = np.zeros(len(human.actuated))
    torque[list(human.actuated).index(c)] = 5.0
    one = one_human(body)
    one.reset(human.qpos_rest, np.zeros(human.model.nv))
    top = 0.0
    for _ in range(600):
        one.apply_torque(torque)
        one.step(False)
        top = max(top, float(one.positions[c]))
    assert top > human.upper[c]  # it got there
    assert top < human.upper[c] + 0.25
    assert np.isfinite(human.upper[c])


def test_paths_of_muscles_are_seen_alike(imported):
    human = imported.human
    data = mujoco.MjData(human.model)
    data.qpos[:] = human.qpos_rest
    mujoco.mj_kinematics(human.model, data)
    paths = muscle_paths(human, data)
    imported.body.reset(human.qpos_rest, np.zeros(human.model.nv))
    np.testing.assert_allclose(np.concatenate(paths), imported.body.muscle_points, atol=1e-12)
    assert [len(path) for path in paths] == np.diff(human.polylines.adr).tolist()


def test_paths_of_tendons_have_their_length():
    human = models.load("myolegs")
    data = mujoco.MjData(human.model)
    data.qpos[:] = human.qpos_rest
    mujoco.mj_forward(human.model, data)
    for path, actuator in zip(muscle_paths(human, data), human.muscle_actuator, strict=True):
        length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
        # a tendon goes round bones in arcs, which its points cut short
        assert length == pytest.approx(data.actuator_length[human.model.actuator_outadr[actuator]], rel=0.02)


def test_files_are_meant_relative_to_the_one_that_names_them(tmp_path, monkeypatch):
    content = {
        "model": {"mass": {"skeleton": "person.xml", "muscles": "muscles.xml"}},
        "motion": {"bvh": "stride.bvh"},
    }
    for path in FILES["person"].values():
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    config = load_config(tmp_path / "mine.yaml")
    assert config.task.name == "imitate"  # what a motion is for, where nothing else is said
    assert config.subject == "person"
    (tmp_path / "again.yaml").write_text(dump_config(config))
    monkeypatch.chdir("/")
    assert load_config(tmp_path / "again.yaml") == config
    assert load_scenario(config).motion.speed > 0.5
    other = load_config(tmp_path / "mine.yaml", {"model.mass.damping": 0.4, "model.blend_force": "by_weight"})
    assert (other.model.mass.damping, other.model.blend_force) == (0.4, "by_weight")


def test_a_file_elsewhere_is_never_taken_for_the_one_that_is_named(tmp_path, monkeypatch):
    for path in FILES["person"].values():
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "mine.yaml").write_text(yaml.safe_dump(
        {"model": {"mass": {"skeleton": "person.xml"}}, "control": {"mode": "torque"}, "motion": {"bvh": "stride.bvh"}}
    ))  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"below/person\.xml: expected a readable file"):
        load_scenario(load_config(Path("below") / "mine.yaml"))


def test_limits_are_those_of_the_joints():
    human = load_scenario(config_of("person")).human
    knee = human.coordinate_names.index("TibiaR")
    low, high = human.model.joint("TibiaR").range
    assert (human.lower[knee], human.upper[knee]) == (low, high)
    assert high < np.pi


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"model": {"mass": {"skelton": "x"}}}, "unknown key 'model.mass.skelton'"),
        ({"model": {"muscles": "x"}}, r"model\.muscles: expected it beside a model file"),
        ({"motion": {"bvh": "none.bvh"}}, "none.bvh"),
        ({"motion": {"bvh": str(FILES["person"]["bvh"]), "hz": 0.0}}, "motion.hz"),
    ],
)
def test_what_is_wrong_in_a_configuration(overrides, said):
    files = {key: str(path) for key, path in FILES["person"].items()}
    base = {"model": {"mass": {"skeleton": files["skeleton"], "muscles": files["muscles"]}}, "motion": "walk"}
    with pytest.raises(UserError, match=said):
        load_scenario(load_config("walk2d", {**base, **overrides}))


@pytest.mark.parametrize(
    ("mode", "method"), [("torque", "static_optimization"), ("muscle", "static_optimization"), ("muscle", "network"),
                         ("excitation", "static_optimization")]
)  # fmt: skip
def test_it_trains_like_any_other_model(tmp_path, capsys, mode, method):
    files = FILES["person"]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({
        "model": {"mass": {"skeleton": str(files["skeleton"]), "muscles": str(files["muscles"])}},
        "motion": {"bvh": str(files["bvh"])},
        "control": {"mode": mode, "sim_hz": 600, "action_scale": 0.1},
        "coordination": {"method": method, "interval": 2, "hidden": [16]},
        "policy": {"hidden": [16]},
        "train": {"steps": 256, "num_envs": 4, "rollout_steps": 32, "eval_episodes": 1},
    }))  # fmt: skip
    run = ["--run-dir", str(tmp_path / "run")]
    assert main(["train", str(tmp_path / "mine.yaml"), *run]) == 0
    assert main(["train", "--resume", str(tmp_path / "run"), "--train.steps", "512"]) == 0
    said = capsys.readouterr()
    assert "diverged" not in said.err
    assert "512 steps" in said.out


def test_both_forces_and_no_muscles_load():
    files = {key: str(path) for key, path in FILES["person"].items()}
    bare = models.load(ModelFiles(mass={"skeleton": files["skeleton"]}))
    assert bare.muscle_names == ()
    both = [load_scenario(config_of("person", blend_force=force)).human for force in ("first_body", "by_weight")]
    assert len(both[0].crossing) <= len(both[1].crossing)


def test_the_benchmark_of_a_body(capsys, tmp_path):
    import_mass(FILES["person"]["skeleton"], FILES["person"]["muscles"], out=tmp_path)
    assert main(["bench", "body", str(tmp_path / "train.yaml"), "--rounds", "1", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    assert (results["muscles"], results["waypoints"], results["coordinates"]) == (20, 70, 32)
    assert results["muscles_us"] > 0
    assert results["stable_pd_us"] > 0


def test_several_motions_are_for_one_policy(tmp_path, capsys):
    files = FILES["person"]
    (tmp_path / "other.bvh").write_text(files["bvh"].read_text())
    motions_of = ["--bvh", str(files["bvh"]), "--bvh", str(tmp_path / "other.bvh")]
    arguments = ["import", "mass", str(files["skeleton"]), str(files["muscles"]), *motions_of]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    config = load_config(tmp_path / "out" / "train.yaml")
    assert [Path(clip.file).name for clip in config.motion.clips] == ["stride.csv", "other.csv"]
    assert "targets" in config.task.observation
    assert load_scenario(config).clips.names == ("stride", "other")
    twice = [*arguments, "--bvh", str(files["bvh"]), "--out", str(tmp_path / "twice")]
    assert main(twice) == 2
    assert "stride.csv: expected muscles and motions under names that differ" in capsys.readouterr().err
    assert not (tmp_path / "twice").exists()
