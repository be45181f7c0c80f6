"""Noise and delay of a person's nerves: the key `task.noise`."""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from soleus.config.fields import Delay, Section


def _at_most(longest: float) -> Callable[[float], float]:
    """Return what refuses times above one [s]."""

    def check(seconds: float) -> float:
        if seconds > longest:
            raise ValueError(f"expected at most {1000 * longest:g}ms, got {seconds:g}s")
        return seconds

    return check


_Deviation = Annotated[float, Field(ge=0, le=10)]
_Delay = Annotated[Delay, AfterValidator(_at_most(0.5))]  # several times what people's nerves take


class NoiseConfig(Section):
    """What a policy sees is inexact and old, what it asks of the body arrives late, and muscles carry it out
    inexactly."""

    observation: _Deviation = 0.0
    """Standard deviation of what is sensed, in the unit of each number of the observation: radians, metres, body
    weights, tenths of rad/s."""
    observation_delay: _Delay = 0.0
    """[s] How old what is sensed is, such as 40ms, rounded to whole simulation steps."""
    motor: _Deviation = 0.0
    """Standard deviation of what a muscle, or a joint torque, does of what it is told, as a share of that."""
    motor_correlation: Annotated[Delay, AfterValidator(_at_most(10))] = 0.0
    """[s] Correlation time of that, such as 100ms; 0: what is drawn lasts for a control step."""
    motor_delay: _Delay = 0.0
    """[s] How late target poses or excitations reach the body, such as 10ms, rounded to whole simulation
    steps."""

    @model_validator(mode="after")
    def _has_motor(self) -> "NoiseConfig":
        if self.motor_correlation and not self.motor:
            raise ValueError(f"motor_correlation: expected 0 without motor noise, got {self.motor_correlation:g}s")
        return self
