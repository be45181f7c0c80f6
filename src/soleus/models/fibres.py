"""Slow-twitch fibres: what share of a muscle they are, by the muscle's name.

Johnson, Polgar, Weightman, Appleton (1973), "Data on the distribution of fibre types in thirty-six human muscles: an
autopsy study", J. Neurol. Sci. 18:111; here to the nearest 5 %. Slow fibres hold the same force for less.
"""

import re

from soleus.models.sides import bare_name

SLOW_SHARES = {  # part of a name, without underscores and sides, in small letters: of models of the field
    r"sol(eus)?\d*": 0.85,
    r"tib(ialis)?ant(erior)?\d*": 0.75,
    r"per(oneus)?long(us)?\d*": 0.6,
    r"bf(lh|sh)|bicepfemoris(longus|short)\d*|bifem(lh|sh)|hamstrings": 0.65,
    r"rec(tus|t)?fem(oris)?\d*": 0.35,
    r"vas(tus)?lat(eralis)?\d*": 0.45,
    r"addmag\w*|adductormagnus\d*": 0.6,
}
"""Of muscles whose share is not about a half: soleus, tibialis anterior, peroneus longus, hamstrings, rectus femoris,
vastus lateralis, adductor magnus."""
OTHERS = 0.5


def slow_share(muscle: str) -> float:
    """Share of slow-twitch fibres of a muscle [0, 1]."""
    bare = bare_name(muscle).lower().replace("_", "")
    return next((share for name, share in SLOW_SHARES.items() if re.fullmatch(name, bare)), OTHERS)
