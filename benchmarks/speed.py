"""Whole training, steps/s: Soleus, Stable-Baselines3 and, for images, a plain PPO loop, in turn, as ratios.

Every side is a process of its own with the threads that it takes by default; sides alternate, round by round, and the
medians of the ratios pair by pair are what counts. Steps/s of a side are its median over iterations after the first.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from soleus.bench.record import write_section
from soleus.config import EnvRunConfig, load_config, parse_overrides
from soleus.run.log import read_metrics

HERE = Path(__file__).parent
ENTRY = "import sys; from soleus.cli import main; sys.exit(main(sys.argv[1:]))"


def _run(command: list[Any]) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, check=False, env=os.environ
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout


def soleus(preset: str, config: EnvRunConfig, rollouts: int, extra: list[str]) -> float:
    steps = rollouts * config.train.num_envs * config.train.rollout_steps
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        limits = ["--steps", steps, "--run-dir", run, "--train.eval_episodes", 1]
        _run(["-c", ENTRY, "train", preset, *limits, *extra])
        return statistics.median(row["time/steps_per_s"] for row in read_metrics(run)[1:] if "time/steps_per_s" in row)


def sb3(preset: str, rollouts: int, vectorization: str, extra: list[str]) -> float:
    command = [HERE / "sb3_side.py", preset, "--rollouts", rollouts, "--vectorization", vectorization, *extra]
    return float(json.loads(_run(command).splitlines()[-1])["steps_per_s"])


def plain(preset: str, rollouts: int, extra: list[str]) -> float:
    return float(json.loads(_run([HERE / "plain_side.py", preset, "--rollouts", rollouts, *extra]))["steps_per_s"])


def measure(preset: str, rounds: int, rollouts: int, extra: list[str]) -> dict[str, Any]:
    config = load_config(preset, parse_overrides(extra))
    assert isinstance(config, EnvRunConfig)
    image = config.env.scheme == "procgen"
    sides = {"soleus": lambda: soleus(preset, config, rollouts, extra)}
    sides["stable-baselines3"] = lambda: sb3(preset, rollouts, "subproc", extra)
    if image:
        sides["plain loop"] = lambda: plain(preset, rollouts, extra)
    figures: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side, run in sides.items():
            figures[side].append(run())
            print(f"{preset}: {side} {figures[side][-1]:,.0f} steps/s", file=sys.stderr, flush=True)
    result: dict[str, Any] = {f"{side}, steps/s": statistics.median(values) for side, values in figures.items()}
    for side in list(sides)[1:]:
        ratios = [mine / theirs for mine, theirs in zip(figures["soleus"], figures[side], strict=True)]
        result[f"soleus / {side}"] = statistics.median(ratios)
    return result


def record(file: Path, command: str, results: dict[str, dict[str, Any]]) -> None:
    """Write a section into a Markdown file, over the last one of the same command."""
    columns = list(dict.fromkeys(key for result in results.values() for key in result))
    lines = ["| preset | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns)]
    for preset, result in results.items():
        cells = [
            "" if key not in result else f"{result[key]:,.0f}" if "steps/s" in key else f"{result[key]:.2f}"
            for key in columns
        ]
        lines.append(f"| {preset} | " + " | ".join(cells) + " |")
    write_section(file, command, "\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("presets", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rollouts", type=int, default=8)
    parser.add_argument("--record", type=Path)
    arguments, extra = parser.parse_known_args()
    results = {preset: measure(preset, arguments.rounds, arguments.rollouts, extra) for preset in arguments.presets}
    print(json.dumps(results, indent=2))
    if arguments.record:
        command = " ".join(["python benchmarks/speed.py", *arguments.presets, *extra])
        record(arguments.record, command, results)


if __name__ == "__main__":
    main()
