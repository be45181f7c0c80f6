"""What a run records: metrics.jsonl, its loggers, progress on the screen. The metric keys are listed here."""

import json
import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from soleus.errors import UserError
from soleus.machine.files import write_bytes
from soleus.run.loggers.chosen import Loggers
from soleus.run.sparkline import characters, sparkline
from soleus.sim.profiling import in_words

METRICS = {
    "time/steps": "control steps so far, of all humans or environments together",
    "time/seconds": "training time so far, evaluations and checkpoints included [s]",
    "time/steps_per_s": "steps per second of this iteration, collecting and learning together",
    "time/collect_share": "share of the iteration spent collecting",
    "time/collect_steps_per_s": "steps per second of the collection alone",
    "time/learn_steps_per_s": "steps per second of the learning alone",
    "time/learn_share": "share of the iteration spent learning",
    "time/publish_share": "share of the iteration spent handing weights to the workers, until the slowest has them",
    "time/waiting_share": "share of the collection in which a worker waits for the slowest one, mean of the workers",
    "profile/<part>": "share of the iteration that is spent on a part of it, with --profile; the shares sum to 1",
    "system/memory_mb": "memory of all processes of the run, shared pages counted once [MB]",
    "system/cpu": "CPUs that all processes of the run used together, mean over the iteration",
    "system/cpu_waited": "CPUs that the run wanted beyond these, and that other programs of the machine had",
    "system/cpu_worker_<i>": "CPUs that one worker used, mean over the collection",
    "episode/return": "mean undiscounted return of the episodes that ended in this iteration",
    "episode/length_s": "mean length of those episodes [s]",
    "episode/length": "mean length of those episodes in steps, where the environment has no clock",
    "episode/count": "number of those episodes",
    "reward/<term>": "mean of a reward term over the iteration's steps",
    "collect/<name>": "figures of the collection, such as the torque residual of the muscle coordination",
    "ppo/policy_loss": "negative of the clipped surrogate objective",
    "ppo/value_loss": "half the mean squared error of the value function, in normalised units",
    "ppo/kl": "estimated KL divergence of the new policy from the old one in the last epoch",
    "ppo/behaviour_kl": "estimated KL divergence of the policy before the update from the older one that acted (lag)",
    "ppo/clip_fraction": "share of the samples whose probability ratio was clipped",
    "ppo/epochs": "epochs of the update, which target_kl may end early",
    "ppo/learning_rate": "learning rate of the policy",
    "ppo/std": "mean standard deviation of the policy's actions",
    "ppo/entropy": "entropy of the policy [nat]",
    "ppo/value": "mean value that the value function predicts",
    "ppo/explained_variance": "share of the variance of the value targets that the prediction explains",
    "muscle/loss": "loss of the muscle network",
    "muscle/residual": "torque error of the muscle network relative to the torque asked for",
    "info/<name>": "mean of a number in the info of an episode's last step, over the episodes that have it",
    "evaluate/<name>": "figures of an evaluation, such as mean_return",
}
_PLAIN_INTERVAL = 10.0  # [s] between lines where the output is no terminal


def is_documented(key: str) -> bool:
    """Whether METRICS lists a key, by itself or as one of a family such as reward/<term>."""
    return key in METRICS or any(key.startswith(known.split("<")[0]) for known in METRICS if "<" in known)


def short_time(seconds: float) -> str:
    """Return 75 s as 1:15, an hour and more as 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class _Screen:
    """Live progress on a terminal, a plain line now and then elsewhere."""

    def __init__(self) -> None:
        self.live = sys.stdout.isatty()
        self.printed = -math.inf
        self.last = ""
        if self.live:
            text = TextColumn("{task.description}", table_column=Column())  # which wraps where it does not fit
            self.progress = Progress(BarColumn(bar_width=24), text)
            self.task = self.progress.add_task("starting", total=1.0)
            self.progress.start()

    def show(self, line: str, share: float) -> None:
        self.last = line
        if self.live:
            self.progress.update(self.task, completed=share, description=line)
        elif time.monotonic() - self.printed >= _PLAIN_INTERVAL:
            self._print()

    def _print(self) -> None:
        print(self.last, flush=True)
        self.printed, self.last = time.monotonic(), ""

    def close(self) -> None:
        if self.live:
            self.progress.stop()
        elif self.last:
            self._print()


class Log:
    """The records of one run. A row of metrics.jsonl is one iteration, or one evaluation, at "time/steps"."""

    def __init__(self, run_dir: Path, resume_steps: int | None = None, loggers: Loggers | None = None) -> None:
        """resume_steps: drop what an earlier process recorded past that step, which will come again.

        loggers: that record the same, to be ended with this. Raises UserError where the disk refuses.
        """
        self.loggers = loggers or Loggers()
        self.path = run_dir / "metrics.jsonl"
        self.returns: list[float] = []
        if resume_steps is not None:
            kept = [row for row in read_metrics(run_dir) if row["time/steps"] <= resume_steps]
            write_bytes(self.path, "".join(json.dumps(row) + "\n" for row in kept).encode())
            self.returns += [row["episode/return"] for row in kept if "episode/return" in row]
        try:
            self.file = open(self.path, "a", encoding="utf-8")  # noqa: SIM115 - open as long as the run
        except OSError as error:
            raise UserError(f"{run_dir}: expected a folder to record in, but {error.strerror}") from None
        self.screen = _Screen()
        self.episodes: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close(failed=error is not None)
        except UserError:
            if error is None:  # else that is what is to be told
                raise

    def close(self, failed: bool = False) -> None:
        """Write what is left, end the loggers and give the screen back. Raises UserError where the disk refuses.

        failed: the run ended by an error.
        """
        self.screen.close()
        self.loggers.close(failed)
        try:
            self.file.close()
        except OSError as error:
            raise UserError(f"{self.path.parent}: could not be written ({error.strerror})") from None

    def row(self, metrics: Mapping[str, float]) -> None:
        """Record metrics, "time/steps" among them. Values that are not finite are left out.

        Raises UserError where the disk refuses.
        """
        finite = {key: value for key, value in metrics.items() if math.isfinite(value)}
        try:
            self.file.write(json.dumps(finite) + "\n")
            self.file.flush()
        except OSError as error:
            raise UserError(f"{self.path.parent}: metrics could not be written ({error.strerror})") from None
        self.loggers.row(finite, int(metrics["time/steps"]))

    def show(self, metrics: Mapping[str, float], share: float) -> None:
        """Show how far the run is, and where its time goes if that is known. share: of the training that is done."""
        self.episodes.update({key: value for key, value in metrics.items() if key.startswith("episode/")})
        if "episode/return" in metrics:
            self.returns.append(metrics["episode/return"])
        left = metrics["time/seconds"] * (1 - share) / share if share > 0 else math.inf
        parts = [
            f"{metrics['time/steps']:,.0f} steps",
            f"{metrics['time/steps_per_s']:,.0f} steps/s",
            *self._episodes(),
            f"{short_time(left)} left" if math.isfinite(left) else "",
            sparkline(self.returns, characters(sys.stdout)),
        ]
        lines = ["  ".join(part for part in parts if part)]
        if profile := in_words(metrics):
            lines.append(f"  time: {profile}")
        self.screen.show("\n".join(lines), share)

    def _episodes(self) -> list[str]:
        """Return what the last episodes came to."""
        seen = self.episodes
        if "episode/return" not in seen:
            return ["no episode has ended yet"]
        seconds = seen.get("episode/length_s")
        length = f"{seen['episode/length']:.4g}" if seconds is None else f"{seconds:.2f} s"
        return [f"return {seen['episode/return']:.4g}", f"length {length}"]


def read_metrics(run_dir: Path) -> list[dict[str, float]]:
    """Return the rows of a run's metrics.jsonl. A warning tells of lines that are none, which are left out.

    Nothing is said of a last line without an end: a kill cuts it short, and its row comes again.
    """
    path = run_dir / "metrics.jsonl"
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    lines = text.split("\n")  # alone: other ends of lines are none of JSON's
    found = [_row_of(line) for line in lines]
    broken = [i for i, row in enumerate(found[:-1]) if row is None and lines[i].strip()]
    if broken:
        after = sum(row is not None for row in found[broken[0] :])
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        said = f"expected a row of metrics in line {broken[0] + 1}{more}, got something else, which is left out"
        print(f"warning: {path}: {said}; the {after} rows after it are read", file=sys.stderr, flush=True)
    return [row for row in found if row is not None]


def _row_of(line: str) -> dict[str, float] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    steps = row.get("time/steps") if isinstance(row, dict) else None
    known = isinstance(steps, int | float) and not isinstance(steps, bool) and -math.inf < steps < math.inf
    return row if known else None


_SCALES: dict[str, tuple[float, float | None]] = {
    "episode/length_s": (0, None),
    "episode/length": (0, None),
    "evaluate/share_full": (0, 1.05),
    "time/steps_per_s": (0, None),
    "ppo/explained_variance": (-1, 1.05),
}
"""Least and greatest value of a panel's axis by metric: small changes of a share are not to look large"""


def draw_curves(run_dir: Path) -> Path | None:
    """Draw a run's metrics into curves.png; return its path, or None where nothing was recorded."""
    from matplotlib.figure import Figure

    rows = read_metrics(run_dir)
    panels = [
        (key, label)
        for key, label in (
            ("episode/return", "return"),
            ("episode/length_s", "episode length [s]"),
            ("episode/length", "episode length [steps]"),
            ("evaluate/mean_return", "return in evaluation"),
            ("evaluate/share_full", "full episodes in evaluation"),
            ("time/steps_per_s", "steps per second"),
            ("ppo/explained_variance", "explained variance"),
            ("ppo/kl", "KL divergence"),
            ("muscle/residual", "torque residual, network"),
        )
        if any(key in row for row in rows)
    ]
    if not panels:
        return None
    columns = min(len(panels), 3)
    lines = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(4.2 * columns, 2.8 * lines), layout="constrained")
    for number, (key, label) in enumerate(panels, start=1):
        axes = figure.add_subplot(lines, columns, number)
        points = [(row["time/steps"] / 1e6, row[key]) for row in rows if key in row]
        axes.plot(*zip(*points, strict=True), marker="o" if key.startswith("evaluate/") else None, linewidth=1)
        axes.set(title=label, xlabel="million steps")
        if key in _SCALES:
            axes.set_ylim(*_SCALES[key])
        axes.grid(alpha=0.3)
    path = run_dir / "curves.png"
    figure.savefig(path, dpi=120)
    return path
