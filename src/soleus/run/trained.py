"""A trained policy, as a run's checkpoint holds it."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soleus.config import HumanRunConfig, RunConfig, load_config
from soleus.errors import UserError
from soleus.exchange.state import as_arrays
from soleus.importing.ready import imported
from soleus.run import checkpoint, inputs
from soleus.run.shipped import name_of


@dataclass(frozen=True, eq=False)
class Trained:
    """A policy and all that acts with it."""

    file: Path
    config: RunConfig
    policy: Mapping[str, Any]
    muscle: Mapping[str, Any] | None
    """Weights of the muscle network; None where no network coordinates the muscles."""
    steps: int
    """Control steps that it has learnt from."""
    model: str | None = None
    """Name or file of another body that it was put on."""

    @property
    def run(self) -> Path:
        """Its run folder."""
        return self.file.parent.parent

    @property
    def called(self) -> str:
        """What a user calls it: the name of a policy that comes with the package, or its run folder."""
        return name_of(self.run) or str(self.run)

    def human(self) -> HumanRunConfig:
        """Return the configuration of a human; raises UserError for a run of other environments."""
        if not isinstance(self.config, HumanRunConfig):
            raise UserError(f"{self.called}: expected a run of a human, got one of '{self.config.subject}'")
        return self.config


def load_trained(
    run: Path,
    which: str = "best",
    model: str | None = None,
    engine: str | None = None,
    at: Mapping[str, float] | None = None,
) -> Trained:
    """Return the policy of a run folder, or of a checkpoint file.

    which: best (or else latest), latest, previous, or the steps of one that was kept; of a run folder alone.
    model: name or file of another body for it, whose engine is seen anew. engine: control.engine in place of the run's
    own. at: values of the run's conditions, in place of drawn ones; the others have their defaults. Warnings say what
    has changed since the run was trained (inputs.check). Raises UserError where there is no such run or checkpoint, or
    where it lacks the muscle network that its control needs.
    """
    if which not in ("best", "latest", "previous") and not which.isdigit():
        raise UserError(f"--checkpoint: expected best, latest, previous or a number of steps, got '{which}'")
    if run.is_file() and which != "best":
        raise UserError(f"--checkpoint: expected none beside a checkpoint file, got {which} and {run}")
    if which != "best" and (name := name_of(run)):
        raise UserError(f"--checkpoint: expected none beside the policy '{name}', which has one, got {which}")
    file = checkpoint.locate(run, f"step-{which}.pt" if which.isdigit() else f"{which}.pt")
    folder = file.parent.parent
    inputs.check(folder, without=("model", "control.paths_file") if model else ())
    inputs.find_modules(folder)
    content = checkpoint.read(file)
    own = load_config(folder / "config.yaml")
    config = _with(own, folder / "config.yaml", model, engine)
    if model:
        _compare(own, config, content["policy"])
    if at is not None:
        config = _at(config, at)
    if isinstance(config, HumanRunConfig) and config.trains_muscle_network and content["muscle"] is None:
        raise UserError(
            f"{file}: expected the weights of the muscle network that coordination.method network needs, got none"
        )
    return Trained(
        file,
        config,
        as_arrays(content["policy"]),
        as_arrays(content["muscle"]) if content["muscle"] else None,
        int(content["counters"]["steps"]),
        model,
    )


def _at(config: RunConfig, values: Mapping[str, float]) -> RunConfig:
    """Return a configuration in which everybody has values of the conditions. Raises UserError for what it has not."""
    if isinstance(config, HumanRunConfig):
        from soleus.conditions import asked  # environments that are not ours take no MuJoCo

        return asked(config, values)
    if values:
        raise UserError(f"--at: expected none for a run of other environments, got {next(iter(values))}")
    return config


def _with(own: RunConfig, file: Path, model: str | None, engine: str | None) -> RunConfig:
    """Return a run's configuration with another body, or another engine. Raises UserError for what is of no human."""
    given = {"model": model, "engine": engine}
    if not isinstance(own, HumanRunConfig):
        for name, value in given.items():
            if value:
                raise UserError(f"--{name}: expected none for a run of other environments, got {value}")
        return own
    if model and not engine and own.control.engine == "lanes":
        engine = "auto"  # the lanes covered the run's own body, and may not cover this one
    given = {"model": model, "control.engine": engine}
    overrides: dict[str, str | None] = {key: value for key, value in given.items() if value}
    if model:
        overrides["control.paths_file"] = None  # those paths were fitted to the run's own body
    config = load_config(file, overrides)
    assert isinstance(config, HumanRunConfig)
    return imported(config) if model else config


def _compare(own: RunConfig, other: RunConfig, policy: Mapping[str, Any]) -> None:
    """Say on the standard error stream what differs between a run's body and another for its policy.

    Raises UserError where the policy cannot act on the other: its joints or muscles differ in order, or its
    observations or actions in number.
    """
    from soleus import models  # environments that are not ours take no MuJoCo

    assert isinstance(own, HumanRunConfig)
    assert isinstance(other, HumanRunConfig)
    bodies = []
    for config in (own, other):
        try:
            bodies.append(models.load(config.model, config.control.sim_hz))
        except UserError:
            if config is other:
                raise
            print(f"note: {own.subject}, the run's own model, is not there to be compared with", file=sys.stderr)
            _check_sizes(other, policy, [])
            return
    if wrong := models.wired_otherwise(*bodies):
        raise UserError(f"--model: expected a body with {wrong}: the policy's actions go by their order")
    found = models.differences(*bodies)
    _check_sizes(other, policy, found)
    found = found or ["the same body"]
    print(f"note: {other.subject} in place of {own.subject}: {'; '.join(found)}", file=sys.stderr)


def _check_sizes(config: HumanRunConfig, policy: Mapping[str, Any], differences: Sequence[str]) -> None:
    """Raise UserError where a body gives other observations or takes other actions than a policy has learnt with."""
    from soleus.sim.scenario import load_scenario
    from soleus.sim.simulation import Simulation

    core = Simulation(load_scenario(config), 1, 1, 0).core
    learnt = len(policy["normalizer.mean"]), len(policy["log_std"])
    if learnt == (core.observation_size, core.action_size):
        return
    said = f"; it is one {'; '.join(differences)}" if differences else ""
    raise UserError(
        f"--model: expected a body with the {learnt[0]} observations and {learnt[1]} actions that the policy has learnt"
        f" with, got {core.observation_size} and {core.action_size} of {config.subject}{said}"
    )
