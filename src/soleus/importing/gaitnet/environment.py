"""The YAML file of an environment: its keys, those that are followed and those that are not."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from soleus.config.explain import explain
from soleus.config.fields import Few, NonNegative, Positive, Section
from soleus.config.strict_yaml import parse_yaml
from soleus.errors import UserError, nearest

_OWN = "environment"
NOT_FOLLOWED: dict[str, tuple[str, ...]] = {
    "": ("training", "args", "train", "discriminator", "env", "noise_injection", "ground"),
    "skeleton": (
        "kp", "kv", "damping", "self_collide", "scale_tau_on_weight", "use_critical_damping", "weight_from",
    ),
    "motion": ("cyclic", "height_calibration", "get_stride_from_motion"),
    "muscle": ("mesh_lbs_weight", "use_velocity_force", "use_joint_state", "pose_optimization", "clip_lm_norm",
               "scale_f0_on_weight"),
    "action": ("gait_phase_mode", "contact_debounce_alpha", "step_min_ratio"),
    "advanced": ("soft_phase_clipping", "include_jtp_in_spd", "use_normalized_param_state", "torque_clipping",
                 "learning_std", "stance_learning", "use_mirror", "local_state", "zero_ankle0_on_reset"),
    "reward": ("clip", "knee_pain", "pos_weight", "vel_weight", "ee_weight", "com_weight", "ankle_weight",
               "num_ref_in_state", "include_ref_velocity", "terminated", "ignore_toe_imit"),
    "reward.locomotion": ("dragX", "drag_use", "drag_weight", "drag_threshold", "drag_x", "phase", "phase_use",
                          "phase_weight"),
    "parameters": ("muscle_length", "muscle_force"),
}  # fmt: skip
"""Keys that change nothing here, with all below them, by the section that they are in."""
_SWITCHES = ("use", "enabled")


class SkeletonKeys(Section):
    """The body and what moves it."""

    file: str
    actuator: Literal["pd", "muscle", "mass", "mass_lower"]
    """pd: torques of stable PD; muscle: an excitation for each muscle; mass: muscles that a network coordinates;
    mass_lower: those of the legs alone, and torques of stable PD above them"""
    kp_scale: Positive = 1.0
    kv_scale: Positive = 1.0


class MotionKeys(Section):
    """The reference motion."""

    file: str
    type: Literal["h5", "npz", "bvh"]


class MuscleKeys(Section):
    """The muscles."""

    file: str


class SimulationKeys(Section):
    """Steps a second."""

    sim_hz: Few = 480
    control_hz: Few = 30
    inference_per_sim: Few = 1
    horizon: Few | None = None
    """Control steps of an episode"""

    @model_validator(mode="after")
    def _rates(self) -> "SimulationKeys":
        if self.sim_hz % self.control_hz:
            raise ValueError(f"sim_hz: expected a multiple of control_hz ({self.control_hz}), got {self.sim_hz}")
        return self


class ActionKeys(Section):
    """What an action does."""

    scale: Positive = 0.04
    """[rad] of the target pose at an action of 1"""
    residual: Literal[True] = True
    """Targets are measured from the pose of the motion"""
    time_warping: Annotated[float, Field(ge=-1, le=1)] = -1.0
    """By how much an action of 1 makes the motion faster, as a share; none is where it is not above 0"""


class AdvancedKeys(Section):
    """What is switched on or off."""

    enforce_symmetry: bool = False
    hard_phase_clipping: bool = True


class TorqueKeys(Section):
    """What torques cost beside muscles."""

    coeff: NonNegative = 1.0
    separate: bool = False
    """Of two factors or of one, whose product is the same"""


class MetabolicKeys(Section):
    """What muscles cost."""

    type: Literal["A", "A2", "MA", "MA2"] = "A2"
    """Sum of the activations or of their squares (2), each by the muscle's mass (M)"""
    weight: NonNegative = 0.0
    scale: Positive = 1.0
    """Of the sum that is not multiplied"""
    multiplicative: bool = True
    """Whether its factor is one of the product; added to it, as there without, it is not followed"""
    torque: TorqueKeys = TorqueKeys()
    torque_coeff: NonNegative | None = None
    """Another name of torque.coeff"""


class SpeedKeys(Section):
    """The mean velocity over a while."""

    weight: NonNegative = 6.0
    window_mult: Annotated[float, Field(gt=0, le=10)] = 1.0
    """[laps of the motion]"""
    clip: NonNegative = 0.0
    """[m/s] of error with the full reward"""
    consider_x: bool = True
    """Whether the velocity sideways counts"""


class StepKeys(Section):
    """Where feet step to."""

    weight: NonNegative = 2.0
    clip: NonNegative = 0.075
    """[m] of error with the full reward"""


class LocomotionKeys(Section):
    """What walking is rewarded for."""

    head_linear_acc_weight: NonNegative = 4.0
    head_rot_weight: NonNegative = 4.0
    step: StepKeys = StepKeys()
    step_weight: NonNegative | None = None
    """Another name of step.weight"""
    avg_vel: SpeedKeys = SpeedKeys()
    avg_vel_weight: NonNegative | None = None
    avg_vel_window_mult: Annotated[float, Field(gt=0, le=10)] | None = None
    avg_vel_clip: NonNegative | None = None
    avg_vel_consider_x: bool | None = None
    """Other names of those of avg_vel"""


class RewardKeys(Section):
    """The reward."""

    type: Literal["gaitnet"]
    eoe_type: Literal["tuple", "time"] = "tuple"
    metabolic: MetabolicKeys = MetabolicKeys()
    locomotion: LocomotionKeys = LocomotionKeys()


class ParameterKeys(Section):
    """A number that differs from human to human."""

    min: float
    max: float
    default: float | None = None
    sampling: str = "uniform"

    @model_validator(mode="after")
    def _holds(self) -> "ParameterKeys":
        if self.min > self.max:
            raise ValueError(f"max: expected {self.min:g} or more, as min is, got {self.max:g}")
        return self


class ParametersKeys(Section):
    """All of these, by what they are of."""

    gait: dict[Literal["stride", "cadence"], ParameterKeys] = Field(default_factory=dict)
    """Over what they are of the motion"""
    skeleton: dict[str, ParameterKeys] = Field(default_factory=dict)
    """Lengths of bodies over what they are; global: of the whole body"""
    torsion: dict[str, ParameterKeys] = Field(default_factory=dict)
    """[rad] of bones"""


class Environment(Section):
    """All of them."""

    skeleton: SkeletonKeys
    motion: MotionKeys
    muscle: MuscleKeys | None = None
    simulation: SimulationKeys = SimulationKeys()
    action: ActionKeys = ActionKeys()
    advanced: AdvancedKeys = AdvancedKeys()
    reward: RewardKeys
    parameters: ParametersKeys = ParametersKeys()


class _File(Section):
    """What is followed of a file."""

    environment: Environment


def read_environment(path: Path) -> tuple[Environment, tuple[str, ...]]:
    """Read a file; return what is followed, and the keys that are set in it and not followed.

    Raises UserError naming the file and the key that is unknown or wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: expected a readable YAML file, but {error}") from None
    if text.lstrip().startswith("<"):
        raise UserError(f"{path}: expected an environment in YAML, got XML, the form of earlier ones")
    raw = parse_yaml(text, str(path))
    if not isinstance(raw, Mapping) or not isinstance(raw.get(_OWN), Mapping):
        raise UserError(f"{path}: expected a mapping with the section {_OWN}")
    beside = {key: value for key, value in raw.items() if key != _OWN}
    for key in beside:
        if key not in NOT_FOLLOWED[""]:
            raise UserError(f"{path}: unknown key '{key}'{nearest(str(key), (_OWN, *NOT_FOLLOWED['']))}")
    kept, left = _parted(raw[_OWN], "")
    try:
        content = _File.model_validate({_OWN: kept})
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error, _File)}") from None
    if not content.environment.reward.metabolic.multiplicative:
        left.append("reward.metabolic.multiplicative")
    return content.environment, (*_set(beside, ""), *(f"{_OWN}.{key}" for key in left))


def _parted(section: Mapping[str, Any], at: str) -> tuple[dict[str, Any], list[str]]:
    """What of a section is followed, and the dotted keys that are set and not followed."""
    kept, left = dict[str, Any](), list[str]()
    for key, value in section.items():
        dotted = f"{at}.{key}" if at else str(key)
        if key in NOT_FOLLOWED.get(at, ()) or dotted in NOT_FOLLOWED[""]:
            left += _set({key: value}, at)
        elif isinstance(value, Mapping):
            kept[key], more = _parted(value, dotted)
            left += more
        else:
            kept[key] = value
    return kept, left


def _set(section: Mapping[str, Any], at: str) -> Iterator[str]:
    """Dotted keys of what is not switched off."""
    for key, value in section.items():
        dotted = f"{at}.{key}" if at else str(key)
        if isinstance(value, Mapping):
            if not any(value.get(switch) is False for switch in _SWITCHES):
                yield from _set(value, dotted)
        elif value is not False:
            yield dotted
