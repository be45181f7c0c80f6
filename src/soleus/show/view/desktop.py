"""MuJoCo's own viewer: muscles coloured by activation, the motion as a ghost, text, a plot of the muscles, keys."""

import queue
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable
from typing import Any

import mujoco
import numpy as np

from soleus.errors import UserError
from soleus.render.camera import Camera
from soleus.render.stage import Stage
from soleus.show.view.control import Control, muscle_sets

KEYS = (
    ("Space", "pause"), ("Right", "one frame"), ("Up, Down", "faster, slower"), ("Backspace", "restart"),
    ("P", "push"), ("M", "other muscles"), ("G", "ghost"),
)  # fmt: skip
_SPACE, _RIGHT, _UP, _DOWN, _BACKSPACE = 32, 262, 265, 264, 259  # GLFW's codes
_FPS = 60
_PATIENCE = 5.0  # [s]
_PAST = 200  # frames that the plot shows


def view_desktop(control: Control, ghost: bool = True, seconds: float | None = None) -> float:
    """Show an act until its window is closed, or for so long; return the share of real time that it kept.

    Raises UserError where no window can be opened.
    """
    _check_screen()
    from mujoco import viewer as mujoco_viewer

    window, others = _Window(control, ghost), set(threading.enumerate())
    with mujoco_viewer.launch_passive(
        window.stage.model, window.stage.data, key_callback=window.press, show_left_ui=False, show_right_ui=False
    ) as handle:
        kept = window.run(handle, seconds)
    for thread in set(threading.enumerate()) - others:  # the window's: it must not draw while the process ends
        thread.join(_PATIENCE)
    return kept


def _check_screen() -> None:
    """Raise UserError where no window can be opened: MuJoCo's viewer would end the process."""
    import glfw

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        there = glfw.init()
    if not there:
        reason = str(said[-1].message) if said else "GLFW does not start"
        raise UserError(f"expected a screen to open a window on, got none ({reason}): soleus view --web needs none")


class _Window:
    def __init__(self, control: Control, ghost: bool) -> None:
        self.control, self.ghost = control, ghost
        self.stage = Stage(control.act.human)
        self.camera = Camera(control.act.human, self.stage.model, "follow")
        self._sets = muscle_sets(control.act.human)
        self._set = "all"
        self._figure = _figure()
        self._past: deque[tuple[float, float, float]] = deque(maxlen=_PAST)  # time, speed, reward
        self._wanted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def press(self, key: int) -> None:
        """Ask for what a key means. Called in the viewer's own thread: it is done between two frames."""
        control = self.control
        actions: dict[int, Callable[[], None]] = {
            _SPACE: lambda: setattr(control, "paused", not control.paused), _RIGHT: control.step,
            _UP: lambda: control.faster(1), _DOWN: lambda: control.faster(-1),
            ord("M"): self._next_set, ord("G"): lambda: setattr(self, "ghost", not self.ghost),
            _BACKSPACE: control.reset, ord("P"): control.push,
        }  # fmt: skip
        if key in actions:
            self._wanted.put(actions[key])

    def _next_set(self) -> None:
        names = list(self._sets)
        self._set = names[(names.index(self._set) + 1) % len(names)]
        self.stage.muscles = self._sets[self._set]

    def run(self, handle: Any, seconds: float | None) -> float:
        """Draw until the window is closed; return the share of real time."""
        handle.opt.flags[mujoco.mjtVisFlag.mjVIS_TENDON] = 0
        handle.opt.flags[mujoco.mjtVisFlag.mjVIS_ACTUATOR] = 0
        for name in ("azimuth", "elevation", "distance"):
            setattr(handle.cam, name, getattr(self.camera.mjv, name))
        started = last = time.monotonic()
        while handle.is_running() and (seconds is None or last - started < seconds):
            while not self._wanted.empty():
                self._wanted.get()()
            now = time.monotonic()
            shown = self.control.advance(now - last)
            last = now
            # Texts wait for the window's thread to take them, so they come before the lock. The lock keeps the camera
            # and the body that it follows together: no picture shows the one of a frame with the other of the next.
            self._annotate(handle)
            with handle.lock():
                self.stage.pose(shown.qpos, shown.activation, shown.reference if self.ghost else None, shown.forces)
                handle.user_scn.ngeom = 0
                self.stage.decorate(handle.user_scn)
                handle.cam.lookat[:] = self.stage.data.xpos[self.control.act.human.root_body]
                handle.sync(state_only=True)
            time.sleep(max(0.0, 1 / _FPS - (time.monotonic() - now)))
        return self.control.played / max(last - started, 1e-9)

    def _annotate(self, handle: Any) -> None:
        font, place = mujoco.mjtFontScale.mjFONTSCALE_100, mujoco.mjtGridPos
        rows, muscles = self.control.lines(), self.control.muscles()
        rows.append(("muscles", self._set))
        if self.control.notice:
            rows.append(("", self.control.notice))
        handle.set_texts([
            (font, place.mjGRID_TOPLEFT, "\n".join(name for name, _ in rows), "\n".join(text for _, text in rows)),
            (font, place.mjGRID_BOTTOMLEFT, "\n".join(key for key, _ in KEYS), "\n".join(text for _, text in KEYS)),
            (font, place.mjGRID_TOPRIGHT, "\n".join(name for name, _ in muscles),
             "\n".join(f"{value:.2f}" for _, value in muscles)),
        ])  # fmt: skip
        shown = self.control.shown
        if not self._past or shown.time != self._past[-1][0]:
            if self._past and shown.time < self._past[-1][0]:
                self._past.clear()  # a new start
            self._past.append((shown.time, shown.speed, shown.reward or 0.0))
        if handle.viewport is None:
            return
        past = np.array(self._past)
        for line in (0, 1):
            self._figure.linepnt[line] = len(past)
            self._figure.linedata[line, : 2 * len(past)] = past[:, [0, line + 1]].ravel()
        width, height = handle.viewport.width // 4, handle.viewport.height // 4
        handle.set_figures([(mujoco.MjrRect(handle.viewport.width - width, 0, width, height), self._figure)])


def _figure() -> mujoco.MjvFigure:
    figure = mujoco.MjvFigure()
    mujoco.mjv_defaultFigure(figure)
    figure.title, figure.xlabel = "speed [m/s], reward", "seconds"
    figure.linename[0], figure.linename[1] = "speed", "reward"
    figure.flg_legend = 1
    return figure
