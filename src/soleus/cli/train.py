"""`soleus train`: a preset or a YAML file becomes a run."""

from pathlib import Path
from typing import Annotated, Any

import tyro

from soleus.cli.arguments import NO_COLLECTION, CollectionFlags, Text, short_overrides
from soleus.config import RunConfig, parse_overrides
from soleus.errors import UserError


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
    preset: Annotated[
        str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[PRESET]", help_behavior_hint="")
    ] = None,
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
        preset: Name of a preset (see `soleus presets`), or a YAML file.
        steps: Stop after so many control steps of all humans or environments together: 500000, 5e5, 500k, 2M.
        duration: Stop after so long: 90s, 15m, 2h, 1h30m or 0.5 (hours).
        seed: Seed of all random numbers: runs with the same seed on the same machine are the same.
        run_dir: Folder for the run, or with --resume URL for the copy of it; by default a new one in runs/.
        device: Device that the learner computes on: cpu or cuda.
        resume: Go on with the run in this folder, from this checkpoint file, or from a copy of the run at this URL.
        profile: Show and record what the time of each iteration is spent on: physics, muscles, ... For humans only.
        video_every: Make a video in the run folder every so often: 30m, 2h or 90 (seconds). For humans only.
        checkpoint_url: Copy the run's files to this URL with every checkpoint: s3://bucket/walk.
        collection: What is stepped, and by which collector.
        set: Set any key of the configuration: `--set ppo.epochs=4`, or for short `--ppo.epochs 4`.
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
    from soleus.api import run_training

    folder, summary = run_training(
        preset, resume, run_dir, overrides, check=lambda config: _check_collection(collection.given, config)
    )
    _report(folder, summary)
