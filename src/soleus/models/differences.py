"""What differs between two bodies, in words."""

import numpy as np

from soleus.models.human import Human

_CLOSE = 1e-9  # relative: numbers that went through a file and back
_NAMED = 3  # of each kind


def differences(before: Human, after: Human) -> list[str]:
    """Return what differs from one body to another, a phrase each; none where nothing does that is looked at."""
    found = []
    for what, a, b in (
        ("mass", before.mass, after.mass),
        ("pelvis height", before.root_height, after.root_height),
        ("head height", before.head_height, after.head_height),
    ):
        unit = "kg" if what == "mass" else "m"
        if abs(a - b) > _CLOSE * max(abs(a), abs(b), 1.0):
            found.append(f"{what} {b:.4g} {unit} (was {a:.4g})")
    for what, own, other in (
        ("coordinate", before.coordinate_names, after.coordinate_names),
        ("muscle", before.muscle_names, after.muscle_names),
    ):
        found += _named(what, own, other)
    if not found and not _same_numbers(before, after):
        found.append("other inertias, geometry, limits or muscles under the same names")
    return found


def wired_otherwise(before: Human, after: Human) -> str | None:
    """Say what makes a policy act on other joints or muscles of another body than it has learnt on; None: nothing."""
    for what, own, other in (
        ("coordinates", before.coordinate_names, after.coordinate_names),
        ("muscles", before.muscle_names, after.muscle_names),
    ):
        if own != other and sorted(own) == sorted(other):
            first = next(k for k, (a, b) in enumerate(zip(own, other, strict=True)) if a != b)
            return f"{what} in the same order, with '{own[first]}' where '{other[first]}' is"
    return None


def _named(what: str, before: tuple[str, ...], after: tuple[str, ...]) -> list[str]:
    gone, new = ([one for one in names if one not in others] for names, others in ((before, after), (after, before)))
    phrases = []
    for word, names in (("without", gone), ("with", new)):
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            phrases.append(f"{word} the {what}{'s' * (len(names) > 1)} {', '.join(names[:_NAMED])}{more}")
    if not phrases and before != after:
        phrases.append(f"its {what}s in another order")
    return phrases


def _same_numbers(before: Human, after: Human) -> bool:
    names = ("body_mass", "body_inertia", "body_pos", "jnt_range", "geom_size", "actuator_gainprm", "actuator_biasprm")
    return all(
        np.array_equal(getattr(before.model, name), getattr(after.model, name)) for name in (*names, "dof_damping")
    )
