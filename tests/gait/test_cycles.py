"""Strides, and the figures of a walk, against what the trajectory itself says."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from soleus.gait.curves import angle_curves, force_rows
from soleus.gait.cycles import POINTS, SETTLE_S, Strides, cut
from soleus.gait.measures import Measure, cost_of_transport, measures_of, symmetry
from soleus.models import Human
from soleus.sim.trace import Trace
from walker import DT, motion_of, trace_of, walked


def at(strides: Strides, side: int) -> list[float]:
    return [stride.start * DT for stride in strides.of(side)]


@pytest.mark.parametrize("model", ["walk2d", "myolegs"])
@pytest.mark.parametrize("seed", range(3))
def test_speed_and_cadence_are_those_of_the_trajectory(model: str, seed: int, request: pytest.FixtureRequest) -> None:
    """Within 1 %, of speeds that change from stride to stride."""
    human = request.getfixturevalue(model)
    walk = walked(human, strides=14, seed=seed, varying=0.08, rough=True)
    found = measures_of(cut([walk.trace]))
    steps = [s for s in walk.strikes[0] if s * DT >= SETTLE_S]
    seconds = (steps[-1] - steps[0]) * DT
    metres = walk.trace.qpos[steps[-1], 0] - walk.trace.qpos[steps[0], 0]
    # The strides of the left foot begin and end half a stride apart: one stride of fourteen may be another.
    assert found["speed"].right == pytest.approx(metres / seconds, rel=0.01)
    assert found["cadence"].right == pytest.approx(120 * (len(steps) - 1) / seconds, rel=0.01)
    own = cut([walk.trace])
    kept = replace(own, kept=own.of(0))
    assert measures_of(kept)["speed"].mean == pytest.approx(metres / seconds, rel=1e-3)
    assert measures_of(kept)["cadence"].mean == pytest.approx(120 * (len(steps) - 1) / seconds, rel=1e-3)


@pytest.mark.parametrize("model", ["walk2d", "myolegs"])
def test_figures_of_even_walking(model: str, request: pytest.FixtureRequest) -> None:
    human = request.getfixturevalue(model)
    motion = motion_of(human)
    found = measures_of(cut([walked(human, strides=12).trace]))
    length = float(motion.displacement[0])
    expected = {
        "stride_length": length,
        "step_length": length / 2,
        "stride_time": motion.duration,
        "step_time": motion.duration / 2,
        "stance_share": 62.0,
        "double_support": 24.0,
        "flight": 0.0,
        "cadence": 120 / motion.duration,
        "cost_of_transport": (4.2 + 1.51) / motion.speed,  # at rest too
    }
    for key, value in expected.items():
        assert found[key].mean == pytest.approx(value, rel=0.05 if key == "double_support" else 0.02), key
        if key != "cost_of_transport":
            assert found[key].right == pytest.approx(found[key].left, rel=0.02)
    assert (found["step_width"].mean is None) == (model == "walk2d")
    assert all(abs(value or 0) < 2 for value in symmetry(found).values())


def test_a_limp_shows_on_the_side_that_limps(walk2d: Human) -> None:
    """The right foot comes down later and for longer: the step to the right takes longer, the one to the left less."""
    trace = walked(walk2d, strides=12).trace
    force = trace.ground_force.copy()
    force[:, 0] = np.roll(force[:, 0], round(0.06 / DT), axis=0)
    found = measures_of(cut([replace(trace, ground_force=force)]))
    right, left = found["step_time"].right, found["step_time"].left
    assert right is not None
    assert left is not None
    assert right - left == pytest.approx(0.12, abs=0.01)
    share = symmetry(found)["step_time"]
    assert share == pytest.approx(200 * (right - left) / (right + left))


def test_symmetry_by_hand() -> None:
    measures = dict.fromkeys(
        ("step_length", "step_time", "stance_share", "peak_force"), Measure("", "", 1.0, None, 1.1, 0.9)
    )
    measures["peak_force"] = Measure("", "", None, None, None, 1.0)
    assert symmetry(measures) == {
        "step_length": pytest.approx(20.0),
        "step_time": pytest.approx(20.0),
        "stance_share": pytest.approx(20.0),
        "peak_force": None,
    }


def test_cost_of_transport_counts_whole_episodes(walk2d: Human) -> None:
    """Two episodes of different power and length, by hand, 1.51 W/kg of each at rest; none without muscles."""
    one, two = (walked(walk2d, strides=n).trace for n in (6, 9))
    both = [replace(one, metabolic=np.full(len(one.qpos), 3.0)), replace(two, metabolic=np.full(len(two.qpos), 6.0))]
    seconds = [DT * (len(trace.qpos) - 1) for trace in both]
    metres = [float(trace.qpos[-1, 0] - trace.qpos[0, 0]) for trace in both]
    assert cost_of_transport(cut(both).walks) == pytest.approx((4.51 * seconds[0] + 7.51 * seconds[1]) / sum(metres))
    assert cost_of_transport(cut([replace(one, metabolic=np.full(len(one.qpos), 0.0))]).walks) is None


def test_strides_of_the_start_are_left_out(walk2d: Human) -> None:
    walk = walked(walk2d, strides=8)
    strides = cut([walk.trace])
    starts = [s * DT for s in walk.strikes[0][:-1]]
    assert strides.left_out["settling"] == sum(s * DT < SETTLE_S for own in walk.strikes for s in own[:-1])
    np.testing.assert_allclose(at(strides, 0), [s for s in starts if s >= SETTLE_S], atol=0.006)
    assert all(stride.start < (stride.opposite or 0) < stride.off < stride.end for stride in strides.kept)


def standing(human: Human, seconds: float = 8.0, load: Sequence[float] = (0.5, 0.5)) -> Trace:
    steps = round(seconds / DT)
    force = np.zeros((steps, 2, 3))
    force[:, :, 2] = np.array(load) * human.mass * 9.81
    qpos = np.tile(human.qpos_rest, (steps, 1))
    return trace_of(human, qpos, np.zeros((steps, 0)), force, 0.0)


def test_who_stands_still_has_no_stride(walk2d: Human) -> None:
    assert cut([standing(walk2d)]).kept == []


def test_who_steps_in_place_has_none_either(walk2d: Human) -> None:
    trace = walked(walk2d, strides=8).trace
    qpos = trace.qpos.copy()
    qpos[:, 0] = 0.0
    strides = cut([replace(trace, qpos=qpos)])
    assert strides.kept == []
    assert strides.left_out["in_place"] > 8


def test_strides_after_a_fall_are_left_out(walk2d: Human) -> None:
    walk = walked(walk2d, strides=10)
    qpos = walk.trace.qpos.copy()
    fall = round(6.0 / DT)
    qpos[fall:, 1] -= 0.5  # whatever the feet still do
    strides = cut([replace(walk.trace, qpos=qpos)])
    assert strides.left_out["fallen"] >= 6
    assert all(stride.end < fall for stride in strides.kept)
    assert strides.kept


def test_a_trace_of_nothing(walk2d: Human) -> None:
    walk = walked(walk2d, strides=5).trace
    for steps in (0, 1, 2):
        empty = standing(walk2d, steps * DT)
        assert cut([empty]).kept == []
        assert {stride.trace for stride in cut([empty, walk]).kept} == {int(steps == 2)}


def test_every_trace_by_itself(walk2d: Human) -> None:
    """Episodes are not joined: no stride reaches from one to the next."""
    traces = [walked(walk2d, strides=n, seed=n, varying=0.05).trace for n in (5, 7)]
    together, apart = cut(traces), [cut([trace]) for trace in traces]
    assert [len(together.of(side)) for side in (0, 1)] == [sum(len(a.of(side)) for a in apart) for side in (0, 1)]
    assert {stride.trace for stride in together.kept} == {0, 1}


def test_resampling_by_hand(walk2d: Human) -> None:
    strides = cut([walked(walk2d, strides=6).trace])
    stride = strides.kept[0]
    ramp = np.arange(len(strides.walks[0].trace.qpos), dtype=float)
    over = strides.over_cycle(stride, np.stack([ramp, -ramp], axis=-1))
    assert over.shape == (POINTS, 2)
    np.testing.assert_allclose(over[:, 0], np.linspace(stride.start, stride.end, POINTS))
    np.testing.assert_allclose(over[:, 1], -over[:, 0])


def test_curves_start_at_their_own_feet(myolegs: Human) -> None:
    """The left leg does half a stride later what the right does: over their own cycles both are alike."""
    strides = cut([walked(myolegs, strides=10, seed=2, varying=0.05).trace])
    from soleus.gait.norms import angle_bands
    from soleus.motions.anatomy import angles_of

    for name, curve in angle_curves(strides, angles_of(myolegs), angle_bands("walk")).items():
        right, left = curve.sides["right"].mean, curve.sides["left"].mean
        assert np.abs(right - left).max() < 1.5, name
        assert np.ptp(right) > 1.0, name


def turned(trace: Trace, angle: float) -> Trace:
    """The same walk in another direction."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    qpos = trace.qpos.copy()
    qpos[:, :3] = qpos[:, :3] @ turn.T
    from soleus.motions.rotations import about_z, multiply

    qpos[:, 3:7] = multiply(np.tile(about_z(angle), (len(qpos), 1)), qpos[:, 3:7])
    return replace(trace, qpos=qpos, ground_force=trace.ground_force @ turn.T)


@pytest.mark.parametrize("angle", [0.7, -2.0, np.pi])
def test_it_does_not_matter_which_way_one_walks(myolegs: Human, angle: float) -> None:
    from soleus.motions.anatomy import angles_of

    trace = walked(myolegs, strides=6).trace
    ahead, aside = cut([trace]), cut([turned(trace, angle)])
    for key, measure in measures_of(ahead).items():
        assert measures_of(aside)[key].mean == pytest.approx(measure.mean), key
    for name, rows in force_rows(ahead).items():
        for side in ("right", "left"):
            np.testing.assert_allclose(force_rows(aside)[name].sides[side], rows.sides[side], atol=1e-9)
    angles = angles_of(myolegs)
    for name, curve in angle_curves(ahead, angles, {}).items():
        other = angle_curves(aside, angles, {})[name]
        for side in ("right", "left"):
            np.testing.assert_allclose(other.sides[side].mean, curve.sides[side].mean, atol=1e-6, err_msg=name)


def test_forces_by_their_axes(myolegs: Human, walk2d: Human) -> None:
    """Braking then push, both feet towards the midline, two humps of the vertical force in body weights."""
    curves = {name: rows.curve() for name, rows in force_rows(cut([walked(myolegs, strides=8).trace])).items()}
    assert list(curves) == ["vertical", "fore_aft", "lateral"]
    for side in ("right", "left"):
        fore_aft, vertical = curves["fore_aft"].sides[side].mean, curves["vertical"].sides[side].mean
        assert fore_aft[15] == pytest.approx(-0.18, abs=0.01)
        assert fore_aft[46] == pytest.approx(0.18, abs=0.01)
        assert curves["lateral"].sides[side].mean[30] == pytest.approx(0.05, abs=1e-6)
        assert vertical[14] == pytest.approx(1.15, abs=0.03)
        assert vertical[47] == pytest.approx(1.15, abs=0.03)
        assert np.abs(vertical[65:95]).max() == 0
    assert list(force_rows(cut([walked(walk2d, strides=8).trace]))) == ["vertical", "fore_aft"]
