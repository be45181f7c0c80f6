"""The ground is what the feet come to stand on; without it nobody starts."""

import re
from functools import partial
from importlib.resources import files

import numpy as np
import pytest

import scene
from soleus import make_vec, models, motions
from soleus.errors import UserError
from soleus.models.ground import contact_geoms, lowest
from soleus.motions.table import write_table

MESH = '<asset><mesh name="slab" vertex="-4 -4 -.1 4 -4 -.1 4 4 -.1 -4 4 -.1 -4 -4 .1 4 -4 .1 4 4 .1 -4 4 .1"/></asset>'
FIELD = '<asset><hfield name="hills" nrow="4" ncol="4" size="4 4 0.2 0.1"/></asset>'
FLOORS = {
    "plane": (scene.FLOOR, "", 0.0),
    "low plane": ('<geom type="plane" size="0 0 1" pos="0 0 -0.4"/>', "", -0.4),
    "box": ('<geom type="box" size="4 4 0.1" pos="0 0 0.2"/>', "", 0.3),
    "belt": (
        '<body pos="0 0 -0.05"><joint type="slide" axis="1 0 0"/><geom type="box" size="2 1 0.05" mass="50"/></body>',
        "", 0.0,
    ),
    "mesh": ('<geom type="mesh" mesh="slab"/>', MESH, 0.1),
    "field": ('<geom type="hfield" hfield="hills" pos="0 0 0.15"/>', FIELD, 0.15),
    "a ball under a foot": (
        scene.FLOOR + '<body pos="0.05 0.1 0.1"><freejoint/><geom size="0.1" mass="1"/></body>', "", 0.0,
    ),
    "a raft": ('<body pos="0 0 0.2"><freejoint/><geom type="box" size="2 2 0.1" mass="5000"/></body>', "", 0.3),
    "a box over a plane": (scene.FLOOR + '<geom type="box" size="1 1 0.1"/>', "", 0.1),
}  # fmt: skip


@pytest.mark.parametrize("floor", FLOORS)
def test_any_shape_is_ground(floor, tmp_path):
    geoms, head, height = FLOORS[floor]
    human = scene.human(tmp_path, floor=geoms, head=head)
    assert human.ground_height == pytest.approx(height, abs=1e-6)
    assert human.root_height == pytest.approx(0.91)
    env = scene.env(tmp_path, floor=geoms, head=head)
    plain = scene.env(tmp_path)
    for _ in range(2 if "ball" not in floor and "raft" not in floor else 0):
        seen, _ = env.reset(seed=0)
        standing = plain.reset(seed=0)[0]
        np.testing.assert_allclose(seen[:, :-2], standing[:, :-2], atol=1e-4)  # but for the forces on the feet
        for _ in range(6):
            *_, terminated, _, _info = env.step(np.zeros(env.action_space.shape, np.float32))
            assert not terminated.any()


def test_motions_walk_on_it(tmp_path):
    geoms, head, height = FLOORS["box"]
    keys = "motion: walk\n"
    env = scene.env(tmp_path, humans=1, floor=geoms, head=head, task="imitate", keys=keys)
    body = env.simulation.scenario
    plain = scene.env(tmp_path, humans=1, task="imitate", keys=keys).simulation.scenario
    lifted = plain.motion.qpos.copy()
    lifted[:, 2] += height
    np.testing.assert_allclose(body.motion.qpos, lifted, atol=1e-6)


def refuse(tmp_path, said: str, **parts: str) -> None:
    with pytest.raises(UserError, match=said):
        scene.human(tmp_path, **parts)


def test_no_ground_no_start(tmp_path):
    refuse(tmp_path, r"scene\.xml: expected ground below the feet, got none", floor="")
    refuse(tmp_path, "got none", floor='<geom type="plane" size="0 0 1" pos="0 0 4"/>')
    refuse(tmp_path, "got none", floor='<geom type="box" size="1 1 .1" pos="5 0 0"/>')
    off = scene.FLOOR.replace("/>", ' contype="0" conaffinity="0"/>')
    refuse(tmp_path, "geom 'sole_[rl]' and geom 'floor' below it do not collide: change contype", floor=off)
    refuse(tmp_path, "do not collide", floor=scene.FLOOR.replace("/>", ' contype="4" conaffinity="4"/>'))
    excluded = '<contact><exclude body1="world" body2="foot_r"/><exclude body1="world" body2="foot_l"/></contact>'
    refuse(tmp_path, "do not collide", tail=excluded)
    for flag in ("contact", "constraint"):
        refuse(tmp_path, f'flag {flag}="disable"', head=f'<option><flag {flag}="disable"/></option>')


def test_pairs_count_as_ground(tmp_path):
    off = scene.FLOOR.replace("/>", ' contype="0" conaffinity="0"/>')
    pairs = "".join(f'<pair geom1="floor" geom2="sole_{side}"/>' for side in "rl")
    human = scene.human(tmp_path, floor=off, tail=f"<contact>{pairs}</contact>")
    soles = contact_geoms(human.model, np.concatenate(human.feet))
    assert len(soles) == 2
    assert lowest is not None
    assert human.ground_height == 0.0


@pytest.mark.parametrize("mode", ["torque", "muscle", "excitation"])
def test_a_start_that_is_its_own_end(mode, tmp_path):
    for task, said in (
        ("{base: walk, termination: {fall: {height: 1.5}}}", "'fall' ends every episode as it begins.*task.initial"),
        ("{base: walk, initial: 'key:lying'}", "expected a keyframe that stands on the ground, got 'lying'"),
    ):
        lying = '<keyframe><key name="lying" qpos="0 0 0.2 0.87 0 0.5 0 0 0 0 0 0 0"/></keyframe>'
        with pytest.raises(UserError, match=said):
            scene.env(tmp_path, mode, task=task, tail=lying)


def test_a_start_that_diverges(tmp_path):
    fast = f'<keyframe><key name="fast" qpos="0 0 1 1 {" ".join("0" * 9)}" qvel="{" ".join(["1e9"] * 12)}"/></keyframe>'
    with pytest.raises(UserError, match=r"expected a start that lasts|expected finite first observations"):
        scene.env(tmp_path, task="{base: walk, initial: 'key:fast', termination: {fall: null}}", tail=fast)


def test_feet_that_touch_one_another_stand_on_no_ground_there(tmp_path):
    close = scene.mjcf().replace('pos="0 -0.1 -0.05"', 'pos="0 -0.035 -0.05"')
    close = close.replace('pos="0 0.1 -0.05"', 'pos="0 0.035 -0.05"')
    seen, _ = scene.env(tmp_path, text=close, task="{base: walk, initial_noise: 0}").reset(seed=0)
    apart = scene.env(tmp_path, task="{base: walk, initial_noise: 0}").reset(seed=0)[0]
    np.testing.assert_allclose(seen[:, -2:], apart[:, -2:], atol=0.2)  # the soles overlap by a centimetre


BOX = '<geom name="floor" type="box" pos="0 0 -0.1" size="0.9 0.9 0.1"/>'


def test_a_keyframe_beyond_the_edge_of_the_floor(tmp_path):
    for x, floor, fits in ((0.3, BOX, True), (3, BOX, False), (50, scene.FLOOR.replace("0 0 1", "1 1 1"), True)):
        tail = f'<keyframe><key name="there" qpos="{x} 0 0.93 1 0 0 0 0.3 0.6 0.3 0.3 0.6 0.3"/></keyframe>'
        made = partial(scene.env, tmp_path, task="{base: walk, initial: 'key:there'}", floor=floor, tail=tail)
        if fits:  # a plane has no edge for what touches it
            made().reset(seed=0)
            continue
        with pytest.raises(UserError, match=r"below the feet in keyframe 'there', got none .* at 3 and 0 m along"):
            made()


def test_a_motion_beyond_the_edge_of_the_floor(tmp_path):
    text = files("soleus.models").joinpath("walk2d.xml").read_text()
    plane = re.search(r'<geom name="floor"[^>]*>', text)[0]
    human = models.load("walk2d")
    write_table(tmp_path / "lap.csv", motions.load("walk", human), human)
    for half, fits in ((3.0, True), (0.5, False)):
        box = f'<geom name="floor" type="box" pos="0 0 -0.1" size="{half} 1 0.1" conaffinity="1"/>'
        human = models.load(scene.write(tmp_path, text.replace(plane, box), "edge.xml"))
        if fits:
            motions.load(str(tmp_path / "lap.csv"), human)
            continue
        with pytest.raises(UserError, match=r"lap\.csv' column 'root_tx': expected ground below the feet all along"):
            motions.load(str(tmp_path / "lap.csv"), human)


def test_starts_that_a_motion_makes_name_it(tmp_path, walk2d):
    write_table(tmp_path / "lap.csv", motions.load("walk", walk2d), walk2d)
    high = {"task.termination": {"fall": {"height": 1.5}}}
    table = str(tmp_path / "lap.csv")
    for motion, said in (("walk", "'walk', in whose poses episodes start$"), (table, r"'\S*lap\.csv', .*scale")):
        with pytest.raises(UserError, match=rf"expected a start that lasts.*, or motion {said}"):
            make_vec("walk2d", num_envs=1, num_threads=1, overrides=high | {"motion": motion})


@pytest.mark.parametrize(
    ("gravity", "fits"),
    [("0 0 -9.81", True), ("0.8 0 -9.7", True), ("0 0 -1.62", True), ("0 -9.81 0", False), ("0 0 0", False),
     ("0 0 9.81", False), ("0 0 -981", False)],
)  # fmt: skip
def test_gravity(gravity, fits, tmp_path):
    path = scene.write(tmp_path, scene.mjcf(head=f'<option gravity="{gravity}"/>'))
    if fits:
        models.load(path)
        return
    with pytest.raises(UserError, match=rf'scene\.xml: expected gravity down along z .*, got "{gravity}"'):
        models.load(path)
