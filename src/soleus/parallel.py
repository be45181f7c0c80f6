"""Who collects a run and how many: `auto` becomes numbers, from the CPUs in reach."""

from soleus.config import EnvConfig, RunConfig
from soleus.errors import UserError

LEAST_ENVS = 8
"""`auto` gives no worker fewer environments: a network evaluates so many in hardly more time than one."""


def resolve(config: RunConfig, cpus: int) -> tuple[RunConfig, str]:
    """Return the configuration with numbers for every `auto`, and what was picked, in words ("" for humans).

    cpus: that the process may use. The result says how many environments there are in train.num_envs alone. Raises
    UserError where the numbers do not fit.
    """
    if not isinstance(config, EnvConfig):
        return config, ""
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
    try:
        resolved.check_minibatches()
    except ValueError as error:
        raise UserError(str(error)) from None
    return resolved, _describe(resolved, cpus)


def _describe(config: EnvConfig, cpus: int) -> str:
    parallel, envs = config.parallel, config.train.num_envs
    workers, reach = parallel.num_workers, f"{cpus} CPU{'s' * (cpus > 1)} in reach"
    assert isinstance(workers, int)
    if parallel.collector != "workers":
        return f"{parallel.collector}: {envs} environments in this process; {reach}"
    each = f"{envs // workers}" if envs % workers == 0 else f"{envs // workers} or {envs // workers + 1}"
    threads = parallel.threads_per_worker
    return f"workers: {workers} processes of {each} environments, {threads} thread{'s' * (threads > 1)} each; {reach}"
