"""What is loaded and compiled once for a run of humans: the model, the motion and the task of its configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.conditions import Conditions, load_conditions, varied_human
from soleus.config import HumanRunConfig
from soleus.errors import UserError
from soleus.exoskeleton import Device, load_devices, strapped
from soleus.importing.ready import imported
from soleus.models import Human
from soleus.models import load as load_human
from soleus.models.weights import weighed
from soleus.motions import Clips, Motion, load_clips
from soleus.paths import FittedPaths
from soleus.sim.engines import Engine, choose_engine
from soleus.sim.handover import human_data
from soleus.sim.muscle_paths import paths_of
from soleus.tasks.catalog import catalog, check_terms
from soleus.tasks.python_terms import PythonTerm, load_terms, native_first, with_python


@dataclass(frozen=True)
class Scenario:
    """What is loaded and compiled once, whatever the number of humans."""

    config: HumanRunConfig
    human: Human
    clips: Clips | None
    """Reference motions, of which each episode follows one"""
    engine: Engine
    paths: FittedPaths | None = None
    """Polynomials in place of muscle paths; MuJoCo follows its own tendons."""
    conditions: Conditions | None = None
    """What differs from human to human"""
    devices: tuple[Device, ...] = ()
    """Of the exoskeleton"""
    terms: Mapping[str, PythonTerm] = field(default_factory=dict)
    """Terms in Python, by name; in the task they come after the core's."""

    @property
    def person(self) -> Human:
        """The human, with the body that the conditions that were asked for make."""
        conditions = self.conditions
        return self.human if conditions is None or conditions.asked is None else self.person_at(conditions.asked)

    def person_at(self, values: NDArray[np.float64]) -> Human:
        """Return the human with the body that values (n,) of the conditions make."""
        conditions = self.conditions
        assert conditions is not None
        plain = self.config.control.model_copy(update={"kp_scale": 1.0, "kd_scale": 1.0})
        description = human_data(self.human, self.config.model_copy(update={"control": plain}))
        return varied_human(self.human, conditions, values, description)

    @property
    def motion(self) -> Motion | None:
        """The reference motion, the first where there are several."""
        return self.clips.motions[0] if self.clips else None

    def __str__(self) -> str:
        return f"engine: {self.engine}{f'; paths: {self.paths}' if self.paths else ''}"


def _check_without_motion(config: HumanRunConfig) -> None:
    """Raise UserError for keys that mean nothing where there is no motion."""
    if config.control.phase_scale > 0:
        raise UserError("control.phase_scale: expected 0 without a motion, whose phase it shifts, got one above 0")
    if config.control.damping == "motion":
        raise UserError("control.damping: expected rest without a motion, whose velocity it would be, got motion")


def load_scenario(config: HumanRunConfig) -> Scenario:
    """Load the model and the motion of a configuration and check its task. Raises UserError."""
    terms = load_terms(Path(config.task.python)) if config.task.python else {}
    check_terms(config.task, with_python(catalog(), terms))
    if terms:
        config = config.model_copy(update={"task": native_first(config.task, terms)})
    config = imported(config)
    human = weighed(load_human(config.model, config.control.sim_hz), config.task.reward.joints)
    human = strapped(human, config.control.exoskeleton)
    mode = config.control.mode
    if mode == "muscle" and not human.muscle_names:
        raise UserError(
            f"control.mode: expected torque for a model without muscles, got '{mode}' for '{config.subject}'"
        )
    if mode == "excitation" and not (human.muscle_names or human.motors.names):
        raise UserError(
            f"control.mode: expected torque for a model without muscles and motors, got '{mode}' for '{config.subject}'"
        )
    if mode != "torque" and human.model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_ACTUATION:
        raise UserError(
            f'control.mode: expected torque for a model whose <option><flag actuation="disable"/> rests its muscles,'
            f" got '{mode}' for '{config.subject}'"
        )
    clips = load_clips(config.motion, human) if config.motion else None
    if clips is None:
        _check_without_motion(config)
    if config.policy.mirror and human.motors.lopsided:
        raise UserError(
            f"policy.mirror: expected motors that are mirror images, on joints, of equal gears and control ranges, got"
            f" '{human.motors.lopsided}' without one"
        )
    engine = choose_engine(human, config)
    conditions, devices = load_conditions(config, human, clips), load_devices(config, human, clips)
    follows = engine.name == "lanes" and not (conditions and conditions.change_anatomy)
    paths = paths_of(human, clips, config) if follows else None
    return Scenario(config, human, clips, engine, paths, conditions, devices, terms)
