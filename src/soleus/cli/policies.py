"""`soleus policies`: what comes along trained."""

from typing import TYPE_CHECKING

from soleus.config import builtin, summary_of

if TYPE_CHECKING:
    from soleus.run.shipped import Record


def policies() -> None:
    """List the trained policies that come along: soleus view NAME, and every other verb that takes a RUN."""
    from soleus.run.shipped import record_of  # PyTorch is slow to import

    known = builtin.policies()
    width = max(len(name) for name in known)
    for name in known:
        record = record_of(name)
        print(f"{name:{width}}  {summary_of(record.preset)}")
        print(f"{'':{width}}  {record.steps:,} steps of {record.preset}, seed {record.seed}: {came_to(record)}")


def came_to(record: "Record") -> str:
    """Return in a line what a policy came to when it was put into the package."""
    found = record.evaluation
    episodes = round(found["episodes"])
    likeness = "" if record.likeness is None else f", likeness {record.likeness:.2f}"
    return (
        f"{round(found['share_full'] * episodes)} of {episodes} episodes last to the end at"
        f" {found['mean_speed_m_s']:.2f} m/s{likeness}"
    )
