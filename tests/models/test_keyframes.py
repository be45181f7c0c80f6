"""Episodes may start in a keyframe of the model."""

import numpy as np
import pytest

import scene
from soleus.config import load_human_config
from soleus.errors import UserError

BENT = "0.2 0.1 0.93 1 0 0 0 0.3 0.6 0.3 0.3 0.6 0.3"
KEYS = f'<keyframe><key qpos="{BENT}"/><key name="stand" qpos="{BENT}" qvel="0.5 {"0 " * 11}"/></keyframe>'
START = "{base: walk, initial: 'key:stand', initial_noise: 0}"


def test_it_starts_there_and_holds_it(tmp_path):
    env = scene.env(tmp_path, task=START, tail=KEYS)
    env.reset(seed=0)
    at = [float(word) for word in BENT.split()]
    np.testing.assert_allclose(env.simulation.qpos(), np.tile(at, (2, 1)))
    nv = env.simulation.scenario.human.model.nv
    assert env.simulation.save()[0, 1 + 13 : 1 + 13 + nv].tolist() == [0.5] + [0] * (nv - 1)
    for _ in range(8):
        env.step(np.zeros(env.action_space.shape, np.float32))
    np.testing.assert_allclose(env.simulation.qpos()[:, 7:], np.tile(at[7:], (2, 1)), atol=0.25)


def test_a_model_that_lies_at_rest_may_stand_in_it(tmp_path):
    lying = scene.mjcf(tail=KEYS).replace('name="pelvis" pos="0 0 1"', 'name="pelvis" pos="0 0 1" euler="0 90 0"')
    env = scene.env(tmp_path, text=lying, task=START)
    seen, _ = env.reset(seed=0)
    straight, _ = scene.env(tmp_path, task=START, tail=KEYS).reset(seed=0)
    np.testing.assert_allclose(seen, straight, atol=1e-5)


def test_what_stands_beside_starts_there_too(tmp_path):
    ball = '<body name="ball" pos="2 0 .5"><freejoint/><geom size=".1" mass="1"/></body>'
    key = f'<keyframe><key name="stand" qpos="{BENT} 3 1 0.1 1 0 0 0"/></keyframe>'
    env = scene.env(tmp_path, task=START, after=ball, tail=key)
    env.reset(seed=0)
    assert env.simulation.qpos()[0, 13:16].tolist() == [3, 1, 0.1]


def test_controls_of_what_nobody_drives_are_the_keyframes(tmp_path):
    belt = '<body name="belt" pos="0 0 -.05"><joint name="belt" type="slide" axis="1 0 0" damping="1"/>\
        <geom type="box" size="40 1 .05" mass="50"/></body>'
    key = f'<keyframe><key name="stand" qpos="{BENT} 0" ctrl="-1.2"/></keyframe>'
    drive = '<velocity name="drive" joint="belt" kv="4000"/>'
    env = scene.env(tmp_path, task=START, floor="", after=belt, tail=key, actuators=drive)
    env.reset(seed=0)
    for _ in range(6):
        env.step(np.zeros(env.action_space.shape, np.float32))
    assert env.simulation.qpos()[0, -1] == pytest.approx(-1.2 * 0.2, abs=0.05)


@pytest.mark.parametrize(
    ("initial", "said"),
    [
        ("key:stnad", r"expected a keyframe of \(nameless\), stand; got 'key:stnad' \(did you mean 'stand'"),
        ("key:", r"task\.initial: expected reference, rest or key:NAME .*, got 'key:'"),
        ("stand", r"task\.initial: expected reference, rest or key:NAME .*, got 'stand'"),
    ],
)  # fmt: skip
def test_mistakes(initial, said, tmp_path):
    with pytest.raises(UserError, match=said):
        scene.env(tmp_path, task=f"{{base: walk, initial: '{initial}'}}", tail=KEYS)


def test_a_keyframe_without_a_name(tmp_path):
    with pytest.raises(UserError, match=r"a keyframe that has a name, got 'key:stand', and 'scene' has 1 without"):
        scene.env(tmp_path, task=START, tail=f'<keyframe><key qpos="{BENT}"/></keyframe>')


def test_a_model_without_any(tmp_path):
    with pytest.raises(UserError, match=r"task\.initial: expected a keyframe but 'scene' has none; got 'key:stand'"):
        scene.env(tmp_path, task=START)


def test_a_keyframe_below_the_ground(tmp_path):
    sunk = KEYS.replace("0.93", "-0.93")
    with pytest.raises(UserError, match="expected a keyframe above the ground, got 'stand', whose pelvis or head"):
        scene.env(tmp_path, task=START, tail=sunk)


def test_it_is_a_flag():
    config = load_human_config("walk2d", {"task.initial": "key:stand"})
    assert config.task.keyframe == "stand"
    assert load_human_config("walk2d").task.keyframe is None


@pytest.mark.parametrize(
    ("pose", "said"),
    [
        (
            "0 0 0.93 1 0 0 0 2.5 0.6 0.3 -2.5 0.6 0.3",
            "expected 'hip_r' of keyframe 'stand' from .* rad, the joint's lim",
        ),
        (
            "0 0 0.93 1 0 0 0 17 34 17 17 34 17",
            "expected 'hip_r' of keyframe 'stand' from .* the joint's limits, got 17",
        ),
        ("0 0 5 1 0 0 0 0 0 0 0 0 0", "expected a keyframe that stands on the ground, got 'stand' with feet at 4"),
        ("0 0 0.5 1 0 0 0 0 0 0 0 0 0", "expected a keyframe that stands on the ground, got 'stand' with feet at -0"),
    ],
)
def test_a_keyframe_that_is_no_pose_of_a_person(tmp_path, pose, said):
    with pytest.raises(UserError, match=said):
        scene.env(tmp_path, task=START, tail=f'<keyframe><key name="stand" qpos="{pose}"/></keyframe>')
