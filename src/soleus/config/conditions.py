"""Numbers that differ from human to human: the key `conditions`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator

from soleus.config.fields import Section, as_list


class ConditionConfig(Section):
    """A number that differs from human to human, drawn as each episode begins. In short its range alone: [0.5, 1]."""

    range: Annotated[tuple[float, float], BeforeValidator(as_list)]
    """Least and greatest value."""
    default: float | None = None
    """Value where none is asked for, and of the ends; null: what model and motion have, or else the nearest end."""
    distribution: Literal["uniform", "normal", "ends"] = "uniform"
    """uniform: over the range; normal: about the default, with a sixth of the range as its deviation; ends: an end of
    the range or the default."""
    observed: bool = True
    """Whether the observation term `conditions` has it; false: it differs, and the policy is not told."""
    at: float | Literal["default"] | None = None
    """Value that everybody has, in place of drawn ones; null: values are drawn, if those of no condition are given."""

    @model_validator(mode="before")
    @classmethod
    def _of_a_range(cls, value: Any) -> Any:
        """A range alone is a condition of that range."""
        if isinstance(value, list | tuple):
            return {"range": value}
        if not isinstance(value, Mapping | ConditionConfig):
            raise ValueError(f"expected a range such as [0.5, 1], got {value!r}")
        return value

    @model_validator(mode="after")
    def _holds(self) -> "ConditionConfig":
        low, high = self.range
        if not low <= high:
            raise ValueError(f"range: expected the least value, then the greatest, got [{low:g}, {high:g}]")
        for key, value in (("default", self.default), ("at", self.at)):
            if isinstance(value, float) and not low <= value <= high:
                raise ValueError(f"{key}: expected a value within {low:g} and {high:g}, got {value:g}")
        return self


def by_full_names(value: Any, before: str = "") -> Any:
    """Return conditions by their full names, strength.soleus_r, for {strength: {soleus_r: ...}}."""
    if not isinstance(value, Mapping):
        return value
    result: dict[str, Any] = {}
    for name, one in value.items():
        inner = isinstance(one, Mapping) and not one.keys() & ConditionConfig.model_fields.keys()
        result |= by_full_names(one, f"{before}{name}.") if inner else {f"{before}{name}": one}
    return result
