"""The masses of devices are those of the bodies that carry them, as if the model's file had them."""

from importlib.resources import files
from typing import Any

import mujoco
import numpy as np
import pytest

from soleus import models
from soleus.conditions import varied_human
from soleus.config import load_human_config
from soleus.models import Human
from soleus.sim.handover import human_data
from soleus.sim.scenario import load_scenario

TORQUE = {"proportion": 0.1}


def strapped(model: str, mass: dict[str, Any], **overrides: Any) -> Any:
    device = {"joints": "ankle_angle", "torque": TORQUE, "mass": mass}
    given = {key.replace("__", "."): value for key, value in overrides.items()}
    return load_scenario(load_human_config("walk2d", {"model": model, "control.exoskeleton": [device], **given}))


def compiled(points: dict[str, tuple[float, Any]]) -> mujoco.MjModel:
    """walk2d with point masses [kg] at places of bodies; None: at the centre of mass."""
    text = files("soleus.models").joinpath("walk2d.xml").read_text()
    bare = mujoco.MjModel.from_xml_string(text)
    spec = mujoco.MjSpec.from_string(text)
    for body, (kg, place) in points.items():
        point = spec.body(body).add_body(pos=bare.body(body).ipos if place is None else place)
        point.mass, point.ipos, point.inertia, point.explicitinertial = kg, np.zeros(3), np.full(3, 1e-12), True
    return spec.compile()


def dynamics(model: mujoco.MjModel, pose: np.ndarray, rate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inertia (nv, nv) and bias (nv,)."""
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = pose, rate
    mujoco.mj_forward(model, data)
    inertia = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, inertia)
    return inertia, data.qfrc_bias


@pytest.mark.parametrize("place", [None, [0.03, 0.0, -0.3]])
def test_a_mass_is_as_if_the_file_had_it(place: Any) -> None:
    human = strapped("walk2d", {"tibia": {"kg": 1.5, "place": place}, "calcn_r": 0.4}).human
    other = compiled({"tibia_r": (1.5, place), "tibia_l": (1.5, place), "calcn_r": (0.4, None)})
    rng = np.random.default_rng(1)
    for _ in range(3):
        pose, rate = human.qpos_rest + 0.3 * rng.normal(size=other.nq), rng.normal(size=other.nv)
        for own, expected in zip(dynamics(human.model, pose, rate), dynamics(other, pose, rate), strict=True):
            np.testing.assert_allclose(own, expected, rtol=1e-9, atol=1e-9)
    assert human.model.body("torso").subtreemass == pytest.approx(other.body("torso").subtreemass)
    np.testing.assert_allclose(human.model.dof_invweight0, other.dof_invweight0, rtol=1e-7)
    assert human.mass == pytest.approx(models.load("walk2d").mass + 3.4)


def test_without_masses_it_is_the_model_itself() -> None:
    human = strapped("walk2d", {"tibia": 0}).human
    np.testing.assert_array_equal(human.model.body_mass, models.load("walk2d").model.body_mass)


def test_who_carries_more_is_no_stronger() -> None:
    """Greatest forces that MuJoCo makes of accelerations stay those of the body alone."""
    bare, human = models.load("myolegs"), strapped("myolegs", {"tibia": 5}).human
    data, forces = mujoco.MjData(bare.model), []
    for model in (bare.model, human.model):
        data = mujoco.MjData(model)
        data.qpos[:], data.act[:] = bare.qpos_rest, 1.0
        mujoco.mj_forward(model, data)
        forces.append(data.actuator_force.copy())
    assert np.abs(forces[0]).max() > 100
    np.testing.assert_allclose(forces[1], forces[0], rtol=1e-12)


def test_a_place_is_mirrored_on_the_left() -> None:
    place = [0.02, -0.2, 0.05]
    human: Human = strapped("myolegs", {"tibia": {"kg": 2, "place": place}}).human
    bare = models.load("myolegs")
    data = mujoco.MjData(bare.model)
    mujoco.mj_kinematics(bare.model, data)
    world = []
    for name in ("tibia_r", "tibia_l"):
        body = bare.model.body(name).id
        # Both centres of mass tell of the point that was added.
        moved = human.model.body_ipos[body] - bare.model.body_ipos[body]
        point = bare.model.body_ipos[body] + moved * human.model.body_mass[body] / 2
        world.append(data.xpos[body] + data.xmat[body].reshape(3, 3) @ point)
        if name == "tibia_r":
            np.testing.assert_allclose(point, place, atol=1e-9)
    across = data.xmat[bare.root_body].reshape(3, 3) @ _left(bare)
    middle = data.xpos[bare.root_body] @ across
    np.testing.assert_allclose(world[0] @ across - middle, middle - world[1] @ across, atol=1e-9)
    along = np.eye(3) - np.outer(across, across)
    np.testing.assert_allclose(along @ world[0], along @ world[1], atol=1e-9)


def _left(human: Human) -> np.ndarray:
    out = np.zeros(3)
    mujoco.mju_rotVecQuat(out, np.array([0.0, 1.0, 0.0]), human.root_align)
    return out


def test_conditions_count_it_in() -> None:
    """A factor on the mass of a body is one on what it carries too."""
    made = strapped("walk2d", {"tibia": 2}, conditions__mass=(0.5, 1.5))
    bare = models.load("walk2d")
    told = human_data(made.human, made.config)
    heavy = varied_human(made.human, made.conditions, np.array([1.5]), told)
    assert heavy.mass == pytest.approx(1.5 * (bare.mass + 4))
    tibia = bare.model.body("tibia_r").id
    assert heavy.model.body_mass[tibia] == pytest.approx(1.5 * (bare.model.body_mass[tibia] + 2))
