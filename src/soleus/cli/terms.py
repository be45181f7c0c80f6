"""`soleus terms`: what tasks are composed of."""

from typing import Literal

import tyro

HEADS = {
    "observation": "what the policy sees: task.observation.NAME",
    "reward": "what it is rewarded for, each with a weight: task.reward.terms.NAME",
    "termination": "what ends an episode: task.termination.NAME",
}


def terms(kind: tyro.conf.Positional[Literal["all", "observation", "reward", "termination"]] = "all") -> None:
    """List the terms that tasks are composed of, with their parameters, defaults and units.

    Args:
        kind: Of the terms.
    """
    from soleus import _core  # the verbs that need no MuJoCo answer without it

    catalog = _core.catalog()
    for name, head in HEADS.items():
        if kind not in ("all", name):
            continue
        print(f"{name}: {head}")
        for term, facts in catalog[name].items():
            motion = " (of a reference motion)" if facts["needs_motion"] else ""
            print(f"  {term}: {facts['meaning']}{motion}")
            for parameter, (default, meaning) in facts["parameters"].items():
                print(f"    {parameter} {default:g}: {meaning}")
