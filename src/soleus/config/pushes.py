"""Pushes that disturb a person: the key `task.pushes`."""

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from soleus.config.fields import Count, Section, as_list, parse_seconds


def _both_ends(value: Any) -> Any:
    """Return a range for one number, from it to it."""
    listed = as_list(value)
    return listed * 2 if isinstance(listed, tuple) and len(listed) == 1 else listed


def _seconds(value: Any) -> Any:
    listed = _both_ends(value)
    return tuple(map(parse_seconds, listed)) if isinstance(listed, tuple) else listed


def _rising(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError(f"expected the least value, then the greatest, got [{value[0]:g}, {value[1]:g}]")
    return value


_Newton = Annotated[float, Field(ge=0, le=1e5)]
_Time = Annotated[float, Field(ge=0, le=86_400)]
Newtons = Annotated[tuple[_Newton, _Newton], BeforeValidator(_both_ends), AfterValidator(_rising)]
Times = Annotated[tuple[_Time, _Time], BeforeValidator(_seconds), AfterValidator(_rising)]


Side = Literal["any", "front", "back", "left", "right"]
SIDES: tuple[str, ...] = get_args(Side)[1:]
"""Those that a push can come from."""


class PushConfig(Section):
    """A horizontal force on a person's pelvis for a moment, now and then."""

    force: Newtons
    """[N] Least and greatest force; one number alone: always that."""
    seconds: Annotated[float, Field(gt=0, le=86_400), BeforeValidator(parse_seconds)] = 0.2
    """[s] How long a push lasts, rounded to whole control steps."""
    every: Times = (2.0, 4.0)
    """[s] Shortest and longest time to a push from the start of the episode, or from the end of the push before."""
    side: Side = "any"
    """Side that pushes come from, as the person faces when they begin; any: any direction along the ground."""
    most: Count | None = None
    """Pushes in an episode, at most; null: any number."""
