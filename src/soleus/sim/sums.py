"""What the core's sums and flags over a rollout say, whoever ran its humans."""

import sys

import numpy as np

from soleus.config import HumanRunConfig


def term_means(config: HumanRunConfig, sums: np.ndarray, steps: int) -> dict[str, float]:
    """Return the mean of each reward term, unweighted, from `term_sums` (N, terms) over so many steps of one human."""
    return dict(zip(config.task.reward.terms, (sums.sum(0) / max(steps, 1)).tolist(), strict=True))


def residuals(sums: np.ndarray) -> tuple[float, float]:
    """Return relative torque residuals from `residual_sums` (N, 3): roots of squares over those of the torque wanted.

    The first is of the coordination that acted, the second what static optimization leaves of the same samples.
    """
    missed, wanted, optimal = sums.sum(0)
    return (float(np.sqrt(missed / wanted)), float(np.sqrt(optimal / wanted))) if wanted > 0 else (0.0, 0.0)


def name_diverged(flags: np.ndarray) -> None:
    """Say which humans met a non-finite or runaway state, (T, N): each was reset, and its neighbours never noticed."""
    humans = np.flatnonzero(flags.any(0))
    if len(humans):
        shown = ", ".join(str(human) for human in humans[:5]) + (", ..." if len(humans) > 5 else "")
        print(f"warning: the simulation of human {shown} diverged and was reset", file=sys.stderr)
