"""Right and left in names: `hip_flexion_r` and `hip_flexion_l`, `right_knee` and `left_knee`, `TibiaR` and `TibiaL`."""

import re
from collections.abc import Sequence

_TOKEN = re.compile(r"(?<![A-Za-z0-9])(?i:r|l|right|left)(?![A-Za-z0-9])|(?<=[a-z])[RL](?=$|_[xyz]$)")
_SWAP = {"r": "l", "l": "r", "right": "left", "left": "right"}


def side(name: str) -> str:
    """'r', 'l' or '' of a name."""
    found = _TOKEN.search(name)
    return found.group()[0].lower() if found else ""


def other_side(name: str) -> str:
    """The name with right and left swapped; the same name where it has no side."""

    def swap(match: re.Match[str]) -> str:
        token = match.group()
        swapped = _SWAP[token.lower()]
        return swapped.upper() if token.isupper() else swapped.capitalize() if token[0].isupper() else swapped

    return _TOKEN.sub(swap, name)


def bare_name(name: str) -> str:
    """The name without its side: `hip_flexion` of `hip_flexion_r`."""
    return _TOKEN.sub("", name).rstrip("_ ")


def partners(names: Sequence[str]) -> list[int]:
    """Index of each name's mirror image; its own where it has none.

    Models forget suffixes: `md3_flexion` beside `md3_flexion_l` is taken for the right one.
    """
    index = {name: i for i, name in enumerate(names)}
    result = list(range(len(names)))
    for i, name in enumerate(names):
        swapped = other_side(name)
        bare = bare_name(name)
        if swapped != name and swapped in index:
            result[i] = index[swapped]
        elif swapped != name and bare in index:
            result[i], result[index[bare]] = index[bare], i
    return result
