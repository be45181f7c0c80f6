"""The conditions of a configuration, put on a model: what the core draws, and what a value asked for means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soleus.conditions.names import GAIT, Meaning, check_known, meaning_of, mirror_of
from soleus.conditions.strides import stride_factors
from soleus.config.conditions import ConditionConfig
from soleus.config.schema import HumanRunConfig
from soleus.errors import UserError, nearest
from soleus.models import Human
from soleus.motions import Clips, Motion
from soleus.motions.changing import strided

Floats = NDArray[np.float64]

_FROM_ZERO = ("strength", "stiffness", "damping", "load")


@dataclass(frozen=True, eq=False)
class Conditions:
    """Numbers that differ from human to human, n of them in the order of the configuration."""

    names: tuple[str, ...]
    low: Floats
    """(n,)"""
    high: Floats
    """(n,)"""
    defaults: Floats
    """(n,)"""
    meanings: tuple[Meaning, ...]
    distributions: tuple[str, ...]
    observed: tuple[bool, ...]
    """(n,) whether a policy that observes conditions observes it"""
    mirror: tuple[int, ...]
    """(n,) the condition of the mirrored body that each is"""
    strides: Floats
    """Factors on the stride that there are motions for; none where the strides stay"""
    motions: tuple[tuple[Motion, ...], ...]
    """Of each clip one for each factor"""
    asked: Floats | None
    """(n,) what everybody has; None: values are drawn"""
    repeat: float
    """How likely an episode after one that failed keeps its values"""

    @property
    def change_anatomy(self) -> bool:
        """Whether lengths of bodies differ, so that muscles' paths do: fitted ones are of one anatomy."""
        return any(meaning.effect in ("size", "length", "torsion") for meaning in self.meanings)

    def at(self, values: Mapping[str, float]) -> Floats:
        """Return values (n,) of all conditions, the default of those that are not named.

        Raises UserError for a name that is none of them, or a value out of its range.
        """
        result = self.defaults.copy()
        for name, value in values.items():
            result[check_name(name, self.names)] = value
        for k, name in enumerate(self.names):
            if not self.low[k] <= result[k] <= self.high[k]:
                raise UserError(
                    f"{name}: expected a value within {self.low[k]:g} and {self.high[k]:g}, got {result[k]:g}"
                )
        return result

    def data(self) -> dict[str, Any]:
        """Return what the core is told, but the motions."""
        every = [self._one(k) for k in range(len(self.names))]
        return {"all": every, "strides": self.strides.tolist(), "repeat": self.repeat}

    def _one(self, k: int) -> dict[str, Any]:
        meaning = self.meanings[k]
        return {
            "effect": meaning.effect,
            "low": float(self.low[k]),
            "high": float(self.high[k]),
            "usual": float(self.defaults[k]),
            "distribution": self.distributions[k],
            "observed": self.observed[k],
            "mirror": self.mirror[k],
            "elements": list(meaning.elements),
            "axes": [float(x) for axis in meaning.axes for x in axis],
        }


def asked(config: HumanRunConfig, values: Mapping[str, float]) -> HumanRunConfig:
    """Return a configuration in which everybody has these values of conditions, the defaults of the run's others, and
    nothing is drawn: nobody is pushed.

    A condition that the run was not trained with is one that the policy does not observe. Raises UserError for a name
    of no condition, or a value out of the range of the run's.
    """
    own = config.conditions
    held = {name: one.model_copy(update={"at": "default"}) for name, one in own.items()}
    for name, given in values.items():
        value = float(given)
        if name not in own:
            check_known(name, "--at", tuple(own))
            held[name] = ConditionConfig(range=(value, value), at=value, observed=False)
            continue
        low, high = own[name].range
        if not low <= value <= high:
            raise UserError(f"--at {name}: expected a value within {low:g} and {high:g}, got {value:g}")
        held[name] = held[name].model_copy(update={"at": value})
    task = config.task.model_copy(update={"pushes": None})
    return config.model_copy(update={"conditions": held, "task": task})


def check_name(name: str, names: tuple[str, ...]) -> int:
    """Return which of the conditions a name is. Raises UserError where it is none."""
    if name not in names:
        raise UserError(f"expected one of the run's conditions, {', '.join(names)}, got '{name}'{nearest(name, names)}")
    return names.index(name)


def load_conditions(config: HumanRunConfig, human: Human, clips: Clips | None) -> Conditions | None:
    """Return the conditions of a configuration for its model and motions, None where it has none. Raises UserError."""
    given = config.conditions
    if not given:
        if config.task.repeat_failed:
            raise UserError("task.repeat_failed: expected conditions, whose values are to be repeated, got none")
        return None
    names = tuple(given)
    _check_gait(names, clips)
    _check_aim(names, clips, config)
    if "assistance" in names and not config.control.exoskeleton:
        raise UserError("conditions.assistance: expected an exoskeleton, whose torque it is a share of, got none")
    meanings = tuple(meaning_of(name, human) for name in names)
    low, high = (np.array([given[name].range[end] for name in names], np.float64) for end in (0, 1))
    for k, name in enumerate(names):
        _check_range(name, meanings[k].effect, low[k], high[k], still=clips is None)
    target = config.task.reward.terms.get("forward_speed", {}).get("target", 1.0)
    defaults = np.array([_default(given[name], name, human, clips, target) for name in names], np.float64)
    lengths = any(meaning.effect in ("size", "length") for meaning in meanings)
    ranges = {name: (float(low[k]), float(high[k])) for k, name in enumerate(names) if name in GAIT and clips}
    factors = stride_factors(ranges, [motion.speed for motion in clips.motions] if clips else [], lengths)
    motions = tuple(tuple(strided(motion, human, f) for f in factors) for motion in clips.motions) if clips else ()
    return Conditions(
        names, low, high, defaults, meanings, tuple(given[name].distribution for name in names),
        tuple(given[name].observed for name in names), _mirror(given, config.policy.mirror), factors, motions,
        _asked(given, defaults), config.task.repeat_failed,
    )  # fmt: skip


def _asked(given: Mapping[str, ConditionConfig], defaults: Floats) -> Floats | None:
    """What everybody has, as soon as one condition is held: the others have their defaults."""
    if all(one.at is None for one in given.values()):
        return None
    held = zip(given.values(), defaults, strict=True)
    return np.array([one.at if isinstance(one.at, float) else default for one, default in held])


def _check_gait(names: tuple[str, ...], clips: Clips | None) -> None:
    """Raise UserError where conditions of the gait have no motion that they can change."""
    of_gait = [name for name in names if name in GAIT and not (name == "speed" and clips is None)]
    if not of_gait:
        return
    if len(of_gait) == len(GAIT):
        raise UserError("conditions: expected two of speed, stride and cadence at most, which make the third, got all")
    if clips is None:
        raise UserError(f"conditions.{of_gait[0]}: expected a motion, whose gait it changes, got none")
    for motion in clips.motions:
        if motion.once or motion.speed < 0.1:
            what = "is played once" if motion.once else "stays where it is"
            raise UserError(f"conditions.{of_gait[0]}: expected a cyclic motion, got '{motion.name}', which {what}")


def _check_aim(names: tuple[str, ...], clips: Clips | None, config: HumanRunConfig) -> None:
    """Raise UserError where a task is asked for a speed or a heading that none of its terms rewards."""
    rewards = config.task.reward.terms
    if "speed" in names and clips is None and "forward_speed" not in rewards:
        raise UserError("conditions.speed: expected a motion or the reward forward_speed, got neither")
    if "heading" in names and not {"heading", "forward_speed"} & set(rewards):
        raise UserError("conditions.heading: expected the reward heading or forward_speed, got neither")


def _check_range(name: str, effect: str, low: float, high: float, still: bool) -> None:
    """Raise UserError for factors and speeds that make no sense. still: whether a person may be asked to stand."""
    if effect == "assistance":
        if low < 0 or high > 1:
            raise UserError(f"conditions.{name}: expected a range within 0 and 1, got [{low:g}, {high:g}]")
        return
    from_zero = effect in _FROM_ZERO or (still and effect == "speed")
    if effect in ("torsion", "slope", "heading") or low > 0 or (from_zero and low == 0):
        return
    raise UserError(f"conditions.{name}: expected a range above 0, got one from {low:g}")


def _default(given: ConditionConfig, name: str, human: Human, clips: Clips | None, target: float) -> float:
    """target: speed that the task rewards [m/s]."""
    if given.default is not None:
        return given.default
    usual = 1.0
    if name == "speed":
        usual = clips.motions[0].speed if clips else target
    if name in ("slope", "load", "heading") or name.startswith("torsion."):
        usual = 0.0
    if name == "friction":
        model = human.model
        touching = (model.geom_contype != 0) | (model.geom_conaffinity != 0)
        usual = float(model.geom_friction[touching, 0].max())
    return float(np.clip(usual, *given.range))


def _mirror(given: Mapping[str, ConditionConfig], mirrors: bool) -> tuple[int, ...]:
    """What is not observed has no mirror image to be seen."""
    names, result = tuple(given), []
    for k, (name, one) in enumerate(given.items()):
        found = mirror_of(name, names)
        if found is None and mirrors and one.observed:
            raise UserError(
                f"policy.mirror: expected conditions on both sides, or of both together ({name}_both without its"
                f" side), got '{name}' alone; or policy.mirror: false"
            )
        result.append(k if found is None else found)
    return tuple(result)
