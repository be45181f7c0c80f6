"""`soleus train`: a preset or a YAML file becomes a run."""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from soleus.config import RunConfig, load_config, parse_overrides, takes_no_value
from soleus.errors import UserError

RUNS = Path("runs")

_MAY_CHANGE = frozenset(  # on --resume: how long and with how many threads and processes, not what is learnt
    {
        "train.steps",
        "train.duration",
        "train.num_threads",
        "train.learner_threads",
        "train.pin_threads",
        "train.device",
        "train.eval_interval",
        "train.eval_episodes",
        "train.checkpoint_interval",
        "parallel.collector",
        "parallel.num_workers",
        "parallel.threads_per_worker",
        "parallel.pin_workers",
        "parallel.max_failures",
        "parallel.failure_window",
        "ppo.shards",
    }
)

_SHORT = {  # flags that stand for a key
    **{key: f"train.{key}" for key in ("steps", "duration", "num_envs", "num_threads", "seed", "device")},
    **{key: f"parallel.{key}" for key in ("collector", "num_workers", "num_envs_per_worker", "threads_per_worker")},
    "env": "env",
}
_OWN = {  # flags of a verb that are no keys of the configuration
    "train": {"--help", "--set", "--run-dir", "--resume", *(f"--{key}".replace("_", "-") for key in _SHORT)},
    "bench": {"--help", "--set", "--num-envs", "--num-threads", "--rounds", "--record", "--json"},
}


def gather_settings(verb: str, arguments: Sequence[str]) -> list[str]:
    """Rewrite flags that are keys of the configuration, `--ppo.epochs 4`, as `--set ppo.epochs=4`.

    A flag of neither kind is taken for a key too, so that its error names the nearest one.
    """
    rest, gathered = list(arguments), []
    while rest:
        token = rest.pop(0)
        flag, equals, _ = token.partition("=")
        if not flag.startswith("--") or flag.replace("_", "-") in _OWN[verb]:
            gathered.append(token)
            continue
        if equals:
            setting = token[2:]
        elif rest and not rest[0].startswith("--") and not (takes_no_value(flag) and rest[0] not in ("true", "false")):
            setting = f"{flag[2:]}={rest.pop(0)}"
        else:
            setting = flag[2:]
        gathered += ["--set", setting]
    return gathered


def _new_folder(name: str) -> Path:
    """Return a folder in runs/ that is not there yet, after a preset, a file or an environment."""
    word = re.sub(r"[^\w.-]+", "-", name.rpartition(":")[2] if ":" in name else Path(name).stem)
    stem = f"{word}-{time.strftime('%Y%m%d')}"
    number = 1
    while (RUNS / f"{stem}-{number}").exists():
        number += 1
    return RUNS / f"{stem}-{number}"


def _resumed_config(checkpoint_file: Path, overrides: dict[str, Any]) -> RunConfig:
    for key in overrides:
        if key not in _MAY_CHANGE:
            allowed = ", ".join(sorted(_MAY_CHANGE))
            raise UserError(f"{key}: a resumed run keeps its configuration; expected only {allowed}")
    return load_config(checkpoint_file.parent.parent / "config.yaml", overrides)


def _report(folder: Path, summary: dict[str, Any]) -> None:
    from soleus.cli.evaluate import describe

    speed = summary["steps_per_s"]["mean"]
    print(f"run: {folder}  ({summary['steps']:,} steps in {summary['seconds']:.0f} s, {speed:,.0f} steps/s)")
    if summary["interrupted"]:
        print(f"stopped early; go on with: soleus train --resume {folder}")
    last, best = summary["evaluation"], summary["best_evaluation"]
    if last:
        print(f"evaluation: {describe(last)}")
    if best and best != last:
        print(f"best checkpoint: {describe(best)}")


Text = Annotated[str | None, tyro.conf.arg(metavar="VALUE", help_behavior_hint="")]
Folder = Annotated[Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")]


def train(
    preset: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="PRESET", help_behavior_hint="")] = None,
    *,
    steps: Text = None,
    duration: Text = None,
    num_envs: Text = None,
    num_threads: Text = None,
    seed: Text = None,
    run_dir: Folder = None,
    device: Text = None,
    env: Text = None,
    collector: Text = None,
    num_workers: Text = None,
    num_envs_per_worker: Text = None,
    threads_per_worker: Text = None,
    resume: Folder = None,
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="KEY=VALUE")] = (),
) -> None:
    """Train a preset or a YAML file, or go on with a run.

    Args:
        preset: Name (see `soleus presets`) or YAML file.
        steps: Stop after so many control steps, those of all humans together.
        duration: Stop after so long: 90s, 15m, 2h or 0.5 (hours).
        num_envs: Humans or environments at once.
        num_threads: By default the CPUs that this process may use.
        seed: Runs of the same seed on the same machine repeat exactly.
        run_dir: Folder of the run; by default a new one in runs/.
        device: Of the learner: cpu or cuda.
        env: gymnasium:ID, envpool:ID or procgen:GAME; without a preset, on defaults for such.
        collector: native (humans), workers (processes), inline (this process) or stepping (a VectorEnv).
        num_workers: Processes that collect; auto: as many as the CPUs in reach.
        num_envs_per_worker: Environments of each; by default those of the configuration shared out.
        threads_per_worker: Threads that each computes with.
        resume: Go on with the run in this folder, or from this checkpoint file.
        set: Any key of the configuration: `--set ppo.epochs=4`, or in short `--ppo.epochs 4`.
    """
    if (preset is None and env is None) == (resume is None):
        got = "neither" if resume is None else "both"
        raise UserError(f"expected a preset (see `soleus presets`) or YAML file, or --resume RUN, got {got}")
    if steps is not None and duration is not None:
        raise UserError("expected --steps or --duration, got both")
    overrides = parse_overrides([f"--{setting}" for setting in set])
    given = {key: value for key, value in locals().items() if key in _SHORT and value is not None}
    if given.keys() & {"steps", "duration"}:  # the one given stands alone, whatever the preset says
        overrides |= {"train.steps": None, "train.duration": None}
    overrides |= parse_overrides([f"--{_SHORT[key]}={value}" for key, value in given.items()])
    folder, summary = _run(preset, resume, run_dir, overrides)
    _report(folder, summary)


def _run(
    preset: str | None, resume: Path | None, run_dir: Path | None, overrides: dict[str, Any]
) -> tuple[Path, dict[str, Any]]:
    """Train; return the run's folder and its summary."""
    from soleus import checkpoint
    from soleus.train import build
    from soleus.train import train as run_training

    if resume is not None:
        if run_dir is not None:
            raise UserError(f"--run-dir: a resumed run stays in its folder; expected none, got {run_dir}")
        file = checkpoint.locate(resume)
        folder = file.parent.parent
        return folder, run_training(build(_resumed_config(file, overrides), folder, resume=file))
    config = load_config(preset, overrides)
    folder = run_dir or _new_folder(preset or config.subject)
    return folder, run_training(build(config, folder))
