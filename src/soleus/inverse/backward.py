"""From a gait back to conditions: which there are, how sure that is, and which of them the gait does not tell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from soleus.exchange.seeds import start_seed
from soleus.inverse.comparison import Comparison, compare_by, gait_error, mean_degrees, usual_degrees
from soleus.inverse.forward import Forward
from soleus.inverse.given import Given
from soleus.inverse.playing import Player
from soleus.inverse.refining import PEOPLE, Lack, Walked, walk, walked_of
from soleus.inverse.search import STARTS, Answers, Correction, descend, first_shift, starts_of
from soleus.machine.threads import computing_with

Floats = NDArray[np.float64]

GENERATIONS = 3
"""As often does the policy walk under candidates."""
_PLAIN = 32  # searches without noise
STAGES = ("defaults", "network", "found")
_ENDS = (0.1, 0.9)  # quantiles of the answers between which a condition lies
_TOLD = 0.5  # of what these would be if nothing were known

Errors = dict[str, float]
"""By how much two gaits differ, by joint or other part of them, in the units of columns"""


@dataclass(frozen=True)
class Finding:
    """One condition."""

    found: float
    low: float
    high: float
    """Eight of ten answers that are as good lie from low to high."""
    range: tuple[float, float]
    held: bool
    """It was given."""

    @property
    def told(self) -> bool:
        """Whether the gait tells it: answers spread over less than half of what they would if nothing were known."""
        whole = (_ENDS[1] - _ENDS[0]) * (self.range[1] - self.range[0])
        return self.held or self.high - self.low <= _TOLD * whole


@dataclass(frozen=True, eq=False)
class Found:
    """Conditions whose gait is nearest to a given one."""

    conditions: dict[str, Finding]
    errors: dict[str, Errors | None]
    """Under the defaults, under the network's answer and under what was found: as the policy walks, or without one as
    the network says; None where it falls"""
    degrees: dict[str, float | None]
    """Root mean squares of these over the joints that turn"""
    usual: float
    """The same of single strides of one person from their mean, and without a policy of what the network is off: a gait
    that stays much farther off is none of the policy's"""
    fell: int
    """People under candidates who did"""

    @property
    def untold(self) -> list[str]:
        """Conditions that the gait does not tell."""
        return [name for name, one in self.conditions.items() if not one.told]


@dataclass(eq=False)
class _Search:
    """A search under way: what is asked, and how far off its best answer is."""

    forward: Forward
    given: Given
    comparison: Comparison
    bounds: tuple[Tensor, Tensor]
    """(n,) of conditions from -1 to 1"""
    noise: Tensor
    """(STARTS, K) that is put on what was measured, so that answers differ by as much as they are unknown"""

    def go(self, start: Answers, covariance: Tensor, correction: Correction | None = None) -> Answers:
        """Return the answers below their starts; the first is that of the gait itself, without noise on it."""
        parts, few = (self.forward, self.comparison, self.given), start.first(_PLAIN)
        plain = descend(*parts, few, self.bounds, covariance, torch.zeros_like(self.noise[:_PLAIN]), correction)
        best = int(plain.distance.argmin())
        # Where the best answer is farther off than all that is known explains, as far off as it counts as good.
        misfit = max(
            1.0, float(plain.distance[best]) / self.noise.shape[1], self._outside(plain, best, correction) ** 2
        )
        wider = misfit * covariance
        answers = descend(*parts, start, self.bounds, wider, self.noise, correction)
        answers.at[0], answers.shift[0] = plain.at[best], plain.shift[best]
        return answers

    def _outside(self, plain: Answers, best: int, correction: Correction | None) -> float:
        """How many times farther off an answer is than strides and networks are, in all that is compared."""
        stride = self.forward.strides(plain.at[best].float()).double()
        if correction is not None:
            lacking = correction(plain.at[best : best + 1])[0]
            stride[self.comparison.numbers] += torch.linalg.pinv(self.comparison.directions).T @ lacking
        off = self.degrees(self.error(stride, plain.shift[best]))
        return off / usual_degrees(self.forward, self.given.compared, network=True)

    def error(self, stride: Tensor, shift: Tensor) -> Errors:
        """Return by how much a stride differs from the given one, by part."""
        return gait_error(self.forward, self.given, stride, float(shift))

    def degrees(self, errors: Errors) -> float:
        """Return the root mean square of errors over the joints that turn."""
        return mean_degrees(errors, self.forward, self.given.compared)


def find_conditions(
    forward: Forward, given: Given, player: Player | None, held: Mapping[str, float], *, seed: int = 0,
    generations: int = GENERATIONS, num_threads: int = 1, say: Callable[[str], None] = lambda text: None,
) -> Found:  # fmt: skip
    """Return the conditions whose gait is nearest to a given one.

    player: the policy that the network is of; with None the network alone is asked. held: values of conditions that are
    known. say: called with a sentence after each step. Raises UserError for a condition that is none, or out of range.
    """
    with computing_with(1):  # the same bits whatever the threads
        search, start = _begun(forward, given, held, seed)
        answers = search.go(start, search.comparison.network + search.comparison.strides)
        first, fell = answers.at[:1].clone(), 0
        if player is not None:
            answers, fell = _refined(search, answers, player, (seed, generations, num_threads), say)
        default = forward.normalised(torch.from_numpy(forward.values(held)))[None]
        asked = torch.cat([default, first, answers.at.median(dim=0).values[None], answers.at[:1]])
        if player is None:
            strides: list[Tensor | None] = list(forward.strides(asked.float()).double())
        else:
            strides = walk(player, forward, asked, start_seed(seed, generations, 0), num_threads)
        usual = usual_degrees(forward, given.compared, network=player is None)
    return _found(search, answers, (asked, strides), held, usual, fell)


def _refined(
    search: _Search, answers: Answers, player: Player, how: tuple[int, int, int], say: Callable[[str], None]
) -> tuple[Answers, int]:
    """Return the answers after the policy has walked under them, and how many people fell. how: seed, generations and
    threads."""
    (seed, generations, num_threads), comparison = how, search.comparison
    known: Walked | None = None
    fell = 0
    for number in range(generations):
        at = answers.at[:PEOPLE]
        strides = walk(player, search.forward, at, start_seed(seed, number, 0), num_threads)
        here = walked_of(at, strides)
        fell += len(at) - len(here.at)
        if len(here.at):
            known = here if known is None else known + here
        if known is not None:
            lack = Lack(search.forward, comparison, known, player.cycles)
            answers = search.go(answers, lack.unknown(answers.at) * comparison.network + comparison.strides, lack)
        off = [search.degrees(search.error(one, answers.shift[0])) for one in here.strides]
        nearest = f"{min(off):.2f} degrees off at the nearest" if off else "nobody walked"
        say(f"generation {number + 1} of {generations}: {len(off)} of {len(at)} people walked, {nearest}")
    return answers, fell


def _begun(forward: Forward, given: Given, held: Mapping[str, float], seed: int) -> tuple[_Search, Answers]:
    """Return a search and where it starts."""
    comparison = compare_by(forward, given)
    values = forward.normalised(torch.from_numpy(forward.values(held)))
    free = torch.tensor([name not in held for name in forward.conditions])
    bounds = (torch.where(free, -torch.ones_like(values), values), torch.where(free, torch.ones_like(values), values))
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(STARTS, comparison.directions.shape[1], dtype=torch.float64, generator=generator)
    search = _Search(forward, given, comparison, bounds, noise)
    return search, starts_of(bounds, seed, first_shift(forward, comparison, given))


def _found(
    search: _Search, answers: Answers, last: tuple[Tensor, list[Tensor | None]], held: Mapping[str, float],
    usual: float, fell: int,
) -> Found:  # fmt: skip
    """last: conditions (4, n) that were asked, and the strides there: the defaults, the network's answer, the middle of
    the answers and the one without noise, of which the nearer one was found."""
    asked, strides = last
    each = [None if one is None else search.error(one, answers.shift[0]) for one in strides]
    off = [None if one is None else search.degrees(one) for one in each]
    which = 2 if off[2] is not None and (off[3] is None or off[2] <= off[3]) else 3
    stages = dict(zip(STAGES, (0, 1, which), strict=True))
    at, spread = asked[which].numpy(), np.quantile(answers.at.numpy(), _ENDS, axis=0)
    low, high = np.minimum(at, spread[0]), np.maximum(at, spread[1])
    each_value = search.forward.points(np.array([at, low, high])).T.tolist()
    conditions = {}
    for (name, one), values in zip(search.forward.conditions.items(), each_value, strict=True):
        found, least, most = [held[name]] * 3 if name in held else values
        conditions[name] = Finding(found, least, most, (one.low, one.high), name in held)
    errors = {name: each[k] for name, k in stages.items()}
    degrees = {name: off[k] for name, k in stages.items()}
    return Found(conditions, errors, degrees, usual, fell)
