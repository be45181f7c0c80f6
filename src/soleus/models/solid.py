"""Which body a force or a load is put on, where the one that is meant may be a mere frame without mass."""

import re

import numpy as np

from soleus.models.human import Human

_PELVIS = re.compile("pelvis", re.IGNORECASE)


def pelvis_of(human: Human) -> int:
    """Return the root body; where it has no mass, the pelvis by name that is fixed to it, or else as solid() says."""
    named = [b for b in _fixed_to(human, human.root_body) if _PELVIS.search(str(human.model.body(b).name))]
    massive = [b for b in named if human.model.body_mass[b] > 0]
    return massive[0] if massive and human.model.body_mass[human.root_body] == 0 else solid(human, human.root_body)


def solid(human: Human, body: int) -> int:
    """Return a body; where it has no mass, the heaviest of those that are fixed to it."""
    if human.model.body_mass[body] > 0:
        return body
    return max(_fixed_to(human, body), key=lambda b: float(human.model.body_mass[b]))


def _fixed_to(human: Human, body: int) -> list[int]:
    weld = human.model.body_weldid
    return [int(b) for b in np.flatnonzero(weld == weld[body])]
