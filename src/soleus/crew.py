"""What is stepped besides humans, and who collects: environments that are not ours, and the crew of a run."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from soleus.section import Count, Duration, Envs, Few, Fixed, MaybeDuration, Section


class ParallelConfig(Section):
    """Who collects, and how many. A collector changes how fast a round comes in, not what is learnt from it."""

    collector: Literal["auto", "native", "ray", "workers", "inline", "stepping"] = "auto"
    """auto: native for humans; for environments workers, or inline where there is to be one worker."""
    num_workers: Few | Literal["auto"] = "auto"
    """Of each collector, where they are on Ray. auto: the CPUs in reach over threads_per_worker."""
    num_envs_per_worker: Envs | Literal["auto"] | None = None
    """null: train.num_envs shared out; auto: at least 8 and at least train.num_envs in all."""
    threads_per_worker: Few = 1
    pin_workers: bool = False
    """Bind each worker to CPUs of its own among those in reach."""
    max_failures: Count = 3
    failure_window: Duration = Field(default=600.0, validate_default=False)
    """[s] So many failures of workers, or of collectors on Ray, within this time end the run."""
    ray_address: str = Field(default="auto", min_length=1)
    """auto: the cluster that this machine is part of, or else as local; local: this machine alone, on a Ray started for
    the run; HOST:PORT or ray://HOST:PORT: that cluster."""
    num_collectors: Few | Literal["auto"] = "auto"
    """Collectors on Ray, each of a part of the humans or environments. auto: as many as machines."""
    envs_per_collector: Envs | None = None
    """Humans or environments of each; null: train.num_envs shared out."""
    cpus_per_collector: Few | None = None
    """CPUs that Ray keeps for each, and its threads; null: those of its num_workers, or as many as let all collectors
    run on the cluster's CPUs."""
    round_timeout: Duration = Field(default=600.0, validate_default=False)
    """[s] A worker of whose environments none has returned for so long counts as a failure, as does a collector on Ray
    that has not answered; environments stepped by the main process end the run."""
    straggler_deadline: MaybeDuration = None
    """[s] That collectors on Ray have once the first one has answered; what comes later is left out. null: no limit."""
    max_lag: Literal[0, 1] = 0
    """Of collectors on Ray. 1: the next round is collected while the learner learns from this one, by weights that are
    one update older; the probabilities that actions were drawn with are those of these weights."""
    vectorization: Literal["sync", "async"] = "sync"
    """Of gymnasium environments under the stepping collector."""

    @model_validator(mode="after")
    def _on_ray(self) -> "ParallelConfig":
        if self.collector == "ray" and self.pin_workers:
            raise ValueError("pin_workers: expected false with the ray collector, got true")
        if self.collector != "ray" and self.max_lag:
            raise ValueError(f"max_lag: expected 0 without the ray collector, got {self.max_lag}")
        return self


class EnvironmentConfig(Section):
    """Environments that are not ours: SCHEME:ID, with SCHEME gymnasium, envpool or procgen."""

    id: Annotated[
        str, Fixed("the policy has learnt in this one; a new run may begin with its weights: train.start_from")
    ]
    options: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments of the environment's maker; for procgen distribution_mode, num_levels, start_level, ..."""
    evaluation: dict[str, Any] = Field(default_factory=dict)
    """Options laid over these for evaluation."""
    numbered: dict[str, Any] = Field(default_factory=dict)
    """Options that differ from one environment to the next: a whole number, to which the environment's own number is
    added (0, 1, ... among all of the run; from train.num_envs on in evaluation), or a text with {number} in it."""
    evaluation_envs: Few = 32
    """Environments that evaluation steps side by side, at most."""
    wrappers: tuple[dict[str, dict[str, Any]], ...] = ()
    """Gymnasium wrappers, innermost first, each {module:Class: {keyword: value}}."""
    frame_stack: Annotated[Few, Fixed("the policy has learnt from observations of so many")] = 1
    """Frames that an observation holds, the latest last: channels of an image, blocks of a vector."""
    time_limit: Literal["truncates", "terminates"] = "truncates"
    """Whether an episode that a time limit ends goes on in the value of its last state, or is lost as in Procgen."""
    deterministic_evaluation: bool = True
    """Evaluate the likeliest action rather than a sampled one."""
    max_evaluation_steps: Count = 10_000
    """Of an episode, which counts as it stands then: as one that a time limit ended."""

    @field_validator("numbered")
    @classmethod
    def _numbers(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name, one in value.items():
            if type(one) is not int and not (isinstance(one, str) and "{number}" in one):
                raise ValueError(f"{name}: expected a whole number or a text with {{number}} in it, got {one!r}")
        return value

    @model_validator(mode="after")
    def _apart(self) -> "EnvironmentConfig":
        for name in self.numbered:
            if name in self.options or name in self.evaluation:
                raise ValueError(f"numbered.{name}: expected an option that neither options nor evaluation has too")
        return self

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"id": value}
        if isinstance(value, dict) and isinstance(value.get("wrappers"), list):
            listed = [{one: {}} if isinstance(one, str) else one for one in value["wrappers"]]
            value = {**value, "wrappers": tuple(listed)}
        return value

    @property
    def scheme(self) -> str:
        """What comes before the first colon of the id."""
        return self.id.partition(":")[0]

    @property
    def name(self) -> str:
        """What comes after it."""
        return self.id.partition(":")[2]
