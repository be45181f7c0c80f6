"""Tasks without a motion: what conditions ask for, what falls cost, and which side the policy sees ahead."""

import mujoco
import numpy as np
import pytest
from native import rollout, scenario, simulation

from soleus.config import load_config
from soleus.errors import UserError
from soleus.sim.buffers import EPISODE_COLUMNS, Buffers
from soleus.sim.scenario import load_scenario
from soleus.sim.trace import STATE

TERMS = {
    "forward_speed": {"weight": 1.0, "target": 1.0, "scale": 0.5, "sideways": 0.3},
    "heading": {"weight": 1.0, "scale": 2.0},
    "ground_impact": {"weight": -1.0, "above": 0.4},
    "joint_limits": {"weight": -1.0, "margin": 0.4},
    "foot_clearance": {"weight": -1.0, "height": 0.2},
}


def _task(**reward):
    return {
        "name": "free",
        "episode_seconds": 1.0,
        "initial": "rest",
        "initial_noise": 0.1,
        "observation": {"body_positions": {}, "heading": {}, "root": {}},
        "reward": reward,
        "termination": {"fall": {"height": 0.7, "tilt": 45.0}},
    }


def _legs(**overrides):
    return scenario("run-free-myolegs", **{"task": _task(terms=TERMS), **overrides})


def _terms(made, buffers):
    """Means over the humans and steps of the terms, by name."""
    return buffers.term_means(made)


def test_terms_are_of_the_speed_and_heading_that_conditions_ask_for():
    asked = {"conditions": {"speed": {"range": [0, 2], "at": 1.4}, "heading": {"range": [-1, 1], "at": 0.7}}}
    made = simulation(_legs(**asked), humans=1)
    buffers = Buffers(made, 1, samples=False, trace=True)
    made.reset(3, buffers["observations"][0])
    for _ in range(6):
        buffers.run(made, with_policy=True)
        assert not buffers.done.any()
        found, row = _terms(made, buffers), buffers["trace"][-1, 0]
        model = made.scenario.human.model
        data = mujoco.MjData(model)
        mujoco.mj_setState(model, data, np.ascontiguousarray(row[: mujoco.mj_stateSize(model, STATE)]), STATE)
        mujoco.mj_forward(model, data)
        mujoco.mj_subtreeVel(model, data)
        root = made.scenario.human.root_body
        x, y, _ = data.subtree_linvel[root]
        c, s = np.cos(0.7), np.sin(0.7)
        speed, sideways = c * x + s * y, c * y - s * x
        assert found["forward_speed"] == pytest.approx(
            np.exp(-0.5 * ((speed - 1.4) ** 2 + 0.3 * sideways**2)), rel=1e-6
        )
        sine, cosine = buffers["observations"][1][0, -12:-10]
        assert found["heading"] == pytest.approx(np.exp(-2 * np.arctan2(sine, cosine) ** 2), rel=1e-4)
        human, limits = made.scenario.human, 0.0
        for c in human.actuated:
            joint = model.dof_jntid[human.coordinate_dof[c]]
            q, (low, high) = data.qpos[model.jnt_qposadr[joint]], model.jnt_range[joint]
            limits += max(0, low + 0.4 - q, q - high + 0.4)
        assert found["joint_limits"] == pytest.approx(limits, rel=1e-6)
        stumbles, velocity = 0.0, np.zeros(6)
        for foot in human.feet:
            worst = 0.0
            for body in map(int, foot):
                mujoco.mj_objectVelocity(model, data, mujoco.mjtObj.mjOBJ_XBODY, body, velocity, 0)
                low = 0.2 - data.xpos[body, 2] + human.ground_height
                worst = max(worst, low * np.hypot(velocity[3], velocity[4]))
            stumbles += worst
        assert stumbles > 0
        assert found["foot_clearance"] == pytest.approx(stumbles, rel=1e-6)
        feet = buffers["observations"][1]
        assert np.isfinite(feet).all()
        buffers["observations"][0] = buffers["observations"][1]


def test_single_stance_and_step_width_are_of_the_feet():
    width = {"weight": -1.0, "least": 0.1, "most": 0.15}
    terms = {"single_stance": {"weight": 1.0, "seconds": 0.2}, "step_width": width}
    made = simulation(_legs(task=_task(terms=terms)), humans=1)
    human = made.scenario.human
    load = 0.05 * float(human.model.body_mass.sum()) * 9.81
    buffers, forces, bodies = Buffers(made, 1, samples=False), np.zeros((1, 2)), np.zeros((1, human.model.nbody * 3))
    stood, since, values = None, np.zeros(2), []
    made.reset(5, buffers["observations"][0])
    for _ in range(90):
        if stood is None:
            made.core.look("foot_forces", forces)
            stood, since = forces[0] > load, np.zeros(2)
        buffers.run(made, with_policy=True)
        buffers["observations"][0] = buffers["observations"][1]
        if buffers.done.any():
            stood = None
            continue
        made.core.look("foot_forces", forces)
        made.core.look("bodies", bodies)
        stands = forces[0] > load
        since = np.where(stands == stood, since + 1, 0)
        stood = stands
        found = _terms(made, buffers)
        assert found["single_stance"] == pytest.approx(
            min(1.0, since.min() / 30 / 0.2) if stands[0] != stands[1] else 0.0
        )
        values.append(found["single_stance"])
        right, left = (bodies[0].reshape(-1, 3)[foot[0]] for foot in human.feet)
        sine, cosine = buffers["observations"][1][0, -12:-10]
        apart = cosine * (left - right)[1] - sine * (left - right)[0]
        assert found["step_width"] == pytest.approx(max(0.0, 0.1 - apart, apart - 0.15), abs=1e-5)
    assert max(values) > 0.1


def test_the_ground_may_press_as_hard_as_is_said():
    hard, soft = (
        _terms(made, rollout(made, steps=12))["ground_impact"]
        for made in (
            simulation(_legs(task=_task(terms=TERMS | {"ground_impact": {"weight": -1.0, "above": above}})))
            for above in (0.0, 0.5)
        )
    )
    assert 0 <= soft < hard


@pytest.mark.parametrize("costs", ["always", "held"])
def test_costs_count_as_long_as_episodes_lasted(costs):
    terms = {"alive": {"weight": -2.0}, "upright": {"weight": 1e-9}}
    made = simulation(_legs(task=_task(terms=terms, costs=costs)), humans=4)
    made.core.set_training(True)
    buffers = rollout(made, steps=45)
    length = EPISODE_COLUMNS.index("length_s")
    for human in range(4):
        held = 1.0 if costs == "always" else 0.0
        for t in range(45):
            assert buffers["rewards"][t, human] == pytest.approx(-2.0 * held, abs=1e-6)
            if buffers.done[t, human] and costs == "held":
                held += 0.2 * (buffers["episodes"][t, human, length] / 1.0 - held)
    assert buffers.done.any()
    made.core.set_training(False)
    buffers.run(made, with_policy=True)
    np.testing.assert_allclose(buffers["rewards"], -2.0, atol=1e-6, err_msg="who does not train counts costs whole")


@pytest.mark.parametrize("mirror", [False, True])
def test_a_mirrored_policy_has_the_right_foot_ahead(mirror):
    made = simulation(_legs(policy__mirror=mirror), humans=8)
    seen = rollout(made, steps=20)["observations"]
    human = made.scenario.human
    tracked = [int(body) for body in human.tracked_bodies]
    right, left = (3 * tracked.index(int(foot[0])) for foot in human.feet)
    ahead = seen[..., right] >= seen[..., left] - 1e-6
    assert ahead.all() == mirror
    assert ahead.any()


def test_a_mirrored_policy_is_asked_for_the_mirrored_heading():
    asked = {"conditions": {"heading": {"range": [0, 1], "at": 0.8}}}
    task = _task(terms=TERMS)
    task["observation"] = {"conditions": {}, "body_positions": {}}
    made = simulation(_legs(task=task, policy__mirror=True, **asked), humans=8)
    seen = rollout(made, steps=20)["observations"][..., -1]
    # Of the middle 0.5 of the range, in halves of it: 0.8 as it is, and -0.8 in the mirror.
    np.testing.assert_allclose(np.unique(np.round(seen, 5)), [-2.6, 0.6], atol=1e-5)


def test_conditions_that_no_term_rewards():
    for name, given, said in (
        ("speed", {"upright": {"weight": 1.0}}, r"conditions.speed: expected a motion or the reward forward_speed"),
        ("heading", {"alive": {"weight": 1.0}}, r"conditions.heading: expected the reward heading or forward_speed"),
        ("stride", TERMS, r"conditions.stride: expected a motion, whose gait it changes"),
    ):
        with pytest.raises(UserError, match=said):
            load_scenario(
                load_config("run-free-myolegs", {"task": _task(terms=given), f"conditions.{name}": [0.5, 1.5]})
            )


def test_a_speed_to_walk_at_is_above_nought_or_nought():
    with pytest.raises(UserError, match=r"conditions.speed: expected a range above 0, got one from -1"):
        load_scenario(load_config("run-free-myolegs", {"conditions.speed": [-1, 1]}))
    assert load_scenario(load_config("run-free-myolegs", {"conditions.speed": [0, 1]})).conditions.low[0] == 0
