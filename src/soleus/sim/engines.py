"""Which engine moves the humans: the dynamics in lanes, where they cover a model, or MuJoCo."""

from typing import Literal

from soleus import _core
from soleus.config.schema import HumanRunConfig
from soleus.errors import UserError
from soleus.models import Human
from soleus.sim.handover import human_data

Engine = Literal["lanes", "mujoco"]


def uncovered(human: Human, config: HumanRunConfig) -> list[str]:
    """Return why the lanes do not cover a configuration, an element each; nothing where they do."""
    return _core.uncovered_by_lanes(
        human.model._address, human_data(human, config), muscles=config.control.mode != "torque"
    )


def choose_engine(human: Human, config: HumanRunConfig) -> Engine:
    """Return the engine that control.engine names, or for auto the lanes where they cover the model.

    Raises UserError where the lanes are asked for and do not cover it.
    """
    asked = config.control.engine
    if asked == "mujoco":
        return "mujoco"
    reasons = uncovered(human, config)
    if not reasons:
        return "lanes"
    if asked == "auto":
        return "mujoco"
    more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    raise UserError(
        f"control.engine: expected a model that the lanes cover, but '{config.subject}' has {reasons[0]}{more};"
        " control.engine mujoco or auto steps it"
    )
