"""`soleus rollout`: whole motions of a run's policy, as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from soleus.cli.arguments import At, MaybeSeconds, OtherModel, Which, check_playing, conditions_of, network_values
from soleus.errors import UserError

if TYPE_CHECKING:
    from soleus.sim.trace import Trace

_SECONDS = 10.0


def _check_flags(episodes: int, seconds: float, seed: int, num_threads: int | None) -> None:
    """Raise UserError for what no episodes can be played with."""
    if not 1 <= episodes <= 10_000:
        raise UserError(f"--episodes: expected 1 to 10000, got {episodes}")
    if not 0.1 <= seconds <= 3600:
        raise UserError(f"--seconds: expected 0.1 to 3600, got {seconds:g}")
    check_playing(seed, num_threads)


def _check_hz(hz: float, sim_hz: int) -> None:
    """Raise UserError for rows that are too few, or more than the simulation has."""
    if not 4 <= hz <= sim_hz:
        raise UserError(f"--hz: expected 4 to {sim_hz}, the steps of the simulation, got {hz:g}")


def _of_network(file: Path, out: Path, seconds: float | None, hz: float, at: At, others: list[str]) -> None:
    """Write the poses that a network says. others: flags that were given, and mean nothing to one. Raises UserError."""
    from soleus.inverse.replaying import trace_of
    from soleus.inverse.store import load_forward
    from soleus.rollouts import check_file, write_episode

    if others:
        raise UserError(f"--{others[0]}: expected it with a run, got it with the network {file}")
    forward = load_forward(file)
    values = network_values(forward, at)
    _check_hz(hz, forward.sim_hz)
    check_file(out, forward.human)
    trace = trace_of(forward, values, seconds, hz)
    print(f"{len(trace.qpos)} rows, {trace.dt * (len(trace.qpos) - 1):.3f} s")
    for path in write_episode(out, trace):
        print(path)


def _write(out: Path, traces: "Sequence[Trace]", seconds: float, step: float, hz: float) -> None:
    """Write episodes, and say which ended before `seconds`, by more than half a control step [s]."""
    from soleus.rollouts import numbered, sampled, write_episode

    for number, trace in enumerate(traces):
        if len(trace.qpos) < 3:
            raise UserError(f"episode {number + 1}: expected one of 3 simulation steps or more, got {len(trace.qpos)}")
        lasted = trace.dt * len(trace.qpos)
        ended = f", ended by itself before {seconds:g} s" if lasted < seconds - 0.5 * step else ""
        print(f"episode {number + 1}: {lasted:.2f} s{ended}")
        for file in write_episode(numbered(out, number, len(traces)), sampled(trace, hz)):
            print(file)


def rollout(
    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN|FILE")],
    *,
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")],
    episodes: int = 1,
    seconds: MaybeSeconds = None,
    seed: int = 0,
    hz: float = 120.0,
    checkpoint: Which = "best",
    model: OtherModel = None,
    num_threads: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
    at: At = (),
) -> None:
    """Write whole motions of a run's policy to files, for OpenSim, Blender, pandas and NumPy.

    Muscle activations, muscle forces and ground reactions are in files beside the poses, or with them in an .npz file.

    Args:
        run: Run folder, checkpoint file, URL of either, or a policy that comes along, by name (soleus policies);
            or a network of soleus learn forward, which gives poses alone.
        out: File of the poses: .mot or .sto (OpenSim), .bvh (Blender), .csv or .npz; of several episodes FILE-1 and on.
        episodes: Episodes to write.
        seconds: Longest episode [s], by default 10; one that ends by itself is shorter. Of a network by default one
            cycle.
        seed: Seed of where the episodes start.
        hz: Rows or frames a second.
        checkpoint: Checkpoint of the run: the best (or else the latest), the latest, the one before, or that of a step.
        model: Put the policy on another body, by a model's name or MJCF file, and say what differs from the run's own.
        num_threads: Threads to step on; by default as many as the CPUs that this process may use.
        at: Value of a condition, NAME=VALUE, such as speed=1.2 or slope=5deg; others have their defaults.
    """
    length = _SECONDS if seconds is None else seconds
    _check_flags(episodes, length, seed, num_threads)
    from soleus import models
    from soleus.inverse.store import is_forward
    from soleus.machine import threads
    from soleus.rollouts import check_file
    from soleus.run.shipped import find_run
    from soleus.run.trained import load_trained
    from soleus.sim.trace import play

    if is_forward(Path(run)):
        others = {"episodes": episodes != 1, "seed": seed != 0, "checkpoint": checkpoint != "best", "model": model}
        _of_network(Path(run), out, seconds, hz, at, [name for name, one in others.items() if one])
        return
    trained = load_trained(find_run(run), checkpoint, model, at=conditions_of(at))
    config = trained.human()
    _check_hz(hz, config.control.sim_hz)
    check_file(out, models.load(config.model, config.control.sim_hz))
    played = play(
        config, trained.policy, trained.muscle, episodes=episodes, seconds=length, seed=seed,
        num_threads=threads.collector_threads(num_threads),
    )  # fmt: skip
    _write(out, played.traces, length, 1 / config.control.policy_hz, hz)
