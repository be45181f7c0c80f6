"""Pushes that disturb a person: the key `task.pushes`."""

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from soleus.config.fields import Count, Section, both_ends, parse_seconds, rising


def _seconds(value: Any) -> Any:
    listed = both_ends(value)
    return tuple(map(parse_seconds, listed)) if isinstance(listed, tuple) else listed


_Newton = Annotated[float, Field(ge=0, le=1e5)]
_Time = Annotated[float, Field(ge=0, le=86_400)]
Newtons = Annotated[tuple[_Newton, _Newton], BeforeValidator(both_ends), AfterValidator(rising)]
Times = Annotated[tuple[_Time, _Time], BeforeValidator(_seconds), AfterValidator(rising)]


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
