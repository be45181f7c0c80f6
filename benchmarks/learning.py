"""Train presets of ours over several seeds with Soleus and with Stable-Baselines3, and compare what they learn.

With --sides native,torch the sides are Soleus' own two ways to compute updates. All evaluate alike: whole episodes,
each environment as many, from the same seed. Every run's numbers stay in --out, so that an interrupted comparison goes
on where it was.
"""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from soleus.bench.record import write_section
from soleus.config import EnvRunConfig, load_config
from soleus.run.log import read_metrics

HERE = Path(__file__).parent
NAMES = {
    "soleus": "Soleus",
    "sb3": "Stable-Baselines3",
    "native": "Soleus, native updates",
    "torch": "Soleus, torch's updates",
}
SIDES = "soleus,sb3"  # by default
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


def run(preset: str, side: str, seed: int, steps: int, episodes: int, out: Path, extra: list[str]) -> None:
    """Train one side with one seed, single-threaded, where its result is not there yet."""
    result = out / f"{preset}-{side}-{seed}.json"
    if result.is_file():
        return
    one = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    if side == "sb3":
        command = [sys.executable, HERE / "sb3_side.py", preset, "--seed", seed, "--steps", steps]
        done = subprocess.run(
            [*map(str, command), "--threads", "1", "--episodes", str(episodes), *extra],
            env=one, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        result.write_text(done.stdout.splitlines()[-1])
        return
    folder = out / f"{preset}-{side}-{seed}"
    command = ["train", preset, "--steps", steps, "--seed", seed, "--run-dir", folder]
    command += ["--collector", "inline"] if isinstance(load_config(preset), EnvRunConfig) else []
    command += [] if side == "soleus" else ["--ppo.backend", side]
    settings = ["--train.learner_threads", "1", "--num-threads", "1", "--train.eval_episodes", str(episodes), *extra]
    entry = "import sys; from soleus.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", entry, *map(str, command), *settings],
        env=one, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    summary = json.loads((folder / "summary.json").read_text())
    rows = [row for row in read_metrics(folder) if "episode/return" in row]
    content = {
        "steps": summary["steps"],
        "seconds": summary["seconds"],
        "steps_per_s_mean": summary["steps_per_s"]["mean"],
        "curve": [[row["time/steps"], row["episode/return"]] for row in rows],
        "evaluation": summary["evaluation"],
    }
    result.write_text(json.dumps(content))


def table(presets: list[str], sides: list[str], seeds: list[int], out: Path) -> list[dict[str, Any]]:
    """Return per preset and side the evaluations over the seeds that are there."""
    rows = []
    for preset in presets:
        for side in sides:
            files = [out / f"{preset}-{side}-{seed}.json" for seed in seeds]
            results = [json.loads(file.read_text()) for file in files if file.is_file()]
            if not results:
                continue
            returns = [one["evaluation"]["mean_return"] for one in results]
            late = [np.mean([r for _, r in one["curve"]][-max(1, len(one["curve"]) // 10) :]) for one in results]
            rows.append(
                {
                    "preset": preset,
                    "side": side,
                    "seeds": len(results),
                    "steps": results[0]["steps"],
                    "evaluation": float(np.mean(returns)),
                    "spread": float(np.std(returns, ddof=1)) if len(returns) > 1 else 0.0,
                    "training": float(np.mean(late)),
                    "training_spread": float(np.std(late, ddof=1)) if len(late) > 1 else 0.0,
                    "returns": returns,
                }
            )
    return rows


def lines_of(rows: list[dict[str, Any]]) -> list[str]:
    """Return a Markdown table."""
    lines = [
        "| preset | library | seeds | steps | evaluation, mean ± spread of the seeds | each seed | end of training |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        each = ", ".join(f"{one:.4g}" for one in row["returns"])
        lines.append(
            f"| {row['preset']} | {NAMES[row['side']]} | {row['seeds']} | {row['steps']:,} | "
            f"{row['evaluation']:.4g} ± {row['spread']:.3g} | {each} | "
            f"{row['training']:.4g} ± {row['training_spread']:.3g} |"
        )
    return lines


def record(file: Path, arguments: argparse.Namespace, extra: list[str], lines: list[str]) -> None:
    """Write a section into a Markdown file, over the last one of the same command, with the picture if there is one."""
    given = [] if arguments.sides == SIDES else [f"--sides {arguments.sides}"]
    given += [f"--episodes {arguments.episodes}"]
    command = " ".join(["python benchmarks/learning.py", *arguments.presets, *given, *extra])
    body = list(lines)
    if arguments.plot:
        place = os.path.relpath(arguments.plot, file.parent)
        body += ["", f"![Returns in training: {', '.join(arguments.presets)}]({place})"]
    write_section(file, command, "\n".join(body) + "\n")


def draw(presets: list[str], sides: list[str], seeds: list[int], out: Path, picture: Path) -> None:
    """Draw the training curves of all sides, each seed faintly and their mean."""
    from matplotlib.figure import Figure

    across = min(len(presets), 3)
    down = -(-len(presets) // across)
    figure = Figure(figsize=(4 * across, 3 * down), layout="constrained")
    for number, preset in enumerate(presets, start=1):
        axes = figure.add_subplot(down, across, number)
        for side, colour in zip(sides, COLOURS[: len(sides)], strict=True):
            curves = []
            for seed in seeds:
                file = out / f"{preset}-{side}-{seed}.json"
                if file.is_file():
                    steps, returns = np.array(json.loads(file.read_text())["curve"]).T
                    width = max(1, len(returns) // 40)
                    smooth = np.convolve(returns, np.ones(width) / width, "valid")
                    curves.append((steps[width - 1 :], smooth))
                    axes.plot(*curves[-1], color=colour, alpha=0.25, linewidth=0.8)
            if curves:
                grid = np.linspace(max(c[0][0] for c in curves), min(c[0][-1] for c in curves), 200)
                mean = np.mean([np.interp(grid, *curve) for curve in curves], axis=0)
                axes.plot(grid, mean, color=colour, label=NAMES[side])
        axes.set(title=preset, xlabel="steps", ylabel="return in training" if number % across == 1 % across else None)
        axes.grid(alpha=0.3)
        if number == 1:
            axes.legend()
    figure.savefig(picture, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("presets", nargs="+")
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--sides", default=SIDES, help=f"of {', '.join(NAMES)}")
    parser.add_argument("--steps", type=int, help="by default those of each preset")
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/learning"))
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--record", type=Path)
    arguments, extra = parser.parse_known_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    seeds, sides = [int(one) for one in arguments.seeds.split(",")], arguments.sides.split(",")
    if unknown := set(sides) - set(NAMES):
        parser.error(f"--sides: expected of {', '.join(NAMES)}, got {', '.join(sorted(unknown))}")
    with ThreadPoolExecutor(arguments.jobs) as jobs:
        pending = [
            jobs.submit(run, preset, side, seed, arguments.steps or load_config(preset).train.steps or 0,
                        arguments.episodes, arguments.out, extra)
            for preset in arguments.presets for seed in seeds for side in sides
        ]  # fmt: skip
        for one in pending:
            one.result()
    lines = lines_of(table(arguments.presets, sides, seeds, arguments.out))
    print("\n".join(lines))
    if arguments.plot:
        draw(arguments.presets, sides, seeds, arguments.out, arguments.plot)
    if arguments.record:
        record(arguments.record, arguments, extra, lines)


if __name__ == "__main__":
    main()
