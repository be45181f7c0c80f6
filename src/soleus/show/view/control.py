"""What somebody who looks on can do to an act: pause, step, slow down, restart, push, choose muscles."""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.models import Human
from soleus.motions.posing import root_slots
from soleus.motions.rotations import multiply, rotated
from soleus.show.frames import Act, Instant, most_active

PUSH = 0.8  # of the body's weight
_PUSH_S = 0.2  # [s] that a push lasts
SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0)
_GRAVITY = 9.81  # [m/s^2]
_LATE = 0.5  # [s]


def muscle_sets(human: Human) -> dict[str, NDArray[np.int_]]:
    """Indices of the muscles in sets to choose from: all, none, right, left, and families of names of three or more."""
    names = human.muscle_names
    everything = np.arange(len(names))
    right = np.array([name.lower().endswith(("_r", "right")) or name.startswith("R_") for name in names], np.bool_)
    left = np.array([name.lower().endswith(("_l", "left")) or name.startswith("L_") for name in names], np.bool_)
    sets = {"all": everything, "none": everything[:0], "right": everything[right], "left": everything[left]}
    families: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        stem = re.sub(r"^[LR]_|_?[0-9]+|_(r|l|right|left)$", "", name, flags=re.IGNORECASE)
        families.setdefault(stem, []).append(index)
    sets |= {stem: np.array(own) for stem, own in families.items() if len(own) >= 3}
    return {key: own for key, own in sets.items() if key in ("all", "none") or len(own)}


class Control:
    """Paces an act by a clock of the caller's."""

    def __init__(self, act: Act, speed: float = 1.0) -> None:
        self.act, self.speed, self.paused = act, speed, False
        self.notice = ""
        self.shown = next(frames := act.frames())
        self._frames: Iterator[Instant] = frames
        self._due, self._steps, self._pushed_until = 0.0, 0, -1.0
        self.played = 0.0
        """[s] of the act so far"""

    def advance(self, elapsed: float) -> Instant:
        """Let `elapsed` seconds of the onlooker's time pass; return the frame to show."""
        if self.paused:
            self._due = self._steps * self.act.dt
        else:
            # What cannot be caught up with is left out: a stall, a body that costs more than it has time.
            self._due = min(self._due + elapsed * self.speed, max(_LATE * self.speed, self.act.dt))
        self._steps = 0
        while self._due >= self.act.dt:
            self._due -= self.act.dt
            self.played += self.act.dt
            self.shown = next(self._frames)
            if 0 <= self._pushed_until < self.played:
                self.act.push(np.zeros(3))
                self._pushed_until = -1.0
        return self.shown

    def step(self) -> None:
        """Pause, and go on by one frame."""
        self.paused = True
        self._steps += 1

    def faster(self, by: int) -> None:
        """Choose the next of SPEEDS."""
        nearest = int(np.argmin(np.abs(np.array(SPEEDS) - self.speed)))
        self.speed = SPEEDS[int(np.clip(nearest + by, 0, len(SPEEDS) - 1))]

    def reset(self) -> None:
        """Restart."""
        self.act.reset()
        self._frames = self.act.frames()
        self.shown = next(self._frames)

    def push(self) -> None:
        """Push the body for a moment: to its left, or forward where it is planar; what cannot be pushed says so."""
        try:
            self.act.push(PUSH * self.act.human.mass * _GRAVITY * self._aside())
            self._pushed_until = self.played + _PUSH_S
        except UserError as error:
            self.notice = str(error)

    def _aside(self) -> NDArray[np.float64]:
        """Direction (3,) to the body's left, level; of a planar human forward."""
        human = self.act.human
        slots = root_slots(human)
        if slots.quaternion < 0:
            return np.array([1.0, 0.0, 0.0])
        turned = multiply(self.shown.qpos[slots.quaternion : slots.quaternion + 4], human.root_align)
        left = rotated(turned, np.array([0.0, 1.0, 0.0])) * [1.0, 1.0, 0.0]
        return np.asarray(left / max(float(np.linalg.norm(left)), 1e-6), np.float64)

    def lines(self) -> list[tuple[str, str]]:
        """Rows of text for the picture: names and values."""
        shown = self.shown
        rows = [("time", f"{shown.time:.2f} s"), ("speed", f"{shown.speed:.2f} m/s")]
        if shown.phase is not None:
            rows.append(("phase", f"{100 * shown.phase:.0f} %"))
        if shown.reward is not None:
            rows.append(("reward", f"{shown.reward:.3f}"))
        rows += [(f"  {name}", f"{value:.3f}") for name, value in shown.terms.items()]
        rows.append(("playing", "paused" if self.paused else f"{self.speed:g} of real time"))
        return rows

    def muscles(self) -> list[tuple[str, float]]:
        """The ten most active muscles."""
        return most_active(self.act.human, self.shown)
