"""Which engine moves the humans: the dynamics in lanes, where they cover a model, or MuJoCo."""

from dataclasses import dataclass
from typing import Literal

import mujoco
import numpy as np

from soleus import _core
from soleus.config.schema import HumanRunConfig
from soleus.errors import UserError
from soleus.models import Human
from soleus.models.coupling import spline_gap
from soleus.sim.handover import human_data


@dataclass(frozen=True)
class Engine:
    """What moves the humans."""

    name: Literal["lanes", "mujoco"]
    uncovered: tuple[str, ...] = ()
    """What of the model the lanes do not cover, where that is why MuJoCo moves it."""
    astray: str = ""
    """Where MuJoCo moves joints by polynomials that are far from the splines that they should follow, which."""

    def __str__(self) -> str:
        if self.name == "lanes":
            return f"lanes, {_core.LANES} humans to an instruction"
        why = f", since the lanes do not cover {_in_words(self.uncovered)}" if self.uncovered else ""
        return f"MuJoCo{why}{f'; {self.astray}' if self.astray else ''}"


def _in_words(reasons: tuple[str, ...]) -> str:
    return f"{reasons[0]}{f' and {len(reasons) - 1} more' if len(reasons) > 1 else ''}"


def choose_engine(human: Human, config: HumanRunConfig) -> Engine:
    """Return the engine that control.engine names, or for auto the lanes where they cover the model.

    Raises UserError where the lanes are asked for and do not cover it.
    """
    asked = config.control.engine
    if asked == "mujoco":
        return Engine("mujoco", astray=_astray(human))
    with_muscles = config.control.mode != "torque"
    reasons = tuple(_core.uncovered_by_lanes(human.model._address, human_data(human, config), muscles=with_muscles))
    if not reasons:
        return Engine("lanes")
    if asked == "auto":
        return Engine("mujoco", reasons, _astray(human))
    raise UserError(
        f"control.engine: expected a model that the lanes cover, but '{config.subject}' has {_in_words(reasons)};"
        " control.engine mujoco or auto steps it"
    )


def _astray(human: Human) -> str:
    """The joint that MuJoCo's polynomial takes farthest from its spline, where that is more than 1 mm or 1 degree."""
    model, worst, said = human.model, 1.0, ""
    for dof in human.coupling.splines:
        low, high = _range(human, int(human.coupling.driver[dof]))
        joint = int(model.dof_jntid[dof])
        slides = model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_SLIDE
        gap = spline_gap(human.coupling, dof, low, high) * (1000 if slides else 180 / np.pi)
        if gap > worst:
            worst = gap
            said = f"its joint '{model.joint(joint).name}' is up to {gap:.1f} {'mm' if slides else 'degrees'}"
    return f"{said} off its spline, which the lanes follow exactly" if said else ""


def _range(human: Human, dof: int) -> tuple[float, float]:
    """Limits of a hinge or slide, or else a radian or a metre to both sides of where it rests."""
    joint = int(human.model.dof_jntid[dof])
    if human.model.jnt_limited[joint]:
        low, high = human.model.jnt_range[joint]
        return float(low), float(high)
    rest = float(human.qpos_rest[human.model.jnt_qposadr[joint]])
    return rest - 1.0, rest + 1.0
