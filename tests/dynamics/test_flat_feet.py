"""Feet that stand flat on level ground, where many points are equally low."""

from pathlib import Path

import numpy as np
import pytest

import lane_bodies
from lane_oracle import LANES, Pair, exact, relative

CORNERS = " ".join(f"{x} {y} {z}" for x in (-0.08, 0.1) for y in (-0.05, 0.03) for z in (-0.02, 0.02))
FEET = {  # and how many points of both MuJoCo finds
    "cylinder": ('type="cylinder" size="0.05 0.02"', 6),
    "ellipsoid": ('type="ellipsoid" size="0.05 0.04 0.02"', 2),
    "box": ('type="box" size="0.05 0.04 0.02"', 8),
    "mesh": ('type="mesh" mesh="corners"', 8),
}


@pytest.mark.parametrize("shape", FEET)
def test_a_person_stands_as_mujocos(shape: str, tmp_path: Path) -> None:
    geom, points = FEET[shape]
    text = lane_bodies.plain(
        f'<geom class="touches" {geom} pos="0.02 0 -0.03"/>', assets=f'<mesh name="corners" vertex="{CORNERS}"/>'
    )
    human = lane_bodies.load(tmp_path, text.replace('euler="3 2 -20"', ""))
    exact(human.model)
    both, rng = Pair(human, muscles=False), np.random.default_rng(0)
    qpos = both.on_the_ground(np.tile(human.qpos_rest, (LANES, 1)), rng)
    qpos[:, both.height] -= 0.021
    both.set(qpos, rng.normal(size=(LANES, both.model.nv)))
    expected = []
    for _lane in both.lanes():
        assert both.data.ncon == points
        expected.append(both.data.qacc.copy())
    both.tile.step()
    for lane in range(LANES):
        assert relative(both.tile.acceleration[lane], expected[lane]) < 1e-7
