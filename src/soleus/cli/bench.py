"""`soleus bench`: the project's claims, measured again."""

import io
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from soleus.cli.arguments import NO_COLLECTION, Collection, CollectionFlags, short_overrides
from soleus.config import EnvRunConfig, HumanRunConfig, RunConfig, load_config, parse_overrides
from soleus.errors import UserError

Bench = Literal["rollout", "learn", "network", "body", "init", "sync", "train", "scaling", "images", "conditions"]

_DEFAULT_PRESET = {
    "sync": "walk2d",
    "network": "walk-myolegs-network",
    "body": "walk-myolegs",
    "init": "walk-myolegs-network",
    "scaling": "procgen-coinrun",
    "conditions": "walk2d-conditions",
}
_DEFAULT_HUMANS = {"sync": 64}
_AS_TRAINED = ("learn", "train", "conditions")  # with as many humans as the preset trains
_OF_SWEEP = {"collector": "it goes through inline and workers", "num_workers": "they are those of --workers"}

File = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]


def bench(
    what: tyro.conf.Positional[Bench],
    preset: Annotated[
        str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[PRESET]", help_behavior_hint="")
    ] = None,
    *,
    rounds: int = 5,
    workers: Annotated[str | None, tyro.conf.arg(metavar="1,2,4", help_behavior_hint="")] = None,
    collectors: Annotated[str | None, tyro.conf.arg(metavar="1,2,4", help_behavior_hint="")] = None,
    plot: File = None,
    collection: CollectionFlags = NO_COLLECTION,
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="KEY=VALUE")] = (),
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    record: File = None,
) -> None:
    """Measure how fast this machine is at rollouts, networks, set-up, stepping, training and parallel collection.

    Args:
        what: What to measure. rollout: whole rollouts against MuJoCo alone. learn: the learner's updates, the core's
            against torch's. network: the core's networks against torch. body: one human's muscles and stable PD. init:
            making humans and swapping weights. sync: BatchEnv.step against a loop of its substeps. train: rollouts and
            learning together. scaling: one process against several, with as many environments in all. images: the
            networks on images against torch's. conditions: rollouts with conditions against rollouts without.
        preset: Name of a preset, or a YAML file; each benchmark has a default of its own.
        rounds: Rounds, over which medians are taken.
        workers: For scaling: numbers of worker processes; by default 1, 2, 4, ... up to the CPUs that may be used.
        collectors: For scaling --collector ray, of humans: numbers of collectors on Ray; by default 1 and 2.
        plot: Draw the result to this PNG file.
        collection: What is stepped, and by which collector; by default 32 humans, 64 for sync, for learn and train as
            many as the preset has.
        set: Set any key of the configuration: `--set control.mode=torque`, or for short `--control.mode torque`.
        json: Print the result as JSON.
        record: Write the result to this Markdown file, in place of the last result of the same command.
    """
    if rounds < 1:
        raise UserError(f"--rounds: expected 1 or more, got {rounds}")
    config = _configured(what, preset, collection, set)
    if what == "scaling" and config.parallel.collector == "ray":
        counts: list[int] | None = _counts_on_ray(workers, collectors, plot)
    elif collectors is not None:
        raise UserError(f"--collectors: expected it for bench scaling --collector ray alone, got {collectors}")
    else:
        counts = _counts(what, workers, collection.given)
    for name, file, kind in (("--record", record, "Markdown"), ("--plot", plot, "PNG")):
        if file:
            _check_file(name, file, kind)
    result = {
        "bench": what,
        "command": " ".join(["soleus", *(argument for argument in sys.argv[1:] if argument != "--json")]),
        "machine": _machine(),
        "results": _scaling(config, counts, rounds) if what == "scaling" else _measure(what, config, rounds),
    }
    from soleus.run.summary import as_json

    print(as_json(result) if json else _text(result))
    if plot:
        _draw(plot, result)
    if record:
        _write(record, result, plot)


def _counts(what: Bench, workers: str | None, given: dict[str, str]) -> list[int] | None:
    """Return the numbers of workers of a sweep, in order, or None for the default; refuse what is another's."""
    if what != "scaling":
        if workers is not None:
            raise UserError(f"--workers: expected it for bench scaling alone, got it for bench {what}")
        return None
    for name, why in _OF_SWEEP.items():
        if name in given:
            flag = f"--{name}".replace("_", "-")
            raise UserError(f"{flag}: expected none for bench scaling ({why}), got {given[name]}")
    return None if workers is None else _numbers("--workers", workers)


def _counts_on_ray(workers: str | None, collectors: str | None, plot: Path | None) -> list[int]:
    """Return the numbers of collectors of a sweep on Ray; refuse what is of sweeps over workers."""
    for flag, given in (("--workers", workers), ("--plot", plot)):
        if given is not None:
            raise UserError(f"{flag}: expected none for bench scaling --collector ray, got {given}")
    return _numbers("--collectors", collectors or "1,2")


def _numbers(flag: str, given: str) -> list[int]:
    if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", given):
        raise UserError(f"{flag}: expected numbers such as 1,2,4, got '{given}'")
    return sorted({int(count) for count in given.split(",")})


def _configured(what: Bench, preset: str | None, collection: Collection, settings: tuple[str, ...]) -> RunConfig:
    given = collection.given
    overrides = parse_overrides([f"--{one}" for one in settings]) | short_overrides(given)
    if what == "scaling" and collection.collector == "ray":
        preset = preset or "walk-myolegs"
    name = preset or (None if "env" in given else _DEFAULT_PRESET.get(what, "walk-myolegs"))
    config = load_config(name, overrides)
    if isinstance(config, HumanRunConfig) and what not in _AS_TRAINED:  # environments keep their preset's number too
        config = load_config(name, {"train.num_envs": _DEFAULT_HUMANS.get(what, 32), **overrides})
    return config


def _machine() -> dict[str, Any]:
    from soleus.run.summary import machine, versions

    return {**machine(), "versions": versions()}


def _scaling(config: RunConfig, workers: list[int] | None, rounds: int) -> dict[str, Any]:
    from soleus.bench.scaling import bench_scaling, default_workers
    from soleus.machine.cpus import available_cpus

    if config.parallel.collector == "ray":
        if not isinstance(config, HumanRunConfig):
            raise UserError(
                f"bench scaling --collector ray: expected a preset with a model, got one of '{config.subject}'"
            )
        from soleus.bench.scaling_ray import bench_scaling_ray

        return bench_scaling_ray(config, workers or [1, 2], rounds)
    if not isinstance(config, EnvRunConfig):
        raise UserError(f"bench scaling: expected a preset with env, or --env, got one of the model '{config.subject}'")
    return bench_scaling(config, workers or default_workers(available_cpus()), rounds)


def _measure(what: Bench, config: RunConfig, rounds: int) -> dict[str, Any]:
    humans, num_threads = config.train.num_envs, config.train.num_threads
    if what == "train":
        from soleus.bench.train import bench_train

        return bench_train(config, rounds)
    if what == "images":
        from soleus.bench.images import bench_images

        return bench_images(rounds, num_threads)
    if what == "learn":
        from soleus.bench.learn import bench_learn

        return bench_learn(config, rounds)
    if not isinstance(config, HumanRunConfig):
        raise UserError(f"bench {what}: expected a preset with a model, got one of '{config.subject}'")
    if what == "conditions":
        from soleus.bench.conditions import bench_conditions

        return bench_conditions(config, rounds)
    if what == "rollout":
        from soleus.bench.rollout import bench_rollout

        return bench_rollout(config, humans, num_threads, rounds)
    if what == "network":
        from soleus.bench.network import bench_network

        return bench_network(config, rounds)
    if what == "body":
        from soleus.bench.body import bench_body

        return bench_body(config, rounds)
    if what == "init":
        from soleus.bench.init import bench_init

        return bench_init(config, humans, num_threads, rounds)
    from soleus.bench.sync import bench_sync

    return bench_sync(config, humans, num_threads, rounds)


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_figure(inner)}" for key, inner in value.items())
    return str(value)


def _facts(result: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result["results"].items() if key != "entries"}


def _text(result: dict[str, Any]) -> str:
    from soleus.bench.scaling_table import as_table

    facts = "\n".join(f"{key:>20}  {_figure(value)}" for key, value in _facts(result).items())
    entries = result["results"].get("entries")
    return f"{facts}\n\n{as_table(entries)}" if entries else facts


def _check_file(flag: str, file: Path, kind: str) -> None:
    """Raise UserError where a file could not be written, before anything is measured."""
    try:
        if kind == "Markdown" and file.exists():
            file.read_text(encoding="utf-8")
        possible = not file.is_dir() and os.access(file.parent, os.W_OK | os.X_OK)
    except (OSError, UnicodeDecodeError):
        possible = False
    if not possible or (kind == "PNG" and file.suffix.lower() != ".png"):
        raise UserError(f"{flag}: expected a {kind} file in a folder that can be written to, got {file}")


def _draw(file: Path, result: dict[str, Any]) -> None:
    from soleus.bench.picture import draw
    from soleus.machine.files import write_bytes

    picture = io.BytesIO()
    draw(result["bench"], result["results"]).savefig(picture, format="png", dpi=120)
    write_bytes(file, picture.getbuffer())


def _write(file: Path, result: dict[str, Any], picture: Path | None) -> None:
    """Put the result into its section of a Markdown file, which the command names."""
    from soleus.bench.record import write_section
    from soleus.bench.scaling_table import as_markdown

    command = re.sub(r" --(record|plot)(=| )\S+", "", result["command"])
    rows = "\n".join(f"| {key} | {_figure(value)} |" for key, value in _facts(result).items())
    more = ""
    if "entries" in result["results"]:
        more = f"\n{as_markdown(result['results']['entries'])}"
    if picture:
        more += f"\n![{result['bench']}]({os.path.relpath(picture, file.parent)})\n"
    write_section(file, command, f"| figure | value |\n| --- | --- |\n{rows}\n{more}")
