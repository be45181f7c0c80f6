"""Humans on Ray against one native collector of as many, and what their parts say of more machines."""

import random
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from soleus.bench.running import Running
from soleus.bench.scaling import MEDIANS
from soleus.config import HumanRunConfig
from soleus.config.resolve import resolve
from soleus.errors import UserError
from soleus.machine.cpus import available_cpus
from soleus.sim.scenario import load_scenario

MACHINES = (4, 16, 64, 256)
NETWORK_MB_S = 1250.0
"""[MB/s] of the driver's link in the prediction: 10 Gbit/s."""

Row = dict[str, float]


def entries_of(config: HumanRunConfig, collectors: Sequence[int]) -> list[HumanRunConfig]:
    """Return the configurations of a sweep: the native collector, then so many on Ray; all with as many humans.

    Raises UserError for more collectors than humans, and for a lag.
    """
    if config.parallel.max_lag:
        raise UserError("parallel.max_lag: expected 0 for bench scaling, whose collectors take turns, got 1")
    entries = []
    for kind, count in (("native", 1), *(("ray", count) for count in collectors)):
        parallel = config.parallel.model_copy(
            update={"collector": kind, "num_collectors": count, "envs_per_collector": None}
        )
        entry, _ = resolve(config.model_copy(update={"parallel": parallel}), available_cpus())
        assert isinstance(entry, HumanRunConfig)
        entries.append(entry)
    return entries


def bench_scaling_ray(config: HumanRunConfig, collectors: Sequence[int], rounds: int) -> dict[str, Any]:
    """Return what a sweep has in common, `entries`, and predicted_steps_per_s by number of machines (predict()).

    An entry: steps/s and shares of an iteration, as medians over the rounds; on Ray also transfer_share (of an
    iteration: weights out, rollouts in and merged; all of the collection in which the slowest actor does not collect),
    weights_mb to each actor and round_mb from all, merge_s, and collect_over_native: the ratio of its steps/s of
    collecting to the native collector's. The two take turns in each round.
    """
    native, *others = entries_of(config, collectors)
    native_rows: list[Row] = []
    entries: list[dict[str, Any]] = []
    predicted: dict[str, float] = {}
    for entry, count in zip(others, collectors, strict=True):
        mine, plain = _in_turns(entry, native, rounds)
        native_rows += plain
        entries.append({"collector": "ray", "num_workers": count, **_figures(mine, plain)})
        predicted = predict(mine, count)
    return {
        "model": config.subject,
        "num_envs": native.train.num_envs,
        "rollout_steps": config.train.rollout_steps,
        "engine": load_scenario(native).engine.name,
        "rounds": rounds,
        "predicted_steps_per_s": predicted,
        "entries": [{"collector": "native", "num_workers": 1, **_medians(native_rows)}, *entries],
    }


def _in_turns(entry: HumanRunConfig, native: HumanRunConfig, rounds: int) -> tuple[list[Row], list[Row]]:
    """Return the rows of an entry and of the native collector, one a round; one waits while the other works."""
    order = random.Random(0)
    rows: tuple[list[Row], list[Row]] = ([], [])
    with Running(entry) as on_ray, Running(native) as alone:
        for turn in range(rounds + 1):
            for place in order.sample((0, 1), 2):
                row = (on_ray, alone)[place].iterate()
                if turn:  # the first round warms caches and clocks
                    rows[place].append(row)
    return rows


def _medians(rows: Sequence[Row]) -> Row:
    return {name: statistics.median(row[key] for row in rows) for name, key in MEDIANS.items()}


def _figures(rows: Sequence[Row], native: Sequence[Row]) -> dict[str, Any]:
    collect = "time/collect_steps_per_s"
    return {
        **_medians(rows),
        "transfer_share": statistics.median(row["collect/transfer_s"] / _whole(row) for row in rows),
        "merge_s": statistics.median(row["collect/merge_s"] for row in rows),
        "weights_mb": rows[-1]["collect/weights_mb"],
        "round_mb": rows[-1]["collect/round_mb"],
        "collect_over_native": statistics.median(
            row[collect] / other[collect] for row, other in zip(rows, native, strict=True)
        ),
    }


def predict(rows: Sequence[Mapping[str, float]], collectors: int) -> dict[str, float]:
    """Return steps/s by number of machines, each with one of these collectors, from the measured parts.

    An iteration of K machines takes collect + K (weights + round) / NETWORK_MB_S + K (merge + learn): all collect at
    once, as long as one does here; what goes out and comes in passes the driver's link; merging and learning take a
    time in proportion to the samples, on one machine as here. rows: of iterations with so many collectors.
    """
    steps = statistics.median(row["time/steps_per_s"] * _whole(row) for row in rows) / collectors
    learn = statistics.median(row["time/learn_share"] * _whole(row) for row in rows) / collectors
    merge = statistics.median(row["collect/merge_s"] for row in rows) / collectors
    collect = statistics.median(row["time/collect_share"] * _whole(row) - row["collect/transfer_s"] for row in rows)
    moved = rows[-1]["collect/weights_mb"] + rows[-1]["collect/round_mb"] / collectors

    def speed(machines: int) -> float:
        return machines * steps / (collect + machines * (moved / NETWORK_MB_S + merge + learn))

    return {str(machines): speed(machines) for machines in MACHINES}


def _whole(row: Mapping[str, float]) -> float:
    """Return the time of an iteration [s], from how long its collection took."""
    return row["collect/wall_s"] / row["time/collect_share"]
