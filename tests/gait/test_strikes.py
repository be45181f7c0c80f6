import numpy as np
import pytest

from soleus.gait.strikes import find_contacts
from soleus.models import Human
from walker import DT, GRAVITY, STANCE, Walked, stance_force, walked

TOLERANCE_S = 0.015


def found(walk: Walked, side: int) -> list[int]:
    weight = walk.trace.human.mass * GRAVITY
    contacts = find_contacts(walk.trace.ground_force[:, side, 2], DT, weight)
    return [contact.strike for contact in contacts if contact.strike is not None]


def compare(found: list[int], true: list[int], dt: float = DT) -> tuple[int, int]:
    """How many true strikes were found, and how many found are none."""
    away = np.abs(np.subtract.outer(np.array(found, dtype=float), np.array(true, dtype=float))) * dt
    near = away <= TOLERANCE_S
    return int(near.any(axis=0).sum()), int((~near.any(axis=1)).sum())


@pytest.mark.parametrize("side", [0, 1], ids=["right", "left"])
def test_every_strike_of_smooth_walking_within_six_milliseconds(walk2d: Human, side: int) -> None:
    walk = walked(walk2d, strides=10)
    away = np.subtract(found(walk, side), walk.strikes[side])
    assert np.abs(away).max() * DT <= 0.006


@pytest.mark.parametrize("model", ["walk2d", "myolegs"])
def test_strikes_of_rough_walking(model: str, request: pytest.FixtureRequest) -> None:
    """At least 95 % within 15 ms, and none that is not there, over twenty walks of 24 strikes and their troubles."""
    human = request.getfixturevalue(model)
    hits = strikes = false = 0
    for seed in range(20):
        walk = walked(human, strides=12, seed=seed, varying=0.08, rough=True)
        for side in (0, 1):
            hit, wrong = compare(found(walk, side), walk.strikes[side])
            hits, strikes, false = hits + hit, strikes + len(walk.strikes[side]), false + wrong
    assert strikes >= 480
    assert hits >= 0.95 * strikes
    assert false == 0


@pytest.mark.parametrize("rate", [200, 600, 1000])
def test_at_any_rate(rate: int) -> None:
    phase = np.arange(0, 6, 1 / rate) / 1.1 + 0.7
    force = stance_force(phase % 1, 0)[:, 2] * 700
    true = [int(np.searchsorted(phase, k)) for k in range(1, 7)]
    strikes = [contact.strike for contact in find_contacts(force, 1 / rate, 700) if contact.strike is not None]
    assert compare(strikes, true, 1 / rate) == (6, 0)


@pytest.mark.parametrize("drag", [0.06, 0.1])
def test_a_foot_that_drags_all_the_way(drag: float) -> None:
    """It never leaves the ground, and still strikes when it is loaded."""
    rng = np.random.default_rng(0)
    phase = np.arange(0, 8, DT) / 1.1 + 0.7
    force = stance_force(phase % 1, 0)[:, 2]
    force = np.maximum(force, drag * (1 + 0.2 * rng.standard_normal(len(force)))) * 700
    true = [int(np.searchsorted(phase, k)) for k in range(1, 8)]
    assert compare([c.strike for c in find_contacts(force, DT, 700) if c.strike is not None], true) == (7, 0)


def test_a_foot_leaves_the_ground_where_it_does() -> None:
    phase = np.arange(0, 6, DT) / 1.1 + 0.7
    contacts = find_contacts(stance_force(phase % 1, 0)[:, 2] * 700, DT, 700)
    true = [int(np.searchsorted(phase, k + STANCE)) for k in range(1, 6)]
    offs = [contact.off for contact in contacts if contact.strike is not None and contact.off is not None]
    assert compare(offs, true[: len(offs)]) == (len(offs), 0)


def test_stances_that_the_record_cuts_have_open_ends() -> None:
    phase = np.arange(0, 2.2, DT) / 1.1 + 0.3  # it begins and ends within a stance
    first, _, last = find_contacts(stance_force(phase % 1, 0)[:, 2] * 700, DT, 700)
    assert first.strike is None
    assert first.off is not None
    assert last.strike is not None
    assert last.off is None


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_who_stands_or_hangs_does_not_strike(level: float) -> None:
    rng = np.random.default_rng(1)
    force = 700 * level * (1 + 0.05 * rng.standard_normal(5000))
    assert [c for c in find_contacts(force, DT, 700) if c.strike is not None] == []
    assert find_contacts(np.zeros(0), DT, 700) == []
