"""`soleus train`: a preset or a YAML file becomes a run."""

import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from soleus.cli.flags import NO_COLLECTION, CollectionFlags, Text, short_overrides
from soleus.config import RunConfig, load_config, parse_overrides
from soleus.config.fields import is_url
from soleus.errors import UserError

if TYPE_CHECKING:
    from soleus.run.run import Run

RUNS = Path("runs")


def _new_folder(name: str) -> Path:
    """Return a folder in runs/ that is not there yet, after a preset, a file or an environment."""
    word = re.sub(r"[^\w.-]+", "-", name.rpartition(":")[2] if ":" in name else Path(name).stem)
    stem = f"{word}-{time.strftime('%Y%m%d')}"
    number = 1
    while (RUNS / f"{stem}-{number}").exists():
        number += 1
    return RUNS / f"{stem}-{number}"


def _check_collection(given: dict[str, str], config: RunConfig) -> None:
    """Refuse flags that would do nothing: who forgets the collector trains on one machine, on other numbers."""
    for name in ("num_collectors", "envs_per_collector", "ray_address"):
        if name in given and config.parallel.collector != "ray":
            flag = f"--{name}".replace("_", "-")
            raise UserError(f"{flag}: expected --collector ray beside it, got {config.parallel.collector}")


def _report(folder: Path, summary: dict[str, Any]) -> None:
    from soleus.cli.evaluate import describe

    speed = summary["steps_per_s"]["mean"]
    print(f"run: {folder}  ({summary['steps']:,} steps in {summary['seconds']:.0f} s, {speed:,.0f} steps/s)")
    if summary["interrupted"]:
        print(f"stopped early; go on with: soleus train --resume {folder}")
    last, best = summary["evaluation"], summary["best_evaluation"]
    if last:
        at = summary["evaluated_at"]
        print(f"evaluation{'' if at == summary['steps'] else f' after {at:,} steps'}: {describe(last)}")
    if best and best != last:
        print(f"best checkpoint: {describe(best)}")


Folder = Annotated[Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")]


def train(
    preset: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="PRESET", help_behavior_hint="")] = None,
    *,
    steps: Text = None,
    duration: Text = None,
    seed: Text = None,
    run_dir: Folder = None,
    device: Text = None,
    resume: Annotated[str | None, tyro.conf.arg(metavar="RUN", help_behavior_hint="")] = None,
    video_every: Text = None,
    checkpoint_url: Text = None,
    profile: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    collection: CollectionFlags = NO_COLLECTION,
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="KEY=VALUE")] = (),
) -> None:
    """Train a preset or a YAML file, or go on with a run.

    Args:
        preset: Name (see `soleus presets`) or YAML file.
        steps: Stop after so many control steps, those of all humans together: 500000, 5e5, 500k, 2M.
        duration: Stop after so long: 90s, 15m, 2h, 1h30m or 0.5 (hours).
        seed: Runs of the same seed on the same machine repeat exactly.
        run_dir: Folder of the run, or for a run at a URL to go on in; by default a new one in runs/.
        device: Of the learner: cpu or cuda.
        resume: Go on with the run in this folder, or from this checkpoint file; or with one at a URL, fetched first.
        profile: Show and record where the time of each iteration goes, for humans: physics, muscles, ..., learner.
        video_every: Keep a video of the policy in the run folder, so often: 30m, 2h or 90 (seconds).
        checkpoint_url: Put the run's files there too, whenever a checkpoint is written: s3://bucket/walk.
        collection: What is stepped, by whom.
        set: Any key of the configuration: `--set ppo.epochs=4`, or in short `--ppo.epochs 4`.
    """
    if (preset is None and collection.env is None) == (resume is None):
        got = "neither" if resume is None else "both"
        raise UserError(f"expected a preset (see `soleus presets`) or YAML file, or --resume RUN, got {got}")
    if steps is not None and duration is not None:
        raise UserError("expected --steps or --duration, got both")
    overrides = parse_overrides([f"--{setting}" for setting in set])
    if steps is not None or duration is not None:  # the one given stands alone, whatever the preset says
        overrides |= {"train.steps": None, "train.duration": None}
    if profile:
        overrides["train.profile"] = True
    own = {"steps": steps, "duration": duration, "seed": seed, "device": device, "video_every": video_every}
    own["checkpoint_url"] = checkpoint_url
    overrides |= short_overrides({name: value for name, value in own.items() if value is not None} | collection.given)
    folder, summary = _run(preset, resume, run_dir, overrides, collection.given)
    _report(folder, summary)


def _fetch(url: str, run_dir: Path | None) -> Path:
    """Copy a run at a URL, where it goes on to be put, into a new folder; return the checkpoint to go on from."""
    from soleus.machine.files import write_bytes
    from soleus.run.inputs import config_text
    from soleus.run.remote_run import fetch, split

    root, _ = split(url)
    folder = run_dir or _new_folder(root.rpartition("/")[2])
    file = fetch(url, folder)
    config = load_config(folder / "config.yaml", {"train.checkpoint_url": root})
    write_bytes(folder / "config.yaml", config_text(config, folder).encode())
    print(f"fetched {root} into {folder}", flush=True)
    return file


def _built(config: RunConfig, folder: Path, resume: Path | None = None) -> "Run":
    """Return a run (train.build). Until it is there, every signal that asks to end does so as Ctrl-C does."""
    from soleus.machine.stopping import Asked, on_signals
    from soleus.training import build

    asked = False

    def stop() -> None:
        nonlocal asked
        asked = True
        raise Asked

    try:
        with on_signals(stop):
            return build(config, folder, resume=resume)
    except Exception:
        if asked:  # code of other libraries makes an error of their own of an interrupt
            raise KeyboardInterrupt from None
        raise


def _run(
    preset: str | None, resume: str | None, run_dir: Path | None, overrides: dict[str, Any], given: dict[str, str]
) -> tuple[Path, dict[str, Any]]:
    """Train; return the run's folder and its summary."""
    from soleus.run import checkpoint, inputs
    from soleus.run.claim import FolderInUse
    from soleus.training import train as run_training

    if resume is not None:
        if is_url(resume):
            file = _fetch(resume, run_dir)
        elif run_dir is not None:
            raise UserError(f"--run-dir: a resumed run stays in its folder; expected none, got {run_dir}")
        else:
            file = checkpoint.locate(Path(resume))
        folder = file.parent.parent
        try:
            config = load_config(folder / "config.yaml", overrides)
            _check_collection(given, config)
        except UserError:
            if is_url(resume):
                shutil.rmtree(folder, ignore_errors=True)  # it is still there, to be fetched with other flags
            raise
        inputs.check(folder)
        inputs.find_modules(folder)
        return folder, run_training(_built(config, folder, file))
    config = load_config(preset, overrides)
    _check_collection(given, config)
    while True:
        folder = run_dir or _new_folder(preset or config.subject)
        try:
            run = _built(config, folder)
        except FolderInUse:
            if run_dir is not None:
                raise
            continue  # another run has just taken it: there are more numbers
        return folder, run_training(run)
