"""Where the time of an iteration goes: shares that sum to 1, from what the core counts on its threads."""

from collections.abc import Mapping
from typing import Any

PARTS = ("physics", "muscles", "coordination", "torque", "policy", "terms")
"""What the core's threads tell apart."""
PREFIX = "profile/"
_LEAST = 0.005  # of a share that is shown


def waiting_share(report: Mapping[str, Any], took: float, threads: int) -> float:
    """Return the share of the threads' time in which one has nothing to do: others finish, or Python alone is at work.

    report: of the core's last rollout; took: from the call of collect() to its return [s].
    """
    serial = (took - report["wall"]) * (threads - 1)
    return float((report["alone"] + serial) / (took * threads))


def of_collection(report: Mapping[str, Any], took: float, threads: int) -> dict[str, float]:
    """Return metrics of a profiled rollout: shares of the collection, PARTS, waiting and other; they sum to 1.

    other: choosing whose turn it is, and the batch that Python puts together. Arguments as of waiting_share().
    """
    shares = {name: report["sections"][name] / (took * threads) for name in PARTS}
    shares["waiting"] = waiting_share(report, took, threads)
    shares["other"] = 1.0 - sum(shares.values())
    return {PREFIX + name: share for name, share in shares.items()}


def of_iteration(metrics: Mapping[str, float], collecting: float, learning: float) -> dict[str, float]:
    """Return a batch's metrics with its shares of the collection as those of the iteration, the learner's among them.

    collecting, learning: their shares of the iteration; what is left publishes weights and counts as other.
    """
    if PREFIX + "other" not in metrics:
        return dict(metrics)
    shares = {key: value * collecting for key, value in metrics.items() if key.startswith(PREFIX)}
    shares[PREFIX + "learner"] = learning
    shares[PREFIX + "other"] += 1.0 - collecting - learning
    return {**metrics, **shares}


def in_words(metrics: Mapping[str, float]) -> str:
    """Return the shares of an iteration for the screen, the largest first; nothing where there are none."""
    shares = {key.removeprefix(PREFIX): value for key, value in metrics.items() if key.startswith(PREFIX)}
    order = sorted((name for name in shares if shares[name] >= _LEAST), key=lambda name: -shares[name])
    return ", ".join(f"{name} {shares[name]:.0%}" for name in order)
