"""Strides: gait cycles cut at the strikes of a foot, and quantities over them as percentages of the cycle."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.gait.strikes import Contact, find_contacts
from soleus.motions.anatomy import Root, foot_body, root_of
from soleus.sim.trace import Trace

Floats = NDArray[np.float64]

SIDES = ("right", "left")
POINTS = 101
"""Samples of a cycle: every per cent, both strikes among them."""
GRAVITY = 9.81
SETTLE_S = 1.0
"""[s] from the start of an episode that are left out: people begin in poses, not in their own stride."""
PATH_S = 1 / 30
"""[s] between the places that a path is measured by: as often as policies act."""
_DURATION_S = (0.4, 3.0)
_UPRIGHT = 0.7  # of the pelvis' standing height
_PROGRESS = 0.1  # of the pelvis' standing height: stepping in place is no walking

REASONS = {
    "settling": f"begun in the first {SETTLE_S:g} s of an episode",
    "duration": f"shorter than {_DURATION_S[0]:g} s or longer than {_DURATION_S[1]:g} s",
    "fallen": f"the pelvis below {_UPRIGHT:.0%} of its standing height",
    "in_place": f"without progress: less than {_PROGRESS:.0%} of the pelvis' standing height",
}
"""Why strides are left out, in words."""


@dataclass(frozen=True)
class Stride:
    """One cycle of one foot, from its strike to its next; simulation steps of its trace."""

    trace: int
    side: int
    """0 right, 1 left"""
    start: int
    end: int
    off: int
    """The foot leaves the ground."""
    opposite: int | None
    """Strike of the other foot in between; None without one, or with several."""


@dataclass(frozen=True, eq=False)
class Walk:
    """One trace, with what strides are measured by."""

    trace: Trace
    root: Root
    contacts: tuple[list[Contact], list[Contact]]
    """Of the right and of the left foot."""

    @property
    def weight(self) -> float:
        """[N]"""
        return self.trace.human.mass * GRAVITY

    @property
    def distance(self) -> float:
        """Length of the pelvis' path along the ground [m], whichever way it leads, seen every PATH_S."""
        every = max(1, round(PATH_S / self.trace.dt))
        last = len(self.root.place) - 1
        places = self.root.place[[*range(0, last, every), last], :2]
        return float(np.linalg.norm(np.diff(places, axis=0), axis=1).sum())

    @property
    def duration(self) -> float:
        """[s]"""
        return self.trace.dt * (len(self.trace.qpos) - 1)

    def heading(self, stride: Stride) -> Floats:
        """Unit vector (2,) along the ground, from where the stride begins to where it ends."""
        way = self.root.place[stride.end, :2] - self.root.place[stride.start, :2]
        return np.asarray(way / np.linalg.norm(way))

    def foot_place(self, side: int, step: int) -> Floats:
        """World place (3,) of a foot at a step [m]."""
        model = self.trace.human.model
        data = mujoco.MjData(model)
        data.qpos[:] = self.trace.qpos[step]
        mujoco.mj_kinematics(model, data)
        return np.array(data.xpos[foot_body(self.trace.human, side)])


@dataclass(frozen=True, eq=False)
class Strides:
    """All strides of some traces that count, and how many do not."""

    walks: list[Walk]
    kept: list[Stride]
    left_out: Counter[str] = field(default_factory=Counter)
    """By reason, of REASONS."""

    def of(self, side: int) -> list[Stride]:
        """Those of the right (0) or left (1) foot."""
        return [stride for stride in self.kept if stride.side == side]

    @property
    def fewest(self) -> int:
        """Number of strides of the foot that has fewer."""
        return min(len(self.of(0)), len(self.of(1)))

    def over_cycle(self, stride: Stride, values: Floats) -> Floats:
        """Values (T, ...) of a stride's trace at every per cent of it: (101, ...), interpolated."""
        at = np.linspace(stride.start, stride.end, POINTS)
        low = np.minimum(at.astype(int), stride.end - 1)
        share = (at - low).reshape(-1, *[1] * (values.ndim - 1))
        return np.asarray((1 - share) * values[low] + share * values[low + 1])


def cut(traces: Sequence[Trace]) -> Strides:
    """Cut traces at heel strikes."""
    walks: list[Walk] = []
    kept: list[Stride] = []
    left_out = Counter[str]()
    for trace in traces:
        if len(trace.qpos) < 2:  # it was over before it began
            continue
        walk, index = _walk(trace), len(walks)
        walks.append(walk)
        for side in (0, 1):
            for stride in _strides(walk, index, side):
                reason = _flaw(walk, stride)
                if reason:
                    left_out[reason] += 1
                else:
                    kept.append(stride)
    return Strides(walks, kept, left_out)


def cut_recording(trace: Trace, strikes: tuple[Sequence[int], Sequence[int]] | None = None) -> Strides:
    """Cut what was measured of a person: nobody has to settle, and all cycles of a usual duration count.

    strikes: steps at which the right and the left foot strike; None: they are found in the forces of the ground. Where
    they are given, a foot leaves the ground when nobody knows, and is said to at the end of the cycle.
    """
    walk = _walk(trace)
    if strikes is None:
        found = [stride for side in (0, 1) for stride in _strides(walk, 0, side)]
    else:
        found = [Stride(0, side, a, b, b, None) for side in (0, 1) for a, b in pairwise(strikes[side])]
    return Strides([walk], [s for s in found if _DURATION_S[0] <= (s.end - s.start) * trace.dt <= _DURATION_S[1]])


def _walk(trace: Trace) -> Walk:
    weight = trace.human.mass * GRAVITY
    right, left = (find_contacts(trace.ground_force[:, side, 2], trace.dt, weight) for side in (0, 1))
    return Walk(trace, root_of(trace.human, trace.qpos), (right, left))


def _strides(walk: Walk, index: int, side: int) -> list[Stride]:
    own, other = walk.contacts[side], walk.contacts[1 - side]
    strides = []
    for first, second in pairwise(own):
        if first.strike is None or first.off is None or second.strike is None:
            continue
        between = [c.strike for c in other if c.strike is not None and first.strike < c.strike < second.strike]
        opposite = between[0] if len(between) == 1 else None
        strides.append(Stride(index, side, first.strike, second.strike, first.off, opposite))
    return strides


def _flaw(walk: Walk, stride: Stride) -> str | None:
    """Why a stride does not count; None where it does."""
    dt, place, height = walk.trace.dt, walk.root.place, walk.trace.human.root_height
    span = slice(stride.start, stride.end + 1)
    if stride.start * dt < SETTLE_S:
        return "settling"
    if not _DURATION_S[0] <= (stride.end - stride.start) * dt <= _DURATION_S[1]:
        return "duration"
    if place[span, 2].min() < _UPRIGHT * height:
        return "fallen"
    if np.linalg.norm(place[stride.end, :2] - place[stride.start, :2]) < _PROGRESS * height:
        return "in_place"
    return None
