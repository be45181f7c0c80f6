"""What names of conditions mean, and what is no condition."""

from typing import Any

import numpy as np
import pytest

import hill_walker
from soleus import _core, models
from soleus.cli.arguments import conditions_of
from soleus.conditions import asked
from soleus.conditions.names import meaning_of
from soleus.conditions.strides import stride_factors
from soleus.config import load_config, load_human_config
from soleus.errors import UserError
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import Simulation

SEEN = {"task.observation.conditions": {}}


def names(model: str, condition: str) -> list[str]:
    human = models.load(model)
    return [human.muscle_names[m] for m in meaning_of(condition, human).elements]


@pytest.mark.parametrize(
    ("condition", "muscles"),
    [
        ("strength.soleus_r", ["soleus_r"]),
        ("strength.soleus", ["soleus_r", "soleus_l"]),
        ("strength.soleus_both", ["soleus_r", "soleus_l"]),
        ("strength.glmax", [f"glmax{k}_{side}" for side in "rl" for k in (1, 2, 3)]),
        ("contracture.glmed?_l", ["glmed1_l", "glmed2_l", "glmed3_l"]),
        ("strength.gastrocnemius_r", ["gaslat_r", "gasmed_r"]),
        ("strength.quadriceps_l", ["recfem_l", "vasint_l", "vaslat_l", "vasmed_l"]),
    ],
)
def test_muscles_by_name_pattern_and_function(condition: str, muscles: list[str]) -> None:
    assert names("myolegs", condition) == muscles


def test_a_function_is_of_the_moment_arms() -> None:
    found = names("myolegs", "strength.plantarflexors_r")
    assert {"soleus_r", "gaslat_r", "gasmed_r", "tibpost_r"} <= set(found)
    assert not {"tibant_r", "soleus_l"} & set(found)
    assert len(names("walk2d", "strength.all")) == 18


def test_segments_by_other_names_and_whole_legs() -> None:
    human = models.load("myolegs")
    name_of = lambda condition: [  # noqa: E731
        human.model.body(b).name for b in meaning_of(condition, human).elements
    ]
    assert name_of("length.femur_r") == name_of("length.thigh_r") == ["femur_r"]
    assert name_of("length.leg_l") == ["femur_l", "tibia_l"]
    axis = meaning_of("length.femur_r", human).axes[0]
    assert np.linalg.norm(axis) == pytest.approx(1)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (
            "spead",
            "expected one of speed, stride, cadence, size, mass, friction, slope, load, heading, assistance, or",
        ),
        ("strength.solius_r", r"expected a muscle of 'walk2d'.*did you mean 'soleus_r'"),
        ("length.wing_r", "expected a body of 'walk2d', got 'wing_r'"),
        ("stiffness.elbow", "expected a joint of 'walk2d' that follows no other, got 'elbow'"),
        ("strength", "expected one of speed"),
    ],
)
def test_a_name_of_nothing(condition: str, said: str) -> None:
    with pytest.raises(UserError, match=f"conditions.{condition}: {said}"):
        meaning_of(condition, models.load("walk2d"))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"conditions.speed": [1.5, 1.0]}, r"conditions.speed.range: expected the least value, then the greatest"),
        ({"task.repeat_failed": 0.5}, "task.repeat_failed: expected conditions, whose values are to be"),
        ({"conditions.speed": {"range": [1, 2], "default": 3}}, "default: expected a value within 1 and 2, got 3"),
        ({"conditions.load": [-1, 1]}, "conditions.load: expected a range above 0, got one from -1"),
        ({"conditions.size": [-1, 1]}, "conditions.size: expected a range above 0, got one from -1"),
        ({"conditions.speed": [1, 2], "motion": None, "task.initial": "rest"}, "expected a motion or the reward"),
        (
            {f"conditions.{name}": [0.9, 1.1] for name in ("speed", "stride", "cadence")},
            "expected two of speed, stride and cadence at most",
        ),
        ({"conditions.speed": {"from": 1}}, "conditions.speed.from: expected a range such as"),
        ({"conditions.strength.all": "weak"}, "conditions.strength.all: expected a range such as"),
    ],
)
def test_conditions_that_make_no_sense(overrides: dict[str, Any], said: str) -> None:
    base = {"task": "walk"} if "motion" in overrides else {}
    with pytest.raises(UserError, match=said):
        load_scenario(load_human_config("walk2d", {**base, **overrides}))


def test_the_term_wants_conditions() -> None:
    with pytest.raises(UserError, match="expected conditions for the term conditions, got none"):
        Simulation(load_scenario(load_human_config("walk2d", SEEN)), 1, 1, 0)


def test_a_mirror_wants_both_sides() -> None:
    one = {"conditions.strength.soleus_r": [0.5, 1]}
    with pytest.raises(UserError, match=r"expected conditions on both sides.*'strength\.soleus_r' alone"):
        load_scenario(load_human_config("walk-myolegs", one))
    pair = {**one, "conditions.strength.soleus_l": [0.5, 1]}
    found = load_scenario(load_human_config("walk-myolegs", pair)).conditions
    assert found is not None
    assert found.mirror == (1, 0)


def test_paths_of_one_anatomy_take_no_lengths(tmp_path: Any) -> None:
    overrides = hill_walker.write(tmp_path) | {"conditions.size": [0.9, 1.1]}
    with pytest.raises(UserError, match=r"conditions\.size: expected a condition that leaves lengths as they are"):
        load_scenario(load_human_config("walk2d", overrides))


def test_values_asked_for() -> None:
    assert conditions_of(["speed=1.2", "slope=90deg"]) == {"speed": 1.2, "slope": pytest.approx(np.pi / 2)}
    assert conditions_of(["default"]) == {}
    assert conditions_of([], drawn=True) is None
    for wrong in ("speed", "speed=fast", "speed=nan"):
        with pytest.raises(UserError, match="--at: expected NAME=VALUE"):
            conditions_of([wrong])
    config = load_config("walk2d", {"conditions.speed": [0.8, 1.6], "conditions.strength.all": [0.3, 1]})
    held = load_scenario(asked(config, {"strength.all": 0.5})).conditions  # type: ignore[arg-type]
    assert held is not None
    assert held.asked == pytest.approx([held.defaults[0], 0.5])
    wrong_values = {"sped": (1.0, "did you mean 'speed'"), "speed": (2.0, "expected a value within 0.8 and 1.6")}
    for name, (value, said) in wrong_values.items():
        with pytest.raises(UserError, match=said):
            asked(config, {name: value})  # type: ignore[arg-type]


def test_any_condition_can_be_asked_of_any_run() -> None:
    """The policy does not observe those that it was not trained with, and no other number changes."""
    seen = {"conditions.speed": [0.8, 1.6], **SEEN, "task.pushes.force": 50}
    config = load_human_config("walk-myolegs", {**seen, "policy.mirror": True})
    held = asked(config, {"slope": 0.1, "strength.soleus_l": 0.5})
    found = load_scenario(held).conditions
    assert found is not None
    assert found.names == ("speed", "slope", "strength.soleus_l")
    assert found.observed == (True, False, False)
    assert found.asked == pytest.approx([found.defaults[0], 0.1, 0.5])
    assert held.task.pushes is None, "nobody is pushed"
    sizes = [Simulation(load_scenario(one), 1, 1, 0).core.observation_size for one in (config, held)]
    assert sizes[0] == sizes[1]
    plain = load_human_config("walk2d")
    for name, said in {"spead": "did you mean 'speed'", "strength": "expected one of speed, stride"}.items():
        with pytest.raises(UserError, match=f"--at: .*{said}"):
            asked(plain, {name: 1.0})
    with pytest.raises(UserError, match="expected a muscle of 'walk2d'"):
        load_scenario(asked(plain, {"strength.solius": 0.5}))


def test_what_is_not_observed_differs_unseen() -> None:
    given = {"conditions.friction": {"range": [0.4, 1.0], "observed": False}, "conditions.load": [0, 20], **SEEN}
    case = load_scenario(load_human_config("walk2d", given))
    made = Simulation(case, 3, 1, 0)
    first = np.zeros((3, made.core.observation_size), np.float32)
    made.reset(0, first)
    load = made.conditions()[:, 1]
    assert len(np.unique(made.conditions()[:, 0])) == 3
    assert first[:, -1] == pytest.approx(load / 10 - 1, abs=1e-6)
    unseen = {"conditions.load": {"range": [0, 20], "observed": False}, **SEEN}
    with pytest.raises(UserError, match="expected conditions for the term conditions, got none"):
        Simulation(load_scenario(load_human_config("walk2d", unseen)), 1, 1, 0)


def test_strides_for_a_speed() -> None:
    """By strides and cadence alike; with one of them given by the other."""
    assert _core.gait_of(1.44, 0, 0, 1.0, 1.0) == pytest.approx((1.2, 1.2))
    assert _core.gait_of(1.44, 0, 0.9, 1.0, 1.0) == pytest.approx((1.6, 0.9))
    assert _core.gait_of(1.44, 1.1, 0, 1.0, 1.0) == pytest.approx((1.1, 1.44 / 1.1))
    assert _core.gait_of(0, 1.1, 0, 1.0, 1.0) == (1.1, 1.0)
    factors = stride_factors({"speed": (0.64, 1.44)}, [1.0], lengths=False)
    assert (factors[0], factors[-1]) == pytest.approx((0.8, 1.2), abs=1e-5)
    assert len(stride_factors({}, [1.0], lengths=True)) == 0
