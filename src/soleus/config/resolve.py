"""Who collects a run and how many: `auto` becomes numbers, from the CPUs in reach."""

from itertools import pairwise

from soleus.config import EnvRunConfig, HumanRunConfig, RunConfig
from soleus.errors import UserError

LEAST_ENVS = 8
"""`auto` gives no worker fewer environments: a network evaluates so many in hardly more time than one."""


def resolve(config: RunConfig, cpus: int) -> tuple[RunConfig, str]:
    """Return the configuration with numbers for every `auto`, and what was picked, in words ("" for humans).

    cpus: that the process may use. The result says how many environments there are in train.num_envs alone. Raises
    UserError where the numbers do not fit.
    """
    if config.parallel.collector == "ray":
        return _resolve_collectors(config), ""
    if isinstance(config, HumanRunConfig):
        return config, ""
    assert isinstance(config, EnvRunConfig)
    parallel, train = config.parallel, config.train
    collector, envs = parallel.collector, train.num_envs
    if parallel.num_workers != "auto":
        workers = parallel.num_workers
    else:
        workers = 1 if collector in ("inline", "stepping") else max(1, cpus // parallel.threads_per_worker)
    if parallel.num_envs_per_worker == "auto":
        envs = max(LEAST_ENVS, -(-envs // workers)) * workers
    elif parallel.num_envs_per_worker is not None:
        envs = parallel.num_envs_per_worker * workers
    if collector == "auto":
        collector = "workers" if workers > 1 else "inline"
    if collector == "workers" and workers > envs:
        if parallel.num_workers != "auto":
            raise UserError(
                f"parallel.num_workers: expected at most one for each of the {envs} environments, got {workers}"
            )
        workers = envs
    resolved = config.model_copy(
        update={
            "train": train.model_copy(update={"num_envs": envs}),
            "parallel": parallel.model_copy(
                update={"collector": collector, "num_workers": workers, "num_envs_per_worker": None}
            ),
        }
    )
    _check_minibatches(resolved)
    return resolved, _describe(resolved, cpus)


def _resolve_collectors(config: RunConfig) -> RunConfig:
    """Return a configuration whose train.num_envs says how many humans or environments all collectors on Ray have.

    How many workers `auto` is depends on the CPUs that Ray has: each collector finds it out.
    """
    parallel, envs = config.parallel, config.train.num_envs
    workers, per_worker, collectors = parallel.num_workers, parallel.num_envs_per_worker, parallel.num_collectors
    each = parallel.envs_per_collector
    if each is None and isinstance(per_worker, int) and isinstance(config, EnvRunConfig):
        if workers == "auto":
            raise UserError(
                "parallel.num_envs_per_worker: expected parallel.envs_per_collector in its place, or a number for"
                f" parallel.num_workers, with the ray collector, got {per_worker}"
            )
        each = per_worker * workers
    if collectors == "auto":
        if each is not None:
            raise UserError(f"parallel.num_collectors: expected a number beside that of {each} for each, got auto")
    else:
        envs = envs if each is None else each * collectors
        if collectors > envs:
            of = f"{envs} {'humans' if isinstance(config, HumanRunConfig) else 'environments'}"
            raise UserError(f"parallel.num_collectors: expected at most one for each of the {of}, got {collectors}")
    numbers = {"envs_per_collector": None, "num_envs_per_worker": None}
    resolved = config.model_copy(
        update={
            "train": config.train.model_copy(update={"num_envs": envs}),
            "parallel": parallel.model_copy(update=numbers),
        }
    )
    _check_minibatches(resolved)
    return resolved


def share_out(envs: int, parts: int) -> list[tuple[int, int]]:
    """Return first environment and number of environments of each part, as even as can be."""
    bounds = [envs * i // parts for i in range(parts + 1)]
    return [(first, last - first) for first, last in pairwise(bounds)]


def _check_minibatches(config: RunConfig) -> None:
    try:
        config.check_minibatches()
    except ValueError as error:
        raise UserError(str(error)) from None


def _describe(config: EnvRunConfig, cpus: int) -> str:
    parallel, envs = config.parallel, config.train.num_envs
    workers, reach = parallel.num_workers, f"{cpus} CPU{'s' * (cpus > 1)} in reach"
    assert isinstance(workers, int)
    if parallel.collector != "workers":
        return f"{parallel.collector}: {envs} environments in this process; {reach}"
    each = f"{envs // workers}" if envs % workers == 0 else f"{envs // workers} or {envs // workers + 1}"
    threads = parallel.threads_per_worker
    return f"workers: {workers} processes of {each} environments, {threads} thread{'s' * (threads > 1)} each; {reach}"
