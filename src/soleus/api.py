"""Soleus in Python: train, load what was learnt, evaluate it. docs/python.md shows how."""

import json
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soleus.config import RunConfig, load_config
from soleus.config.fields import is_url
from soleus.config.keys import SHORT
from soleus.errors import UserError

if TYPE_CHECKING:
    from soleus.run.live import LiveRun
    from soleus.run.policy import Policy
    from soleus.run.trained import Trained
    from soleus.training import Callback

RUNS = Path("runs")
GAIT_EPISODES, GAIT_SECONDS = 4, 20.0
"""Episodes that a gait is first looked at in, and how long each lasts at most, where nothing else is asked for."""


class Run:
    """A run's folder, read.

    folder: of the run. Raises UserError where there is no run.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not (self.folder / "config.yaml").is_file():
            raise UserError(f"{folder}: expected a run folder (with config.yaml), got none")

    def __repr__(self) -> str:
        return f"soleus.Run('{self.folder}')"

    @property
    def config(self) -> RunConfig:
        """The configuration that the run was trained with."""
        return load_config(self.folder / "config.yaml")

    @property
    def summary(self) -> dict[str, Any]:
        """What the run came to: steps, speed, evaluations, versions, the machine. Raises UserError before its end."""
        file = self.folder / "summary.json"
        if not file.is_file():
            raise UserError(f"{file}: expected the summary of a run that has ended, but there is none")
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return found

    @property
    def metrics(self) -> list[dict[str, float]]:
        """The metrics of every iteration and evaluation, each with "time/steps"."""
        from soleus.run.log import read_metrics

        return read_metrics(self.folder)

    def load(self, checkpoint: str = "best") -> "Policy":
        """Return the policy of a checkpoint; as soleus.load."""
        return load(self.folder, checkpoint)


def train(
    preset: str | Path | None = None,
    *,
    steps: int | None = None,
    duration: str | float | None = None,
    run_dir: str | Path | None = None,
    resume: str | Path | None = None,
    callback: "Callback | None" = None,
    **keys: Any,
) -> Run:
    """Train a preset or a YAML file, or go on with a run; return the run.

    steps: control steps, those of all humans or environments together. duration: a time such as "15m". run_dir: of the
    run; by default a new folder in runs/. resume: a run's folder, checkpoint file or URL. callback: called after each
    iteration with its number, from 1, and its metrics; False ends the training (training.Callback). keys: of the
    configuration, by section (`ppo={"epochs": 4}`), by dotted name (`**{"ppo.epochs": 4}`), or by the short
    names of `soleus train --help` (`num_envs=8, seed=1`). Raises UserError naming the key that is wrong.
    """
    if (preset is None and "env" not in keys) == (resume is None):
        raise UserError(
            f"train: expected a preset or YAML file, or resume, got {'neither' if resume is None else 'both'}"
        )
    if steps is not None and duration is not None:
        raise UserError("train: expected steps or duration, got both")
    overrides = _dotted(keys)
    if steps is not None or duration is not None:  # the one given stands alone, whatever the preset says
        overrides |= {"train.steps": steps, "train.duration": duration}
    folder, _ = run_training(
        None if preset is None else str(preset),
        None if resume is None else str(resume),
        None if run_dir is None else Path(run_dir),
        overrides,
        callback=callback,
    )
    return Run(folder)


def load(run: str | Path | Run, checkpoint: str = "best", model: str | None = None) -> "Policy":
    """Return the policy of a run's folder, checkpoint file or URL, or one that comes along, its normaliser inside.

    run: also a name that `soleus policies` lists. checkpoint: best (or else latest), latest, previous, or the steps of
    one that was kept. model: name or file of another body to put it on. Raises UserError where there is no such run or
    checkpoint, or where it is damaged.
    """
    from soleus.run.policy import Policy
    from soleus.run.shipped import find_run
    from soleus.run.trained import load_trained

    return Policy(load_trained(find_run(_place(run)), checkpoint, model))


def evaluate(
    run: str | Path | Run,
    episodes: int = 20,
    *,
    seed: int = 0,
    checkpoint: str = "best",
    model: str | None = None,
    engine: str | None = None,
    num_threads: int | None = None,
    joints: bool = False,
    likeness: bool = False,
    at: Mapping[str, float] | None = None,
    push: str | Sequence[str] = (),
    noise: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what whole episodes under a run's policy come to, on average; see docs for the figures.

    at: values of conditions, by name, the run's others at their defaults; None: all of the run's are drawn, and people
    are pushed as in training. joints: also, under the key joints, how closely each joint follows the motion
    (evaluation.tracking.JointTracking). push: pushes such as "150N,0.2s,left": everybody gets each once, in an episode
    for it, and what becomes of them is under the key pushes (evaluation.pushes.Pushed); nobody is pushed otherwise.
    noise: values of task.noise in place of the run's own, such as {"motor_delay": "10ms"}; {}: none. checkpoint, model:
    as of load(). engine: control.engine in place of the run's own. num_threads: by default the CPUs that this process
    may use. Raises UserError.
    """
    from soleus.evaluation.humans import evaluate as evaluate_policy
    from soleus.exchange.seeds import check_seed
    from soleus.machine import threads
    from soleus.run.shipped import find_run
    from soleus.run.trained import load_trained
    from soleus.sim.simulation import check_count

    episodes, seed = check_count("episodes", episodes), check_seed(seed)
    count = threads.collector_threads(None if num_threads is None else check_count("num_threads", num_threads))
    trained = load_trained(find_run(_place(run)), checkpoint, model, engine, at)
    how = {"episodes": episodes, "seed": seed, "num_threads": count}
    if noise is not None:
        from soleus.evaluation.noise import with_noise

        trained = replace(trained, config=with_noise(trained.human(), noise))
    if push:
        from soleus.evaluation.pushes import without_pushes

        trained = replace(trained, config=without_pushes(trained.human()))
    result: dict[str, Any] = evaluate_policy(trained.config, trained.policy, trained.muscle, **how)
    if push:
        from soleus.evaluation.pushes import push_people

        pushes = [push] if isinstance(push, str) else push
        found = push_people(trained.human(), trained.policy, trained.muscle, pushes, **how)
        result["pushes"] = [asdict(one) for one in found]
    if joints:
        from soleus.evaluation.tracking import tracking

        result["joints"] = [asdict(one) for one in tracking(trained.human(), trained.policy, trained.muscle, **how)]
    if likeness:
        result["likeness"] = _likeness(trained, seed, count)
    return result


def _likeness(trained: "Trained", seed: int, num_threads: int) -> dict[str, Any]:
    """Likeness of a policy's walk as plain data. Raises UserError where it does not walk."""
    from soleus.gait import analyse, gather
    from soleus.sim.trace import Episodes, play

    def one_round(number: int) -> Episodes:
        how: dict[str, Any] = {"episodes": GAIT_EPISODES, "seconds": GAIT_SECONDS, "seed": seed + number}
        return play(trained.human(), trained.policy, trained.muscle, num_threads=num_threads, **how)

    report = analyse(gather(one_round).traces)
    if report.likeness is None:
        raise UserError(
            f"likeness: expected a person who walks, got one who runs, with a stance of {report.stance:.0f} %"
        )
    return report.likeness.as_json()


def _place(run: str | Path | Run) -> str:
    return str(run.folder if isinstance(run, Run) else run)


def _dotted(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by dotted key for sections, dotted and short names."""
    overrides: dict[str, Any] = {}
    for name, value in keys.items():
        if isinstance(value, Mapping):
            overrides |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            overrides[SHORT.get(name, name)] = value
    return overrides


def new_folder(name: str) -> Path:
    """Return a folder in runs/ that is not there yet, after a preset, a file or an environment."""
    word = re.sub(r"[^\w.-]+", "-", name.rpartition(":")[2] if ":" in name else Path(name).stem)
    stem = f"{word}-{time.strftime('%Y%m%d')}"
    number = 1
    while (RUNS / f"{stem}-{number}").exists():
        number += 1
    return RUNS / f"{stem}-{number}"


def _fetch(url: str, run_dir: Path | None) -> Path:
    """Copy a run at a URL, where it goes on to be put, into a new folder; return the checkpoint to go on from."""
    from soleus.machine.files import write_bytes
    from soleus.run.inputs import config_text
    from soleus.run.remote_run import fetch, split

    root, _ = split(url)
    folder = run_dir or new_folder(root.rpartition("/")[2])
    file = fetch(url, folder)
    config = load_config(folder / "config.yaml", {"train.checkpoint_url": root})
    write_bytes(folder / "config.yaml", config_text(config, folder).encode())
    print(f"fetched {root} into {folder}", flush=True)
    return file


def _built(config: RunConfig, folder: Path, resume: Path | None = None) -> "LiveRun":
    """Return a run (training.build). Until it is there, every signal that asks to end does so as Ctrl-C does."""
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


def run_training(
    preset: str | None,
    resume: str | None,
    run_dir: Path | None,
    overrides: Mapping[str, Any],
    check: Callable[[RunConfig], None] = lambda config: None,
    callback: "Callback | None" = None,
) -> tuple[Path, dict[str, Any]]:
    """Train; return the run's folder and its summary.

    overrides: values by dotted key. check: raises UserError for a configuration that the caller refuses.
    """
    from soleus.run import checkpoint, inputs, shipped
    from soleus.run.claim import FolderInUse
    from soleus.training import train as train_run

    if resume is not None:
        if is_url(resume):
            file = _fetch(resume, run_dir)
        elif run_dir is not None:
            raise UserError(f"--run-dir: a resumed run stays in its folder; expected none, got {run_dir}")
        else:
            shipped.check_resumable(resume)
            file = checkpoint.locate(Path(resume))
        folder = file.parent.parent
        try:
            config = load_config(folder / "config.yaml", overrides)
            check(config)
        except UserError:
            if is_url(resume):
                shutil.rmtree(folder, ignore_errors=True)  # it is still there, to be fetched with other flags
            raise
        inputs.check(folder)
        inputs.find_modules(folder)
        return folder, train_run(_built(config, folder, file), callback)
    config = load_config(preset, overrides)
    check(config)
    while True:
        folder = run_dir or new_folder(preset or config.subject)
        try:
            run = _built(config, folder)
        except FolderInUse:
            if run_dir is not None:
                raise
            continue  # another run has just taken it: there are more numbers
        return folder, train_run(run, callback)
