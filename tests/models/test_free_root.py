"""A root of slides and hinges becomes a free joint, and the person stands, sees and moves as with one."""

from pathlib import Path

import mujoco
import numpy as np
import pytest

import scene
from soleus import models
from soleus.config.sources import ModelFiles

FREE = '<freejoint name="root"/>'
AXES = ("1 0 0", "0 1 0", "0 0 1")
SLIDES = "".join(f'<joint name="t{axis}" type="slide" axis="{v}"/>' for axis, v in zip("xyz", AXES, strict=True))
HINGES = "".join(
    f'<joint name="r{axis}" axis="{v}"/>' for axis, v in zip("zyx", ("0 0 1", "0 1 0", "1 0 0"), strict=True)
)
LIMBS = "0.1 0.2 0 0 0 0"


def load(folder: Path, text: str):
    return models.load(ModelFiles(mjcf=str(scene.write(folder, text))))


def test_it_stands_and_sees_as_with_a_free_joint(tmp_path: Path) -> None:
    text = scene.mjcf()
    found = {}
    for name, root in (("free", FREE), ("six", SLIDES + HINGES)):
        (tmp_path / name).mkdir()
        human = load(tmp_path / name, text.replace(FREE, root))
        assert human.coordinate_names[:6] == ("root_tx", "root_ty", "root_tz", "root_rx", "root_ry", "root_rz")
        env = scene.env(tmp_path / name, text=text.replace(FREE, root), task="imitate", keys="motion: walk\n")
        seen, _ = env.reset(seed=2)
        for _ in range(3):
            seen, *_ = env.step(np.full(env.action_space.shape, 0.2, np.float32))
        found[name] = seen.copy()
        env.close()
    np.testing.assert_array_equal(found["free"], found["six"])


def test_keyframes_keep_their_poses(tmp_path: Path) -> None:
    """Hand-computed: 0.3 m ahead, a quarter turn to the left, turning on at 2 rad/s and moving at 1 m/s."""
    key = f'<keyframe><key name="k" qpos="0.3 0 0 {np.pi / 2} 0 0 {LIMBS}" qvel="1 0 0 2 0 0 0 0 0 0 0 0"/></keyframe>'
    human = load(tmp_path, scene.mjcf(tail=key).replace(FREE, SLIDES + HINGES))
    half = np.sqrt(0.5)
    np.testing.assert_allclose(human.model.key_qpos[0, :7], [0.3, 0, 1, half, 0, 0, half], atol=1e-12)
    np.testing.assert_allclose(human.model.key_qpos[0, 7:9], [0.1, 0.2])
    np.testing.assert_allclose(human.model.key_qvel[0, :6], [1, 0, 0, 0, 0, 2], atol=1e-12)


@pytest.mark.parametrize("tail", ['<equality><joint joint1="tx" active="false"/></equality>', ""])
def test_joints_that_are_named_elsewhere_stay(tmp_path: Path, tail: str) -> None:
    text = scene.mjcf(tail=tail).replace(FREE, SLIDES + HINGES)
    if not tail:
        text = text.replace("</actuator>", '<motor name="push" joint="tx" ctrlrange="-1 1"/></actuator>')
    model = load(tmp_path, text).model
    assert model.jnt_type[0] == mujoco.mjtJoint.mjJNT_SLIDE


def test_a_planar_root_stays(tmp_path: Path) -> None:
    planar = SLIDES.replace('<joint name="ty" type="slide" axis="0 1 0"/>', "") + '<joint name="ry" axis="0 1 0"/>'
    human = load(tmp_path, scene.mjcf().replace(FREE, planar))
    assert [human.model.joint(j).name for j in range(3)] == ["tx", "tz", "ry"]
