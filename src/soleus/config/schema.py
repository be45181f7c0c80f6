"""The configuration of a run: frozen, validated data with every default. Reading it: load.py, flags.py."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from soleus.config.conditions import ConditionConfig, by_full_names
from soleus.config.environment import EnvironmentConfig
from soleus.config.exoskeleton import DeviceConfig
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
    both_ends,
    parse_seconds,
    rising,
    whole,
)
from soleus.config.noise import NoiseConfig
from soleus.config.parallel import ParallelConfig
from soleus.config.pushes import PushConfig
from soleus.config.sources import ModelSource, MotionSource

Activation = Literal["tanh", "relu", "elu", "leaky_relu"]
TermParameters = dict[str, float]


_Speed = Annotated[float, Field(ge=-20, le=20)]
Speeds = Annotated[tuple[_Speed, _Speed], BeforeValidator(both_ends), AfterValidator(rising)]
Widths = Annotated[tuple[Few, ...], Field(max_length=64), BeforeValidator(as_list)]
_WEIGHTS = Fixed("the learnt weights are those of this network")
_NEW = "a run that is under way has its own"


class ControlConfig(Section):
    """How an action becomes muscle excitations or joint torques."""

    mode: Annotated[
        Literal["excitation", "torque", "muscle"], Fixed("the policy has learnt what its actions do"), Mark.INTERFACE
    ] = "muscle"
    """muscle: an action is a target pose, which muscles realise; torque: a target pose, which joint torques realise;
    excitation: an excitation for each muscle."""
    engine: Literal["auto", "lanes", "mujoco"] = "auto"
    """What steps the physics: lanes (several humans to an instruction) or mujoco; auto: lanes where they cover the
    model."""
    paths: Annotated[Literal["exact", "fitted"], Fixed("it keeps the muscle paths that it began with")] = "exact"
    """Muscle paths in the lanes: exact, as the model has them; fitted: polynomials of the joint angles in their place,
    where those keep within bounds and cost less (soleus paths MODEL)."""
    paths_file: Annotated[str | None, Fixed("it keeps the muscle paths that it began with"), Mark.FILE] = None
    """File of fitted paths that `soleus paths MODEL --out FILE` wrote; by default they are fitted when first needed."""
    sim_hz: Envs = 480
    """Simulation steps a second, a multiple of policy_hz."""
    policy_hz: Envs = 30
    """Control steps a second: how often the policy acts."""
    action_scale: Positive = 0.4
    """[rad] An action of 1 moves the target pose so far from that of the reference motion, or from the rest pose."""
    phase_scale: Annotated[Fraction, Fixed("the policy has learnt what its actions do"), Mark.INTERFACE] = 0.0
    """An action more shifts the motion's phase: 1 makes the motion faster by this share for a control step, -1 slower.
    Laps begin when they would without it. 0: there is no such action."""
    kp_scale: Positive = 1.0
    """Factor on the proportional gains of stable PD."""
    kd_scale: Positive = 1.0
    """Factor on the derivative gains of stable PD."""
    damping: Literal["rest", "motion"] = "rest"
    """What stable PD damps towards: rest, so that joints lag behind their targets by kd / kp, or the velocity of the
    reference motion."""
    activation_dynamics: bool = True
    """Muscles take time to activate, as in the model; false: activations are set at once."""
    exoskeleton: Annotated[
        tuple[DeviceConfig, ...],
        BeforeValidator(as_list),
        Fixed("the policy has learnt to move in this one; a new run may begin with its weights: train.start_from"),
    ] = ()
    """Devices that give torques at joints beside the muscles, each with joints, torque, limit and mass
    (docs/exoskeleton.md)."""

    @model_validator(mode="after")
    def _fits(self) -> "ControlConfig":
        if self.paths_file is not None and self.paths == "exact":
            raise ValueError("paths: expected fitted beside a paths_file, got exact")
        return self

    @model_validator(mode="after")
    def _rates(self) -> "ControlConfig":
        if self.sim_hz % self.policy_hz:
            raise ValueError(f"sim_hz: expected a multiple of policy_hz ({self.policy_hz}), got {self.sim_hz}")
        return self


class CoordinationConfig(Section):
    """How muscle activations are found that make the joint torques asked for (control.mode muscle)."""

    method: Annotated[Literal["static_optimization", "network"], Fixed("the policy has learnt what its actions do")] = (
        "static_optimization"
    )
    """static_optimization: bounded least squares; network: the muscle coordination network, which learns beside the
    policy."""
    interval: Count = 1
    """Substeps from one coordination to the next; the muscles hold their activations meanwhile."""
    sweeps: Few = 6
    """Sweeps of coordinate descent in one static optimization."""
    regularization: NonNegative = 30.0
    """[(N m)^2] Weight of the squared activations against the squared torque residual. With a small weight, coordinate
    descent hardly undoes co-contraction: on myolegs a weight of 30 takes half the effort of 1 at the same residual."""
    effort: Literal["activation", "volume"] = "activation"
    """What is little besides the torque residual. activation: the sum of squared activations; volume: the same by the
    muscles' volumes, so that a large muscle is spared and a small one helps. The volumes are the model's, also for
    people whose numbers differ from it."""
    hidden: Annotated[Widths, _WEIGHTS] = (256, 256, 256)
    """Widths of the network's hidden layers."""
    weights: Annotated[str | None, Fixed(f"only a new network begins with it, {_NEW}"), Mark.FILE] = None
    """File of a torch state_dict that the network starts from: layers 0, 2, ...; fc.0, fc.2, ...; or fc1, fc2, ..."""
    learning_rate: Positive = 5e-4
    """Learning rate of the network."""
    epochs: Few = 3
    """How often the network goes over the samples of a round."""
    batch: Count = 128
    """Samples in a minibatch of the network's regression."""
    max_grad_norm: Positive = 0.5
    """Gradients with a larger norm are scaled down to it."""


class PolicyConfig(Section):
    """The policy's network. Continuous actions are Gaussian, each with one standard deviation for all states."""

    network: Annotated[Literal["auto", "mlp", "nature_cnn", "impala_cnn"], _WEIGHTS, Mark.INTERFACE] = "auto"
    """auto: the Nature CNN for images, a multilayer perceptron for anything else. Policy and value function share a
    CNN."""
    hidden: Annotated[Widths, _WEIGHTS] = (256, 256)
    """Widths of the hidden layers of the multilayer perceptron."""
    activation: Annotated[Activation, _WEIGHTS, Mark.INTERFACE] = "tanh"
    """Activation function of the multilayer perceptron."""
    initial_std: Annotated[Positive, Fixed(f"only a new policy begins with it, {_NEW}")] = 0.4
    """Standard deviation of continuous actions that a new policy begins with."""
    mirror: bool = False
    """In one half of the gait cycle the policy sees and moves the mirror image of the body; without a motion, while the
    left foot is ahead."""


class PpoConfig(Section):
    """Proximal policy optimization (Schulman et al. 2017) with generalized advantage estimation."""

    gamma: Annotated[float, Field(ge=0, lt=1)] = 0.98
    """Discount of rewards from one step to the next."""
    lambda_: Annotated[Fraction, Field(alias="lambda")] = 0.95
    """Decay of generalized advantage estimation."""
    clip: Positive = 0.2
    """How far the probability ratio of an action may leave 1 before its gain is clipped."""
    value_clip: Positive | None = None
    """How far a value may leave the old one before its loss is clipped, in units of the normalised value; null: the
    value loss is not clipped."""
    entropy: NonNegative = 0.0
    """Weight of the policy's entropy in the objective."""
    epochs: Few = 5
    """How often an update goes over the samples of a round."""
    minibatches: Count = 4
    """Minibatches that each epoch splits the samples of a round into."""
    batch_size: Count | None = None
    """Samples in a minibatch, given instead of the number of minibatches; it has to divide the samples of a round."""
    learning_rate: Positive = 3e-4
    """Learning rate of policy and value function, at the start of training where a schedule changes it."""
    schedule: Literal["adaptive", "constant", "linear"] = "adaptive"
    """adaptive: the rate follows target_kl and stays between 1e-5 and 1e-2; linear: it falls to zero at the end of
    training."""
    target_kl: Positive | None = 0.01
    """With the adaptive schedule, the KL divergence that the rate aims for. With the others, an update stops after an
    epoch that ends beyond 1.5 times this divergence; null: it never stops early."""
    max_grad_norm: Positive = 1.0
    """Gradients with a larger norm are scaled down to it."""
    normalize_observations: Annotated[bool, Fixed("the learnt weights take observations as they were given")] = True
    """Shift and scale observations by their running mean and standard deviation; images stay as they are."""
    normalize_returns: Annotated[bool, Fixed("the learnt values are in units of it")] = True
    """Let the value function learn returns in units of their running mean and standard deviation."""
    normalize_rewards: bool = False
    """Divide rewards by the standard deviation of the discounted return so far, as in the Procgen paper."""
    backend: Literal["auto", "native", "torch"] = "auto"
    """What computes the updates, of the muscle network too: native, the core, for multilayer perceptrons on the CPU;
    torch for any network and device; auto: native where it can. Both learn the same within rounding, and a run may go
    on with the other."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Number format of convolutions, in rollouts and in learning; auto: bfloat16 where the processor has instructions
    for it."""
    shards: Few | Literal["auto"] = "auto"
    """Threads of the learner that each take a part of every minibatch; their gradients are averaged. auto: all of the
    learner's threads for native updates and for convolutional networks, which then wait for one another once a
    minibatch rather than at every operation, and one for other networks of torch."""
    value_hidden: Annotated[Widths, _WEIGHTS] = (256, 256)
    """Widths of the hidden layers of the value function."""
    value_activation: Annotated[Activation, _WEIGHTS] = "tanh"
    """Activation function of the value function."""
    value_coefficient: Positive = 1.0
    """Weight of the value loss beside the policy loss."""

    @model_validator(mode="after")
    def _target(self) -> "PpoConfig":
        if self.schedule == "adaptive" and self.target_kl is None:
            raise ValueError("target_kl: expected a number for the adaptive schedule, got null")
        return self


class TrainConfig(Section):
    """How long a run trains, with how many humans or environments, and what it records. Steps are control steps of all
    humans or environments together: each time that all of them act, num_envs steps pass."""

    steps: Annotated[Count | None, Mark.SHORT] = None
    """Training stops after so many control steps; null: only the duration stops it."""
    duration: Annotated[MaybeHours, Mark.SHORT] = None
    """Training stops after so long: 90s, 15m, 2h, 1h30m; a bare number is hours. Where steps are given too, training
    stops at whichever comes first."""
    num_envs: Annotated[Envs, Mark.SHORT] = 32
    """Humans or environments that are stepped at once."""
    rollout_steps: Envs = 64
    """Control steps of each human or environment in a round, from one update to the next."""
    num_threads: Annotated[Few | None, Mark.SHORT] = None
    """Threads that collect; null: as many as the CPUs that the process may use."""
    learner_threads: Few | None = None
    """Threads of the learner (torch). null: as many as num_threads, since collecting and learning take turns; but one
    thread for environments that are not ours and whose observations are vectors."""
    pin_threads: bool = False
    """Bind each thread of the native collector to a CPU of its own."""
    profile: bool = False
    """Record where the time of every iteration goes, as shares of it (profile/...); for humans on the native collector
    alone."""
    seed: Annotated[
        int,
        Field(ge=0, lt=2**63),
        BeforeValidator(whole),
        Fixed("the random numbers of a run go on from its own"),
        Mark.SHORT,
    ] = 0
    """Seed of all random numbers of the run: the same seed on the same machine gives the same run."""
    start_from: Annotated[str | None, Fixed(f"only a new run begins with other weights, {_NEW}"), Mark.FILE] = None
    """A run, a checkpoint file, the URL of either, or the name of a policy (soleus policies): a new run begins with its
    learnt weights and its normaliser."""
    device: Annotated[str, Mark.SHORT] = "cpu"
    """Device that the learner computes on: cpu or cuda."""
    eval_interval: Count | None = None
    """[steps] From one evaluation to the next; null: the only evaluation is at the end."""
    eval_episodes: Annotated[int, Field(ge=0, le=1_000_000), BeforeValidator(whole)] = 20
    """Episodes of an evaluation; 0: there are no evaluations, and so no best checkpoint."""
    checkpoint_interval: Count | None = 500_000
    """[steps] From one checkpoint to the next; null: there are only those of the start and of the end."""
    checkpoint_url: Annotated[Url | None, Mark.SHORT] = None
    """A second place for the run's files, any URL that fsspec knows: they are copied there with every checkpoint."""
    video_every: Annotated[MaybeDuration, Mark.SHORT] = None
    """[s] From one video of the policy to the next; they are kept in the run folder. For runs of humans alone. 30m, 2h;
    a bare number is seconds."""


class RewardConfig(Section):
    """Reward terms by name, each with its weight and parameters, summed or multiplied."""

    combine: Literal["sum", "product"] = "sum"
    """sum: weights multiply the terms; product: weights are the terms' exponents."""
    costs: Annotated[
        Literal["always", "held"], Fixed(f"the saved people are under way by what their episodes lasted, {_NEW}")
    ] = "always"
    """always: negative weights count whole; held: in a run's training by the share of an episode's time that the same
    human's latest episodes lasted, and whole in evaluations and in Gymnasium's environments. Where costs are high, a
    human that cannot stand yet would learn to fall at once. Of a sum of native terms alone."""
    terms: dict[str, TermParameters] = Field(min_length=1)
    """The terms of the reward, each with its weight and its parameters."""
    joints: dict[str, NonNegative] = Field(default_factory=dict)
    """Factors by which joints weigh in the errors of pose and velocity, by name or by a pattern of names, such as
    hip_rotation_*: 2. Others weigh 1, by default fingers less."""

    @model_validator(mode="after")
    def _weights(self) -> "RewardConfig":
        for name, parameters in self.terms.items():
            if "weight" not in parameters:
                raise ValueError(f"terms.{name}: expected a weight, got {parameters}")
        if self.combine == "product" and self.costs == "held":
            raise ValueError("costs: expected always for a product, which has no costs, got held")
        return self


_KEY = "key:"


def _initial(value: str) -> str:
    if value not in ("reference", "rest") and not (value.startswith(_KEY) and value != _KEY):
        raise ValueError(f"expected reference, rest or {_KEY}NAME of a keyframe of the model, got {value!r}")
    return value


class TaskConfig(Section):
    """What the human is to do: what it observes, what it is rewarded for, and when an episode ends, each made of terms
    by name with their parameters."""

    name: str
    """Name of a built-in task, or of one's own."""
    python: Annotated[str | None, Mark.FILE] = None
    """File of Python whose functions of `scene` are terms too, by their names: of observation, reward and termination
    (docs/python.md)."""
    episode_seconds: Annotated[float, Field(gt=0, le=86_400), BeforeValidator(parse_seconds)] = 10.0
    """[s] Longest episode."""
    initial: Annotated[str, AfterValidator(_initial)] = "reference"
    """Where episodes start. reference: at a random phase of the motion; rest: standing; key:NAME: in this keyframe of
    the model, which without a motion is also the pose that target poses are measured from."""
    initial_noise: NonNegative = 0.0
    """Standard deviation of the noise that is added at the start of an episode: to joint positions [rad], and ten times
    as much to joint velocities [rad/s]."""
    initial_speed: Speeds = (0.0, 0.0)
    """[m/s] Least and most speed along x at which the whole body starts, beside that of the motion: who begins on the
    move learns to step."""
    repeat_failed: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """How likely an episode after one that a termination ended has the same values of the conditions again. Where a
    policy fails its episodes are short, and without this it learns least of them."""
    pushes: Annotated[
        PushConfig | None,
        Fixed("the saved people are under way with theirs; a new run may begin with its weights: train.start_from"),
    ] = None
    """Pushes that disturb a person in training and in its evaluations (docs/robustness.md); null: there are none."""
    noise: Annotated[
        NoiseConfig | None,
        Fixed("the saved people have theirs on the way; a new run may begin with its weights: train.start_from"),
    ] = None
    """Noise and delay of a person's nerves (docs/robustness.md); null: there are none."""
    observation: Annotated[
        dict[str, TermParameters],
        Field(min_length=1),
        Fixed("the policy has learnt from these observations"),
        Mark.INTERFACE,
    ]
    """Terms of which the observation is made, in this order."""
    reward: RewardConfig
    termination: dict[str, TermParameters] = Field(default_factory=dict)
    """Terms each of which ends an episode as lost, such as a fall."""

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
    """The whole configuration of a run of humans; it is saved with the run as config.yaml."""

    model: Annotated[
        ModelSource,
        Fixed("the policy has learnt on this body; a new run may begin with its weights: train.start_from"),
        Mark.FILE,
        Mark.RETURN,
    ]
    motion: Annotated[MotionSource | None, Mark.FILE, Mark.RETURN] = None
    conditions: Annotated[
        dict[str, ConditionConfig],
        BeforeValidator(by_full_names),
        Fixed("the policy has learnt over these"),
        Mark.INTERFACE,
        Mark.RETURN,
    ] = Field(default_factory=dict)
    """Numbers that differ from human to human, by name, each with its range (docs/conditions.md)."""
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
        """Whether the number of humans still depends on the number of collectors (config/resolve.py)."""
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
    """The whole configuration of a run in environments that are not ours."""

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
        """Whether the number of environments still depends on the machine (config/resolve.py)."""
        parallel = self.parallel
        if parallel.collector == "ray":
            return parallel.num_envs_per_worker is not None or parallel.envs_per_collector is not None
        return parallel.num_envs_per_worker is not None or parallel.num_workers == "auto"

    @property
    def subject(self) -> str:
        """The environment."""
        return self.env.id
