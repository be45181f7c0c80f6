import numpy as np
import pytest

from soleus.gait.norms import PHASES, STANCE, angle_bands, gait_of, phases, usual_figures
from soleus.motions.registry import built_in_cycle


def test_the_eight_phases_of_the_book() -> None:
    assert [phase.name for phase in PHASES] == [
        "initial contact", "loading response", "mid stance", "terminal stance", "pre-swing", "initial swing",
        "mid swing", "terminal swing",
    ]  # fmt: skip
    assert [(phase.start, phase.end) for phase in PHASES] == [
        (0, 2), (2, 12), (12, 31), (31, 50), (50, 62), (62, 75), (75, 87), (87, 100),
    ]  # fmt: skip
    assert phases(STANCE) == list(PHASES)


@pytest.mark.parametrize("stance", [45.0, 58.0, 70.0])
def test_phases_follow_the_stance(stance: float) -> None:
    found = phases(stance)
    assert [phase.start for phase in found[1:]] == [phase.end for phase in found[:-1]]
    assert (found[0].start, found[4].end, found[-1].end) == (0, pytest.approx(stance), 100)
    assert found[1].end == pytest.approx(12 * stance / 62)
    assert found[5].end == pytest.approx(stance + 13 / 38 * (100 - stance))


def test_bands_have_the_means_of_the_tables() -> None:
    bands, cycle = angle_bands("walk"), built_in_cycle("walk")
    assert set(bands) == {*cycle.angles, "pelvis_tilt", "pelvis_list", "pelvis_rotation"}
    for name in cycle.angles:
        np.testing.assert_allclose(bands[name].mean, np.rad2deg(cycle.angles[name](np.linspace(0, 1, 101))))
    # Peaks that any book has: the knee in swing, the hip at its most extended, the ankle at push-off.
    assert bands["knee_flexion"].mean.max() == pytest.approx(60, abs=3)
    assert bands["hip_flexion"].mean.argmin() == pytest.approx(54, abs=3)
    assert bands["ankle_dorsiflexion"].mean.argmin() == pytest.approx(63, abs=3)


def test_spreads_are_those_that_were_published() -> None:
    bands = angle_bands("walk")
    for name, low, high in (
        ("hip_flexion", 8, 9.5), ("knee_flexion", 3.5, 8), ("ankle_dorsiflexion", 2.5, 9), ("pelvis_tilt", 7, 7),
    ):  # fmt: skip
        sd = bands[name].sd
        assert sd is not None
        assert sd.shape == (101,)
        assert sd[0] == sd[-1]
        assert (sd.min(), sd.max()) == (pytest.approx(low), pytest.approx(high))
    assert bands["hip_adduction"].sd is None


def test_who_runs_is_put_beside_people_who_run() -> None:
    assert [gait_of(stance) for stance in (62, 50, 49.9, 37)] == ["walk", "walk", "run", "run"]
    bands = angle_bands("run")
    assert all(band.sd is None for band in bands.values())
    assert bands["knee_flexion"].mean.max() == pytest.approx(91, abs=1)
    usual = {key: figure.value for key, figure in usual_figures("run").items()}
    assert usual["speed"] == pytest.approx(3.0, abs=0.02)
    assert (usual["flight"], usual["double_support"]) == (pytest.approx(26), 0)
    assert usual["cost_of_transport"] == 4.2


def test_usual_figures_agree_with_one_another() -> None:
    usual = {key: figure.value for key, figure in usual_figures("walk").items()}
    assert (usual["flight"], usual["double_support"]) == (0, pytest.approx(20))
    assert usual["speed"] == pytest.approx(usual["stride_length"] / usual["stride_time"], rel=1e-3)
    assert usual["cadence"] == pytest.approx(60 / usual["step_time"], rel=1e-3)
    assert usual["cadence"] == pytest.approx(110, abs=0.2)
    assert usual["cost_of_transport"] == 3.3
