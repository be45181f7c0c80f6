"""What the figures say, in one plain sentence on speed and one on return."""

from collections.abc import Sequence

from soleus.compare.figures import Figures
from soleus.compare.reading import RunRecord
from soleus.compare.table import count, decimal, percent


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def speed_sentence(runs: Sequence[RunRecord], figures: Sequence[Figures]) -> str:
    """Return how fast the runs are, measured against the first."""
    reference = figures[0]
    if reference.steps_per_s_mean is None:
        return f"{runs[0].name} recorded no speed to compare the others with."
    parts = []
    for run, found in zip(runs[1:], figures[1:], strict=True):
        if found.speed_up is None or found.steps_per_s_mean is None:
            parts.append(f"{run.name} recorded none")
            continue
        said = f"{run.name} {decimal(found.steps_per_s_mean)}, {found.speed_up:.2f} times as many"
        if found.workers and reference.workers and found.workers != reference.workers:
            workers = "worker" if found.workers == 1 else "workers"
            said += f" with {count(found.workers)} {workers} for {count(reference.workers)}"
        if found.efficiency is not None and found.workers != reference.workers:
            said += f" (efficiency {percent(found.efficiency)})"
        parts.append(said + _per_cpu(found, reference))
    return f"{runs[0].name} makes {decimal(reference.steps_per_s_mean)} steps/s; {'; '.join(parts)}."


def _per_cpu(found: Figures, reference: Figures) -> str:
    """Return what compares of two runs that were not under the same conditions."""
    if found.apart is None:
        return ""
    if found.steps_per_cpu_s is None or reference.steps_per_cpu_s is None:
        return f", {found.apart}, which tells little"
    ratio = found.steps_per_cpu_s / reference.steps_per_cpu_s
    return (
        f", {found.apart}: in a second of CPU time {decimal(found.steps_per_cpu_s)} steps for"
        f" {decimal(reference.steps_per_cpu_s)}, {ratio:.2f} times as many"
    )


def return_sentence(runs: Sequence[RunRecord], figures: Sequence[Figures], comparable: bool = True) -> str:
    """Return where the runs' returns end, best first. comparable: whether the runs are of one environment."""
    pairs = list(zip(runs, figures, strict=True))
    ended = [(run.name, found) for run, found in pairs if found.return_final is not None]
    silent = [run.name for run, found in pairs if found.return_final is None]
    if not ended:
        return "No episode ended in any of the runs, so there is no return to compare."
    if comparable:
        ended.sort(key=lambda pair: -(pair[1].return_final or 0.0))
    same_steps = len({found.steps for _, found in ended}) == 1
    parts = [
        f"{name} at {decimal(found.return_final)} (from {decimal(found.return_initial)})"
        + ("" if same_steps else f" after {count(found.steps)} steps")
        for name, found in ended
    ]
    said = f"The return ends {'highest ' if comparable and len(ended) > 1 else ''}in {parts[0]}"
    if len(parts) > 1:
        said += f", then {_listed(parts[1:])}" if comparable else f", in {_listed(parts[1:])}"
    if same_steps and len(ended) > 1:
        said += f", all after {count(ended[0][1].steps)} steps"
    if silent:
        said += f"; no episode ended in {_listed(silent)}"
    if not comparable:
        said += "; the environments differ, so these do not compare"
    return f"{said}."
