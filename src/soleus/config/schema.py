"""The configuration of a run: frozen, validated data with every default. Reading it: load.py, flags.py."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from soleus.config.environment import EnvironmentConfig
from soleus.config.fields import (
    Count,
    Envs,
    Few,
    Fixed,
    Fraction,
    Mark,
    MaybeDuration,
    MaybeHours,
    NonNegative,
    Positive,
    Section,
    Url,
    as_list,
    parse_seconds,
    whole,
)
from soleus.config.parallel import ParallelConfig
from soleus.config.sources import ModelSource, MotionSource

Activation = Literal["tanh", "relu", "elu", "leaky_relu"]
TermParameters = dict[str, float]


Widths = Annotated[tuple[Few, ...], Field(max_length=64), BeforeValidator(as_list)]
_WEIGHTS = Fixed("the learnt weights are those of this network")
_NEW = "a run that is under way has its own"


class ControlConfig(Section):
    """How an action becomes muscle excitations or joint torques."""

    mode: Annotated[
        Literal["excitation", "torque", "muscle"], Fixed("the policy has learnt what its actions do"), Mark.INTERFACE
    ] = "muscle"
    sim_hz: Envs = 480
    policy_hz: Envs = 30
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


class CoordinationConfig(Section):
    """How the muscles come to make the torques asked for (control.mode muscle)."""

    method: Annotated[Literal["static_optimization", "network"], Fixed("the policy has learnt what its actions do")] = (
        "static_optimization"
    )
    interval: Count = 1
    """Substeps from one coordination to the next; the muscles hold their activations meanwhile."""
    sweeps: Few = 6
    """Coordinate descent sweeps a substep."""
    regularization: NonNegative = 30.0
    """[(N m)^2] weight of the squared activations against the squared torque residual. Small values leave coordinate
    descent no slope to undo co-contraction by: on myolegs 30 halves the effort of 1 at the same residual."""
    hidden: Annotated[Widths, _WEIGHTS] = (256, 256, 256)
    weights: Annotated[str | None, Fixed(f"only a new network begins with it, {_NEW}"), Mark.FILE] = None
    """File of a torch state_dict that the network starts from: layers 0, 2, ...; fc.0, fc.2, ...; or fc1, fc2, ..."""
    learning_rate: Positive = 5e-4
    epochs: Few = 3
    batch: Count = 128
    """Samples a minibatch of the network's regression."""
    max_grad_norm: Positive = 0.5


class PolicyConfig(Section):
    """The policy's network, and for continuous actions one standard deviation an action for all states."""

    network: Annotated[Literal["auto", "mlp", "nature_cnn", "impala_cnn"], _WEIGHTS, Mark.INTERFACE] = "auto"
    """auto: the Nature CNN for images, a multilayer perceptron for anything else. A CNN is shared with the value."""
    hidden: Annotated[Widths, _WEIGHTS] = (256, 256)
    """Of the multilayer perceptron."""
    activation: Annotated[Activation, _WEIGHTS, Mark.INTERFACE] = "tanh"
    initial_std: Annotated[Positive, Fixed(f"only a new policy begins with it, {_NEW}")] = 0.4
    mirror: bool = False
    """See and act on the mirrored body in one half of the gait cycle."""


class PpoConfig(Section):
    """Proximal policy optimization (Schulman et al. 2017) with generalized advantage estimation."""

    gamma: Annotated[float, Field(ge=0, lt=1)] = 0.98
    lambda_: Annotated[Fraction, Field(alias="lambda")] = 0.95
    clip: Positive = 0.2
    value_clip: Positive | None = None
    """In units of the normalised value; null: the value loss is not clipped."""
    entropy: NonNegative = 0.0
    epochs: Few = 5
    minibatches: Count = 4
    batch_size: Count | None = None
    """Samples a minibatch, in place of a number of minibatches; has to divide the samples of a round."""
    learning_rate: Positive = 3e-4
    schedule: Literal["adaptive", "constant", "linear"] = "adaptive"
    """adaptive: the rate follows target_kl, within 1e-5 and 1e-2; linear: to zero at the end of training."""
    target_kl: Positive | None = 0.01
    """With the adaptive schedule what the rate aims for; otherwise epochs stop past 1.5 times of it; null: never."""
    max_grad_norm: Positive = 1.0
    normalize_observations: Annotated[bool, Fixed("the learnt weights take observations as they were given")] = True
    normalize_returns: Annotated[bool, Fixed("the learnt values are in units of it")] = True
    normalize_rewards: bool = False
    """Divide rewards by the standard deviation of the discounted return so far, as in the Procgen paper."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of convolutions, in rollouts and in learning; auto: bfloat16 where the processor computes in it."""
    shards: Few | Literal["auto"] = "auto"
    """Few that each learn from a part of every minibatch; gradients are averaged. auto: the learner's threads for
    convolutional networks: they meet once a minibatch, not at every operation; otherwise one."""
    value_hidden: Annotated[Widths, _WEIGHTS] = (256, 256)
    value_activation: Annotated[Activation, _WEIGHTS] = "tanh"
    value_coefficient: Positive = 1.0

    @model_validator(mode="after")
    def _target(self) -> "PpoConfig":
        if self.schedule == "adaptive" and self.target_kl is None:
            raise ValueError("target_kl: expected a number for the adaptive schedule, got null")
        return self


class TrainConfig(Section):
    """How long, how many, how wide. Steps are control steps of one human: num_envs of them pass at a time."""

    steps: Annotated[Count | None, Mark.SHORT] = None
    duration: Annotated[MaybeHours, Mark.SHORT] = None
    """Training stops at steps or duration, whichever comes first: 90s, 15m, 2h, 1h30m; a bare number is hours."""
    num_envs: Annotated[Envs, Mark.SHORT] = 32
    rollout_steps: Envs = 64
    num_threads: Annotated[Few | None, Mark.SHORT] = None
    """Of the collector; null: the CPUs that the process may use."""
    learner_threads: Few | None = None
    """Of torch; null: as num_threads (the two take turns), and one for vectors of environments that are not ours."""
    pin_threads: bool = False
    profile: bool = False
    """Record where the time of every iteration goes, as profile/ shares of it. Of humans on the native collector."""
    seed: Annotated[
        int,
        Field(ge=0, lt=2**63),
        BeforeValidator(whole),
        Fixed("the random numbers of a run go on from its own"),
        Mark.SHORT,
    ] = 0
    start_from: Annotated[str | None, Fixed(f"only a new run begins with other weights, {_NEW}"), Mark.FILE] = None
    """Run, checkpoint file or URL of either, whose learnt weights and normaliser a new run begins with."""
    device: Annotated[str, Mark.SHORT] = "cpu"
    eval_interval: Count | None = None
    """[steps] between evaluations; null: one at the end."""
    eval_episodes: Annotated[int, Field(ge=0, le=1_000_000), BeforeValidator(whole)] = 20
    """Of an evaluation; 0: none takes place, and no checkpoint is the best."""
    checkpoint_interval: Count | None = 500_000
    """[steps] between checkpoints; null: one at the end."""
    checkpoint_url: Annotated[Url | None, Mark.SHORT] = None
    """Second place of the run, any URL that fsspec knows: its files are put there too, whenever a checkpoint is."""
    video_every: Annotated[MaybeDuration, Mark.SHORT] = None
    """[s] between videos of the policy, kept in the run folder; of humans alone. 30m, 2h; a bare number is seconds."""


class RewardConfig(Section):
    """Reward terms by name, each with its weight and parameters, summed or multiplied."""

    combine: Literal["sum", "product"] = "sum"
    terms: dict[str, TermParameters] = Field(min_length=1)

    @model_validator(mode="after")
    def _weights(self) -> "RewardConfig":
        for name, parameters in self.terms.items():
            if "weight" not in parameters:
                raise ValueError(f"terms.{name}: expected a weight, got {parameters}")
        return self


_KEY = "key:"


def _initial(value: str) -> str:
    if value not in ("reference", "rest") and not (value.startswith(_KEY) and value != _KEY):
        raise ValueError(f"expected reference, rest or {_KEY}NAME of a keyframe of the model, got {value!r}")
    return value


class TaskConfig(Section):
    """A task: terms by name with their parameters. Term names and parameters are those of the core's catalog."""

    name: str
    episode_seconds: Annotated[float, Field(gt=0, le=86_400), BeforeValidator(parse_seconds)] = 10.0
    """[s] that an episode lasts at most."""
    initial: Annotated[str, AfterValidator(_initial)] = "reference"
    """reference: at a random phase of the motion; rest: standing; key:NAME: in that keyframe of the model, which then
    is the pose that joints are held in too."""
    initial_noise: NonNegative = 0.0
    """Standard deviation of joint positions [rad] and, tenfold, velocities [rad/s] at the start."""
    observation: Annotated[
        dict[str, TermParameters],
        Field(min_length=1),
        Fixed("the policy has learnt from these observations"),
        Mark.INTERFACE,
    ]
    reward: RewardConfig
    termination: dict[str, TermParameters] = Field(default_factory=dict)

    @property
    def keyframe(self) -> str | None:
        """Name of the keyframe that episodes start from, if any."""
        return self.initial.removeprefix(_KEY) if self.initial.startswith(_KEY) else None


def _each_once(value: tuple[str, ...]) -> tuple[str, ...]:
    for one in value:
        if value.count(one) > 1:
            raise ValueError(f"expected each logger once, got {one} {value.count(one)} times")
    return value


LoggerNames = Annotated[
    tuple[Literal["tensorboard", "wandb", "mlflow"], ...], BeforeValidator(as_list), AfterValidator(_each_once)
]


class RunConfig(Section):
    """What every run has, whatever acts in it."""

    policy: PolicyConfig = PolicyConfig()
    ppo: PpoConfig = PpoConfig()
    train: TrainConfig = TrainConfig()
    parallel: ParallelConfig = ParallelConfig()
    log: Annotated[LoggerNames, Mark.ASIDE] = ("tensorboard",)
    """Loggers that record what metrics.jsonl has, which is always written: any of tensorboard, wandb and mlflow."""

    @property
    def subject(self) -> str:
        """The model or environment that the run is about."""
        raise NotImplementedError

    @property
    def trains_muscle_network(self) -> bool:
        """Whether a muscle coordination network acts, and learns beside the policy."""
        return False

    @property
    def batch_size(self) -> int:
        """Samples of a minibatch, the last one of an epoch being smaller where samples were discarded."""
        samples = self.train.num_envs * self.train.rollout_steps
        return self.ppo.batch_size or -(-samples // self.ppo.minibatches)

    def check_minibatches(self) -> None:
        """Raise ValueError for minibatches that do not fit a round, naming the nearest that do."""
        envs, steps = self.train.num_envs, self.train.rollout_steps
        samples = envs * steps
        size, of = self.ppo.batch_size, f"the {samples} samples of a round ({envs} environments x {steps} steps)"
        if size is None:
            if self.ppo.minibatches > samples:
                raise ValueError(f"ppo.minibatches: expected at most {of}, got {self.ppo.minibatches}")
        elif samples % size:
            near = min((n for n in range(1, samples + 1) if samples % n == 0), key=lambda n: abs(n - size))
            said = f"at most {of}" if size > samples else f"a divisor of {of}"
            raise ValueError(f"ppo.batch_size: expected {said}, got {size}; the nearest that divides them is {near}")


class HumanRunConfig(RunConfig):
    """Everything that makes a run of humans; saved with it as config.yaml."""

    model: Annotated[
        ModelSource,
        Fixed("the policy has learnt on this body; a new run may begin with its weights: train.start_from"),
        Mark.FILE,
        Mark.RETURN,
    ]
    motion: Annotated[MotionSource | None, Mark.FILE, Mark.RETURN] = None
    task: Annotated[TaskConfig, Mark.RETURN]
    control: Annotated[ControlConfig, Mark.RETURN] = ControlConfig()
    coordination: CoordinationConfig = CoordinationConfig()

    @model_validator(mode="after")
    def _sizes(self) -> "HumanRunConfig":
        seconds, rate = self.task.episode_seconds, self.control.policy_hz
        if seconds * rate < 1:
            raise ValueError(f"task.episode_seconds: expected at least one control step (1/{rate} s), got {seconds}")
        if self.parallel.collector not in ("auto", "native", "stepping", "ray"):
            raise ValueError(
                "parallel.collector: expected native, stepping or ray for a model (its humans run on threads, not in"
                f" processes), got {self.parallel.collector}"
            )
        if self.parallel.collector == "ray" and self.train.pin_threads:
            raise ValueError("train.pin_threads: expected false with the ray collector, got true")
        if self.train.profile and self.parallel.collector in ("stepping", "ray"):
            got = self.parallel.collector
            raise ValueError(f"train.profile: expected false with the {got} collector (native tells it), got true")
        if self.policy.network not in ("auto", "mlp"):
            raise ValueError(f"policy.network: expected mlp for a model, got {self.policy.network}")
        if not self.parallel_open:
            self.check_minibatches()
        return self

    @property
    def parallel_open(self) -> bool:
        """Whether the number of humans is still to be told by the number of collectors (parallel.resolve)."""
        return self.parallel.collector == "ray" and self.parallel.envs_per_collector is not None

    @property
    def subject(self) -> str:
        """The model."""
        return str(self.model)

    @property
    def trains_muscle_network(self) -> bool:
        """Whether a muscle coordination network acts, and learns beside the policy."""
        return self.control.mode == "muscle" and self.coordination.method == "network"


class EnvRunConfig(RunConfig):
    """Everything that makes a run in environments that are not ours."""

    env: Annotated[EnvironmentConfig, Mark.RETURN]

    @model_validator(mode="after")
    def _fits(self) -> "EnvRunConfig":
        if self.parallel.collector == "native":
            raise ValueError("parallel.collector: expected workers, inline, stepping or ray for env, got native")
        if self.parallel.collector == "inline" and self.parallel.num_workers not in (1, "auto"):
            raise ValueError(f"parallel.num_workers: expected 1 with inline, got {self.parallel.num_workers}")
        if self.policy.mirror:
            raise ValueError("policy.mirror: expected false for env, which has no sides to mirror, got true")
        if self.train.profile:
            raise ValueError("train.profile: expected false for env (the core tells it of humans alone), got true")
        if not self.parallel_open:
            self.check_minibatches()
        return self

    @property
    def parallel_open(self) -> bool:
        """Whether the number of environments still depends on the machine (parallel.resolve)."""
        parallel = self.parallel
        if parallel.collector == "ray":
            return parallel.num_envs_per_worker is not None or parallel.envs_per_collector is not None
        return parallel.num_envs_per_worker is not None or parallel.num_workers == "auto"

    @property
    def subject(self) -> str:
        """The environment."""
        return self.env.id
