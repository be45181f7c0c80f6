"""Humans of one rollout may have numbers of their own: each moves as it would among its likes."""

from dataclasses import replace

import numpy as np
import pytest
from native import (
    HILL_MUSCLES,
    LEGS_THAT_TOUCH,
    NETWORK,
    PERSON,
    assert_same_bits,
    rollout,
    scenario,
    scenario_of,
    simulation,
)

import lane_bodies
from lane_variants import vary
from soleus.errors import UserError
from soleus.sim.buffers import Buffers
from soleus.sim.scenario import Scenario
from soleus.sim.simulation import Simulation

HUMANS, VARIANTS = 11, 5
OF = [(3 * i) % VARIANTS for i in range(HUMANS)]  # tiles hold several of each
CASES = {
    "muscle": ("walk2d", {}),
    "torque": ("walk2d", {"control.mode": "torque"}),
    "excitation": ("walk2d", {"control.mode": "excitation"}),
    # Weighed by volume, people in one rollout have the volumes of its model, and alone each has its own.
    "myolegs": ("walk-myolegs", {"coordination.effort": "activation"}),
    "myolegs-torque": ("walk-myolegs", {"control.mode": "torque"}),
    "myolegs-network": ("walk-myolegs-network", {}),
    "legs-that-touch": (LEGS_THAT_TOUCH, {}),
    "hill": (HILL_MUSCLES, {}),
    "hill-network": (HILL_MUSCLES, NETWORK),
    "polylines": ("walk2d", PERSON),
    "polylines-network": ("walk2d", {**PERSON, **NETWORK}),
}


@pytest.fixture(params=CASES)
def case(request, tmp_path):
    return scenario_of(CASES[request.param], tmp_path)


def _mixed(loaded: Scenario, threads: int = 1, shard_size: int = 0) -> Simulation:
    people = [vary(loaded.human, seed) for seed in range(VARIANTS)]
    return simulation(loaded, HUMANS, threads, shard_size, variants=people, variant_of=OF)


def test_a_human_moves_as_among_its_likes(case):
    """As in a rollout whose model has its numbers."""
    together = rollout(_mixed(case))
    assert together.done.any(), "the test wants resets in the rollout"
    for variant in range(VARIANTS):
        own = replace(case, human=vary(case.human, variant), paths=None)
        alone = rollout(simulation(own, humans=HUMANS))
        for name in together.arrays:
            if name in ("final_observations", "episodes"):
                continue
            for human in np.flatnonzero(np.array(OF) == variant):
                of_human = (human,) if together[name].shape[0] == HUMANS else (slice(None), human)
                np.testing.assert_array_equal(together[name][of_human], alone[name][of_human], err_msg=name)


def test_threads_and_shards_do_not_matter(case):
    one = rollout(_mixed(case), steps=8)
    for threads, shard_size in ((2, 0), (1, 1), (3, 4)):
        assert_same_bits(one, rollout(_mixed(case, threads, shard_size), steps=8))


def test_what_is_saved_goes_on_as_it_would_have(case):
    made, other = _mixed(case), _mixed(case)
    rollout(made, steps=6)
    states = made.save()
    other.core.restore(states)
    np.testing.assert_array_equal(other.save(), states)
    after = [Buffers(each, 6, samples=each.muscle_spec is not None) for each in (made, other)]
    for each, buffers in zip((made, other), after, strict=True):
        buffers.run(each, with_policy=True)
    np.testing.assert_array_equal(after[0]["rewards"], after[1]["rewards"])
    np.testing.assert_array_equal(made.save(), other.save())


def test_other_structures_are_refused(tmp_path):
    loaded = scenario()
    people = [vary(loaded.human, seed) for seed in range(2)]

    def make(variants, variant_of):
        return Simulation(loaded, 3, 1, 7, variants=variants, variant_of=variant_of)

    with pytest.raises(UserError, match="expected a variant of each of 3 humans, got 2"):
        make(people, [0, 1])
    with pytest.raises(UserError, match="expected variants from 0 to 1, got 2"):
        make(people, [0, 1, 2])
    with pytest.raises(UserError, match="differ in numbers alone, got another number of bodies"):
        make([lane_bodies.load(tmp_path, lane_bodies.RUSTY)], [0, 0, 0])
    with pytest.raises(UserError, match="got another set of muscles"):
        make([replace(people[0], muscle_actuator=people[0].muscle_actuator[::-1])], [0, 0, 0])
    people[1].model.jnt_limited[4] = 1 - people[1].model.jnt_limited[4]
    name = people[1].model.joint(4).name
    with pytest.raises(UserError, match=f"got another limited of joint '{name}'"):
        make(people, [0, 1, 0])
    people[1] = vary(loaded.human, 1)
    people[1].model.geom_condim[2] = 4
    name = people[1].model.geom(2).name or "2"
    with pytest.raises(UserError, match=f"got another condim of geom .*{name}"):
        make(people, [0, 1, 0])
    people[1] = vary(loaded.human, 1)
    people[1].model.opt.timestep *= 0.5
    with pytest.raises(UserError, match="with its time step"):
        make(people, [0, 1, 0])
