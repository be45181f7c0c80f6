from dataclasses import dataclass, field

import pytest

from soleus.errors import UserError
from soleus.gait import gather
from soleus.gait.cycles import cut
from soleus.gait.gathering import ROUNDS
from soleus.models import Human
from soleus.sim.trace import Trace
from walker import still, walked


@dataclass
class Round:
    traces: list[Trace]
    residual_sums: tuple[float, float]


@dataclass
class Player:
    """Plays the same every round, and remembers which were asked for."""

    traces: list[Trace]
    residuals: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)] * ROUNDS)
    asked: list[int] = field(default_factory=list)

    def __call__(self, number: int) -> Round:
        self.asked.append(number)
        return Round(self.traces, self.residuals[number])


def test_one_round_where_that_is_enough(walk2d: Human) -> None:
    player = Player([walked(walk2d, strides=13, seed=s).trace for s in (0, 1)], [(4.0, 100.0)] * ROUNDS)
    gathered = gather(player)
    assert player.asked == [0]
    assert len(gathered.traces) == 2
    assert gathered.torque_residual == pytest.approx(0.2)


def test_more_rounds_until_there_are_twenty_of_each_foot(walk2d: Human) -> None:
    player = Player([walked(walk2d, strides=9).trace], [(9.0, 100.0), (40.0, 250.0), (0.0, 0.0), (0, 0), (0, 0)])
    gathered = gather(player)
    assert player.asked == [0, 1, 2]
    assert cut(gathered.traces).fewest >= 20 > cut(gathered.traces[:2]).fewest
    assert gathered.torque_residual == pytest.approx((49 / 350) ** 0.5)


def test_it_gives_up_asking_but_keeps_what_there_is(walk2d: Human) -> None:
    player = Player([walked(walk2d, strides=4).trace])
    gathered = gather(player)
    assert player.asked == list(range(ROUNDS))
    assert 0 < cut(gathered.traces).fewest < 20
    assert gathered.torque_residual is None


def test_who_does_not_walk_is_given_up_early(walk2d: Human) -> None:
    player = Player([still(walk2d)])
    with pytest.raises(UserError, match="expected a person who walks, got no stride in 2 episodes"):
        gather(player)
    assert player.asked == [0, 1]
