"""A policy that is a formula: gaits that are known exactly, under conditions of which one changes nothing."""

import functools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import numpy as np

from soleus.config import HumanRunConfig, load_config
from soleus.inverse import learning
from soleus.inverse.columns import columns_of
from soleus.inverse.forward import Facts, Forward
from soleus.inverse.given import read_given
from soleus.inverse.playing import Player
from soleus.inverse.points import spread
from soleus.inverse.series import TERMS
from soleus.inverse.strides import Gait
from soleus.run.trained import Trained
from soleus.sim.scenario import load_scenario

CONDITIONS = {"speed": [0.8, 1.6], "strength.soleus": [0.3, 1.0], "strength.vasti": [0.3, 1.0]}
"""Of these vasti change nothing."""
STRIDES = 4
_NOISE = 0.003  # [rad] of the knees, in each of their terms
_FACTS = Facts("made", "best.pt", "none", 0, 256, 0, STRIDES, 0)


class MadePlayer(Player):
    """People whose cycle is shorter as they are faster, whose hips swing farther, and whose ankles yield when weak."""

    falls_below = 0.0
    """Strength of soleus, over its range, below which they fall"""

    @functools.cached_property
    def base(self) -> np.ndarray:
        """The built-in walk."""
        return read_given("walk", self.scenario.human, self.columns).gait.mean

    def gaits(
        self, points: np.ndarray, seed: int, num_threads: int, say: Callable[[int, int], None] = lambda done, fell: None
    ) -> list[Gait | None]:
        found: list[Gait | None] = []
        conditions = self.scenario.conditions
        assert conditions is not None
        for number, point in enumerate((points - conditions.low) / (conditions.high - conditions.low)):
            noise = _NOISE * np.random.default_rng([seed, number]).standard_normal((STRIDES, 2 * TERMS))
            rows = np.tile(self.stride(point), (STRIDES, 1))
            for k, knee in enumerate(("knee_angle_r", "knee_angle_l")):
                rows[:, self.at(knee)] += noise[:, k * TERMS : (k + 1) * TERMS]
            found.append(Gait(rows) if point[1] >= self.falls_below else None)
            say(number + 1, sum(one is None for one in found))
        return found

    def at(self, name: str) -> slice:
        """The numbers of a column in a stride."""
        number = next(k for k, column in enumerate(self.columns) if column.name == name)
        return slice(1 + number * TERMS, 1 + (number + 1) * TERMS)

    def stride(self, point: np.ndarray) -> np.ndarray:
        """Of conditions over their ranges, 0 to 1."""
        row = self.base.copy()
        row[0] -= 0.3 * point[0]
        row[self.at("velocity_x")][:1] = 0.8 + 0.8 * point[0]
        for side in "rl":
            row[self.at(f"hip_flexion_{side}")] *= 0.8 + 0.4 * point[0]
            row[self.at(f"ankle_angle_{side}")][:1] += 0.15 * (1 - point[1]) ** 2
            row[self.at(f"ankle_angle_{side}")][1:3] *= 0.6 + 0.4 * point[1]
        return row


@functools.cache
def made_player() -> MadePlayer:
    given = {f"conditions.{name}": ends for name, ends in CONDITIONS.items()}
    config = load_config("walk2d", {**given, "task.observation.conditions": {}, "policy.mirror": False})
    assert isinstance(config, HumanRunConfig)
    scenario = load_scenario(config)
    nobody = cast(Trained, SimpleNamespace(run=Path("made"), called="made"))
    return MadePlayer(nobody, scenario, columns_of(scenario.human), STRIDES)


@functools.cache
def made_forward() -> Forward:
    """A network of them, learnt in a second."""
    return learnt(made_player())


def learnt(player: Player, seed: int = 0, say: Any = lambda *said: None) -> Forward:
    conditions = player.scenario.conditions
    assert conditions is not None
    points = spread(conditions.low, conditions.high, 256, seed)
    with patch.object(learning, "_STEPS", 300), patch.object(learning, "_BATCH", 64):
        return learning.learn_forward(player, points, player.gaits(points, seed, 1), seed, _FACTS, say)
