"""`soleus bench`: the project's claims, measured again."""

import json as json_format
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from soleus.config import Config, load_config, parse_overrides
from soleus.errors import UserError

Bench = Literal["rollout", "network", "init", "sync", "train", "images"]

_DEFAULT_PRESET = {"sync": "walk2d", "network": "walk-myolegs-network", "init": "walk-myolegs-network"}
_DEFAULT_HUMANS = {"sync": 64}


def bench(
    what: tyro.conf.Positional[Bench],
    preset: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="PRESET", help_behavior_hint="")] = None,
    *,
    num_envs: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
    num_threads: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
    rounds: int = 5,
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="KEY=VALUE")] = (),
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    record: Annotated[Path | None, tyro.conf.arg(metavar="FILE.md", help_behavior_hint="")] = None,
) -> None:
    """Measure this machine: whole rollouts, networks, set-up, stepping, training.

    Args:
        what: rollout: against bare MuJoCo. network: against torch. init: building humans, swapping weights.
            sync: BatchEnv.step against its substeps. train: rollout and learning together. images: the networks on
            images against plain torch.
        preset: Name or YAML file; each benchmark has a default of its own.
        num_envs: Humans at once; 32, and 64 for sync.
        num_threads: By default the CPUs that this process may use.
        rounds: Rounds to take medians over.
        set: Any key of the configuration: `--set control.mode=torque`, or in short `--control.mode torque`.
        json: Print one JSON object.
        record: Write the result into a Markdown file, over the last one of the same command.
    """
    if rounds < 1:
        raise UserError(f"--rounds: expected 1 or more, got {rounds}")
    if record:
        _check_record(record)
    overrides = {"train.num_envs": _DEFAULT_HUMANS.get(what, 32), **parse_overrides([f"--{one}" for one in set])}
    given = {"train.num_envs": num_envs, "train.num_threads": num_threads}
    overrides |= {key: value for key, value in given.items() if value is not None}
    config = load_config(preset or _DEFAULT_PRESET.get(what, "walk-myolegs"), overrides)
    result = {
        "bench": what,
        "command": " ".join(["soleus", *(argument for argument in sys.argv[1:] if argument != "--json")]),
        "machine": _machine(),
        "results": _measure(what, config, rounds),
    }
    print(json_format.dumps(result) if json else _text(result))
    if record:
        _write(record, result)


def _machine() -> dict[str, Any]:
    from soleus.summary import machine, versions

    return {**machine(), "versions": versions()}


def _measure(what: Bench, config: Config, rounds: int) -> dict[str, Any]:
    from soleus import bench as benches

    humans, num_threads = config.train.num_envs, config.train.num_threads
    if what == "rollout":
        return benches.bench_rollout(config, humans, num_threads, rounds)
    if what == "network":
        return benches.bench_network(config, rounds)
    if what == "init":
        return benches.bench_init(config, humans, num_threads, rounds)
    if what == "sync":
        return benches.bench_sync(config, humans, num_threads, rounds)
    if what == "images":
        return benches.bench_images(rounds, num_threads)
    return benches.bench_train(config, rounds)


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_figure(inner)}" for key, inner in value.items())
    return str(value)


def _text(result: dict[str, Any]) -> str:
    return "\n".join(f"{key:>20}  {_figure(value)}" for key, value in result["results"].items())


def _check_record(file: Path) -> None:
    """Raise UserError where a record could not be written, before anything is measured."""
    try:
        if file.exists():
            file.read_text(encoding="utf-8")
        possible = os.access(file.parent, os.W_OK | os.X_OK)
    except (OSError, UnicodeDecodeError):
        possible = False
    if not possible:
        raise UserError(f"--record: expected a Markdown file in a folder that can be written to, got {file}")


def _write(file: Path, result: dict[str, Any]) -> None:
    """Put the result into its section of a Markdown file, which the command names."""
    from soleus.checkpoint import write_bytes

    machine = result["machine"]
    command = re.sub(r" --record(=| )\S+", "", result["command"])
    rows = "\n".join(f"| {key} | {_figure(value)} |" for key, value in result["results"].items())
    section = (
        f"## `{command}`\n\n{machine['processor']}, {machine['cpus']} CPUs, "
        f"MuJoCo {machine['versions'].get('mujoco', '?')}, torch {machine['versions'].get('torch', '?')}\n\n"
        f"| figure | value |\n| --- | --- |\n{rows}\n"
    )
    text = file.read_text(encoding="utf-8") if file.is_file() else "# Benchmarks\n"
    head, *old = re.split(r"(?m)^(?=## `)", text)
    kept = [part for part in old if not part.startswith(f"## `{command}`\n")]
    text = head.rstrip() + "\n\n" + "\n".join(part.rstrip() + "\n" for part in [*kept, section])
    write_bytes(file, text.encode())
