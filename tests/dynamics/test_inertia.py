"""Positions, velocities, inertia, bias and passive forces in lanes equal MuJoCo's, at random states of every model."""

from functools import cache
from pathlib import Path

import mujoco
import numpy as np
import pytest

import lane_bodies
from lane_oracle import LANES, Pair, relative
from soleus import models

STATES = {
    "walk2d": 1000,
    "myolegs": 1000,
    "myolegs26": 1000,
    "balls": 1000,
    "knees": 1000,
    "splines": 1000,
    "myofullbody": 200,
}
ODD = {"balls": lane_bodies.BALLS, "knees": lane_bodies.KNEES, "splines": lane_bodies.SPLINES}


@cache
def pair(name: str, folder: Path) -> Pair:
    human = lane_bodies.load(folder, ODD[name]) if name in ODD else models.load(name)
    return Pair(human, muscles=False)


@pytest.mark.parametrize("name", STATES)
def test_dynamics_are_mujocos(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    both = pair(name, tmp_path_factory.getbasetemp())
    rng, worst = (
        np.random.default_rng(1),
        dict.fromkeys(("inertia", "bias", "passive", "place", "turn", "velocity"), 0.0),
    )
    for _ in range(STATES[name] // LANES):
        both.set(*both.states(rng))
        tile = both.tile
        inertia, bias, passive, bodies, rates = tile.inertia, tile.bias, tile.passive, tile.bodies, tile.coupling_rate
        for lane in both.lanes():
            d, tangent, whole = both.data, both.tangent(lane), both.inertia()
            found = {
                "inertia": relative(inertia[lane], tangent.T @ whole @ tangent),
                # Coupled joints accelerate as their coordinate's velocity goes on: M times that is a bias force too.
                "bias": relative(bias[lane], tangent.T @ (d.qfrc_bias + whole @ rates[lane])),
                "passive": relative(passive[lane], tangent.T @ d.qfrc_passive) if d.qfrc_passive.any() else 0.0,
                "place": float(abs(bodies[lane, :, :3] - d.xpos).max()),
                "turn": float(1 - abs((bodies[lane, :, 3:7] * d.xquat).sum(1)).min()),
                "velocity": relative(bodies[lane, 1:, 7:], _velocities(both)),
            }
            worst = {key: max(worst[key], value) for key, value in found.items()}
    assert max(worst.values()) < 1e-9, worst


def _velocities(both: Pair) -> np.ndarray:
    """(bodies, 6) angular and linear velocities of their frames."""
    out = np.zeros((both.model.nbody - 1, 6))
    for body in range(1, both.model.nbody):
        mujoco.mj_objectVelocity(both.model, both.data, mujoco.mjtObj.mjOBJ_XBODY, body, out[body - 1], 0)
    return out
