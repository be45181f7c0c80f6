"""Promises 1 and 2: the same seed gives the same bits, however the work is cut."""

import numpy as np
import pytest
from native import (
    CLIP,
    EXOSKELETON,
    EXOSKELETON_OF_PERSON,
    HILL_MUSCLES,
    LEGS_THAT_TOUCH,
    NETWORK,
    NOISE,
    PERSON,
    PUSHES,
    assert_same_bits,
    rollout,
    scenario,
    scenario_of,
    simulation,
)

from soleus.sim.buffers import Buffers
from soleus.sim.gymnasium import BatchEnv

CASES = {
    "muscle": ("walk2d", {}),
    "network": ("walk2d", NETWORK),
    "torque": ("walk2d", {"control.mode": "torque"}),
    "excitation": ("walk2d", {"control.mode": "excitation"}),
    "mirrored": ("walk2d", {"policy.mirror": True}),
    "myolegs": ("walk-myolegs", {}),
    "myolegs-network": ("walk-myolegs-network", {}),
    "hill": (HILL_MUSCLES, {}),
    "hill-network": (HILL_MUSCLES, NETWORK),
    "hill-excitation": (HILL_MUSCLES, {"control.mode": "excitation"}),
    "pushes": ("walk2d", PUSHES),
    "myolegs-pushes": ("walk-myolegs", PUSHES),
    "noise": ("walk2d", NOISE),
    "noise-torque": ("walk2d", {**NOISE, "control.mode": "torque"}),
    "noise-excitation": ("walk2d", {**NOISE, "control.mode": "excitation"}),
    "noise-network": ("walk2d", {**NOISE, **NETWORK, "policy.mirror": True, "coordination.interval": 3}),
    "noise-myolegs": ("walk-myolegs", NOISE),
    "noise-hill": (HILL_MUSCLES, {**NOISE, **PUSHES}),
    "polylines": ("walk2d", PERSON),
    "polylines-network": ("walk2d", {**PERSON, **NETWORK}),
    "clips": ("walk2d", {"motion.clips": ("walk", CLIP), "motion.sampling": "weight"}),
    "free": (
        "run-free-myolegs",
        {
            "policy.mirror": True,
            "task.reward.costs": "held",
            "task.initial_noise": 0.2,
            "conditions": {"speed": [0, 2], "heading": [-1, 1]},
            "control.action_scale": 3.0,
        },
    ),
    "legs-that-touch": (LEGS_THAT_TOUCH, {}),
    "exoskeleton": ("walk2d", EXOSKELETON),
    "exoskeleton-network": ("walk2d", {**EXOSKELETON, **NETWORK, "policy.mirror": True, "control.phase_scale": 0.2}),
    "exoskeleton-held": ("walk2d", {**EXOSKELETON, "coordination.interval": 3}),
    "exoskeleton-excitation": ("walk2d", {**EXOSKELETON, "control.mode": "excitation"}),
    "exoskeleton-torque": ("walk2d", {**EXOSKELETON, "control.mode": "torque"}),
    "exoskeleton-polylines": ("walk2d", {**PERSON, **NETWORK, **EXOSKELETON_OF_PERSON}),
}


@pytest.fixture(params=CASES)
def case(request, tmp_path):
    return scenario_of(CASES[request.param], tmp_path)


def test_threads_do_not_matter(case):
    one = rollout(simulation(case, humans=9, threads=1))
    assert one.done.any(), "the test wants resets in the rollout"
    for threads in (2, 7):
        assert_same_bits(one, rollout(simulation(case, humans=9, threads=threads)))


def test_lockstep_equals_a_loop_over_one_human(case):
    together = rollout(simulation(case, humans=19, threads=1, shard_size=16), steps=8)
    alone = rollout(simulation(case, humans=19, threads=1, shard_size=1), steps=8)
    assert_same_bits(together, alone)


def test_stepping_equals_the_whole_rollout(case):
    whole = rollout(simulation(case, humans=5), steps=20)
    env = BatchEnv(case, 5, 1)
    if env.simulation.muscle_spec:
        env.load_muscle(_muscle_state(env))
    observations, _ = env.reset(seed=7)
    for t in range(20):
        np.testing.assert_array_equal(observations, whole["observations"][t])
        observations, rewards, terminated, truncated, info = env.step(whole["actions"][t])
        np.testing.assert_array_equal(rewards, whole["rewards"][t])
        np.testing.assert_array_equal(terminated, whole["terminated"][t].astype(bool))
        np.testing.assert_array_equal(truncated, whole["truncated"][t].astype(bool))
        for i in np.flatnonzero(terminated | truncated):
            np.testing.assert_array_equal(info["final_obs"][i], whole["final_observations"][t, i])


def _muscle_state(env):
    from soleus.bench.parts import random_state

    return random_state(env.simulation.muscle_spec.tensors(), 2)


def test_resumed_equals_uninterrupted(case):
    first, steps = simulation(case), 12
    before = rollout(first, steps)
    states, seen = first.save(), before["observations"][-1].copy()
    on = Buffers(first, steps, samples=first.muscle_spec is not None)
    on["observations"][0] = seen
    on.run(first, with_policy=True)
    # Another process would build its own humans and restore.
    second = simulation(case)
    rollout(second, 3)
    second.restore(states)
    again = Buffers(second, steps, samples=second.muscle_spec is not None)
    again["observations"][0] = seen
    again.run(second, with_policy=True)
    assert_same_bits(on, again)


def test_seeds_matter():
    a, b = (rollout(simulation(scenario()), seed=seed) for seed in (1, 2))
    assert not np.array_equal(a["observations"], b["observations"])
    first = rollout(simulation(scenario()))["observations"][0]
    assert len(np.unique(first, axis=0)) == len(first), "every human starts in a place of its own"
