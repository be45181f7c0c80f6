"""What is written of an episode is what happened, and it is read back as the same motion."""

from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest

from soleus import motions
from soleus.config.sources import BvhMotion, TableMotion
from soleus.errors import UserError
from soleus.models import Human
from soleus.motions import Motion
from soleus.motions.bvh import read_bvh
from soleus.motions.looping import headed
from soleus.motions.rotations import exp
from soleus.motions.storage import read_storage
from soleus.rollouts import check_file, numbered, sampled, write_episode
from soleus.sim.trace import Trace
from strider import strider
from walker import trace_of, walked

ENDINGS = (".mot", ".sto", ".csv", ".npz", ".bvh")


@pytest.fixture(scope="module")
def balls() -> Human:
    """A person whose hips are balls."""
    return strider()


def trace(human: Human) -> Trace:
    """A walk, 120 rows a second, with numbers for all that a rollout has."""
    found = sampled(walked(human, strides=3).trace, 120.0)
    loaded = found.ground_force[..., 2:] > 0
    ahead = found.qpos[:, :1] + [0.1, 0.2]  # of the right foot and of the left
    place = np.stack([ahead, np.full_like(ahead, 0.1), np.zeros_like(ahead)], axis=-1)
    return replace(
        found,
        tension=900 * found.activation,
        pressure=np.where(loaded, place, np.nan),
        ground_moment=np.where(loaded, [0.0, 0.0, 3.0], 0.0),
    )


def read_back(path: Path, human: Human) -> Motion:
    source = BvhMotion(bvh=str(path), lap="once") if path.suffix == ".bvh" else TableMotion(table=str(path), lap="once")
    return motions.load(source, human)


def body_poses(human: Human, qpos: np.ndarray) -> np.ndarray:
    """Places and axes (K, bodies, 12) of the person's bodies."""
    data, found = mujoco.MjData(human.model), []
    for pose in qpos:
        data.qpos[:] = pose
        mujoco.mj_kinematics(human.model, data)
        found.append(np.hstack([data.xpos[human.own_bodies], data.xmat[human.own_bodies]]))
    return np.array(found)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("which", ["walk2d", "myolegs"])
def test_it_is_read_back_as_the_same_motion(
    which: str, ending: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    human: Human = request.getfixturevalue(which)
    given = trace(human)
    files = write_episode(tmp_path / f"walk{ending}", given)
    assert files[0] == tmp_path / f"walk{ending}"
    motion = read_back(files[0], human)
    assert motion.notes == ()
    assert motion.duration == pytest.approx(given.times[-1], abs=1e-6)
    wanted = headed(human.consistent(given.qpos), human)
    np.testing.assert_allclose(body_poses(human, motion.qpos), body_poses(human, wanted), atol=2e-6)


@pytest.mark.parametrize("ending", [".csv", ".npz", ".bvh"])
def test_ball_joints_too(ending: str, balls: Human, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    times = np.arange(60) / 60
    qpos = np.tile(balls.qpos_rest, (60, 1))
    model = balls.model
    for joint in range(model.njnt):
        adr = int(model.jnt_qposadr[joint])
        if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_BALL:
            turn = 0.2 * np.outer(np.sin(3 * times), rng.standard_normal(3))
            qpos[:, adr : adr + 4] = exp(turn)
    given = replace(trace_of(balls, qpos, np.zeros((60, 0)), np.zeros((60, 2, 3)), 0.0), dt=1 / 60)
    files = write_episode(tmp_path / f"turns{ending}", given)
    motion = read_back(files[0], balls)
    np.testing.assert_allclose(body_poses(balls, motion.qpos), body_poses(balls, headed(qpos, balls)), atol=2e-6)


def test_a_lap_is_found_in_it(myolegs: Human, tmp_path: Path) -> None:
    """As `soleus motion FILE --model MODEL` reads a file of coordinates by itself."""
    walk = walked(myolegs, strides=4)
    files = write_episode(tmp_path / "walk.mot", sampled(walk.trace, 120.0))
    motion = motions.load(files[0], myolegs)
    assert motion.duration == pytest.approx(walk.durations[0], rel=0.02)
    assert motion.speed == pytest.approx(walk.speed, rel=0.01)


def test_files_beside_the_poses(myolegs: Human, tmp_path: Path) -> None:
    given = trace(myolegs)
    files = write_episode(tmp_path / "walk.mot", given)
    assert [file.name for file in files] == [
        "walk.mot", "walk-activations.mot", "walk-muscle-forces.mot", "walk-ground-forces.mot",
    ]  # fmt: skip
    activations, forces, ground = (read_storage(file) for file in files[1:])
    assert tuple(activations.names) == tuple(forces.names) == myolegs.muscle_names
    np.testing.assert_allclose(activations.values, given.activation, atol=1e-8)
    np.testing.assert_allclose(forces.values, given.tension, atol=1e-8)
    column = {name: ground.values[:, k] for k, name in enumerate(ground.names)}
    for side, which in enumerate("rl"):
        x, y, z = given.ground_force[:, side].T
        for axis, values in zip("xyz", (x, z, -y), strict=True):
            np.testing.assert_allclose(column[f"ground_force_{which}_v{axis}"], values, atol=1e-7)
        x, y, z = np.nan_to_num(given.pressure[:, side]).T
        for axis, values in zip("xyz", (x, z, -y), strict=True):
            np.testing.assert_allclose(column[f"ground_force_{which}_p{axis}"], values, atol=1e-7)
        np.testing.assert_allclose(column[f"ground_torque_{which}_y"], given.ground_moment[:, side, 2], atol=1e-7)
    assert [file.name for file in write_episode(tmp_path / "walk.bvh", given)[1:]] == [
        "walk-activations.csv", "walk-muscle-forces.csv", "walk-ground-forces.csv",
    ]  # fmt: skip


def test_arrays_have_all_of_it(walk2d: Human, tmp_path: Path) -> None:
    given = trace(walk2d)
    (file,) = write_episode(tmp_path / "walk.npz", given)
    with np.load(file) as arrays:
        for name, values in {
            "time": given.times, "qpos": given.qpos, "qvel": given.qvel, "activation": given.activation,
            "muscle_force": given.tension, "ground_force": given.ground_force, "pressure": given.pressure,
            "ground_moment": given.ground_moment, "metabolic_w_kg": given.metabolic,
        }.items():  # fmt: skip
            np.testing.assert_array_equal(arrays[name], values)
        assert tuple(arrays["muscle_names"]) == walk2d.muscle_names
        assert list(arrays["feet"]) == ["right", "left"]
        assert len(arrays["qpos_names"]) == walk2d.model.nq


def test_without_muscles_there_are_no_files_of_them(walk2d: Human, tmp_path: Path) -> None:
    given = trace(walk2d)
    files = write_episode(tmp_path / "walk.csv", replace(given, activation=np.zeros_like(given.activation)))
    assert [file.name for file in files] == ["walk.csv", "walk-ground-forces.csv"]


def test_a_bvh_file_plays_on_joints_that_are_the_bodies(myolegs: Human, tmp_path: Path) -> None:
    given = trace(myolegs)
    clip = read_bvh(write_episode(tmp_path / "walk.bvh", given)[0])
    assert set(clip.joints) == {myolegs.model.body(body).name for body in myolegs.own_bodies}
    assert clip.joints[0] == myolegs.model.body(myolegs.root_body).name
    assert clip.frame_time == pytest.approx(1 / 120)
    np.testing.assert_allclose(np.ptp(clip.positions[:, 2]), 100 * np.ptp(given.qpos[:, 0]), atol=1e-3)


def test_a_bvh_file_of_a_person_with_longer_legs(myolegs: Human, tmp_path: Path) -> None:
    """The joints turn alike, and the feet say how high the pelvis is; of a person far from it there is no motion."""
    file = write_episode(tmp_path / "walk.bvh", trace(myolegs))[0]
    text, shank = file.read_text(), "JOINT tibia_r"
    before, rest = text.split(shank)
    offset = rest.split("OFFSET ")[1].split("\n")[0]
    longer = " ".join(f"{1.1 * float(number):.6f}" for number in offset.split())
    file.write_text(before + shank + rest.replace(offset, longer, 1))
    motion = read_back(file, myolegs)
    wanted = headed(trace(myolegs).qpos, myolegs)
    hinge = myolegs.model.joint("hip_flexion_r").qposadr[0]
    np.testing.assert_allclose(motion.qpos[:, hinge], wanted[:, hinge], atol=1e-6)
    height = motion.qpos[:, 2] - wanted[:, 2]
    assert np.ptp(height) < 1e-6
    assert abs(height[0]) < 0.03
    file.write_text(before + shank + rest.replace(offset, "0 -200 0", 1))
    with pytest.raises(UserError, match=r"motion\.names: expected the joint of"):
        read_back(file, myolegs)


def test_opensim_reads_it(myolegs: Human, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where it puts a log of its own
    opensim = pytest.importorskip("opensim")
    given = trace(myolegs)
    for file in write_episode(tmp_path / "walk.mot", given):
        table = opensim.TimeSeriesTable(str(file))
        assert table.getNumRows() == len(given.qpos)
        assert table.getTableMetaDataAsString("inDegrees") == "yes"
    storage = opensim.Storage(str(tmp_path / "walk.mot"))
    assert storage.isInDegrees()
    assert storage.getColumnLabels().findIndex("knee_angle_r") > 0


def test_rates(walk2d: Human) -> None:
    given = walked(walk2d, strides=3).trace
    every = sampled(given, 120.0)
    np.testing.assert_array_equal(every.qpos, given.qpos[::4])
    np.testing.assert_array_equal(every.ground_force, given.ground_force[::4])
    odd = sampled(given, 100.0)
    assert odd.dt == 0.01
    assert len(odd.qpos) == int((len(given.qpos) - 1) / 4.8) + 1
    np.testing.assert_array_equal(odd.qpos[::5], given.qpos[::24])
    np.testing.assert_allclose(odd.qpos[1], 0.2 * given.qpos[4] + 0.8 * given.qpos[5])


def test_names_of_several_episodes() -> None:
    assert numbered(Path("a/walk.mot"), 0, 1) == Path("a/walk.mot")
    assert [str(numbered(Path("a/walk.mot"), k, 2)) for k in (0, 1)] == ["a/walk-1.mot", "a/walk-2.mot"]


def test_files_that_cannot_be(walk2d: Human, balls: Human, tmp_path: Path) -> None:
    for file, human, said in (
        (Path("walk.trc"), walk2d, r"expected a file ending in \.mot, \.sto, \.bvh, \.csv, \.npz, got walk\.trc"),
        (tmp_path / "none" / "walk.mot", walk2d, "expected a file in an existing folder, got the folder"),
        (tmp_path / "walk.mot", balls, r"expected joints that are coordinates of OpenSim's, got '.*' of '.*', a ball;"),
    ):
        with pytest.raises(UserError, match=f"^--out: {said}"):
            check_file(file, human)
    (tmp_path / "taken.csv").mkdir()
    with pytest.raises(UserError, match=r"^--out: expected a file, got the folder .*taken\.csv$"):
        check_file(tmp_path / "taken.csv", walk2d)
