import numpy as np
import pytest

from soleus.gait.kinetic_norms import force_bands, rounded_curve, torque_bands
from soleus.gait.norms import angle_bands


def test_forces_have_the_peaks_that_any_book_has() -> None:
    bands = force_bands()
    vertical, fore_aft = bands["vertical"], bands["fore_aft"]
    assert vertical.mean[:30].max() == pytest.approx(1.05)
    assert vertical.mean[20:40].min() == pytest.approx(0.8)
    assert vertical.mean[35:].max() == pytest.approx(1.14)
    assert vertical.sd is not None
    assert 0.05 < vertical.sd[5:60].min() < vertical.sd[5:60].max() < 0.25
    assert (fore_aft.mean.min(), fore_aft.mean.argmin()) == (pytest.approx(-0.2), 15)
    assert (fore_aft.mean.max(), fore_aft.mean.argmax()) == (pytest.approx(0.2), 50)
    assert fore_aft.sd is None
    for band in bands.values():
        np.testing.assert_array_equal(band.mean[67:], 0)


def test_a_step_pushes_forward_as_much_as_it_brakes() -> None:
    """Of somebody who walks steadily the impulse along the ground is none."""
    mean = force_bands()["fore_aft"].mean
    assert abs(mean.sum()) < 0.1 * np.abs(mean).sum()


def test_two_feet_carry_the_weight() -> None:
    """The vertical force of both, half a cycle apart, is a body's weight on average."""
    assert 2 * force_bands()["vertical"].mean[:-1].mean() == pytest.approx(1, abs=0.05)


def test_torques_and_powers() -> None:
    bands = torque_bands()
    assert list(bands) == ["hip_torque", "knee_torque", "ankle_torque", "ankle_power"]
    for band in bands.values():
        assert band.sd is not None
        assert band.sd.min() > 0
    ankle = bands["ankle_torque"].mean
    assert (ankle.max(), ankle.argmax()) == (pytest.approx(1.23), 48)
    assert bands["ankle_power"].mean.argmax() == 54
    assert bands["hip_torque"].mean[:20].max() > 0.5 > -0.5 > bands["hip_torque"].mean[45:55].min()


def test_the_power_of_the_ankle_is_that_of_its_torque() -> None:
    """Torque times the speed of the built-in cycle's ankle: what two sources tell of one joint goes together."""
    ankle = np.deg2rad(angle_bands("walk")["ankle_dorsiflexion"].mean)
    speed = -np.gradient(ankle, 1.09 / 100)
    power = torque_bands()["ankle_torque"].mean * speed
    assert np.corrcoef(power, torque_bands()["ankle_power"].mean)[0, 1] > 0.8


def test_a_rounded_curve_goes_through_its_knots() -> None:
    curve = rounded_curve(((0, 0), (20, 1), (50, -1), (100, 0)))
    assert curve[[0, 10, 20, 35, 50, 100]] == pytest.approx([0, 0.5, 1, 0, -1, 0], abs=1e-12)
