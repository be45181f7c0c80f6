"""The numbers of a compiled model: each of them is one."""

import mujoco
import numpy as np

from soleus.errors import UserError

_OBJECTS = {
    "body_": mujoco.mjtObj.mjOBJ_BODY,
    "jnt_": mujoco.mjtObj.mjOBJ_JOINT,
    "geom_": mujoco.mjtObj.mjOBJ_GEOM,
    "site_": mujoco.mjtObj.mjOBJ_SITE,
    "tendon_": mujoco.mjtObj.mjOBJ_TENDON,
    "actuator_": mujoco.mjtObj.mjOBJ_ACTUATOR,
}


def check_numbers(name: str, model: mujoco.MjModel) -> None:
    """Raise UserError naming the first number of a model that is not finite: MuJoCo takes nan for one.

    Ranges and limits may be infinite.
    """
    fields = (one for one in dir(model) if not one.startswith("_"))
    for field in sorted(fields, key=lambda one: (one.endswith("0"), one)):  # what is computed from others comes last
        array = getattr(model, field, None)
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            continue
        wrong = np.isnan(array) if "range" in field or "limit" in field else ~np.isfinite(array)
        if wrong.any():
            at = np.argwhere(wrong)[0]
            raise UserError(
                f"model '{name}': expected finite numbers, got {array[tuple(at)]} in {_said(model, field, at)}"
            )
    for field in ("timestep", "gravity", "density", "viscosity", "impratio"):
        value = np.atleast_1d(getattr(model.opt, field))
        if not np.isfinite(value).all():
            raise UserError(f"model '{name}': expected finite numbers, got {value} for option {field}")


def _said(model: mujoco.MjModel, field: str, at: np.ndarray) -> str:
    for prefix, kind in _OBJECTS.items():
        if field.startswith(prefix) and (named := mujoco.mj_id2name(model, kind, int(at[0]))):
            return f"{field} of '{named}'"
    return field
