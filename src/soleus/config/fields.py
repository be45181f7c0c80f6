"""What the parts of the configuration share: frozen, strict, without unknown keys."""

import fractions
import math
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
_SUFFIXED = re.compile(rf"{_NUMBER}\s*([kKMG])")
_LONGEST = 40  # characters of a number with a suffix
_SUFFIXES = {"k": 1_000, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000}


def whole(value: Any) -> Any:
    """Return a whole number that is written in another way, 1e6, 32.0, 500k or 1.5M, as an int.

    Anything else as it is. Raises ValueError for what begins as a number, and is no whole one.
    """
    if isinstance(value, float):
        number = fractions.Fraction(value) if math.isfinite(value) else None
    elif isinstance(value, str) and re.match(r"[-+.]?\d", value.strip()):
        match = _SUFFIXED.fullmatch(value.strip()[:_LONGEST])
        number = fractions.Fraction(match[1]) * _SUFFIXES[match[2]] if match else None
    else:
        return value
    if number is None or number.denominator != 1:
        raise ValueError("expected a whole number such as 500000, 5e5, 500k, 1.5M or 2G")
    return int(number)


Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Seconds = Annotated[float, Field(allow_inf_nan=False)]
"""A time of a file, which may begin before 0."""
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1), BeforeValidator(whole)]
# What is far beyond sense would only never end, or not fit into any memory.
Few = Annotated[int, Field(ge=1, le=10_000), BeforeValidator(whole)]
Envs = Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(whole)]


@dataclass(frozen=True)
class Fixed:
    """Metadata of a field that a run cannot go on with another value of."""

    why: str


class Mark(Enum):
    """Metadata of a field: what follows from its key."""

    SHORT = "the last part of the key alone is a flag, and a name in Python"
    FILE = "a file, meant relative to the file that names it"
    RETURN = "what a return means depends on it: with another value, evaluations cannot be compared"
    INTERFACE = "what a policy sees or what its outputs do: its weights mean nothing with another value"
    ASIDE = "nothing that is learnt depends on it: going on with another value is nothing to tell"


_PARTS = re.compile(
    rf"(?:{_NUMBER}\s*d)?\s*(?:{_NUMBER}\s*h)?\s*(?:{_NUMBER}\s*m(?:in)?)?\s*(?:{_NUMBER}\s*s)?\s*(?:{_NUMBER}\s*ms)?"
)
_UNITS = (86_400.0, 3600.0, 60.0, 1.0, 0.001)  # [s]


def parse_seconds(value: Any) -> Any:
    """Return seconds for "90s", "15m", "1h30m" or a bare 90; null stays null. Raises ValueError for another text."""
    return _parse_duration(value, 1.0, "90 (seconds)")


def parse_hours(value: Any) -> Any:
    """Return seconds for "90s", "15m", "1h30m" or, in hours, a bare 0.5; null stays null. Raises as parse_seconds."""
    return _parse_duration(value, 3600.0, "0.5 (hours)")


def _parse_duration(value: Any, bare: float, example: str) -> Any:
    """bare: the unit of a number without one [s]."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return math.inf if abs(value) >= sys.float_info.max else bare * value
    if not isinstance(value, str):
        return value
    text = value.strip()
    if re.fullmatch(_NUMBER, text):
        return bare * float(text)
    match = _PARTS.fullmatch(text)
    if not text or not match:
        raise ValueError(f"expected a time such as 90s, 15m, 1h30m or {example}")
    return sum(float(part or 0) * unit for part, unit in zip(match.groups(), _UNITS, strict=True))


def as_list(value: Any) -> Any:
    """Return a tuple for a list, for what commas separate as in 32,32, or for one thing alone."""
    if isinstance(value, str):
        return tuple(yaml_number(part.strip()) for part in value.split(","))
    return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, int | float) else value


def both_ends(value: Any) -> Any:
    """Return a range for one number, from it to it; else what as_list returns."""
    listed = as_list(value)
    return listed * 2 if isinstance(listed, tuple) and len(listed) == 1 else listed


def rising(value: tuple[float, float]) -> tuple[float, float]:
    """Return a range. Raises ValueError for one whose ends are the wrong way round."""
    if value[0] > value[1]:
        raise ValueError(f"expected the least value, then the greatest, got [{value[0]:g}, {value[1]:g}]")
    return value


def yaml_number(text: str) -> Any:
    """Return the number that a text is, or the text."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def _duration_text(seconds: float | None) -> str | None:
    return None if seconds is None else f"{Decimal(repr(seconds)):f}s"  # a bare number may be read back as hours


_AsText = PlainSerializer(_duration_text, when_used="json")
Duration = Annotated[float, Field(gt=0), BeforeValidator(parse_seconds), _AsText]
MaybeDuration = Annotated[float | None, Field(gt=0), BeforeValidator(parse_seconds), _AsText]
MaybeHours = Annotated[float | None, Field(gt=0), BeforeValidator(parse_hours), _AsText]
"""[s] too, but a bare number is hours."""
Delay = Annotated[float, Field(ge=0), BeforeValidator(parse_seconds), _AsText]


def is_time(validator: Any) -> bool:
    """Whether what validates a field reads a time."""
    return getattr(validator, "func", None) in (parse_seconds, parse_hours)


def is_url(text: str) -> bool:
    """Whether a text is a URL rather than a path: PROTOCOL:// and more."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.:-]*://", text) is not None


def _url(text: str) -> str:
    url = text.rstrip("/")
    if not is_url(url) or re.match("(file|local)://(?!/)", url):
        raise ValueError("expected a URL such as s3://bucket/walk or file:///mnt/walk")
    return url


Url = Annotated[str, AfterValidator(_url)]


class Section(BaseModel):
    """A part of the configuration."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        validate_default=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,  # what a key means is listed with it
    )
