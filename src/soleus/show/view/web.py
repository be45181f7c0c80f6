"""The viewer in a browser, by viser: for machines without a screen."""

import html
import io
import logging
import queue
import socket
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

import mujoco
import numpy as np

from soleus.errors import UserError
from soleus.models.paths import muscle_paths
from soleus.render.stage import Stage, colour
from soleus.run import checkpoint
from soleus.run.trained import Trained, load_trained
from soleus.show.frames import Instant, PolicyAct
from soleus.show.view.control import Control, muscle_sets
from soleus.show.view.shapes import Floats, colour_of, drawn_geoms, triangles

_FPS = 30
_HOST = "127.0.0.1"
_GHOST, _GHOST_OPACITY = (90, 190, 110), 0.25
_CELL = 0.5  # [m] of the ground's grid
_TEXT_S = 0.2  # [s] between changes of the text
_MUSCLE = 0.012  # [m] thickness
_STEPS = 100  # of a slider over the range of a condition


def view_web(control: Control, port: int, seconds: float | None, trained: Trained | None) -> float:
    """Serve the viewer until Ctrl-C, or for so long; return the share of real time that was kept.

    trained: whose policy is shown, and whose run's checkpoints can be chosen from. Raises UserError where viser or the
    port is missing.
    """
    try:
        import viser
    except ImportError:
        raise UserError("--web needs viser, got none: pip install 'soleus[view]'") from None
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise UserError(f"--port: expected one that is free, got {port} ({error.strerror})") from None
    logging.getLogger("websockets.server").setLevel(logging.CRITICAL)  # a browser that goes is no error
    with redirect_stdout(io.StringIO()):  # what it says of itself
        server = viser.ViserServer(host=_HOST, port=port, label="Soleus", verbose=False)
    try:
        page = _Page(server, control, trained)
        print(f"look at http://{_HOST}:{port} (Ctrl-C ends)", flush=True)
        return page.run(seconds)
    finally:
        with redirect_stdout(io.StringIO()):
            server.stop()


def _short(steps: int) -> str:
    return f"{steps / 1e6:.1f}M" if steps >= 1e6 else f"{steps // 1000}k"


class _Page:
    def __init__(self, server: Any, control: Control, trained: Trained | None) -> None:
        self.server, self.control = server, control
        self.stage = Stage(control.act.human)
        self._wanted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._sets = muscle_sets(control.act.human)
        self._ghost = mujoco.MjData(self.stage.model)
        self._build_scene()
        self._build_controls()
        self._steps = f"{trained.steps:,} steps" if trained else ""
        if trained:
            self._build_checkpoints(trained)
        self._build_conditions()
        self._text = server.gui.add_html("")
        server.on_client_connect(self._greet)

    def _greet(self, client: Any) -> None:
        height = self.control.act.human.head_height
        client.camera.position, client.camera.look_at = (2.2, -2.2, 0.75 * height), (0.0, 0.0, 0.5 * height)
        client.camera.up_direction = (0.0, 0.0, 1.0)

    def _build_scene(self) -> None:
        scene = self.server.scene
        scene.set_up_direction("+z")
        self._ground = scene.add_grid("/ground", width=20.0, height=20.0, plane="xy", cell_size=_CELL)
        self._build_bodies()
        self._muscles = scene.add_line_segments(
            "/muscles", np.zeros((1, 2, 3), np.float32), np.zeros((1, 2, 3), np.uint8), thickness=_MUSCLE
        )

    def _build_bodies(self) -> None:
        scene, model = self.server.scene, self.stage.model
        self._bodies: list[tuple[int, Any, Any]] = []
        for geom in drawn_geoms(model):
            made = triangles(model, geom)
            if made is None:
                continue
            tint, opacity = colour_of(model, geom)
            body = scene.add_mesh_simple(f"/body/{geom}", *made, color=tint, opacity=None if opacity >= 1 else opacity)
            ghost = scene.add_mesh_simple(f"/ghost/{geom}", *made, color=_GHOST, opacity=_GHOST_OPACITY, visible=False)
            self._bodies.append((geom, body, ghost))

    def _build_controls(self) -> None:
        gui, control = self.server.gui, self.control
        self._playing = gui.add_button("Pause")
        self._playing.on_click(self._later(self._toggle))
        gui.add_button("One frame").on_click(self._later(control.step))
        gui.add_button("Restart").on_click(self._later(control.reset))
        gui.add_button("Push").on_click(self._later(control.push))
        speed = gui.add_slider("Speed", min=0.1, max=2.0, step=0.1, initial_value=float(np.clip(control.speed, 0.1, 2)))
        speed.on_update(self._later(lambda: setattr(control, "speed", float(speed.value))))
        chosen = gui.add_dropdown("Muscles", tuple(self._sets), initial_value="all")
        chosen.on_update(self._later(lambda: setattr(self.stage, "muscles", self._sets[chosen.value])))
        self._haunted = gui.add_checkbox("Ghost", True)

    def _build_checkpoints(self, asked: Trained) -> None:
        """A slider over the moments of the run, by their steps; at its end the checkpoint that was asked for."""
        act, moments = self.control.act, checkpoint.moments(asked.run)
        if not isinstance(act, PolicyAct) or not moments:
            return
        marks = tuple((k, _short(steps)) for k, steps in enumerate(moments) if k % 5 == 0)
        slider = self.server.gui.add_slider(
            "Checkpoint", min=0, max=len(moments), step=1, initial_value=len(moments),
            marks=(*marks, (len(moments), asked.file.stem)),
        )  # fmt: skip

        def choose() -> None:
            number = int(slider.value)
            chosen = asked if number == len(moments) else load_trained(asked.run, str(moments[number]), asked.model)
            act.load(chosen)
            self._steps = f"{chosen.steps:,} steps"

        slider.on_update(self._later(choose))

    def _build_conditions(self) -> None:
        """A slider for each condition of the run; another value starts another episode."""
        act = self.control.act
        if not isinstance(act, PolicyAct) or not act.conditions:
            return
        with self.server.gui.add_folder("Conditions"):
            for name, (low, high, value) in act.conditions.items():
                if low < high:
                    self._build_condition(act, name, low, high, value)

    def _build_condition(self, act: PolicyAct, name: str, low: float, high: float, value: float) -> None:
        step = (high - low) / _STEPS
        slider = self.server.gui.add_slider(name, min=low, max=high, step=step, initial_value=value)

        def ask() -> None:
            act.ask({name: float(np.clip(slider.value, low, high))})
            self.control.reset()
            for _, body, ghost in self._bodies:
                body.remove()
                ghost.remove()
            self.stage = Stage(act.human, self.stage.muscles)
            self._ghost = mujoco.MjData(self.stage.model)
            self._build_bodies()

        slider.on_update(self._later(ask))

    def _later(self, action: Callable[[], None]) -> Callable[[Any], None]:
        """What a click asks for is done between two frames, by the thread that steps the human."""
        return lambda _event: self._wanted.put(action)

    def _toggle(self) -> None:
        self.control.paused = not self.control.paused
        self._playing.label = "Play" if self.control.paused else "Pause"

    def run(self, seconds: float | None) -> float:
        """Serve; return the share of real time."""
        started = last = time.monotonic()
        told = 0.0
        try:
            while seconds is None or last - started < seconds:
                while not self._wanted.empty():
                    self._do(self._wanted.get())
                now = time.monotonic()
                shown = self.control.advance(now - last)
                last = now
                with self.server.atomic():
                    self._draw(shown)
                if now - told > _TEXT_S:
                    told = now
                    self._text.content = self._tell()
                time.sleep(max(0.0, 1 / _FPS - (time.monotonic() - now)))
        except KeyboardInterrupt:
            print("ended")
        return self.control.played / max(last - started, 1e-9)

    def _do(self, action: Callable[[], None]) -> None:
        """Do what was asked for; what cannot be done is said on the page, and everything goes on."""
        self.control.notice = ""
        try:
            action()
        except UserError as error:
            self.control.notice = str(error)

    def _draw(self, shown: Instant) -> None:
        stage, model = self.stage, self.stage.model
        stage.pose(shown.qpos, shown.activation)
        root = stage.data.xpos[self.control.act.human.root_body] * [1, 1, 0]
        # The human stays where the camera looks, and the ground moves.
        self._ground.position = (-(root[0] % _CELL), -(root[1] % _CELL), 0.0)
        haunted = bool(self._haunted.value) and shown.reference is not None
        if haunted:
            self._ghost.qpos[:] = shown.reference
            mujoco.mj_kinematics(model, self._ghost)
        quaternion = np.zeros(4)
        for geom, body, ghost in self._bodies:
            body.position = stage.data.geom_xpos[geom] - root
            mujoco.mju_mat2Quat(quaternion, stage.data.geom_xmat[geom])
            body.wxyz = quaternion
            ghost.visible = haunted
            if haunted:
                ghost.position = self._ghost.geom_xpos[geom] - root
                mujoco.mju_mat2Quat(quaternion, self._ghost.geom_xmat[geom])
                ghost.wxyz = quaternion
        self._draw_muscles(shown, root)

    def _draw_muscles(self, shown: Instant, root: Floats) -> None:
        points, tints = [], []
        paths = muscle_paths(self.control.act.human, self.stage.data)
        for muscle in self.stage.muscles:
            path = paths[muscle]
            if len(path) < 2:
                continue
            segments = np.stack([path[:-1], path[1:]], axis=1) - root
            points.append(segments)
            tint = np.round(255 * colour(float(shown.activation[muscle]))[:3]).astype(np.uint8)
            tints.append(np.broadcast_to(tint, segments.shape))
        self._muscles.visible = bool(points)
        if points:
            self._muscles.points = np.concatenate(points).astype(np.float32)
            self._muscles.colors = np.concatenate(tints)

    def _tell(self) -> str:
        rows = self.control.lines()
        if self._steps:
            rows.append(("checkpoint", self._steps))
        if self.control.notice:
            rows.append(("", self.control.notice))
        table = "".join(f"<tr><td>{html.escape(name)}</td><td>{html.escape(text)}</td></tr>" for name, text in rows)
        bars = "".join(
            f"<tr><td>{html.escape(name)}</td><td><div style='background:#d22;height:.7em;width:{90 * value:.0f}px'>"
            f"</div></td><td>{value:.2f}</td></tr>"
            for name, value in self.control.muscles()
        )
        return f"<table id='soleus' style='font-size:.8em'>{table}</table><table style='font-size:.8em'>{bars}</table>"
