"""A pelvis as a root: slides and hinges in three dimensions follow it exactly, planar ones as far as they can."""

from types import SimpleNamespace

import mujoco
import numpy as np

from soleus.motions.rooting import facing_x, set_root
from soleus.motions.rotations import about_z, exp, multiply, rotated

SIX = """
<mujoco>
  <worldbody>
    <body name="pelvis" pos="0 0 1">
      <joint name="tx" type="slide" axis="1 0 0"/>
      <joint name="ty" type="slide" axis="0 0 1"/>
      <joint name="tz" type="slide" axis="0 -1 0"/>
      <joint name="tilt" type="hinge" axis="0 -1 0"/>
      <joint name="list" type="hinge" axis="1 0 0"/>
      <joint name="rotation" type="hinge" axis="0 0 1" pos="0.1 0 0"/>
      <geom size="0.1" mass="10"/>
    </body>
  </worldbody>
</mujoco>"""


def test_three_slides_and_three_hinges() -> None:
    model = mujoco.MjModel.from_xml_string(SIX)
    human = SimpleNamespace(
        model=model, root_body=1, root_align=np.array([1.0, 0, 0, 0]), qpos_rest=model.qpos0.copy(), name="six"
    )
    rng = np.random.default_rng(0)
    places, turns = rng.normal(0, 1, (20, 3)), exp(rng.uniform(-0.6, 0.6, (20, 3)))
    qpos = np.tile(model.qpos0, (20, 1))
    set_root(qpos, human, places, turns)  # type: ignore[arg-type]
    data = mujoco.MjData(model)
    for pose, place, turn in zip(qpos, places, turns, strict=True):
        data.qpos[:] = pose
        mujoco.mj_kinematics(model, data)
        np.testing.assert_allclose(data.xpos[1], place, atol=1e-8)
        np.testing.assert_allclose(np.abs(data.xquat[1] @ turn), 1, atol=1e-10)


def test_a_planar_root_takes_what_lies_in_its_plane(walk2d) -> None:
    qpos = np.tile(walk2d.qpos_rest, (2, 1))
    pitch = exp(np.array([[0, 0.2, 0], [0, -0.1, 0.0]]))
    set_root(qpos, walk2d, np.array([[1.0, 0.3, 0.9], [2.0, -0.3, 1.0]]), pitch)
    np.testing.assert_allclose(qpos[:, 2], [0.2, -0.1], atol=1e-9)
    np.testing.assert_allclose(qpos[:, 0], [1, 2], atol=1e-9)


def test_a_pelvis_is_turned_to_face_along_x() -> None:
    turns = multiply(about_z(2.0), exp(np.array([[0, 0, 0.1], [0, 0.1, 0.0], [0, 0, -0.1]])))
    places, turned = facing_x(np.array([[0.0, 0, 1], [np.cos(2), np.sin(2), 1], [0, 0, 1]]), turns)
    ahead = rotated(turned, np.array([1.0, 0, 0])).mean(axis=0)
    assert ahead[0] > 0.9
    assert abs(ahead[1]) < 1e-12
    np.testing.assert_allclose(places[1], [1, 0, 1], atol=1e-12)
