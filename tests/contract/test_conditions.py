"""Conditions are drawn by each human's own key, and a human moves as a model with its numbers does."""

from dataclasses import replace

import numpy as np
import pytest
from native import EXOSKELETON, HILL_MUSCLES, NETWORK, PERSON, assert_same_bits, rollout, scenario_of, simulation

from soleus.conditions import varied_human
from soleus.sim.buffers import Buffers
from soleus.sim.handover import human_data
from soleus.sim.scenario import Scenario

HUMANS = 11
SEEN = {"task.observation.conditions": {}}
GAIT = {"conditions.speed": (0.8, 1.6), "conditions.strength.all": (0.3, 1.0)}
LENGTHS = {
    "conditions.size": (0.9, 1.1),
    "conditions.length.thigh_r": (0.9, 1.1),
    "conditions.length.thigh_l": (0.9, 1.1),
    "conditions.cadence": (0.8, 1.2),
}
BODY = {
    "conditions.mass": (0.7, 1.3),
    "conditions.friction": (0.4, 1.0),
    "conditions.slope": (-0.1, 0.1),
    "conditions.strength.all": (0.3, 1.0),
    "conditions.contracture.all": (0.8, 1.0),
}
OF_PERSON = {"conditions.size": (0.9, 1.1), "conditions.strength.all": (0.3, 1), "conditions.contracture.all": (0.8, 1)}
CASES = {
    "muscle": ("walk2d", SEEN | GAIT),
    "lengths": ("walk2d", SEEN | LENGTHS),
    "repeated": ("walk2d", SEEN | GAIT | {"task.repeat_failed": 0.6, "task.termination.fall.height": 0.98}),
    "body": ("walk2d", SEEN | BODY),
    "torque": ("walk2d", SEEN | LENGTHS | {"control.mode": "torque"}),
    "myolegs": ("walk-myolegs", SEEN | GAIT | {"policy.mirror": False}),
    "myolegs-network": ("walk-myolegs-network", SEEN | GAIT),
    "myolegs-lengths": (
        "walk-myolegs",
        {"conditions.length.femur_r": (0.9, 1.1), "conditions.length.femur_l": (0.9, 1.1)},
    ),
    "hill": (HILL_MUSCLES, {"conditions.strength.all": (0.3, 1.0), "conditions.mass": (0.8, 1.2)}),
    "exoskeleton": (
        "walk2d",
        SEEN | GAIT | EXOSKELETON | {"conditions.assistance": (0, 1), "conditions.mass": (0.8, 1.2)},
    ),
    "polylines": ("walk2d", {**PERSON, **OF_PERSON}),
    "polylines-network": ("walk2d", {**PERSON, **NETWORK, **OF_PERSON}),
}
LEAVES_GAIT = ["body", "hill"]  # and lengths, so that the motion is the model's


@pytest.fixture(params=CASES)
def case(request, tmp_path):
    return scenario_of(CASES[request.param], tmp_path)


def test_threads_shards_and_numbers_do_not_matter(case):
    one = simulation(case, HUMANS)
    first = rollout(one, steps=8)
    values = one.conditions()
    assert len(np.unique(values, axis=0)) == HUMANS, "each human draws its own"
    assert (values >= case.conditions.low - 1e-12).all()
    assert (values <= case.conditions.high + 1e-12).all()
    for threads, shard_size in ((2, 0), (3, 4)):
        other = simulation(case, HUMANS, threads, shard_size)
        assert_same_bits(first, rollout(other, steps=8))
        np.testing.assert_array_equal(values, other.conditions())


def test_what_is_saved_goes_on_as_it_would_have(case):
    """With the bodies and motions that were drawn."""
    made, other = simulation(case, HUMANS), simulation(case, HUMANS)
    rollout(made, steps=6)
    states = made.save()
    other.core.restore(states)
    np.testing.assert_array_equal(other.save(), states)
    np.testing.assert_array_equal(other.conditions(), made.conditions())
    after = [Buffers(each, 6, samples=each.muscle_spec is not None) for each in (made, other)]
    for each, buffers in zip((made, other), after, strict=True):
        buffers.run(each, with_policy=True)
    np.testing.assert_array_equal(after[0]["rewards"], after[1]["rewards"])
    np.testing.assert_array_equal(made.save(), other.save())


def _person(case: Scenario, values: np.ndarray):
    return varied_human(case.human, case.conditions, values, human_data(case.human, case.config))


@pytest.mark.parametrize("name", LEAVES_GAIT)
def test_a_human_moves_as_a_variant_with_its_numbers(name, tmp_path):
    """Which is a model of its own, whose lanes are tested against MuJoCo."""
    case = scenario_of(CASES[name], tmp_path)
    count = len(case.conditions.names)
    values = np.random.default_rng(3).uniform(case.conditions.low, case.conditions.high, (HUMANS, count))
    varied = simulation(case, HUMANS)
    varied.set_conditions(values)
    own = rollout(varied, steps=8)
    people = [_person(case, each) for each in values]
    plain = replace(case, conditions=None, paths=None)
    config = case.config.model_copy(update={"conditions": {}, "task": _without_seeing(case.config.task)})
    other = rollout(
        simulation(replace(plain, config=config), HUMANS, variants=people, variant_of=list(range(HUMANS))), steps=1
    )
    seen = len(other["observations"][0, 0])
    np.testing.assert_array_equal(own["observations"][0, :, :seen], other["observations"][0])
    assert len(own["observations"][0, 0]) in (seen, seen + count)


def _without_seeing(task):
    kept = {name: term for name, term in task.observation.items() if name != "conditions"}
    return task.model_copy(update={"observation": kept})


def test_asked_values_hold_until_they_are_drawn_again(tmp_path):
    case = scenario_of(CASES["lengths"], tmp_path)
    made = simulation(case, HUMANS)
    asked = case.conditions.at({"size": 1.05})
    made.set_conditions(np.tile(asked, (HUMANS, 1)))
    rollout(made, steps=4)
    np.testing.assert_array_equal(made.conditions(), np.tile(asked, (HUMANS, 1)))
    made.set_conditions(None)
    rollout(made, steps=4)
    assert len(np.unique(made.conditions(), axis=0)) == HUMANS


def test_values_that_failed_come_again(tmp_path):
    """As often as is asked for, and never after an episode that lasted its time."""
    overrides = SEEN | GAIT | {"task.repeat_failed": 0.6, "task.episode_seconds": 0.4}
    case = scenario_of(("walk2d", overrides), tmp_path)
    made = simulation(case, 64)
    after: dict[str, list[bool]] = {"failed": [], "lasted": []}
    buffers = Buffers(made, 1, samples=False)
    made.core.reset(0, buffers["observations"][0])
    for _ in range(90):
        before = made.conditions().copy()
        buffers["observations"][0] = buffers["observations"][-1]
        buffers.run(made, with_policy=True)
        same = (made.conditions() == before).all(1)
        after["failed"] += same[buffers["terminated"][0].astype(bool)].tolist()
        after["lasted"] += same[buffers["truncated"][0].astype(bool)].tolist()
    assert len(after["failed"]) > 50 < len(after["lasted"])
    assert np.mean(after["failed"]) == pytest.approx(0.6, abs=4 * np.sqrt(0.24 / len(after["failed"])))
    assert not any(after["lasted"])


def test_the_reference_has_the_speed_and_stands_on_the_ground_of_its_legs(tmp_path):
    """Over two cycles, of humans of several sizes and speeds."""
    overrides = {**SEEN, "conditions.size": (0.7, 1.3), "conditions.speed": (0.8, 1.6)}
    case = scenario_of(("walk2d", overrides), tmp_path)
    made = simulation(case, 3)
    made.set_conditions(np.array([[0.7, 1.0], [1.0, 1.2], [1.3, 1.5]]))
    buffers = Buffers(made, 1, samples=False)
    made.core.reset(0, buffers["observations"][0])
    buffers["actions"][:] = 0
    places = [made.reference()[0][:, 0].copy()]
    for _ in range(10):
        buffers["observations"][0] = buffers["observations"][-1]
        buffers.run(made, with_policy=False)
        assert not buffers.done[-1].any()
        places.append(made.reference()[0][:, 0].copy())
    gone = (places[-1] - places[0]) / (10 / case.config.control.policy_hz)
    assert gone == pytest.approx([1.0, 1.2, 1.5], rel=0.25)
