"""Who collects the rollouts of a run, and how many: the section `parallel`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from soleus.config.fields import Count, Duration, Envs, Few, Mark, MaybeDuration, Section


class ParallelConfig(Section):
    """Who collects, and how many. A collector changes how fast a round comes in, not what is learnt from it."""

    collector: Annotated[Literal["auto", "native", "ray", "workers", "inline", "stepping"], Mark.SHORT] = "auto"
    """auto: native for humans; for environments workers, or inline where there is to be one worker."""
    num_workers: Annotated[Few | Literal["auto"], Mark.SHORT] = "auto"
    """Of each collector, where they are on Ray. auto: the CPUs in reach over threads_per_worker."""
    num_envs_per_worker: Annotated[Envs | Literal["auto"] | None, Mark.SHORT] = None
    """null: train.num_envs shared out; auto: at least 8 and at least train.num_envs in all."""
    threads_per_worker: Annotated[Few, Mark.SHORT] = 1
    pin_workers: bool = False
    """Bind each worker to CPUs of its own among those in reach."""
    max_failures: Count = 3
    failure_window: Duration = Field(default=600.0, validate_default=False)
    """[s] So many failures of workers, or of collectors on Ray, within this time end the run."""
    ray_address: Annotated[str, Mark.SHORT] = Field(default="auto", min_length=1)
    """auto: the cluster that this machine is part of, or else as local; local: this machine alone, on a Ray started for
    the run; HOST:PORT or ray://HOST:PORT: that cluster."""
    num_collectors: Annotated[Few | Literal["auto"], Mark.SHORT] = "auto"
    """Collectors on Ray, each of a part of the humans or environments. auto: as many as machines."""
    envs_per_collector: Annotated[Envs | None, Mark.SHORT] = None
    """Humans or environments of each; null: train.num_envs shared out."""
    cpus_per_collector: Few | None = None
    """CPUs that Ray keeps for each, and its threads; null: those of its num_workers, or as many as let all collectors
    run on the cluster's CPUs."""
    round_timeout: Duration = Field(default=600.0, validate_default=False)
    """[s] A worker of whose environments none has returned for so long counts as a failure, as does a collector on Ray
    that has not answered; environments stepped by the main process end the run."""
    straggler_deadline: MaybeDuration = None
    """[s] That collectors on Ray have once the first one has answered; what comes later is left out. null: no limit."""
    max_lag: Annotated[Literal[0, 1], Mark.SHORT] = 0
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
