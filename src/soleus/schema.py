"""The configuration of a run: frozen, validated data with every default. Reading it from files and flags: config.py."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Activation = Literal["tanh", "relu", "elu", "leaky_relu"]
TermParameters = dict[str, float]


def parse_duration(value: Any) -> Any:
    """Return seconds for "90s", "15m" or "2h" (fractions allowed); numbers are seconds already; null stays null."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)\s*([smh])", value.strip())
    if not match:
        raise ValueError("expected a time such as 90s, 15m or 2h")
    return float(match[1]) * {"s": 1.0, "m": 60.0, "h": 3600.0}[match[2]]


def _widths(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Duration = Annotated[float, Field(gt=0), BeforeValidator(parse_duration)]
Widths = Annotated[tuple[Count, ...], BeforeValidator(_widths)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True, allow_inf_nan=False)


class ControlConfig(_Section):
    """How an action becomes muscle excitations or joint torques."""

    mode: Literal["excitation", "torque", "muscle"] = "muscle"
    sim_hz: Count = 480
    policy_hz: Count = 30
    action_scale: Positive = 0.4
    """[rad] of a pose target per unit of action, around the reference or the rest pose."""
    kp_scale: Positive = 1.0
    kd_scale: Positive = 1.0
    activation_dynamics: bool = True

    @model_validator(mode="after")
    def _rates(self) -> "ControlConfig":
        if self.sim_hz % self.policy_hz:
            raise ValueError(f"sim_hz: expected a multiple of policy_hz ({self.policy_hz}), got {self.sim_hz}")
        return self


class CoordinationConfig(_Section):
    """How the muscles come to make the torques asked for (control.mode muscle)."""

    method: Literal["static_optimization", "network"] = "static_optimization"
    sweeps: Count = 6
    """Coordinate descent sweeps a substep."""
    regularization: NonNegative = 30.0
    """[(N m)^2] weight of the squared activations against the squared torque residual. Small values leave coordinate
    descent no slope to undo co-contraction by: on myolegs 30 halves the effort of 1 at the same residual."""
    hidden: Widths = (256, 256, 256)
    learning_rate: Positive = 5e-4
    epochs: Count = 3
    batch: Count = 128
    """Samples a minibatch of the network's regression."""
    max_grad_norm: Positive = 0.5


class PolicyConfig(_Section):
    """The Gaussian policy: a network for the mean, one standard deviation an action for all states."""

    hidden: Widths = (256, 256)
    activation: Activation = "tanh"
    initial_std: Positive = 0.4
    mirror: bool = False
    """See and act on the mirrored body in one half of the gait cycle."""


class PpoConfig(_Section):
    """Proximal policy optimization (Schulman et al. 2017) with generalized advantage estimation."""

    gamma: Annotated[float, Field(ge=0, lt=1)] = 0.98
    lambda_: Annotated[Fraction, Field(alias="lambda")] = 0.95
    clip: Positive = 0.2
    value_clip: Positive | None = None
    """In units of the normalised value; null: the value loss is not clipped."""
    entropy: NonNegative = 0.0
    epochs: Count = 5
    minibatches: Count = 4
    learning_rate: Positive = 3e-4
    schedule: Literal["adaptive", "constant", "linear"] = "adaptive"
    """adaptive: the rate follows target_kl, within 1e-5 and 1e-2; linear: to zero at the end of training."""
    target_kl: Positive | None = 0.01
    """With the adaptive schedule what the rate aims for; otherwise epochs stop past 1.5 times of it; null: never."""
    max_grad_norm: Positive = 1.0
    normalize_observations: bool = True
    normalize_returns: bool = True
    value_hidden: Widths = (256, 256)
    value_activation: Activation = "tanh"
    value_coefficient: Positive = 1.0

    @model_validator(mode="after")
    def _target(self) -> "PpoConfig":
        if self.schedule == "adaptive" and self.target_kl is None:
            raise ValueError("target_kl: expected a number for the adaptive schedule, got null")
        return self


class TrainConfig(_Section):
    """How long, how many, how wide. Steps are control steps of one human: num_envs of them pass at a time."""

    steps: Count | None = None
    duration: Duration | None = None
    """[s] Training stops at steps or duration, whichever comes first."""
    num_envs: Count = 32
    rollout_steps: Count = 64
    num_threads: Count | None = None
    """Of the collector; null: the CPUs that the process may use."""
    learner_threads: Count | None = None
    """Of torch; null: as num_threads (the two take turns)."""
    pin_threads: bool = False
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    device: str = "cpu"
    eval_interval: Count | None = None
    """[steps] between evaluations; null: one at the end."""
    eval_episodes: Count = 20
    checkpoint_interval: Count | None = 500_000
    """[steps] between checkpoints; null: one at the end."""


class RewardConfig(_Section):
    """Reward terms by name, each with its weight and parameters, summed or multiplied."""

    combine: Literal["sum", "product"] = "sum"
    terms: dict[str, TermParameters] = Field(min_length=1)

    @model_validator(mode="after")
    def _weights(self) -> "RewardConfig":
        for name, parameters in self.terms.items():
            if "weight" not in parameters:
                raise ValueError(f"terms.{name}: expected a weight, got {parameters}")
        return self


class TaskConfig(_Section):
    """A task: terms by name with their parameters. Term names and parameters are those of the core's catalog."""

    name: str
    episode_seconds: Positive = 10.0
    initial: Literal["reference", "rest"] = "reference"
    initial_noise: NonNegative = 0.0
    """Standard deviation of joint positions [rad] and, tenfold, velocities [rad/s] at the start."""
    observation: dict[str, TermParameters] = Field(min_length=1)
    reward: RewardConfig
    termination: dict[str, TermParameters] = Field(default_factory=dict)


class Config(_Section):
    """Everything that makes a run; saved with it as config.yaml."""

    model: str
    motion: str | None = None
    task: TaskConfig
    control: ControlConfig = ControlConfig()
    coordination: CoordinationConfig = CoordinationConfig()
    policy: PolicyConfig = PolicyConfig()
    ppo: PpoConfig = PpoConfig()
    train: TrainConfig = TrainConfig()

    @model_validator(mode="after")
    def _sizes(self) -> "Config":
        seconds, rate = self.task.episode_seconds, self.control.policy_hz
        if seconds * rate < 1:
            raise ValueError(f"task.episode_seconds: expected at least one control step (1/{rate} s), got {seconds}")
        samples = self.train.num_envs * self.train.rollout_steps
        if self.ppo.minibatches > samples:
            raise ValueError(
                f"ppo.minibatches: expected at most the {samples} samples of a rollout, got {self.ppo.minibatches}"
            )
        return self

    @property
    def trains_muscle_network(self) -> bool:
        """Whether a muscle coordination network acts, and learns beside the policy."""
        return self.control.mode == "muscle" and self.coordination.method == "network"
