"""`soleus report`: how a run's policy walks."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from soleus.cli.arguments import At, OtherModel, RunText, Seconds, Which, conditions_of
from soleus.config.fields import is_url
from soleus.errors import UserError

if TYPE_CHECKING:
    from soleus.gait import Report
    from soleus.gait.gathering import Episodes


def player_of(
    run: str,
    checkpoint: str,
    episodes: int,
    seconds: float,
    seed: int,
    num_threads: int | None,
    model: str | None = None,
    at: Mapping[str, float] | None = None,
) -> tuple[dict[str, Any], "Callable[[int], Episodes]"]:
    """Return what is known of a run, and what plays a round of its episodes. Raises UserError where there is none."""
    from soleus.machine import threads
    from soleus.run.remote_run import local_copy
    from soleus.run.trained import load_trained
    from soleus.sim.trace import play

    trained = load_trained(local_copy(run), checkpoint, model, at={} if at is None else at)
    config = trained.human()
    known = {
        "name": trained.run.resolve().name + (f" on {Path(model).stem}" if model else ""),
        "folder": str(trained.run),
        "checkpoint": trained.file.name,
        "steps": trained.steps,
    }

    def one_round(number: int) -> "Episodes":
        return play(
            config,
            trained.policy,
            trained.muscle,
            episodes=episodes,
            seconds=seconds,
            seed=seed + number,
            num_threads=threads.collector_threads(num_threads),
        )

    return known, one_round


def describe(report: "Report") -> str:
    """Return a report in three lines."""
    means = {key: measure.mean for key, measure in report.measures.items()}

    def said(key: str, digits: int) -> str:
        return "-" if means[key] is None else f"{means[key]:.{digits}f}"

    walk = f"{said('speed', 2)} m/s, {said('cadence', 0)} steps/min, steps of {said('step_length', 2)} m"
    cost = f"cost of transport {said('cost_of_transport', 2)} J/kg/m"
    residual = "-" if report.torque_residual is None else f"{report.torque_residual:.3f}"
    return f"{walk}, stance {said('stance_share', 0)} %\n{cost}, torque residual {residual}\n{report.note}"


def report(
    run: RunText,
    *,
    checkpoint: Which = "best",
    model: OtherModel = None,
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None,
    episodes: int = 4,
    seconds: Seconds = 20.0,
    seed: int = 0,
    num_threads: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
    at: At = (),
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> None:
    """Let a run's policy walk and write a report of its gait: an HTML page, its pictures and its numbers.

    Args:
        run: Run folder or checkpoint file, on this machine or at a URL.
        checkpoint: Checkpoint of the run: the best (or else the latest), the latest, the one before, or that of a step.
        model: Put the policy on another body, by a model's name or MJCF file, and say what differs from the run's own.
        out: Folder for the files, made if need be; by default gait-report in the run folder, unless RUN is a URL.
        episodes: Episodes to start with; more follow until each foot has 20 strides, up to five times as many.
        seconds: Longest episode [s].
        seed: Seed of where the episodes start.
        num_threads: Threads to step on; by default as many as the CPUs that this process may use.
        at: Value of a condition, NAME=VALUE, such as speed=1.2 or slope=5deg; others have their defaults.
        json: Print the numbers as JSON.
    """
    if episodes < 1:
        raise UserError(f"--episodes: expected 1 or more, got {episodes}")
    if not 2 <= seconds <= 600:
        raise UserError(f"--seconds: expected 2 to 600, got {seconds:g}")
    if not 0 <= seed < 2**62:
        raise UserError(f"--seed: expected 0 or more and less than 2**62, got {seed}")
    if num_threads is not None and num_threads < 1:
        raise UserError(f"--num-threads: expected 1 or more, got {num_threads}")
    if out is None and is_url(run):
        raise UserError(f"--out: expected a folder for the report of a run at a URL, got none beside {run}")
    if model is not None and out is None:
        raise UserError(
            f"--out: expected a folder for the report of another body than the run's, got none beside {model}"
        )
    known, play = player_of(run, checkpoint, episodes, seconds, seed, num_threads, model, conditions_of(at))
    from soleus import gait
    from soleus.compare import read_runs
    from soleus.run.summary import as_json

    record = read_runs([Path(known["folder"])])[0]
    folder = out if out is not None else Path(known["folder"]) / "gait-report"
    if is_url(run):
        known["folder"] = run  # where it was fetched to is gone soon
    gait.check_folder(folder)
    gathered = gait.gather(play)
    found = gait.analyse(gathered.traces, torque_residual=gathered.torque_residual)
    files = gait.write_report(found, folder, known, record)
    if json:
        print(as_json({**gait.content_of(found, known), "files": [str(file) for file in files]}))
        return
    print(describe(found))
    for file in files:
        print(file)
