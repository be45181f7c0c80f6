"""What the parts of the configuration share: frozen, strict, without unknown keys."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


def parse_duration(value: Any) -> Any:
    """Return seconds for "90s", "15m", "2h" or, in hours, a bare 0.5; null stays null."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 3600.0 * value
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)\s*([smh]?)", value.strip())
    if not match:
        raise ValueError("expected a time such as 90s, 15m, 2h or 0.5 (hours)")
    return float(match[1]) * {"s": 1.0, "m": 60.0, "h": 3600.0, "": 3600.0}[match[2]]


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

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True, allow_inf_nan=False)
