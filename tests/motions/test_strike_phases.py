"""Where feet strike in a motion, wherever its cycle begins."""

from dataclasses import replace

import numpy as np
import pytest

from soleus import models, motions
from soleus.motions.strikes import ahead_of_pelvis, strike_phases


@pytest.mark.parametrize("model", ["walk2d", "myolegs"])
@pytest.mark.parametrize("gait", ["walk", "run"])
def test_built_in_cycles_begin_with_the_right_foot(model: str, gait: str) -> None:
    human = models.load(model)
    right, left = strike_phases(motions.load(gait, human), human)
    assert abs((right + 0.5) % 1 - 0.5) < 0.02
    assert left == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("shift", [0.2, 0.7])
def test_a_recording_begins_anywhere(shift: float) -> None:
    human = models.load("walk2d")
    motion = motions.load("walk", human)
    begun = replace(motion, qpos=np.roll(motion.qpos, -round(shift * len(motion.qpos)), axis=0))
    right, left = strike_phases(begun, human)
    assert right == pytest.approx(1 - shift, abs=0.02)
    assert left == pytest.approx((1.5 - shift) % 1, abs=0.02)


def test_feet_that_float_strike_where_they_are_foremost() -> None:
    """A recording in which the right foot never comes near its lowest point after it was foremost."""
    human = models.load("walk2d")
    motion = motions.load("walk", human)
    sunk = motion.qpos.copy()
    sunk[len(sunk) // 3, 1] -= 0.1  # one frame in which the body is far too low
    right, _ = strike_phases(replace(motion, qpos=sunk), human)
    foremost = ahead_of_pelvis(motion.qpos, human)[:, 0].argmax() / len(sunk)
    assert right == pytest.approx(foremost, abs=1e-9)
