import re

import numpy as np
import pytest

from soleus import models
from soleus.errors import UserError

WALKER = """
<mujoco>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 1"/>
    <body name="torso" pos="0 0 1">
      <freejoint/>
      <geom type="capsule" size="0.1 0.2" mass="40"/>
      {legs}
    </body>
  </worldbody>
  {rest}
</mujoco>
"""
LEG = """
      <body name="{side}_thigh" pos="0 {y} -0.2">
        <joint name="{side}_hip" {kind} axis="0 -1 0"/>
        <geom type="capsule" size="0.05" fromto="0 0 0 0 0 -0.4" mass="8"/>
        <body name="{side}_shin" pos="0 0 -0.4">
          <joint name="{side}_knee" axis="0 1 0"/>
          <geom type="capsule" size="0.04" fromto="0 0 0 0 0 -0.35" mass="4"/>
          <body name="{side}_foot" pos="0 0 -0.38">
            <joint name="{side}_ankle" axis="0 -1 0"/>
            <geom type="box" size="0.1 0.05 0.02" pos="0.05 0 0" mass="1"/>
          </body>
        </body>
      </body>"""


def write(tmp_path, kind="type='hinge'", rest=""):
    legs = LEG.format(side="right", y=-0.1, kind=kind) + LEG.format(side="left", y=0.1, kind=kind)
    path = tmp_path / "walker.xml"
    path.write_text(WALKER.format(legs=legs, rest=rest))
    return path


def test_a_users_model(tmp_path):
    human = models.load(write(tmp_path), sim_hz=200)
    assert human.name == "walker"
    assert human.coordinate_names[:6] == ("root_tx", "root_ty", "root_tz", "root_rx", "root_ry", "root_rz")
    assert human.mirror_sign[:6].tolist() == [1, -1, 1, -1, 1, -1]
    assert human.coordinate_names[human.mirror_coordinate[6]] == "left_hip"
    assert human.root_height == pytest.approx(0.2 + 0.4 + 0.38 + 0.02)
    assert human.model.opt.timestep == pytest.approx(1 / 200)
    assert len(human.muscle_names) == len(human.crossing) == 0
    assert human.head_body == human.root_body


def test_gains_of_unknown_joints_follow_the_mass_they_move(tmp_path):
    path = write(tmp_path)
    path.write_text(path.read_text().replace("_knee", "_middle").replace("_ankle", "_lower"))
    human = models.load(path)
    kp = dict(zip([human.coordinate_names[c] for c in human.actuated], human.kp, strict=True))
    assert kp["right_hip"] == 400  # known by name
    assert kp["right_lower"] / kp["right_middle"] == pytest.approx(1 / 5)  # 1 kg of foot, 5 kg with the shin


def test_chained_equalities_are_resolved(tmp_path):
    """right_ankle = 1 + 2 right_knee and left_knee = 3 right_ankle^2, so left_knee = 3 + 12 u + 12 u^2."""
    rest = """<equality>
      <joint joint1="left_knee" joint2="right_ankle" polycoef="0 0 3 0 0"/>
      <joint joint1="right_ankle" joint2="right_knee" polycoef="1 2 0 0 0"/>
      <joint joint1="left_ankle" polycoef="0.5 0 0 0 0"/>
    </equality>"""
    human = models.load(write(tmp_path, rest=rest))
    left_knee, left_ankle = human.model.joint("left_knee").dofadr[0], human.model.joint("left_ankle").dofadr[0]
    np.testing.assert_allclose(human.dof_polynomial[left_knee], [3, 12, 12, 0, 0])
    assert human.coordinate_names[human.dof_coordinate[left_knee]] == "right_knee"
    assert human.consistent(np.zeros(human.model.nq))[human.model.joint("left_ankle").qposadr[0]] == 0.5
    assert human.coupling.derivative(human.qpos_rest)[left_ankle] == 0


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (
            "<joint joint1='left_knee' joint2='right_ankle' polycoef='0 0 0 1 0'/>"
            "<joint joint1='right_ankle' joint2='right_knee' polycoef='0 0 1 0 0'/>",
            "'left_knee' follows 'right_ankle', which follows another",
        ),
        (
            "<joint joint1='left_knee' joint2='right_knee'/><joint joint1='right_knee' joint2='left_knee'/>",
            "drives itself",
        ),
        (
            "<joint joint1='left_knee' joint2='right_knee'/><joint joint1='left_knee' joint2='left_hip'/>",
            "joint 'left_knee' is driven by two equalities, expected one",
        ),
    ],
)
def test_equalities_that_cannot_be_resolved(tmp_path, rest, message):
    with pytest.raises(UserError, match=re.escape(message)):
        models.load(write(tmp_path, rest=f"<equality>{rest}</equality>"))


def test_a_ball_joint_has_three_coordinates(tmp_path):
    human = models.load(write(tmp_path, kind="type='ball'"))
    assert [f"right_hip_{axis}" in human.coordinate_names for axis in "xyz"] == [True] * 3


def test_a_model_that_does_not_float(tmp_path):
    path = write(tmp_path)
    path.write_text(path.read_text().replace("<freejoint/>", ""))
    with pytest.raises(UserError, match="no floating body: expected a free joint"):
        models.load(path)


def test_a_model_without_feet(tmp_path):
    path = write(tmp_path)
    path.write_text(path.read_text().replace("right_foot", "right_shoe"))
    with pytest.raises(UserError, match="no right foot: expected a colliding body named like 'foot_r' or 'calcn_r'"):
        models.load(path)


def test_unknown_names_and_files(tmp_path):
    with pytest.raises(UserError, match=r"unknown model 'myoleg': expected one of walk2d, .* nearest is 'myolegs'"):
        models.load("myoleg")
    with pytest.raises(UserError, match=r"model file '.*none\.xml' does not exist"):
        models.load(tmp_path / "none.xml")
    (tmp_path / "bad.xml").write_text("<mujoco><worldbody></mujoco>")
    with pytest.raises(UserError, match=r"bad\.xml' is not valid MJCF") as caught:
        models.load(tmp_path / "bad.xml")
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="sim_hz must be positive, got 0"):
        models.load("walk2d", sim_hz=0)
