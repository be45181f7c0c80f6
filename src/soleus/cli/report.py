"""`soleus report`: how a run's policy walks."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from soleus.api import GAIT_EPISODES, GAIT_SECONDS
from soleus.cli.arguments import At, OtherModel, Seconds, Which, check_playing, conditions_of
from soleus.config.fields import is_url
from soleus.errors import UserError

if TYPE_CHECKING:
    from soleus.gait import Report
    from soleus.gait.gathering import Episodes


RecordedFile = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]


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
    from soleus.run.shipped import find_run
    from soleus.run.trained import load_trained
    from soleus.sim.trace import play

    trained = load_trained(find_run(run), checkpoint, model, at={} if at is None else at)
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
    alike = "" if report.likeness is None else f"likeness {report.likeness.figure:.2f}, "
    return f"{walk}, stance {said('stance_share', 0)} %\n{cost}, {alike}torque residual {residual}\n{report.note}"


def check_flags(episodes: int, seconds: float, seed: int, num_threads: int | None) -> None:
    """Raise UserError for what no episodes can be played with."""
    if episodes < 1:
        raise UserError(f"--episodes: expected 1 or more, got {episodes}")
    if not 2 <= seconds <= 600:
        raise UserError(f"--seconds: expected 2 to 600, got {seconds:g}")
    check_playing(seed, num_threads, seed_bits=62)


def _subjects(runs: Sequence[str], at: Sequence[str]) -> list[tuple[str, str]]:
    """Return run and conditions of each gait that is asked for. Raises UserError for none, and for one that comes
    twice."""
    if not runs:
        raise UserError("expected one run folder or more to report on, got none; see soleus report --help")
    if twice := next((asked for asked in at if at.count(asked) > 1), None):
        raise UserError(f"--at: expected every gait once, got '{twice}' twice")
    return [(run, asked) for run in runs for asked in at or ("default",)]


def _folder_of(subjects: Sequence[tuple[str, str]], out: Path | None, model: str | None) -> Path | None:
    """Return where the files go, None for the run's own folder. Raises UserError where that has to be said."""
    run = subjects[0][0]
    if out is None and len(subjects) > 1:
        raise UserError(f"--out: expected a folder for the report of {len(subjects)} gaits, got none")
    if out is None and is_url(run):
        raise UserError(f"--out: expected a folder for the report of a run at a URL, got none beside {run}")
    if out is None and model is not None:
        raise UserError(
            f"--out: expected a folder for the report of another body than the run's, got none beside {model}"
        )
    return out


def _labels(runs: Sequence[str], at: Sequence[str]) -> list[str]:
    """Return a name for each gait, the conditions of each run in turn: what is different is said."""
    from soleus.compare.reading import names_of

    names = names_of([Path(run) for run in runs])
    if len(at) < 2:
        return names
    return list(at) if len(runs) == 1 else [f"{name} at {asked}" for name in names for asked in at]


def report(
    runs: Annotated[
        tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN [RUN ...]", help_behavior_hint="")
    ],
    *,
    checkpoint: Which = "best",
    model: OtherModel = None,
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None,
    episodes: int = GAIT_EPISODES,
    seconds: Seconds = GAIT_SECONDS,
    seed: int = 0,
    num_threads: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
    at: At = (),
    against: RecordedFile = None,
    forces: RecordedFile = None,
    emg: RecordedFile = None,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> None:
    """Let a run's policy walk and write a report of its gait: an HTML page, its pictures and its numbers.

    Several gaits, of several runs or of a run at several conditions, are laid over one another, and the others are
    compared with the first.

    Args:
        runs: Run folders, checkpoint files, URLs of either, or policies that come along, by name (soleus policies).
        checkpoint: Checkpoint of the run: the best (or else the latest), the latest, the one before, or that of a step.
        model: Put the policy on another body, by a model's name or MJCF file, and say what differs from the run's own.
        out: Folder for the files, made if need be; by default gait-report in the run folder, of a single run here.
        episodes: Episodes to start with; more follow until each foot has 20 strides, up to five times as many.
        seconds: Longest episode [s].
        seed: Seed of where the episodes start.
        num_threads: Threads to step on; by default as many as the CPUs that this process may use.
        at: Value of a condition, NAME=VALUE, such as speed=1.2 or slope=5deg, or several behind commas; others have
            their defaults. Each --at is a gait of its own, and default that of the defaults.
        against: Poses of a subject, .mot or .sto of OpenSim, that take the place of what is normal.
        forces: Forces of the ground on the subject, .mot or .sto of OpenSim.
        emg: The subject's electromyography, .csv with a column of time and one of each muscle, such as soleus_r.
        json: Print the numbers as JSON.
    """
    check_flags(episodes, seconds, seed, num_threads)
    subjects = _subjects(runs, at)
    recording = _recording(against, forces, emg, len(subjects))
    folder = _folder_of(subjects, out, model)
    from soleus import gait
    from soleus.run.summary import as_json

    if folder is not None:
        gait.check_folder(folder)
    settings = (checkpoint, episodes, seconds, seed, num_threads, model)
    players = [player_of(run, *settings, conditions_of([asked])) for run, asked in subjects]
    if len(subjects) == 1:
        text, content, files = _of_one(runs[0], *players[0], folder, recording)
    else:
        text, content, files = _of_several(_labels(runs, at), subjects, players, folder or Path())
    if json:
        print(as_json({**content, "files": [str(file) for file in files]}))
        return
    print(text)
    for file in files:
        print(file)


_Written = tuple[str, dict[str, Any], list[Path]]
"""What is said of a report, its numbers, its files"""


def _recording(against: Path | None, forces: Path | None, emg: Path | None, gaits: int) -> tuple[Path | None, ...]:
    """Return the files of a recording. Raises UserError for what cannot be put beside a gait."""
    for flag, file in (("--forces", forces), ("--emg", emg)):
        if file is not None and against is None:
            raise UserError(f"{flag}: expected it beside the poses of --against, got it alone")
    if against is not None and gaits > 1:
        raise UserError(f"--against: expected one gait to put beside a recording, got {gaits}")
    for flag, file in (("--against", against), ("--forces", forces), ("--emg", emg)):
        if file is not None and not file.is_file():
            raise UserError(f"{flag}: expected a file, got {file}, which is none")
    return against, forces, emg


def _as_named(run: str, known: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of a run, with its name in place of a folder in the package, or one that is gone soon."""
    from soleus.run.shipped import name_of

    return {**known, "folder": run} if is_url(run) or name_of(Path(known["folder"])) else known


def _of_one(
    run: str,
    known: dict[str, Any],
    play: "Callable[[int], Episodes]",
    folder: Path | None,
    recording: tuple[Path | None, ...],
) -> _Written:
    """Write the report of a run's gait, to its own folder unless another one is given. recording: poses, forces of the
    ground and electromyography of a subject, to be put beside it."""
    from soleus import gait
    from soleus.compare import read_runs
    from soleus.run.shipped import beside, name_of

    home = Path(known["folder"])
    record = read_runs([home])[0] if name_of(home) is None else None
    folder = beside(home, "gait-report") if folder is None else folder
    known = _as_named(run, known)
    gait.check_folder(folder)
    gathered = gait.gather(play)
    poses, forces, emg = recording
    recorded = gait.read_recorded(gathered.traces[0].human, poses, forces, emg) if poses else None
    found = gait.analyse(gathered.traces, torque_residual=gathered.torque_residual, recorded=recorded)
    files = gait.write_report(found, folder, known, record)
    return describe(found), gait.content_of(found, known), files


def _of_several(
    labels: Sequence[str],
    subjects: Sequence[tuple[str, str]],
    players: "Sequence[tuple[dict[str, Any], Callable[[int], Episodes]]]",
    folder: Path,
) -> _Written:
    """Write the report of several gaits that are laid over one another. subjects: run and conditions of each."""
    from soleus import gait
    from soleus.gait import overlay

    gaits = []
    for label, (run, asked), (known, play) in zip(labels, subjects, players, strict=True):
        try:
            gathered = gait.gather(play)
        except UserError as error:
            raise UserError(f"{label}: {error}") from None
        found = gait.analyse(gathered.traces, torque_residual=gathered.torque_residual)
        gaits.append(overlay.Gait(label, {**_as_named(run, known), "at": asked}, found))
    laid = overlay.lay_over(gaits)
    text = "\n".join(f"{one.label}: {describe(one.report)}" for one in gaits)
    return text, laid.as_json(), overlay.write_overlay(laid, folder)
