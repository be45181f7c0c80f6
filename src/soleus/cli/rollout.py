"""`soleus rollout`: whole motions of a run's policy, as files."""

from pathlib import Path
from typing import Annotated

import tyro

from soleus.cli.arguments import At, OtherModel, RunText, Seconds, Which, check_playing, conditions_of
from soleus.errors import UserError


def _check_flags(episodes: int, seconds: float, seed: int, num_threads: int | None) -> None:
    """Raise UserError for what no episodes can be played with."""
    if not 1 <= episodes <= 10_000:
        raise UserError(f"--episodes: expected 1 to 10000, got {episodes}")
    if not 0.1 <= seconds <= 3600:
        raise UserError(f"--seconds: expected 0.1 to 3600, got {seconds:g}")
    check_playing(seed, num_threads)


def rollout(
    run: RunText,
    *,
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")],
    episodes: int = 1,
    seconds: Seconds = 10.0,
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
        run: Run folder or checkpoint file, on this machine or at a URL.
        out: File of the poses: .mot or .sto (OpenSim), .bvh (Blender), .csv or .npz; of several episodes FILE-1 and on.
        episodes: Episodes to write.
        seconds: Longest episode [s]; one that ends by itself is shorter.
        seed: Seed of where the episodes start.
        hz: Rows or frames a second.
        checkpoint: Checkpoint of the run: the best (or else the latest), the latest, the one before, or that of a step.
        model: Put the policy on another body, by a model's name or MJCF file, and say what differs from the run's own.
        num_threads: Threads to step on; by default as many as the CPUs that this process may use.
        at: Value of a condition, NAME=VALUE, such as speed=1.2 or slope=5deg; others have their defaults.
    """
    _check_flags(episodes, seconds, seed, num_threads)
    from soleus import models
    from soleus.machine import threads
    from soleus.rollouts import check_file, numbered, sampled, write_episode
    from soleus.run.remote_run import local_copy
    from soleus.run.trained import load_trained
    from soleus.sim.trace import play

    trained = load_trained(local_copy(run), checkpoint, model, at=conditions_of(at))
    config = trained.human()
    if not 4 <= hz <= config.control.sim_hz:
        raise UserError(f"--hz: expected 4 to {config.control.sim_hz}, the steps of the simulation, got {hz:g}")
    check_file(out, models.load(config.model, config.control.sim_hz))
    played = play(
        config, trained.policy, trained.muscle, episodes=episodes, seconds=seconds, seed=seed,
        num_threads=threads.collector_threads(num_threads),
    )  # fmt: skip
    for number, trace in enumerate(played.traces):
        if len(trace.qpos) < 3:
            raise UserError(f"episode {number + 1}: expected one of 3 simulation steps or more, got {len(trace.qpos)}")
        length = trace.dt * len(trace.qpos)
        ended = f", ended by itself before {seconds:g} s" if length < seconds - 0.5 / config.control.policy_hz else ""
        print(f"episode {number + 1}: {length:.2f} s{ended}")
        for file in write_episode(numbered(out, number, episodes), sampled(trace, hz)):
            print(file)
