"""What the contract tests share: real models in the native core, with networks of random weights."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import hill_walker
import lane_bodies
import scene
from soleus.bench.parts import random_state
from soleus.config import load_config
from soleus.exchange.weights import policy_tensors
from soleus.sim.buffers import Buffers
from soleus.sim.scenario import Scenario, load_scenario
from soleus.sim.simulation import Simulation

NETWORK = {"coordination.method": "network"}
MASS = Path(__file__).parents[1] / "mass"
PERSON = {  # of a walk2d preset: ball joints, muscles that are polylines, a captured motion
    "model.mass.skeleton": str(MASS / "person.xml"),
    "model.mass.muscles": str(MASS / "muscles.xml"),
    "motion.bvh": str(MASS / "stride.bvh"),
    "control.sim_hz": 600,
    "control.action_scale": 0.1,
    "coordination.interval": 3,
}
EXOSKELETON = {  # of a walk2d preset: each kind of device, and masses
    "control.exoskeleton": [
        {
            "joints": "ankle_angle",
            "torque": {"profile": {"0": 0, "30": -10, "52": -50, "62": 0}},
            "limit": 40,
            "mass": {"tibia": 0.6, "calcn": {"kg": 0.3, "place": [0.05, 0, 0]}},
        },
        {"joints": ["knee_angle_r", "knee_angle_l"], "torque": {"proportion": 0.3}},
        {"joints": "hip*", "torque": {"action": 20}, "limit": 15},
    ]
}
EXOSKELETON_OF_PERSON = {
    "control.exoskeleton": [
        {"joints": "Tibia_both", "torque": {"profile": [[10, 5], [50, -20]]}, "mass": {"Foot": 0.5}},
        {"joints": ["FootR_x", "FootL_x"], "torque": {"action": 30}},
        {"joints": "Femur_y", "torque": {"proportion": 0.2}, "limit": 10},
    ]
}
PUSHES = {"task.pushes": {"force": [50, 150], "seconds": 0.1, "every": [0.1, 0.2]}}
NOISE = {  # delays of more than a control step, and of a part of one
    "task.noise": {
        "observation": 0.02,
        "observation_delay": "50ms",
        "motor": 0.2,
        "motor_correlation": "50ms",
        "motor_delay": "40ms",
    }
}
CLIP = str(Path(__file__).parents[1] / "motions" / "amble.yaml")
LEGS_THAT_TOUCH = "legs.yaml"
HILL_MUSCLES = "hill muscles"  # walk2d with those in place of its own
ENGINE = "auto"  # of scenarios that name none: set by the fixture `engine`


def write_legs(folder: Path) -> str:
    """Write a configuration of a person whose legs touch one another, LEGS_THAT_TOUCH, and return its path."""
    scene.write(folder, lane_bodies.PAIRS)
    text = "model: scene.xml\ntask: {base: walk, episode_seconds: 0.4}\ncontrol: {mode: torque}\n"
    return str(scene.write(folder, text, LEGS_THAT_TOUCH))


@cache
def _scenario(preset: str, overrides: str) -> Scenario:
    return load_scenario(load_config(preset, json.loads(overrides)))


def scenario(preset: str = "walk2d", **overrides: Any) -> Scenario:
    """The body of a preset; overrides by dotted key with `__` for the dot. Loaded once a test run."""
    given = {"control.engine": ENGINE, **{key.replace("__", "."): value for key, value in overrides.items()}}
    return _scenario(preset, json.dumps(given, sort_keys=True))


def scenario_of(case: tuple[str, dict[str, Any]], folder: Path) -> Scenario:
    """Of a preset, or LEGS_THAT_TOUCH or HILL_MUSCLES, which are written into a folder; overrides by dotted key."""
    preset, overrides = case
    if preset == LEGS_THAT_TOUCH:
        preset = write_legs(folder)
    elif preset == HILL_MUSCLES:
        preset, overrides = "walk2d", hill_walker.write(folder) | overrides
    return scenario(preset, **{key.replace(".", "__"): value for key, value in overrides.items()})


def simulation(
    loaded: Scenario, humans: int = 5, threads: int = 1, shard_size: int = 0, seed: int = 7, **variants: Any
) -> Simulation:
    """variants: those of Simulation."""
    made = Simulation(loaded, humans, threads, seed, shard_size, **variants)
    made.load_policy(random_state(policy_tensors(made.policy_spec), 1))
    if made.muscle_spec:
        made.load_muscle(random_state(made.muscle_spec.tensors(), 2))
    return made


def rollout(made: Simulation, steps: int = 20, seed: int = 7) -> Buffers:
    """The first rollout of a simulation from a reset."""
    buffers = Buffers(made, steps, samples=made.muscle_spec is not None)
    made.core.reset(seed, buffers["observations"][0])
    buffers.run(made, with_policy=True)
    return buffers


def assert_same_bits(a: Buffers, b: Buffers) -> None:
    """Every value that the core wrote is the same; what it need not write is compared where an episode ended."""
    for name in a.arrays:
        left, right = a[name], b[name]
        if name in ("final_observations", "episodes"):
            left, right = left[a.done], right[b.done]
        np.testing.assert_array_equal(left, right, err_msg=name)
