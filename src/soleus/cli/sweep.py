"""`soleus sweep`: a policy at many conditions, as a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from soleus.cli.arguments import At, OtherModel, Seconds, Which, check_playing, condition_value, conditions_of
from soleus.errors import UserError

if TYPE_CHECKING:
    from soleus.sweep.grid import Axis
    from soleus.sweep.playing import Effort, Sweep

_MaybePath = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]
_Over = Annotated[
    tuple[str, ...],
    tyro.conf.UseAppendAction,
    tyro.conf.arg(name="over", metavar="NAME=LOW:HIGH:COUNT", help_behavior_hint="(repeatable)"),
]
_Values = Annotated[
    tuple[str, ...],
    tyro.conf.UseAppendAction,
    tyro.conf.arg(name="value", metavar="COLUMN", help_behavior_hint="(repeatable)"),
]


def axis_of(text: str) -> "Axis":
    """Return what NAME=LOW:HIGH:COUNT says. Raises UserError."""
    from soleus.sweep.grid import Axis

    name, _, values = text.partition("=")
    parts = values.split(":")
    numbers = [condition_value(part) for part in parts[:2]]
    count = int(parts[2]) if len(parts) == 3 and parts[2].isdecimal() else 0
    if not name or len(parts) != 3 or None in numbers or count < 1:
        raise UserError(f"--over: expected NAME=LOW:HIGH:COUNT such as cadence=0.8:1.2:5, got '{text}'")
    low, high = (float(number) for number in numbers if number is not None)
    if not (low < high and count > 1) and not (low == high and count == 1):
        raise UserError(f"--over: expected a least value, a greater one and 2 or more of them, got '{text}'")
    return Axis(name, low, high, count)


def sweep(
    subject: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN|FILE")],
    *,
    over: _Over = (),
    cycles: int = 30,
    out: _MaybePath = None,
    plot: _MaybePath = None,
    value: _Values = (),
    at: At = (),
    episodes: int = 8,
    seconds: Seconds = 20.0,
    seed: int = 0,
    checkpoint: Which = "best",
    model: OtherModel = None,
    num_threads: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
    ray: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS", help_behavior_hint="")] = None,
) -> None:
    """Let a run's policy walk at many conditions, and write a table of every stride; or draw maps of such a table.

    A sweep that was stopped goes on where it was, by the same command.

    Args:
        subject: Run folder, checkpoint file, URL of either, policy (soleus policies); or the table of a sweep to draw.
        over: A condition and its values: COUNT of them from LOW to HIGH. All combinations are walked.
        cycles: Strides of each foot at each point of the grid.
        out: Table to write, a row a stride: .npz, .csv, .parquet or .h5.
        plot: Draw maps of the table to a .png file.
        value: Column of the table that is drawn; by default the cost of transport and five others.
        at: Value of a condition that is not varied, NAME=VALUE; others have their defaults.
        episodes: Episodes at each point at most, where they do not last for as many strides.
        seconds: Longest episode [s].
        seed: Seed of where the episodes start.
        checkpoint: Checkpoint of the run: the best (or else the latest), the latest, the one before, or that of a step.
        model: Put the policy on another body, by a model's name or MJCF file, and say what differs from the run's own.
        num_threads: Threads to step on; by default as many as the CPUs that this process may use.
        ray: Walk on all CPUs of a Ray cluster: auto, local (started here), HOST:PORT or ray://HOST:PORT.
    """
    from soleus.sweep.maps import check_picture
    from soleus.sweep.tables import ENDINGS, check_table

    if value and plot is None:
        raise UserError(f"--value: expected it with --plot, got it without, and {value[0]}")
    if plot is not None:
        check_picture(plot)
    if Path(subject).suffix.lower() in ENDINGS and not Path(subject).is_dir():
        _draw(Path(subject), over, out, plot, value)
        return
    if not over:
        raise UserError("--over: expected NAME=LOW:HIGH:COUNT such as cadence=0.8:1.2:5, got none")
    if out is None:
        raise UserError("--out: expected a file for the table, got none")
    _check_flags(seed, num_threads, ray)
    check_table(out)
    from soleus.sweep.playing import Effort

    effort = _checked(Effort(cycles, seconds, episodes))
    made, command = _made(subject, [axis_of(one) for one in over], at, effort, seed, checkpoint, model)
    _run(made, command, out, num_threads, ray)
    if plot is not None:
        _draw(out, (), None, plot, value)


def _check_flags(seed: int, num_threads: int | None, ray: str | None) -> None:
    check_playing(seed, num_threads)
    if num_threads is not None and ray is not None:
        raise UserError(f"--num-threads: expected none with --ray, whose CPUs walk, got {num_threads}")


def _checked(effort: "Effort") -> "Effort":
    """Return what is done at each point; raises UserError for what cannot be."""
    if not 1 <= effort.cycles <= 100_000:
        raise UserError(f"--cycles: expected 1 to 100000, got {effort.cycles}")
    if not 2 <= effort.seconds <= 600:
        raise UserError(f"--seconds: expected 2 to 600, got {effort.seconds:g}")
    if not 1 <= effort.episodes <= 10_000:
        raise UserError(f"--episodes: expected 1 to 10000, got {effort.episodes}")
    return effort


def _draw(file: Path, over: Sequence[str], out: Path | None, plot: Path | None, shown: tuple[str, ...]) -> None:
    """Draw the table of a sweep."""
    from soleus.sweep.maps import SHOWN, write_maps
    from soleus.sweep.tables import read_table

    if over or out is not None:
        raise UserError(f"--{'over' if over else 'out'}: expected it with a run, got it with the table {file}")
    if plot is None:
        raise UserError(f"--plot: expected a file for the picture of the table {file}, got none")
    table = read_table(file)
    write_maps(plot, table, shown or tuple(name for name in SHOWN if name in table))
    print(plot)


def _made(
    run: str, axes: "Sequence[Axis]", at: Sequence[str], effort: "Effort", seed: int, checkpoint: str, model: str | None
) -> "tuple[Sweep, dict[str, Any]]":
    """Return a sweep of a run, and all that its rows depend on. Raises UserError."""
    from dataclasses import asdict

    from soleus.run.shipped import find_run
    from soleus.run.trained import load_trained
    from soleus.sweep.grid import make_grid
    from soleus.sweep.parts import digest
    from soleus.sweep.playing import Sweep, load_sweep_scenario

    trained = load_trained(find_run(run), checkpoint, model)
    scenario = load_sweep_scenario(trained, effort)
    held = conditions_of(at) or {}
    grid = make_grid(axes, held, scenario.conditions)
    command = {
        "over": [f"{axis.name}={axis.low!r}:{axis.high!r}:{axis.count}" for axis in axes],
        "at": held,
        **asdict(effort),
        "seed": seed,
        "checkpoint": trained.file.name,
        "sha256": digest(trained.file),
        "model": model,
        "engine": scenario.engine.name,
    }
    return Sweep(trained, scenario, grid, effort, seed), command


def _run(made: "Sweep", command: dict[str, Any], out: Path, num_threads: int | None, ray: str | None) -> None:
    """Walk at all points that are not done yet, and write the table."""
    from soleus.machine import threads
    from soleus.sweep.parts import Parts

    total = len(made.grid.points)
    parts = Parts(out, command, total)
    if parts.whole:
        print(f"{out}: all {total} points were there already")
        return
    missing = parts.missing
    if len(missing) < total:
        print(f"{total - len(missing)} of {total} points were there already", flush=True)
    done = total - len(missing)
    if ray is None:
        tables = made.tables(missing, threads.collector_threads(num_threads))
    else:
        from soleus.sweep.on_ray import tables_on_ray

        tables = tables_on_ray(made, missing, ray)
    for point, table in tables:
        parts.add(point, table)
        done += 1
        strides, whole = int((table["side"] != "").sum()), float(table["success"].mean())
        at = ", ".join(f"{axis.name} {table[f'condition.{axis.name}'][0]:.4g}" for axis in made.grid.axes)
        print(f"{done} of {total}: {at}: {strides} strides, {whole:.0%} in episodes that last", flush=True)
    table = parts.finish()
    print(f"{out}: {len(table['point'])} rows of {total} points")
