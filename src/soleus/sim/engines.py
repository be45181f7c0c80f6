"""Which engine moves the humans: the dynamics in lanes, where they cover a model, or MuJoCo."""

from dataclasses import dataclass
from typing import Literal

from soleus import _core
from soleus.config.schema import HumanRunConfig
from soleus.errors import UserError
from soleus.models import Human
from soleus.sim.handover import human_data


@dataclass(frozen=True)
class Engine:
    """What moves the humans."""

    name: Literal["lanes", "mujoco"]
    uncovered: tuple[str, ...] = ()
    """What of the model the lanes do not cover, where that is why MuJoCo moves it."""

    def __str__(self) -> str:
        if self.name == "lanes":
            return f"lanes, {_core.LANES} humans to an instruction"
        return f"MuJoCo{f', since the lanes do not cover {_in_words(self.uncovered)}' if self.uncovered else ''}"


def _in_words(reasons: tuple[str, ...]) -> str:
    return f"{reasons[0]}{f' and {len(reasons) - 1} more' if len(reasons) > 1 else ''}"


def choose_engine(human: Human, config: HumanRunConfig) -> Engine:
    """Return the engine that control.engine names, or for auto the lanes where they cover the model.

    Raises UserError where the lanes are asked for and do not cover it.
    """
    asked = config.control.engine
    if asked == "mujoco":
        return Engine("mujoco")
    with_muscles = config.control.mode != "torque"
    reasons = tuple(_core.uncovered_by_lanes(human.model._address, human_data(human, config), muscles=with_muscles))
    if not reasons:
        return Engine("lanes")
    if asked == "auto":
        return Engine("mujoco", reasons)
    raise UserError(
        f"control.engine: expected a model that the lanes cover, but '{config.subject}' has {_in_words(reasons)};"
        " control.engine mujoco or auto steps it"
    )
