"""`soleus terms`: what tasks are composed of."""

from typing import Literal

import tyro

HEADS = {
    "observation": "what the policy observes (task.observation.NAME)",
    "reward": (
        "what the policy is rewarded for (task.reward.terms.NAME); each term has a weight, and one with a scale is"
        " exp(-scale * squared error), at most 1"
    ),
    "termination": "what ends an episode as lost (task.termination.NAME)",
}


def terms(kind: tyro.conf.Positional[Literal["all", "observation", "reward", "termination"]] = "all") -> None:
    """List the terms that tasks are composed of, with their parameters, defaults and units.

    Args:
        kind: Which terms to list.
    """
    from soleus import _core  # the verbs that need no MuJoCo answer without it

    catalog = _core.catalog()
    for name, head in HEADS.items():
        if kind not in ("all", name):
            continue
        print(f"{name}: {head}")
        for term, facts in catalog[name].items():
            motion = " (needs a motion)" if facts["needs_motion"] else ""
            print(f"  {term}: {facts['meaning']}{motion}")
            for parameter, (default, meaning) in facts["parameters"].items():
                print(f"    {parameter} {default:g}: {meaning}")
