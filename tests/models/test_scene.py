"""The person is what hangs below the pelvis; what else is in the scene is simulated and left alone."""

from pathlib import Path

import mujoco
import numpy as np
import pytest

import scene
from soleus.config.sources import ModelFiles
from soleus.errors import UserError
from soleus.models import load

BALL = '<freejoint name="ball"/><geom type="sphere" size=".1" mass="2"/>'
BESIDE = {
    "belt": """<body name="belt" pos="3 0 0.3"><joint name="belt" type="slide" axis="1 0 0"/>
        <geom type="box" size=".2 .2 .05" mass="50"/></body>""",
    "door": """<body name="door" pos="2 0 1"><joint name="door" axis="0 0 1"/>
        <geom type="box" size=".4 .05 .9" mass="20"/></body>""",
    "ball": f'<body name="ball" pos="2 0 .5">{BALL}</body>',
    "head": f'<body name="head" pos="2 0 .5">{BALL}</body>',
    "lamp": '<body name="lamp" pos="2 0 2"><joint type="ball"/><geom type="sphere" size=".1" mass="2"/></body>',
    "table": '<body name="table" pos="2 0 .4"><geom type="box" size=".4 .4 .4" mass="30"/></body>',
    "marker": """<body name="target" mocap="true" pos="1 0 1">
        <geom type="sphere" size=".1" contype="0" conaffinity="0"/></body>""",
    "cloth": """<flexcomp name="cloth" type="grid" count="3 3 1" spacing=".1 .1 .1" pos="2 0 1" mass="1" radius=".01"
        dim="2"/>""",
}


def rollout(env, steps: int = 12) -> tuple[np.ndarray, np.ndarray]:
    observations, _ = env.reset(seed=1)
    rng, seen, rewards = np.random.default_rng(0), [observations.copy()], []
    for _ in range(steps):
        actions = rng.uniform(-1, 1, env.action_space.shape).astype(np.float32)
        observations, reward, *_ = env.step(actions)
        seen.append(observations.copy())
        rewards.append(reward.copy())
    return np.array(seen), np.array(rewards)


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("thing", BESIDE)
def test_what_stands_beside_a_person_is_left_alone(thing, where, tmp_path: Path):
    alone, other = scene.human(tmp_path), scene.human(tmp_path, **{where: BESIDE[thing]})
    names = [[h.model.body(b).name for b in h.tracked_bodies] for h in (alone, other)]
    assert names[0] == names[1]
    assert other.model.body(other.root_body).name == "pelvis"
    assert other.model.body(other.head_body).name == alone.model.body(alone.head_body).name
    assert other.coordinate_names == alone.coordinate_names
    assert len(other.actuated) == 6
    assert other.mass == pytest.approx(62)


@pytest.mark.parametrize("mode", ["torque", "muscle", "excitation"])
@pytest.mark.parametrize("thing", ["belt", "ball", "table", "marker", "lamp"])
def test_a_person_moves_as_without_it(thing, mode, tmp_path: Path):
    alone = rollout(scene.env(tmp_path, mode))
    beside = rollout(scene.env(tmp_path, mode, before=BESIDE[thing]))
    for one, other in zip(alone, beside, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)  # the solver's iterations end together for all


def test_the_scene_starts_anew_with_every_episode(tmp_path: Path):
    env = scene.env(tmp_path, before=BESIDE["ball"])
    env.reset(seed=0)
    at = [env.simulation.qpos()[:, :3].copy()]
    for _ in range(20):
        env.step(np.zeros(env.action_space.shape, np.float32))
    at.append(env.simulation.qpos()[:, :3].copy())
    env.reset(seed=0)
    at.append(env.simulation.qpos()[:, :3].copy())
    assert np.abs(at[1] - at[0]).max() > 0.1  # it fell
    np.testing.assert_array_equal(at[2], at[0])


def test_a_second_person_has_to_be_told_from_the_first(tmp_path: Path):
    other = scene.pelvis("other_", "0 2 1")
    with pytest.raises(UserError, match=r"scene.xml: .*'pelvis' and 'other_pelvis'.*root: pelvis"):
        scene.human(tmp_path, after=other)
    second = scene.human(tmp_path, "other_pelvis", after=other)
    assert [second.model.joint(second.model.dof_jntid[second.coordinate_dof[c]]).name for c in second.actuated] == [
        f"other_{joint}_{side}" for side in "rl" for joint in ("hip", "knee", "ankle")
    ]
    assert second.muscle_names == ()
    assert second.mass == pytest.approx(62)
    assert len(scene.human(tmp_path, "pelvis", after=other).muscle_names) == 12
    with pytest.raises(
        UserError, match=r"model.root: expected a body of the model, got 'pelvus' \(did you mean 'pelvis'"
    ):
        scene.human(tmp_path, "pelvus")
    with pytest.raises(UserError, match=r"model\.root: expected a body that floats, which are 'pelvis'; got 'thigh_r'"):
        scene.human(tmp_path, "thigh_r")


def test_bodies_without_feet_are_no_persons(tmp_path: Path):
    ball, cube = BESIDE["ball"], BESIDE["ball"].replace("ball", "cube").replace("2 0", "4 0")
    path = scene.write(tmp_path, f"<mujoco><worldbody>{scene.FLOOR}{ball}{cube}</worldbody></mujoco>")
    with pytest.raises(UserError, match="2 bodies that float, 'ball' and 'cube', and none has two feet"):
        load(str(path))


EXO = """<body name="exo" pos="-0.15 0 1.3"><freejoint name="exo"/>
    <geom type="box" size=".1 .1 .1" mass="5" contype="0" conaffinity="0"/></body>"""
WELD = '<equality><weld body1="pelvis" body2="exo"/></equality>'


def test_what_is_tied_to_a_person_starts_with_it(tmp_path: Path):
    env = scene.env(tmp_path, humans=4, task="imitate", before=EXO, tail=WELD, keys="motion: walk\n")
    body = env.simulation.scenario.human
    assert body.mass == pytest.approx(62)
    assert body.model.body(body.root_body).name == "pelvis"
    env.reset(seed=0)
    model = env.simulation.scenario.human.model
    data = mujoco.MjData(model)
    apart = []
    for qpos in env.simulation.qpos():
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model, data)
        pelvis, exo = model.body("pelvis").id, model.body("exo").id
        apart.append((data.xpos[exo] - data.xpos[pelvis]) @ data.xmat[pelvis].reshape(3, 3))
    np.testing.assert_allclose(apart, np.tile([-0.15, 0, 0.3], (4, 1)), atol=1e-9)


def test_joints_of_others_follow_whom_they_like_but_lead_nobody(tmp_path: Path):
    follows = '<equality><joint joint1="door" joint2="hip_r" polycoef="0 1 0 0 0"/></equality>'
    assert len(scene.human(tmp_path, after=BESIDE["door"], tail=follows).actuated) == 6
    leads = '<equality><joint joint1="hip_r" joint2="door" polycoef="0 1 0 0 0"/></equality>'
    with pytest.raises(
        UserError, match="joint 'hip_r' of the person follows 'door': expected a joint of the person's own"
    ):
        scene.human(tmp_path, after=BESIDE["door"], tail=leads)


def test_a_muscle_may_end_outside_and_others_muscles_are_theirs(tmp_path: Path):
    site = '<site name="hook" pos="0.5 0 0"/>'
    worn = '<site name="belt" pos="0.1 0 0"/>'
    tail = '<tendon><spatial name="rope"><site site="belt"/><site site="hook"/></spatial></tendon>'
    own = scene.human(
        tmp_path, before=f'<body pos="1 0 1">{site}</body>', worn=worn, tail=tail,
        actuators=scene.MUSCLES + '<muscle name="rope" tendon="rope" force="10" lengthrange="0.1 2"/>',
    )  # fmt: skip
    assert own.muscle_names[-1] == "rope"
    door = scene.human(
        tmp_path, after=BESIDE["door"],
        actuators=scene.MUSCLES + '<muscle name="closer" joint="door" force="10" lengthrange="-1 1"/>',
    )  # fmt: skip
    assert "closer" not in door.muscle_names
    assert len(door.muscle_names) == 12
    table = scene.write(
        tmp_path,
        "muscle,f0,lm,lt,body,x,y,z,weight,body2,x2,y2,z2,weight2\n"
        "rope,100,1,0.2,pelvis,0,0,0,1,,,,,\nrope,,,,door,0,0,0,1,,,,,\n",
        "muscles.csv",
    )
    text = scene.write(tmp_path, scene.mjcf(after=BESIDE["door"], actuators=""))
    with pytest.raises(UserError, match=r"expected bodies of the person, got 'door'"):
        load(ModelFiles(mjcf=str(text), muscles=str(table)))


def test_endings_may_be_in_capitals_and_models_compiled(tmp_path: Path):
    text = scene.mjcf()
    small = load(str(scene.write(tmp_path, text)))
    capital = load(str(scene.write(tmp_path, text, "SCENE.XML")))
    assert capital.name == "SCENE"
    assert capital.coordinate_names == small.coordinate_names
    for name in ("scene.mjb", "SCENE.MJB"):
        mujoco.mj_saveModel(small.model, str(tmp_path / name))
        compiled = load(str(tmp_path / name), sim_hz=600)
        assert compiled.coordinate_names == small.coordinate_names
        assert compiled.model.opt.timestep == pytest.approx(1 / 600)
    (tmp_path / "bad.mjb").write_bytes(b"nonsense")
    with pytest.raises(UserError, match=r"bad\.mjb': expected an MJB file"):
        load(str(tmp_path / "bad.mjb"))
    with pytest.raises(UserError, match=r"no\.mjb' does not exist"):
        load(str(tmp_path / "no.mjb"))


def test_a_planar_root_spread_over_bodies_is_refused(tmp_path: Path):
    text = scene.mjcf().replace(
        '<body name="pelvis" pos="0 0 1"><freejoint name="root"/>',
        '<body name="cart" pos="0 0 1"><joint name="x" type="slide" axis="1 0 0"/><geom size=".01" mass=".1"/>'
        '<body name="pelvis"><joint name="z" type="slide" axis="0 0 1"/><joint name="tilt" axis="0 1 0"/>',
    )
    text = text.replace("</worldbody>", "</body></worldbody>")
    with pytest.raises(UserError, match="body 'cart' slides, but not upwards: expected a free joint, or all joints"):
        load(str(scene.write(tmp_path, text)))
