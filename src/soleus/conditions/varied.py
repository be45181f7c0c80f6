"""A person with the body that values of the conditions make, as a model of its own: for pictures and measurements."""

from dataclasses import replace
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus import _core
from soleus.conditions.conditions import Conditions
from soleus.models import Human

_ARRAYS = ("qpos_rest", "kp", "kd", "torque_limit", "lower", "upper")


def varied_human(
    human: Human, conditions: Conditions, values: NDArray[np.float64], description: dict[str, Any]
) -> Human:
    """Return a copy of a person whose body has values (n,) of the conditions.

    description: the person as the core is told, without factors on its gains.
    """

    def vary(model: mujoco.MjModel) -> tuple[mujoco.MjModel, dict[str, Any]]:
        changed = model.__copy__()
        facts = _core.vary(model._address, description, conditions.data(), values.tolist(), changed._address)
        return changed, facts

    model, facts = vary(human.model)
    polylines, paths = human.polylines, facts["polylines"]
    if polylines:
        polylines = replace(
            polylines,
            max_force=np.array(paths["max_force"]),
            local=np.array(paths["local"]).reshape(polylines.local.shape),
            own_length=np.array(paths["own_length"]),
        )
    arrays: dict[str, Any] = {name: np.array(facts[name]) for name in _ARRAYS}
    polynomial = np.array(facts["dof_polynomial"]).reshape(human.dof_polynomial.shape)
    return replace(
        human,
        model=model,
        render_model=lambda: vary(human.render_model())[0],
        mass=facts["mass"],
        root_height=facts["root_height"],
        head_height=facts["head_height"],
        dof_polynomial=polynomial,
        coupling=replace(human.coupling, polynomial=polynomial, qpos0=model.qpos0.copy()),
        polylines=polylines,
        hill=human.hill.with_numbers(facts["hill"]) if human.hill else None,
        **arrays,
    )
