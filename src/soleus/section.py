"""What the parts of the configuration share: frozen, strict, without unknown keys."""

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer


def whole(value: Any) -> Any:
    """Return a whole number that is written as another, 1e6 or 32.0, as an int; anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1), BeforeValidator(whole)]
# What is far beyond sense would only never end, or not fit into any memory.
Few = Annotated[int, Field(ge=1, le=10_000), BeforeValidator(whole)]
Envs = Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(whole)]


@dataclass(frozen=True)
class Fixed:
    """Metadata of a field that a run cannot go on with another value of."""

    why: str


_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
_PARTS = re.compile(rf"(?:{_NUMBER}\s*d)?\s*(?:{_NUMBER}\s*h)?\s*(?:{_NUMBER}\s*m(?:in)?)?\s*(?:{_NUMBER}\s*s)?")


def parse_duration(value: Any) -> Any:
    """Return seconds for "90s", "15m", "1h30m" or, in hours, a bare 0.5; null stays null."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 3600.0 * value
    if not isinstance(value, str):
        return value
    text = value.strip()
    if re.fullmatch(_NUMBER, text):
        return 3600.0 * float(text)
    match = _PARTS.fullmatch(text)
    if not text or not match:
        raise ValueError("expected a time such as 90s, 15m, 1h30m or 0.5 (hours)")
    return sum(
        float(part or 0) * unit for part, unit in zip(match.groups(), (86_400.0, 3600.0, 60.0, 1.0), strict=True)
    )


def as_list(value: Any) -> Any:
    """Return a tuple for a list, for what commas separate as in 32,32, or for one thing alone."""
    if isinstance(value, str):
        return tuple(yaml_number(part.strip()) for part in value.split(","))
    return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, int | float) else value


def yaml_number(text: str) -> Any:
    """Return the number that a text is, or the text."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def _duration_text(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds!r}s"  # a bare number would be read back as hours


_Seconds = (Field(gt=0), BeforeValidator(parse_duration), PlainSerializer(_duration_text, when_used="json"))
Duration = Annotated[float, *_Seconds]
MaybeDuration = Annotated[float | None, *_Seconds]


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
