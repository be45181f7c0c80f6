"""The devices of an exoskeleton: the key `control.exoskeleton`."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from soleus.config.fields import Positive, Section, as_list, yaml_number

_PAIRS = (list, tuple)


def _points(value: Any) -> Any:
    """Return pairs of per cent and torque, in order, for {0: 0, 52: 50} or pairs themselves."""
    if value is None:
        return None
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    numbers = []
    for pair in pairs if isinstance(pairs, list | tuple) else [pairs]:
        two = [yaml_number(one) if isinstance(one, str) else one for one in pair] if isinstance(pair, _PAIRS) else []
        if len(two) != 2 or any(type(one) not in (int, float) for one in two):
            got = value if pair is pairs else pair
            raise ValueError(f"expected torques by per cent of the gait cycle such as {{0: 0, 52: 50}}, got {got!r}")
        numbers.append((float(two[0]), float(two[1])))
    return tuple(sorted(numbers))


class DeviceTorque(Section):
    """What the torque of a device follows: one of the keys."""

    profile: Annotated[tuple[tuple[float, float], ...] | None, BeforeValidator(_points)] = None
    """[N m] Torques by per cent of the gait cycle of the joint's side, from a strike of that foot to its next, such as
    {0: 0, 30: 10, 52: 50, 62: 0}; between them it is smooth, without going beyond them. They come round."""
    proportion: Annotated[float, Field(ge=-1, le=1)] | None = None
    """Share of the torque that is wanted of the joint; below 0 the device resists."""
    action: Positive | None = None
    """[N m] The torque at an action of 1: the policy has one more action for each joint."""

    @model_validator(mode="after")
    def _one(self) -> "DeviceTorque":
        given = [key for key in type(self).model_fields if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"expected one of profile, proportion and action, got {' and '.join(given) or 'none'}")
        if self.profile is not None:
            _check_profile(self.profile)
        return self


def _check_profile(points: tuple[tuple[float, float], ...]) -> None:
    """Raise ValueError for points that make no curve over the gait cycle."""
    shares = [at for at, _ in points]
    if len(points) < 2:
        raise ValueError(f"profile: expected two points or more, got {len(points)}")
    if wrong := next((at for at in shares if not 0 <= at <= 100), None):
        raise ValueError(f"profile: expected per cents of the gait cycle from 0 to 100, got {wrong:g}")
    if twice := next((at for at in shares if shares.count(at) > 1), None):
        raise ValueError(f"profile: expected one torque at {twice:g} per cent, got {shares.count(twice)}")
    (first, begin), (last, end) = points[0], points[-1]
    if first == 0 and last == 100 and begin != end:
        raise ValueError(
            f"profile: expected the same torque at 100 as at 0 (a cycle comes round), got {end:g} and {begin:g}"
        )


class DeviceMass(Section):
    """Mass of a device that a body carries, as a point. In short the mass alone: 0.9."""

    kg: Annotated[float, Field(ge=0)]
    """[kg]"""
    place: Annotated[tuple[float, float, float] | None, BeforeValidator(as_list)] = None
    """[m] Where it is, in the frame of the body; of both sides, in that of the right one, and its mirror image on the
    left; null: at the body's centre of mass."""

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, value: Any) -> Any:
        return {"kg": value} if type(value) in (int, float) else value


class DeviceConfig(Section):
    """Ideal torques at some joints, beside those of the muscles."""

    joints: Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(as_list)]
    """Coordinates of the model, by name or pattern; a name without a side, or with _both, means both sides. The left of
    a pair does the mirror image of what the right does."""
    torque: DeviceTorque
    """What it follows: {profile: ...}, {proportion: ...} or {action: ...}; with the sign of the coordinate."""
    limit: Positive | None = None
    """[N m] Greatest torque, either way; null: there is none."""
    mass: dict[str, DeviceMass] = Field(default_factory=dict)
    """[kg] Mass that it adds to bodies, by name, sides as those of joints; or {kg: 0.9, place: [0, 0, -0.2]}."""
