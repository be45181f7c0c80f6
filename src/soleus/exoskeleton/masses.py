"""The masses of devices, as part of the bodies that carry them."""

from collections.abc import Sequence
from dataclasses import replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.conditions.elements import bodies_of
from soleus.config.exoskeleton import DeviceConfig
from soleus.models import Human
from soleus.models.sides import side

Floats = NDArray[np.float64]


def strapped(human: Human, devices: Sequence[DeviceConfig]) -> Human:
    """Return a human whose bodies carry the masses of devices too. Raises UserError for a body that there is not."""
    points: list[tuple[int, float, Floats | None]] = []
    for number, device in enumerate(devices):
        for name, mass in device.mass.items():
            bodies = bodies_of(human, f"control.exoskeleton.{number}.mass.{name}", name)
            place = None if mass.place is None else np.array(mass.place, np.float64)
            points += [(body, mass.kg, _placed(human, body, bodies, place)) for body in bodies if mass.kg > 0]
    if not points:
        return human

    model = human.model.__copy__()
    for body, kg, place in points:
        _add_point(model, body, kg, place)
    _set_constants(model)
    return replace(human, model=model, mass=human.mass + sum(kg for _, kg, _ in points))


def _placed(human: Human, body: int, bodies: Sequence[int], place: Floats | None) -> Floats | None:
    """A place (3,) in a body's frame: the given one, or on the left of a pair its mirror image."""
    names = [str(human.model.body(one).name) for one in bodies]
    if place is None or side(names[bodies.index(body)]) != "l" or len(bodies) != 2:
        return place
    right = next((one for one, name in zip(bodies, names, strict=True) if side(name) == "r"), None)
    if right is None:
        return place
    data = mujoco.MjData(human.model)
    mujoco.mj_kinematics(human.model, data)
    across = np.zeros(3)
    mujoco.mju_rotVecQuat(across, np.array([0.0, 1.0, 0.0]), human.root_align)
    across = data.xmat[human.root_body].reshape(3, 3) @ across
    there = data.xpos[right] + data.xmat[right].reshape(3, 3) @ place - data.xpos[human.root_body]
    mirrored = there - 2 * (there @ across) * across + data.xpos[human.root_body]
    return np.asarray(data.xmat[body].reshape(3, 3).T @ (mirrored - data.xpos[body]))


def _add_point(model: mujoco.MjModel, body: int, kg: float, place: Floats | None) -> None:
    """Add a point mass to a body, at a place in its frame, or else at its centre of mass."""
    model.body_mass[body] += kg
    if place is None:
        return
    whole, arm = model.body_mass[body], place - model.body_ipos[body]
    axes = np.zeros(9)
    mujoco.mju_quat2Mat(axes, model.body_iquat[body])
    turn = axes.reshape(3, 3)
    reduced = kg * (whole - kg) / whole  # [kg] about the centre of mass of both
    inertia = turn @ np.diag(model.body_inertia[body]) @ turn.T + reduced * (arm @ arm * np.eye(3) - np.outer(arm, arm))
    values, quaternion = np.zeros(3), np.zeros(4)
    mujoco.mju_eig3(values, np.zeros(9), quaternion, inertia.ravel())
    model.body_inertia[body], model.body_iquat[body] = values, quaternion
    model.body_ipos[body] += kg / whole * arm
    model.body_sameframe[body] = mujoco.mjtSameFrame.mjSAMEFRAME_NONE


def _set_constants(model: mujoco.MjModel) -> None:
    """Compute what follows from masses, but the muscles' greatest forces: who carries more is no stronger."""
    acceleration = np.maximum(model.actuator_acc0[model.actuator_outadr], mujoco.mjMINVAL)
    muscles = model.actuator_gaintype == mujoco.mjtGain.mjGAIN_MUSCLE
    for parameters in (model.actuator_gainprm, model.actuator_biasprm):
        # A greatest force below 0 stands for the scale over the acceleration that the muscle makes.
        scaled = muscles & (parameters[:, 2] < 0)
        parameters[scaled, 2] = (parameters[:, 3] / acceleration)[scaled]
    mujoco.mj_setConst(model, mujoco.MjData(model))
