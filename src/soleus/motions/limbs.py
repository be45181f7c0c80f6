"""Which bodies of a model, and which joints of a captured clip, are which limbs, by their names."""

import re
from collections.abc import Sequence

from soleus.models.human import Human
from soleus.models.sides import side
from soleus.motions.orienting import chain

_TRUNK = r"torso|thorax|trunk|chest"
# Limbs of a side, parents before children, and how the bodies of models are called.
_BODIES = {
    "thigh": r"femur|thigh|upper_?leg",
    "shank": r"tibia|shank|shin|lower_?leg|calf",
    "foot": r"calcn|foot|talus",
    "upper_arm": r"humerus|upper_?arm|^arm",
    "forearm": r"ulna|fore_?arm|lower_?arm",
}
# How capture tools call a limb's joint, at its upper end, behind the side; the first kind that a file has counts.
# Mixamo and MotionBuilder: UpLeg, Leg, Arm; Biovision and Xsens: Hip, Knee, Shoulder, Elbow; Poser and Daz: Thigh,
# Shin, Shldr; Unreal: thigh, calf, upperarm.
_JOINTS = {
    "thigh": ("upleg", "upperleg", "thigh", "femur", "hip"),
    "shank": ("leg", "lowerleg", "shin", "calf", "tibia", "knee"),
    "foot": ("foot", "ankle"),
    "upper_arm": ("arm", "upperarm", "shldr", "humerus", "shoulder"),
    "forearm": ("forearm", "lowerarm", "elbow"),
}
_HIPS = ("hips", "hip", "pelvis", "root")
LIMBS = tuple(_BODIES)


def limbs_of(human: Human) -> dict[tuple[str, str], int]:
    """Bodies of a model by limb and side, 'r' or 'l'; those that it has not are left out."""
    found = {(limb, which): body for limb in LIMBS for which, body in _of_sides(human, _BODIES[limb]).items()}
    for which, feet in zip("rl", human.feet, strict=True):
        found["foot", which] = int(feet[0])
    return found


def upper_arms(human: Human) -> dict[str, int]:
    """Bodies of the upper arms by side."""
    return _of_sides(human, _BODIES["upper_arm"])


def trunk_of(human: Human) -> int | None:
    """Return the last body of the spine, that which carries both arms, or else the first that is named as a trunk."""
    arms = upper_arms(human)
    if len(arms) == 2:
        chains = [chain(human, body) for body in arms.values()]
        common = [body for body in chains[0] if body in chains[1]]
        return common[-1] if common and common[-1] != human.root_body else None
    return next((int(b) for b in human.own_bodies if re.search(_TRUNK, human.model.body(b).name, re.IGNORECASE)), None)


def _of_sides(human: Human, pattern: str) -> dict[str, int]:
    found = dict[str, int]()
    for body in human.own_bodies:
        name = str(human.model.body(body).name)
        if side(name) and re.search(pattern, name, re.IGNORECASE):
            found.setdefault(side(name), int(body))
    return found


def joints_of(names: Sequence[str]) -> dict[tuple[str, str], int]:
    """Index of each limb's joint among a clip's joints, by limb and side; ("hips", "") is the root.

    What stands before a colon and what separates words is no part of a name: mixamorig:LeftUpLeg, left_up_leg.
    """
    plain = [_plain(name) for name in names]
    found = dict[tuple[str, str], int]()
    if plain and plain[0] in _HIPS:
        found["hips", ""] = 0
    for limb, words in _JOINTS.items():
        for which, sides in (("r", ("right", "r")), ("l", ("left", "l"))):
            index = next((plain.index(one) for word in words for one in _spelled(word, sides) if one in plain), None)
            if index is not None:
                found[limb, which] = index
    return found


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.rpartition(":")[2].lower())


def _spelled(word: str, sides: tuple[str, ...]) -> list[str]:
    return [spelled for one in sides for spelled in (one + word, word + one)]
