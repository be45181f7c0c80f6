"""Who collects the rollouts of a run, and how many: the section `parallel`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from soleus.config.fields import Count, Duration, Envs, Few, Mark, MaybeDuration, Section


class ParallelConfig(Section):
    """Who collects the rollouts, with how many threads, processes or machines. The choice changes how fast a round is
    collected, not what is learnt from it."""

    collector: Annotated[Literal["auto", "native", "ray", "workers", "inline", "stepping"], Mark.SHORT] = "auto"
    """auto: humans have native; environments have workers, or inline where there would be only one worker."""
    num_workers: Annotated[Few | Literal["auto"], Mark.SHORT] = "auto"
    """Processes that collect; with collectors on Ray, the processes of each. auto: the CPUs that the run may use, over
    threads_per_worker."""
    num_envs_per_worker: Annotated[Envs | Literal["auto"] | None, Mark.SHORT] = None
    """Environments of each worker. null: train.num_envs shared out among the workers; auto: at least 8 each, and at
    least train.num_envs in all."""
    threads_per_worker: Annotated[Few, Mark.SHORT] = 1
    """Threads that each worker computes with."""
    pin_workers: bool = False
    """Bind each worker to CPUs of its own among those that the run may use."""
    max_failures: Count = 3
    """So many failures of workers, or of collectors on Ray, within failure_window end the run."""
    failure_window: Duration = Field(default=600.0, validate_default=False)
    """[s] Time within which failures are counted together."""
    ray_address: Annotated[str, Mark.SHORT] = Field(default="auto", min_length=1)
    """The Ray cluster to collect on. auto: the cluster that this machine belongs to, and as local where it belongs to
    none; local: Ray is started on this machine alone for the run; HOST:PORT or ray://HOST:PORT: the cluster there."""
    num_collectors: Annotated[Few | Literal["auto"], Mark.SHORT] = "auto"
    """Collectors on Ray; each has a part of the humans or environments. auto: one a machine of the cluster."""
    envs_per_collector: Annotated[Envs | None, Mark.SHORT] = None
    """Humans or environments of each collector on Ray; null: train.num_envs shared out among them."""
    cpus_per_collector: Few | None = None
    """CPUs that Ray reserves for each collector; one of humans has as many threads. null: as many as its num_workers
    need, or as many as allow all collectors to run on the cluster."""
    round_timeout: Duration = Field(default=600.0, validate_default=False)
    """[s] A worker counts as failed when none of its environments has returned for so long, and a collector on Ray when
    it has not answered for so long. Where the main process steps the environments, the run ends then."""
    straggler_deadline: MaybeDuration = None
    """[s] Once the first collector on Ray has answered, the others have so long; the round goes on without those that
    are later. null: no limit."""
    max_lag: Annotated[Literal[0, 1], Mark.SHORT] = 0
    """For collectors on Ray. 1: while the learner learns from one round, the next is collected with weights that are
    one update older, and the learner corrects for that; 0: collecting and learning take turns."""
    vectorization: Literal["sync", "async"] = "sync"
    """Which VectorEnv of Gymnasium's the stepping collector makes: SyncVectorEnv or AsyncVectorEnv."""

    @model_validator(mode="after")
    def _on_ray(self) -> "ParallelConfig":
        if self.collector == "ray" and self.pin_workers:
            raise ValueError("pin_workers: expected false with the ray collector, got true")
        if self.collector != "ray" and self.max_lag:
            raise ValueError(f"max_lag: expected 0 without the ray collector, got {self.max_lag}")
        return self
