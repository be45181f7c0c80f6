"""A person on a free joint may face any way at qpos0."""

from pathlib import Path

import mujoco
import numpy as np
import pytest

import scene
from soleus import models
from soleus.config.sources import ModelFiles
from soleus.errors import UserError
from soleus.models import Human
from soleus.models.facing import find_yaw


def turned(degrees: float, text: str | None = None) -> str:
    text = scene.mjcf() if text is None else text
    return text.replace('name="pelvis" pos="0 0 1"', f'name="pelvis" pos="0 0 1" euler="0 0 {degrees}"')


def load(folder: Path, text: str, **keys: float) -> Human:
    return models.load(ModelFiles.model_validate({"mjcf": str(scene.write(folder, text)), **keys}))


@pytest.mark.parametrize("degrees", [0, 45, 90, 180, -90, 200])
def test_whichever_way_a_model_faces_it_stands_and_sees_alike(tmp_path: Path, degrees: float) -> None:
    human = load(tmp_path, turned(degrees))
    data = mujoco.MjData(human.model)
    data.qpos[:] = human.qpos_rest
    mujoco.mj_kinematics(human.model, data)
    for side, y in (("r", -0.1), ("l", 0.1)):
        ahead = data.geom(f"sole_{side}").xpos - data.body("pelvis").xpos
        np.testing.assert_allclose(ahead[:2], [0.05, y], atol=1e-9)
    seen = []
    for angle in (0, degrees):
        env = scene.env(tmp_path, text=turned(angle), task="imitate", keys="motion: walk\n")
        observations, _ = env.reset(seed=1)
        for _ in range(3):
            observations, *_ = env.step(np.full(env.action_space.shape, 0.3, np.float32))
        seen.append(observations.copy())
        env.close()
    np.testing.assert_allclose(seen[1], seen[0], atol=1e-3)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('pos="0.05 0 -0.03"', 'pos="0 0 -0.03"'),  # soles that reach as far back as ahead: the knees say it
        ("knee", "middle"),  # no joint is known as a knee: the toes say it
    ],
)
def test_toes_or_knees_are_enough(tmp_path: Path, old: str, new: str) -> None:
    model = mujoco.MjModel.from_xml_string(turned(-90, scene.mjcf(actuators="").replace(old, new)))
    human = load(tmp_path, turned(-90, scene.mjcf(actuators="").replace(old, new)))
    assert find_yaw(model, human.feet) == pytest.approx(-np.pi / 2)


def test_a_model_that_lies_down_at_qpos0_faces_x(tmp_path: Path) -> None:
    human = load(tmp_path, scene.mjcf())
    text = scene.mjcf().replace('name="pelvis" pos="0 0 1"', 'name="pelvis" pos="0 0 1" euler="0 -90 0"')
    assert find_yaw(mujoco.MjModel.from_xml_string(text), human.feet) == 0


def test_what_is_said_counts(tmp_path: Path) -> None:
    """As of a model whose feet are turned the wrong way round."""
    found, said = load(tmp_path, turned(90)), load(tmp_path, turned(90), yaw=-90)
    turn = mujoco.MjData(found.model)
    turn.qpos[:] = said.qpos_rest
    mujoco.mj_kinematics(found.model, turn)
    ahead = turn.geom("sole_r").xpos - turn.body("pelvis").xpos
    np.testing.assert_allclose(ahead[:2], [-0.05, 0.1], atol=1e-9)


def test_a_root_that_cannot_turn(tmp_path: Path) -> None:
    joints = '<joint name="tx" type="slide" axis="1 0 0"/><joint name="tz" type="slide" axis="0 0 1"/>'
    text = scene.mjcf().replace('<freejoint name="root"/>', joints)
    assert load(tmp_path, text).root_align.tolist() == [1, 0, 0, 0]
    with pytest.raises(UserError, match=r"model\.yaw: expected none for the root 'pelvis', which has no free joint"):
        load(tmp_path, text, yaw=90)
