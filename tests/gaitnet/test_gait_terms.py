"""Terms of walking as the successor of MASS has them, by hand; those that remember, through whole episodes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest

from gaitnet_files import write
from soleus import import_gaitnet
from soleus.config import load_config
from soleus.errors import UserError
from soleus.sim.buffers import Buffers
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import Simulation, one_human

STATE = mujoco.mjtState.mjSTATE_INTEGRATION
STEPS, SUBSTEPS, DT = 45, 16, 1 / 30
TERMS = {
    "head_turned": {"scale": 3.0},
    "mean_velocity": {"laps": 0.5, "band": 0.2, "scale": 2.0, "sideways": 1.0},
    "step_target": {"right_from": 0.3, "right_to": 0.8, "band": 0.02, "scale": 2.0},
    "muscle_energy": {"scale": 0.1, "power": 2.0},
    "torque_energy": {"scale": 0.001},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("environment")
    import_gaitnet(write(made), data=made / "data", out=made / "out")
    return made / "out"


def _task(**terms: dict[str, float]) -> dict[str, Any]:
    return {
        "task": {
            "name": "gait",
            "episode_seconds": 10,
            "observation": {"step_target": {"right_from": 0.3, "right_to": 0.8}, "phase": {}},
            "reward": {"combine": "sum", "terms": {name: {"weight": 1.0, **own} for name, own in terms.items()}},
        },
        "coordination.method": "static_optimization",
        "policy.mirror": False,
    }


@dataclass
class Walked:
    """Of one human: its terms (T,) by name, what it saw, and its body after each control step."""

    made: Simulation
    terms: dict[str, np.ndarray]
    seen: np.ndarray
    com: np.ndarray
    head: np.ndarray
    feet: np.ndarray
    rows: np.ndarray


def _walk(
    folder: Path, engine: str, terms: dict[str, dict[str, float]], phase: float = 0.0, steps: int = STEPS
) -> Walked:
    loaded = load_scenario(load_config(folder / "train.yaml", {**_task(**terms), "control.engine": engine}))
    made = Simulation(loaded, 1, 1, seed=0)
    buffers = Buffers(made, 1, samples=False, trace=True)
    made.core.reset(5, buffers["observations"][0])
    human, model, data = loaded.human, loaded.human.model, mujoco.MjData(loaded.human.model)
    found = Walked(made, {name: np.zeros(steps) for name in terms}, np.zeros((steps + 1, 4)),
                   *(np.zeros((steps + 1, *shape)) for shape in ((3,), (4,), (2, 3))), np.zeros(0))  # fmt: skip
    size, rows = mujoco.mj_stateSize(model, STATE), []

    def look(t: int, state: np.ndarray) -> None:
        mujoco.mj_setState(model, data, np.ascontiguousarray(state[:size]), STATE)
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        found.com[t], found.head[t] = data.subtree_com[human.root_body], data.xquat[human.head_body]
        found.feet[t] = data.xpos[[foot[0] for foot in human.feet]]
        found.seen[t] = buffers["observations"][min(t, 1), 0]

    look(0, made.save()[0])
    for t in range(steps):
        buffers["actions"][:] = 0.0
        buffers["actions"][..., -1] = phase
        buffers.run(made, with_policy=False)
        assert not buffers.done.any()
        for i, name in enumerate(terms):
            found.terms[name][t] = buffers["term_sums"][0, i]
        rows.append(buffers["trace"][:, 0].copy())
        look(t + 1, rows[-1][-1])
        buffers["observations"][0] = buffers["observations"][1]
    found.rows = np.array(rows)
    return found


@pytest.fixture(scope="module", params=["lanes", "mujoco"])
def walked(request, folder):
    return _walk(folder, request.param, TERMS)


def test_the_head_is_turned_as_in_standing(walked):
    human, data = walked.made.scenario.human, mujoco.MjData(walked.made.scenario.human.model)
    data.qpos[:] = human.qpos_rest
    mujoco.mj_kinematics(human.model, data)
    stands = data.xquat[human.head_body]
    angle = 2 * np.arccos(np.clip(np.abs(walked.head[1:] @ stands), 0, 1))
    np.testing.assert_allclose(walked.terms["head_turned"], np.exp(-3 * angle**2), atol=1e-5)
    assert walked.terms["head_turned"].min() < 0.999


def test_the_mean_velocity_is_that_over_half_a_lap(walked):
    motion = walked.made.scenario.motion
    window = round(0.5 * motion.duration / DT)
    wanted = np.linalg.norm(motion.displacement[:2]) / motion.duration
    expected = np.ones(STEPS)
    for t in range(window, STEPS + 1):
        velocity = (walked.com[t] - walked.com[t - window]) / (window * DT)
        off = np.linalg.norm(velocity - [wanted, 0, 0])
        expected[t - 1] = 1.0 if off <= 0.2 else np.exp(-2 * off)
    np.testing.assert_allclose(walked.terms["mean_velocity"], expected, atol=1e-6)
    assert expected[-1] < 1


def test_feet_step_to_their_targets(walked):
    phase = np.arctan2(walked.seen[:, 2], walked.seen[:, 3]) / (2 * np.pi) % 1
    stride = np.linalg.norm(walked.made.scenario.motion.displacement[:2])
    right = (phase > 0.3) & (phase <= 0.8)
    target = walked.feet[0, 0 if right[0] else 1, 0]
    following = target + stride / 2
    expected, changes = np.zeros(STEPS), 0
    np.testing.assert_allclose(walked.seen[0, :2], [target - walked.com[0, 0], following - walked.com[0, 0]], atol=1e-5)
    for t in range(1, STEPS + 1):
        if right[t] != right[t - 1]:
            changes += 1
            target, following = following, walked.feet[t, 0 if right[t - 1] else 1, 0] + stride
        off = abs(walked.feet[t, 0 if right[t] else 1, 0] - target)
        expected[t - 1] = 1.0 if off <= 0.02 else np.exp(-2 * off)
        seen = [target - walked.com[t, 0], following - walked.com[t, 0]]
        np.testing.assert_allclose(walked.seen[t, :2], seen, atol=1e-5)
    np.testing.assert_allclose(walked.terms["step_target"], expected, atol=1e-6)
    assert changes == 3


def test_energies_are_means_over_the_substeps(walked, folder):
    size = mujoco.mj_stateSize(walked.made.scenario.human.model, STATE)
    activations = walked.rows[..., size : size + len(walked.made.scenario.human.muscle_names)]
    squares = (activations**2).sum(axis=-1).mean(axis=1)
    np.testing.assert_allclose(walked.terms["muscle_energy"], np.exp(-0.1 * squares), rtol=1e-6)
    other = _walk(folder, walked.made.scenario.engine.name, {"muscle_energy": {"power": 1.0, "by_mass": 1.0}}, steps=2)
    polylines = walked.made.scenario.human.polylines
    one = one_human(walked.made.scenario)
    one.reset(walked.made.scenario.human.model.qpos0, np.zeros(walked.made.scenario.human.model.nv))
    points = np.asarray(one.muscle_points)
    rest = np.array([
        np.linalg.norm(np.diff(points[begin:end], axis=0), axis=1).sum()
        for begin, end in zip(polylines.adr, polylines.adr[1:], strict=False)
    ])  # fmt: skip
    mass = polylines.max_force * (1 - polylines.slack) * rest / 100
    sums = (activations[:2] @ mass).mean(axis=1)
    np.testing.assert_allclose(other.terms["muscle_energy"], np.exp(-0.03 * sums), rtol=1e-6)


def test_torques_beside_muscles_cost_energy(folder):
    """Those of a row are what acts beside what muscles pull, where no limit does."""
    walked = _walk(folder, "lanes", TERMS, steps=1)
    human, model = walked.made.scenario.human, walked.made.scenario.human.model
    data, one = mujoco.MjData(model), one_human(walked.made.scenario)
    size, sums = mujoco.mj_stateSize(model, STATE), []
    for row in walked.rows[0]:
        mujoco.mj_setState(model, data, np.ascontiguousarray(row[:size]), STATE)
        one.reset(data.qpos.copy(), data.qvel.copy())
        moments, passive = one.muscle_torques()
        muscle = np.repeat(np.arange(len(human.muscle_names)), np.diff(human.crossing_adr))
        pull = np.array(passive)
        np.add.at(pull, human.crossing, np.asarray(moments) * row[size:][muscle])
        torque = data.qfrc_applied[human.coordinate_dof[human.actuated]] - pull
        sums.append(np.abs(torque[human.direct]).sum())
    assert np.mean(sums) > 1
    np.testing.assert_allclose(walked.terms["torque_energy"], np.exp(-0.001 * np.mean(sums)), rtol=1e-6)
    other = _walk(folder, "mujoco", TERMS, steps=1)
    np.testing.assert_allclose(other.terms["torque_energy"], walked.terms["torque_energy"], rtol=1e-3)


@pytest.mark.parametrize("engine", ["lanes", "mujoco"])
def test_what_is_remembered_is_saved(engine, folder):
    made = _walk(folder, engine, TERMS, phase=0.5, steps=20).made
    state, found = made.save(), []
    for _ in range(2):
        made.restore(state)
        buffers = Buffers(made, 20, samples=False)
        buffers["actions"][:] = 0.3
        buffers.run(made, with_policy=False)
        found.append((buffers["term_sums"].copy(), buffers["observations"][1:].copy()))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])


@pytest.mark.parametrize("engine", ["lanes", "mujoco"])
def test_an_action_shifts_the_phase_within_its_lap(engine, folder):
    def phases(action: float) -> np.ndarray:
        seen = _walk(folder, engine, {"alive": {}}, phase=action, steps=40).seen
        return np.arctan2(seen[:, 2], seen[:, 3]) / (2 * np.pi) % 1

    motion_lap = 1.0
    scale = 0.01
    steady, faster = phases(0.0), phases(1.0)
    ahead = (faster - steady + 0.5) % 1 - 0.5
    begun = int(np.flatnonzero(np.diff(steady) < 0)[0])  # the last control step of the first lap
    before = np.arange(begun - 2)
    np.testing.assert_allclose(ahead[before], before * scale * DT / motion_lap, atol=1e-6)
    assert ((ahead > -1e-6) & (ahead < 40 * scale * DT + 1e-6)).all()
    slower = (phases(-1.0) - steady + 0.5) % 1 - 0.5
    assert slower[begun] < -0.5 * begun * scale * DT
    assert abs(slower[begun + 1]) <= steady[begun + 1] + 1e-6  # a lap begins when it would have


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ({"mean_velocity": {"laps": 0.0}}, "expected laps above 0 and up to 10 for mean_velocity, got 0"),
        ({"step_target": {"right_from": 0.9, "right_to": 0.2}}, "expected right_from below right_to"),
        ({"step_target": {"right_from": 0.1, "right_to": 0.5}}, "expected the same right_from and right_to"),
    ],
)
def test_what_terms_cannot_be(term, said, folder):
    loaded = load_scenario(load_config(folder / "train.yaml", _task(**term)))
    with pytest.raises(UserError, match=said):
        Simulation(loaded, 1, 1, seed=0)


def test_a_phase_needs_a_motion(folder):
    keys = {"motion": None, "task": "walk", "policy.mirror": False, "coordination.method": "static_optimization"}
    with pytest.raises(UserError, match=r"control.phase_scale: expected 0 without a motion"):
        load_scenario(load_config(folder / "train.yaml", keys))


def test_a_low_centre_of_mass_ends_an_episode(folder):
    keys = _task(alive={})
    keys["task"] |= {"termination": {"low_com": {"height": 3.0}}}
    with pytest.raises(UserError, match="'low_com' ends every episode as it begins"):
        Simulation(load_scenario(load_config(folder / "train.yaml", keys)), 1, 1, seed=0)
