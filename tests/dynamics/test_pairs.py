"""Bodies that touch one another in lanes: how often in the tests, where they are parallel, and whom it concerns."""

from pathlib import Path

import mujoco
import numpy as np
import pytest

import lane_bodies
from lane_oracle import LANES, Pair, exact, relative


def _touching(both: Pair) -> list[set[str]]:
    """Of MuJoCo's present state: the names of the geoms that touch."""
    name = lambda geom: both.model.geom(geom).name  # noqa: E731
    return [{name(c.geom[0]), name(c.geom[1])} for c in both.data.contact if c.efc_address >= 0]


def test_the_persons_legs_touch_by_rules_and_by_pairs(tmp_path: Path) -> None:
    """What the comparisons with MuJoCo see of it, at states such as theirs."""
    both, rng = Pair(lane_bodies.load(tmp_path, lane_bodies.PAIRS), muscles=False), np.random.default_rng(2)
    seen: list[set[str]] = []
    for _ in range(50):
        qpos, qvel = both.states(rng)
        both.set(both.on_the_ground(qpos, rng), qvel)
        for _lane in both.lanes():
            seen += _touching(both)
    for pair in (
        {"flesh_r", "flesh_l"},
        {"ball_r", "ball_l"},
        {"calf_r", "calf_l"},
        {"ball_l", "calf_r"},
        {"calf_r", "flesh_r"},
        {"calf_l", "flesh_l"},
        {"sole_l", "floor"},
    ):
        excluded = pair == {"ball_l", "calf_r"}
        assert (pair in seen) is not excluded, pair
    assert any("post" in pair for pair in seen)


def test_parallel_legs_touch_at_two_ends(tmp_path: Path) -> None:
    """A person who stands with straight legs, so thick that they touch along their length, one of them shorter."""
    text = lane_bodies.PAIRS.replace("0.01 0 -0.04 0 0.01 -0.28", "0 0 -0.04 0 0 -0.28").replace("0.085", "0.102")
    human = lane_bodies.load(tmp_path, text)
    exact(human.model)
    human.model.geom("flesh_l").size[1] = 0.1
    both, rng = Pair(human, muscles=False), np.random.default_rng(3)
    qvel = 0.5 * rng.normal(size=(LANES, both.model.nv))
    both.set(np.tile(human.qpos_rest, (LANES, 1)), qvel)
    expected = []
    for _lane in both.lanes():
        assert _touching(both).count({"flesh_r", "flesh_l"}) == 2
        expected.append(both.data.qacc.copy())
    both.tile.step()
    for lane in range(LANES):
        assert relative(both.tile.acceleration[lane], expected[lane]) < 1e-7


@pytest.mark.parametrize("name", lane_bodies.PERSONS)
def test_the_bits_of_a_lane_do_not_depend_on_its_neighbours(name: str, tmp_path: Path) -> None:
    """Some touch the ground or one another, and others do not: in another order, and each with lanes at rest alone."""
    both, rng = Pair(lane_bodies.load(tmp_path, lane_bodies.PERSONS[name]), muscles=False), np.random.default_rng(4)
    qpos, qvel = both.states(rng, speed=1.0)
    qpos = both.on_the_ground(qpos, rng)
    qpos[::2] = both.human.qpos_rest
    qpos[::2, both.height] += 0.5

    def lead(order: np.ndarray) -> np.ndarray:
        both.set(qpos[order], qvel[order])
        both.tile.step(30)
        return np.hstack([both.tile.qpos, both.tile.velocity, both.tile.acceleration, both.tile.foot_force])

    together = lead(np.arange(LANES))
    for order in (np.arange(LANES)[::-1], np.roll(np.arange(LANES), 1), *(np.full(LANES, k) for k in range(LANES))):
        np.testing.assert_array_equal(lead(order).view(np.int64), together[order].view(np.int64))


def test_legs_that_touch_are_no_ground(tmp_path: Path) -> None:
    """Forces on the feet are of the ground and of what stands in the world, as MuJoCo's engine has them."""
    human = lane_bodies.load(tmp_path, lane_bodies.PAIRS)
    exact(human.model)
    both, rng, between, found = Pair(human, muscles=False), np.random.default_rng(5), 0, 0.0
    for _ in range(20):
        qpos, qvel = both.states(rng)
        both.set(both.on_the_ground(qpos, rng), qvel)
        expected = np.zeros((LANES, len(human.feet)))
        for lane in both.lanes():
            for k, contact in enumerate(both.data.contact):
                bodies = {int(both.model.geom_bodyid[geom]) for geom in contact.geom}
                force = np.zeros(6)
                mujoco.mj_contactForce(both.model, both.data, k, force)
                for foot, parts in enumerate(human.feet):
                    if bodies & set(parts) and 0 in bodies:
                        expected[lane, foot] += force[0]
                    between += bool(bodies & set(parts)) and 0 not in bodies
        both.tile.step()
        found += expected.sum()
        np.testing.assert_allclose(both.tile.foot_force, expected, rtol=1e-6, atol=1e-6 * max(1.0, expected.max()))
    assert between > 20
    assert found > 0


POST = '<geom name="post" {} pos="0 0 1.6" contype="2" conaffinity="2"/>'
HEAD = '<geom name="head" size="0.1" mass="5"/>'
CENTRES = {
    "spheres": ('size="0.05"', 'size="0.1"'),
    "spheres whose axes differ": ('size="0.05" euler="30 20 0"', 'size="0.1"'),
    "a sphere on the axis of a capsule": ('type="capsule" size="0.05 0.1" euler="30 20 0"', 'size="0.1"'),
    "capsules that cross": ('type="capsule" size="0.05 0.1" euler="90 0 20"', 'type="capsule" size="0.1 0.1"'),
}


@pytest.mark.parametrize("case", CENTRES)
def test_what_is_in_one_place_is_pushed_as_mujoco_pushes_it(case: str, tmp_path: Path) -> None:
    """A head exactly where a post is: no direction leads from one to the other, and their axes say which it is."""
    post, head = CENTRES[case]
    text = lane_bodies.plain('<geom class="touches" size="0.03"/>', beside=POST.format(post))
    text = text.replace(HEAD, f'<geom name="head" {head} mass="5" contype="2" conaffinity="2"/>')
    human = lane_bodies.load(tmp_path, text)
    exact(human.model)
    both, rng = Pair(human, muscles=False), np.random.default_rng(6)
    qpos = np.tile(human.qpos_rest, (LANES, 1))
    qpos[:, both.height] = 1.0
    both.set(qpos, rng.normal(size=(LANES, both.model.nv)))
    expected = []
    for _lane in both.lanes():
        assert {"head", "post"} in _touching(both)
        expected.append(both.data.qacc.copy())
    both.tile.step()
    for lane in range(LANES):
        assert relative(both.tile.acceleration[lane], expected[lane]) < 1e-7
