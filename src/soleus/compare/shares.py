"""Where the time of a run goes."""

import numpy as np

from soleus.compare.reading import RunRecord

SHARES = {
    "collecting": "workers step environments",
    "learning": "gradient steps; in older runs, which record collecting alone, all else in an iteration",
    "waiting": "workers wait for the slowest of them, in the collection",
    "publishing": "weights go to the workers",
    "rest": "evaluations, checkpoints, records",
}


def iteration_seconds(run: RunRecord) -> np.ndarray:
    """Return the time of each iteration [s]  # (iterations,): its steps over its steps/s; nan where unknown."""
    steps, rate = np.diff(run.column("time/steps"), prepend=0.0), run.column("time/steps_per_s")
    seconds = np.full_like(steps, np.nan)
    np.divide(steps, rate, out=seconds, where=rate > 0)
    return seconds


def shares_of(run: RunRecord, duration: float | None) -> dict[str, float] | None:
    """Return the shares of a run's duration [s] by what it went to (SHARES); they sum to 1.

    What an iteration records as shares of itself is weighted with its time. The workers' waiting is a share of the
    collection and taken out of it; the rest is what nothing else accounts for. Where no iteration tells learning
    apart (older runs), what it does not collect counts as learning: there was nothing else in it. Waiting and
    publishing are left out where no iteration tells of them. None where none tells of its collecting.
    """
    seconds = np.nan_to_num(iteration_seconds(run))
    collect = run.column("time/collect_share")
    if not np.isfinite(collect).any() or not seconds.sum() > 0:
        return None
    learn, publish, wait = (run.column(f"time/{name}_share") for name in ("learn", "publish", "waiting"))
    untold = [name for name, share in (("waiting", wait), ("publishing", publish)) if not np.isfinite(share).any()]
    if not np.isfinite(learn).any():
        learn = 1.0 - collect - np.nan_to_num(publish)
    collect, learn, publish, wait = (
        np.clip(np.nan_to_num(share), 0.0, 1.0) for share in (collect, learn, publish, wait)
    )
    parts = {
        "collecting": seconds @ (collect * (1.0 - wait)),
        "learning": seconds @ learn,
        "waiting": seconds @ (collect * wait),
        "publishing": seconds @ publish,
    }
    known = sum(parts.values())
    total = max(known, seconds.sum(), duration or 0.0)
    parts["rest"] = total - known
    return {name: float(part / total) for name, part in parts.items() if name not in untold}
