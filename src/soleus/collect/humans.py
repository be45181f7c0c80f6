"""The Batch of a round of humans, made of the arrays that the core of one collector wrote, or those of several.

All averages are taken here, over figures of each human, so that they do not depend on which collector had which human.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from soleus.config import HumanRunConfig
from soleus.exchange.batch import Batch, Bool, Divergence, MuscleSamples
from soleus.exchange.weights import to_numpy
from soleus.sim.buffers import EPISODE_COLUMNS
from soleus.sim.sums import residuals, term_means

Arrays = Mapping[str, npt.NDArray[Any]]


def batch_of(
    arrays: Arrays,
    config: HumanRunConfig,
    before: npt.NDArray[np.float64],
    muscle: Mapping[str, Any] | None,
    valid: Bool | None = None,
) -> Batch:
    """Return the batch of a round; its arrays are those given.

    arrays: as simulation.Buffers has them. before: (N, state size) states at the start of the round. muscle: weights of
    the muscle network that acted, where there is one. valid: (T, N) as in Batch; what is not valid is all zeros.
    """
    kept = np.ones(arrays["rewards"].shape, bool) if valid is None else valid
    done = (arrays["terminated"] | arrays["truncated"]).view(np.bool_) & kept
    episodes = arrays["episodes"][done]
    column = EPISODE_COLUMNS.index
    stats = {"diverged": float(arrays["diverged"].sum())}
    if config.control.mode == "muscle":
        stats["torque_residual"], stats["torque_residual_static"] = residuals(arrays["residual_sums"])
    if len(episodes):
        stats["episode_distance_m"] = float(episodes[:, column("distance_m")].mean())
        stats["effort"] = float(episodes[:, column("effort")].mean())
        stats["metabolic_w_kg"] = float(episodes[:, column("metabolic_w_kg")].mean())
    return Batch(
        observations=arrays["observations"],
        actions=arrays["actions"],
        log_probs=arrays["log_probs"],
        rewards=arrays["rewards"],
        terminated=arrays["terminated"].view(np.bool_),
        truncated=arrays["truncated"].view(np.bool_),
        final_observations=arrays["final_observations"],
        muscle=_samples(arrays, kept),
        valid=valid,
        episode_returns=episodes[:, column("return")],
        episode_lengths=episodes[:, column("length_s")],
        terms=term_means(config, arrays["term_sums"], int(kept.sum())),
        stats=stats,
        diverged=_diverged(arrays, before, muscle),
    )


def _samples(arrays: Arrays, kept: Bool) -> MuscleSamples | None:
    if "moments" not in arrays:
        return None
    # A human that diverged before its sampled substep left no sample of this step.
    kept = kept & ~arrays["diverged"].view(np.bool_)
    return MuscleSamples(*(arrays[name][kept] for name in ("moments", "desired", "passive")))


def _diverged(
    arrays: Arrays, before: npt.NDArray[np.float64], muscle: Mapping[str, Any] | None
) -> tuple[Divergence, ...]:
    """Return the humans that diverged, each with what led to it."""
    flags = arrays["diverged"].view(np.bool_)
    if not flags.any():
        return ()
    weights = {name: np.array(to_numpy(value)) for name, value in muscle.items()} if muscle else None
    return tuple(
        Divergence(int(n), before[n], arrays["actions"][: flags[:, n].argmax() + 1, n].copy(), weights)
        for n in np.flatnonzero(flags.any(0))
    )
