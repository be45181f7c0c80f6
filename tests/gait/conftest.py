"""Reports of a planar person and of one in space, made once."""

import pytest

from soleus.gait import Report, analyse
from soleus.models import Human
from walker import walked


@pytest.fixture(scope="session")
def planar(walk2d: Human) -> Report:
    """Of two episodes with more than 20 strides of each foot."""
    traces = [walked(walk2d, strides=13, seed=seed, varying=0.04, rough=True).trace for seed in (0, 1)]
    return analyse(traces, torque_residual=0.031)


@pytest.fixture(scope="session")
def spatial(myolegs: Human) -> Report:
    """Of a single short one."""
    return analyse([walked(myolegs, strides=8, seed=3, varying=0.04, rough=True).trace])
