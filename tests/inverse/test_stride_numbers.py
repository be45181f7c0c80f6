"""Strides of a trace as numbers."""

import numpy as np
import pytest

from soleus.inverse.columns import columns_of
from soleus.inverse.series import TERMS
from soleus.inverse.strides import gait_of
from walker import motion_of, walked


@pytest.mark.parametrize("which", ["walk2d", "myolegs"])
def test_the_last_strides_of_a_walk(which: str, request: pytest.FixtureRequest) -> None:
    human = request.getfixturevalue(which)
    person, columns = walked(human, strides=6), columns_of(human)
    gait = gait_of(person.trace, columns, 3)
    assert gait is not None
    assert gait.rows.shape == (3, 1 + len(columns) * TERMS)
    assert np.exp(gait.mean[0]) == pytest.approx(motion_of(human).duration, rel=0.01)
    means = dict(zip([column.name for column in columns], gait.mean[1::TERMS], strict=True))
    assert means["velocity_x"] == pytest.approx(person.speed, rel=0.01)
    assert means["force_right_vertical"] == pytest.approx(means["force_left_vertical"], rel=0.05)
    assert 0.3 < means["force_right_vertical"] < 0.7
    assert gait_of(person.trace, columns, 30) is None, "so many there are not"
