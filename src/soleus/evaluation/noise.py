"""People whose nerves are noisier or slower than those that a policy was trained with."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from soleus.config import HumanRunConfig
from soleus.config.explain import explain
from soleus.config.fields import yaml_number
from soleus.config.noise import NoiseConfig
from soleus.errors import UserError

NONE = "none"
"""What is written for no noise and no delay."""


def read_noise(text: str) -> dict[str, Any]:
    """Return values of `task.noise` by name for what is written NAME=VALUE,...; none for NONE. Raises UserError."""
    values: dict[str, Any] = {}
    for one in text.split(",") if text != NONE else ():
        name, equals, value = (part.strip() for part in one.partition("="))
        if not (name and equals and value):
            raise UserError(
                f"--noise: expected NAME=VALUE,... such as observation=0.05,motor_delay=10ms, or {NONE}, got '{text}'"
            )
        values[name] = yaml_number(value)
    return values


def with_noise(config: HumanRunConfig, values: Mapping[str, Any]) -> HumanRunConfig:
    """Return a configuration with these values of `task.noise` in place of its own, the others 0. Raises UserError."""
    if not isinstance(values, Mapping):
        raise UserError(f"--noise: expected values by name such as {{'observation': 0.05}}, got {values!r:.60}")
    try:
        noise = NoiseConfig.model_validate(dict(values))
    except ValidationError as error:
        raise UserError(f"--noise: {explain(error, NoiseConfig)}") from None
    return config.model_copy(update={"task": config.task.model_copy(update={"noise": noise})})
