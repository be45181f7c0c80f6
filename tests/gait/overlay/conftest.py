"""Gaits that are laid over one another, made once."""

from dataclasses import replace

import pytest

from gaits import gait
from soleus.gait import Report, analyse
from soleus.gait.overlay import Overlay, lay_over
from soleus.models import Human
from walker import walked


@pytest.fixture(scope="session")
def slower(walk2d: Human) -> Report:
    """Of a planar person whose strides vary more, and who strains less."""
    traces = [walked(walk2d, strides=13, seed=seed, varying=0.08, rough=True).trace for seed in (5, 6)]
    return analyse([replace(trace, activation=0.5 * trace.activation) for trace in traces], torque_residual=0.05)


@pytest.fixture(scope="session")
def of_one_body(planar: Report, slower: Report) -> Overlay:
    return lay_over([gait("first <run>", planar), gait("_second", slower)])


@pytest.fixture(scope="session")
def of_two_bodies(planar: Report, spatial: Report, slower: Report) -> Overlay:
    return lay_over([gait("planar", planar), gait("legs", spatial), gait("slower", slower)])
