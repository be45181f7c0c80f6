"""Muscles in lanes equal MuJoCo's: lengths, velocities, moments and forces along every kind of path."""

from pathlib import Path

import mujoco
import numpy as np
import pytest

import lane_bodies
from lane_oracle import LANES, Pair, force_law, relative
from soleus import models

STATES = {"walk2d": 1000, "myolegs": 1000, "myolegs26": 1000, "balls": 1000, "myofullbody": 200}
# Where a path touches a shape from within, MuJoCo's iteration ends at 1e-6 rad, the lanes' at 1e-14.
WITHIN = ("balls", "myofullbody")


@pytest.mark.parametrize("name", STATES)
def test_muscles_are_mujocos(name: str, tmp_path: Path) -> None:
    human = lane_bodies.load(tmp_path, lane_bodies.BALLS) if name == "balls" else models.load(name)
    both, rng = Pair(human, muscles=True), np.random.default_rng(6)
    model, muscles = both.model, both.human.muscle_actuator
    outputs = model.actuator_outadr[muscles]
    adr, crossing = both.human.crossing_adr, both.human.actuated[both.human.crossing]
    worst = dict.fromkeys(("length", "speed", "moment", "elsewhere", "gain", "bias"), 0.0)
    wrapped = 0
    for _ in range(STATES[name] // LANES):
        both.set(*both.states(rng))
        tile = both.tile
        lengths, speeds, moments = tile.muscle_lengths, tile.muscle_speeds, tile.muscle_moments
        gains, biases = tile.muscle_gains, tile.muscle_biases
        for lane in both.lanes():
            d = both.data
            wrapped += int((d.wrap_obj >= 0).sum())
            sparse = np.zeros((len(d.actuator_length), model.nv))
            mujoco.mju_sparse2dense(sparse, d.actuator_moment, d.moment_rownnz, d.moment_rowadr, d.moment_colind)
            dense = sparse @ both.tangent(lane)
            of_slots = np.concatenate([dense[o, crossing[adr[k] : adr[k + 1]]] for k, o in enumerate(outputs)])
            law = [force_law(both, actuator, output) for actuator, output in zip(muscles, outputs, strict=True)]
            found = {
                "length": relative(lengths[lane], d.actuator_length[outputs]),
                "speed": relative(speeds[lane], d.actuator_velocity[outputs]),
                "moment": relative(moments[lane], of_slots),
                "elsewhere": abs(abs(dense[outputs]).sum() - abs(of_slots).sum()),
                "gain": relative(gains[lane], np.array([gain for gain, _ in law])),
                "bias": relative(biases[lane], np.array([bias for _, bias in law])),
            }
            worst = {key: max(worst[key], value) for key, value in found.items()}
    assert wrapped > 0 or name == "walk2d", "the test wants paths round shapes"
    assert worst["length"] < 1e-9
    assert max(worst.values()) < (1e-7 if name in WITHIN else 1e-9), worst
