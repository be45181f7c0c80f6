"""Skeletons of OpenSim models: where bodies are, how heavy motion is, and what gravity does, against OpenSim itself."""

import copy
import subprocess
import sys
from pathlib import Path

import mujoco
import numpy as np
import pytest

from lane_oracle import LANES, Pair, exact
from osim_files import BODIES, COUPLERS, REAL, coordinate, coupler, linear, person, real
from osim_oracle import compare
from soleus import UserError, import_opensim, models
from soleus.models import Human

POSES = 200


def _imported(folder: Path, text: str) -> Human:
    path = folder / "person.osim"
    path.write_text(text)
    files = import_opensim(path, out=folder / "out").files
    return models.load(str(files[0]))


@pytest.mark.parametrize("pelvis", ["custom", "free", "planar"])
def test_joints_of_every_kind_are_opensims(pelvis: str, tmp_path: Path) -> None:
    human = _imported(tmp_path, person(pelvis))
    found = compare(tmp_path / "person.osim", human, POSES)
    assert max(found.values()) < 1e-6, found


@pytest.mark.parametrize("name", REAL)
def test_real_models_are_opensims(name: str, tmp_path: Path) -> None:
    path, _ = real(name)
    files = import_opensim(path, out=tmp_path, muscles=False).files
    found = compare(path, models.load(str(files[0])), POSES)
    assert max(found.values()) < 1e-6, found


def test_coordinates_are_joints_of_their_names(tmp_path: Path) -> None:
    human = _imported(tmp_path, person())
    model = human.model
    assert human.coordinate_names[:6] == ("root_tx", "root_ty", "root_tz", "root_rx", "root_ry", "root_rz")
    own = {"hip_r_x", "hip_r_y", "hip_r_z", "knee_angle_r", "ankle_r_x", "ankle_r_y", "mtp_r", "hip_l_x", "hip_l_y",
           "hip_l_z", "knee_angle_l", "ankle_angle_l", "bend", "shift_x", "shift_y", "arm_l", "hand_r", "hand_turn_r",
           "hat_angle", *(f"arm_r_{k}" for k in range(6))}  # fmt: skip
    assert set(human.coordinate_names[6:]) == own
    np.testing.assert_array_equal(model.joint("knee_angle_r").range, [-2, 0.2])
    assert [int(model.jnt_limited[model.joint(name).id]) for name in ("knee_angle_r", "mtp_r")] == [1, 0]
    np.testing.assert_array_equal(model.joint("mtp_r").range, [-1, 1])
    slide, hinge = int(mujoco.mjtJoint.mjJNT_SLIDE), int(mujoco.mjtJoint.mjJNT_HINGE)
    assert [model.joint(name).type[0] for name in ("shift_x", "bend", "arm_r_0", "arm_r_3")] == [
        slide,
        hinge,
        hinge,
        slide,
    ]
    assert mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, "subtalar_r") < 0  # locked
    assert not model.qpos0[7:].any()


def test_what_follows_a_coordinate_follows_it(tmp_path: Path) -> None:
    """A patella by a coupler, and a hand whose joint turns by twice its coordinate and a tenth of a radian."""
    human = _imported(tmp_path, person())
    model, qpos = human.model, human.qpos_rest.copy()
    qpos[model.joint("knee_angle_r").qposadr] = -1.0
    qpos[model.joint("hand_r").qposadr] = 0.4
    qpos = human.consistent(qpos)
    assert qpos[model.joint("beta_r").qposadr] == pytest.approx(0.9 * (0.7 + 0.1))
    assert qpos[model.joint("hand_r").qposadr] + qpos[model.joint("wrist_r_rotation1").qposadr] == pytest.approx(0.9)
    sine = qpos[model.joint("wrist_r_rotation2").qposadr]
    assert sine == pytest.approx(0.3 * np.sin(2 * 0.4 + 0.5) + 0.1, abs=1e-6)


def test_default_values_are_a_keyframe(tmp_path: Path) -> None:
    model = _imported(tmp_path, person()).model
    key = model.key("default").qpos
    data = mujoco.MjData(model)
    data.qpos[:] = key
    mujoco.mj_kinematics(model, data)
    assert key[model.joint("knee_angle_r").qposadr] == -0.1
    assert key[model.joint("beta_r").qposadr] == pytest.approx(0.9 * (0.07 + 0.1))
    np.testing.assert_allclose(data.xpos[model.body("pelvis").id], [0.1, -0.1, 0.9])


def test_feet_have_spheres_that_can_be_adjusted(tmp_path: Path) -> None:
    model = _imported(tmp_path, person()).model
    feet = {model.geom(g).name: model.body(model.geom_bodyid[g]).name for g in range(model.ngeom)
            if model.geom_contype[g] and model.geom(g).name}  # fmt: skip
    parts = ("heel", "ball_inner", "ball_outer")
    assert {name: feet[name] for name in feet if name.endswith("_r")} == {
        **{f"{part}_r": "calcn_r" for part in parts}, "toe_inner_r": "toes_r", "toe_outer_r": "toes_r",
    }  # fmt: skip
    assert {feet[f"{part}_l"] for part in (*parts, "toe_inner", "toe_outer")} == {"calcn_l"}


def test_contact_spheres_of_the_file_are_taken(tmp_path: Path) -> None:
    """The shoe's place is 3 cm ahead and 2 cm below the calcaneus, in a frame that is fixed to it."""
    spheres = "".join(
        f"""<ContactSphere name="shoe_{s}"><socket_frame>/bodyset/calcn_{s}</socket_frame>
        <location>0.03 -0.02 0.01</location>
        <orientation>0 0 0</orientation><radius>0.04</radius></ContactSphere>"""
        for s in "rl"
    )
    wall = '<ContactHalfSpace name="floor"><socket_frame>/ground</socket_frame></ContactHalfSpace>'
    more = f'<ContactGeometrySet name="c"><objects>{wall}{spheres}</objects></ContactGeometrySet><gravity>'
    model = _imported(tmp_path, person(changes=[("<gravity>", more)])).model
    shoe = model.geom("shoe_r")
    np.testing.assert_allclose(shoe.pos, [0.03, -0.02, 0.01])
    assert (shoe.size[0], model.body(int(shoe.bodyid[0])).name) == (0.04, "calcn_r")
    assert mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM, "heel_r") < 0


def test_what_is_said_of_an_import(tmp_path: Path) -> None:
    (tmp_path / "person.osim").write_text(person())
    notes = import_opensim(tmp_path / "person.osim", out=tmp_path / "out").notes
    assert "coordinate 'hat_angle' is prescribed in the file, and moves freely here" in notes
    assert "locked coordinates are fixed where they are: subtalar_r" in notes
    assert "forces of the kind SpringGeneralizedForce are left out: 'spring'" in notes
    assert any(note.endswith("crosses them: arm_l (up to 40), bend, hat_angle (up to 5)") for note in notes)
    assert any(note.startswith("6 joints follow splines exactly in the lanes; MuJoCo's engine") for note in notes)


def test_actuators_of_coordinates_are_torques(tmp_path: Path) -> None:
    """Of joints that move by themselves, not of the pelvis; two of one coordinate add up."""
    human = _imported(tmp_path, person())
    names = [human.coordinate_names[c] for c in human.actuated]
    driven = {names[k]: human.torque_limit[k] for k in human.direct}
    assert driven.keys() == {"arm_l", "bend", "hat_angle"}
    assert (driven["arm_l"], driven["hat_angle"]) == (40, 5)
    assert driven["bend"] > 10  # the file sets none: its controls have no end


def test_masses_that_no_body_has_are_named(tmp_path: Path) -> None:
    """A patella without mass, and a hat that is flatter than flat."""
    text = person()
    for name, mass, inertia in (("patella_r", 0.0, "0 0 0 0 0 0"), ("hat", 0.3, "0.01 0.001 0.001 0 0 0")):
        start = text.index(f'<Body name="{name}">')
        end = text.index("</Body>", start)
        text = f"""{text[:start]}<Body name="{name}"><mass>{mass}</mass><mass_center>0 0 0</mass_center>
          <inertia>{inertia}</inertia>{text[end:]}"""
    (tmp_path / "person.osim").write_text(text)
    imported = import_opensim(tmp_path / "person.osim", out=tmp_path / "out")
    assert "bodies that move and have no mass get 0.001 g: patella_r" in imported.notes
    assert "moments of inertia that no rigid body has are evened out: hat" in imported.notes
    model = models.load(str(imported.files[0])).model
    assert model.body("patella_r").mass == 1e-6
    np.testing.assert_allclose(model.body("hat").inertia, 0.004)


def test_what_was_imported_loads_without_opensim(tmp_path: Path) -> None:
    _imported(tmp_path, person())
    code = "import sys; sys.modules['opensim'] = None; from soleus import models; print(models.load(sys.argv[1]).mass)"
    file = str(tmp_path / "out" / "model.xml")
    ran = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=True)
    assert float(ran.stdout) == pytest.approx(sum(BODIES.values()))


def test_without_the_package_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "person.osim").write_text(person())
    monkeypatch.setitem(sys.modules, "opensim", None)
    with pytest.raises(UserError, match=r"pip install 'soleus\[opensim\]'"):
        import_opensim(tmp_path / "person.osim", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


_TWO = "<coordinates>knee_angle_r</coordinates><axis>0.1 1 0.2</axis>"
WRONG = {
    "a constraint of another kind": (
        {"couplers": ['<PointConstraint name="tie"><socket_body_1>/ground</socket_body_1><socket_body_2>/bodyset/head'
                      '</socket_body_2></PointConstraint>']},
        r"constraint 'tie': expected a CoordinateCouplerConstraint, got a PointConstraint",
    ),
    "a coupler of several": (
        {"couplers": [coupler("both", '<LinearFunction><coefficients>1 1 0</coefficients></LinearFunction>',
                              "knee_angle_r mtp_r", "beta_r")]},
        r"constraint 'both': expected one independent coordinate, got 2 of them",
    ),
    "two couplers of one": (
        {"couplers": [COUPLERS[0], coupler("again", linear(1), "mtp_r", "beta_r")]},
        r"constraint 'again': expected 'beta_r' to be driven by one constraint, got two",
    ),
    "a function of several": (
        {"changes": [(_TWO, _TWO.replace("knee_angle_r<", "knee_angle_r beta_r<"))]},
        r"joint 'knee_r': rotation2: expected a function of one coordinate, got one of ",
    ),
    "a joint of another kind": (
        {"changes": [("<SliderJoint", "<EllipsoidJoint"), ("</SliderJoint>", "</EllipsoidJoint>"),
                     (coordinate("arm_l", -0.1, 0.2), "".join(map(coordinate, ("arm_l", "x", "y"))))]},
        r"joint 'shoulder_l': expected a joint out of CustomJoint, .*; got a EllipsoidJoint",
    ),
    "feet without a name": (
        {"changes": [("calcn_", "part_")]},
        r"expected a body named like 'calcn_r' or 'foot_r' to put contact spheres under",
    ),
    "a step": (
        {"changes": [("<Sine ", "<PiecewiseConstantFunction "), ("</Sine>", "</PiecewiseConstantFunction>")]},
        r"joint 'wrist_r': rotation2: expected a smooth function, got PiecewiseConstantFunction",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_had_is_one_line(what: str, tmp_path: Path) -> None:
    how, said = WRONG[what]
    (tmp_path / "person.osim").write_text(person(**how))
    with pytest.raises(UserError, match=said) as told:
        import_opensim(tmp_path / "person.osim", out=tmp_path / "out")
    assert "\n" not in str(told.value)
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_model_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        import_opensim(tmp_path / "none.osim", out=tmp_path / "out")
    (tmp_path / "broken.osim").write_text("<OpenSimDocument")
    with pytest.raises(UserError, match="expected a model that OpenSim reads, but") as told:
        import_opensim(tmp_path / "broken.osim", out=tmp_path / "out")
    assert "\n" not in str(told.value)
    (tmp_path / "person.xml").write_text("<mujoco/>")
    with pytest.raises(UserError, match=r"expected a model of OpenSim, whose name ends in \.osim"):
        import_opensim(tmp_path / "person.xml", out=tmp_path / "out")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    _imported(tmp_path, person())
    with pytest.raises(UserError, match=r"model\.xml is there already"):
        import_opensim(tmp_path / "person.osim", out=tmp_path / "out")


def test_both_engines_move_it_alike(tmp_path: Path) -> None:
    """Standing for a twentieth of a second: a knee's shifts carry the body, and do not give way in MuJoCo."""
    human = _imported(tmp_path, person())
    model, both = human.model, Pair(human, muscles=False)
    exact(model)
    qpos, still = np.tile(human.qpos_rest, (LANES, 1)), np.zeros((LANES, model.nv))
    both.set(qpos, still)
    (data, *_) = (copy.copy(both.data) for _ in both.lanes())
    steps = round(0.05 / model.opt.timestep)
    mujoco.mj_step(model, data, steps)
    mujoco.mj_kinematics(model, data)
    both.tile.step(steps)
    both.set(both.tile.qpos, still)
    own = [model.body(name).id for name in ("femur_r", "tibia_r", "patella_r", "calcn_r", "torso")]
    np.testing.assert_allclose(both.tile.bodies[0, own, :3], data.xpos[own], atol=2e-3)
