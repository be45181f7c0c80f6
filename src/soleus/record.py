"""A policy as a film, or as a row of poses through one gait cycle."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.playback import STATE, Playback
from soleus.render import Shot
from soleus.render.camera import Camera
from soleus.render.film import write_film, write_strip
from soleus.render.frames import Image, Painter
from soleus.render.stage import Stage
from soleus.simulation import load_body
from soleus.trained import Trained

POSES = 8  # of a strip
_CYCLE = 1.1  # [s] of a gait cycle where no motion says how long one is
_SETTLE = 2.0  # [s] before a strip begins: a start is no steady gait


@dataclass(frozen=True, eq=False)
class Instant:
    """What is drawn of one control step."""

    qpos: NDArray[np.float64]
    activation: NDArray[np.float64]
    reference: NDArray[np.float64] | None


def instants(playback: Playback, ghost: bool) -> Iterator[Instant]:
    """Step a single human for ever; yield where it is after each control step."""
    model, data = playback.human.model, mujoco.MjData(playback.human.model)
    while True:
        row = playback.step().trace[-1, 0]
        if not np.isfinite(row).all():
            continue
        mujoco.mj_setState(model, data, row[: playback.size], STATE)
        reference = playback.simulation.reference()[0][0] if ghost else None
        yield Instant(data.qpos.copy(), row[playback.size :].copy(), reference)


def _playback(trained: Trained, seconds: float, seed: int) -> Playback:
    config = trained.human()
    task = config.task.model_copy(update={"episode_seconds": seconds + 1.0})
    body = load_body(config.model_copy(update={"task": task}))
    return Playback(body, trained.policy, trained.muscle, seed=seed)


def record_film(
    trained: Trained, path: Path, *, seconds: float, shot: Shot, size: tuple[int, int], ghost: bool, seed: int = 0
) -> int:
    """Write a film to an .mp4 or .gif file, a frame a control step; return the number of frames.

    size: width and height [pixels]. Raises UserError where there is no OpenGL, or the disk refuses.
    """
    playback = _playback(trained, seconds, seed)
    if ghost and playback.simulation.body.motion is None:
        raise UserError(f"--ghost: expected a run with a motion, got none in {trained.run}")
    stage = Stage(playback.human)
    camera = Camera(playback.human, stage.model, shot)
    count = max(1, round(seconds / playback.control_dt))
    with Painter(stage, *size) as painter:

        def frames() -> Iterator[Image]:
            for _, instant in zip(range(count), instants(playback, ghost), strict=False):
                stage.pose(instant.qpos, instant.activation, instant.reference)
                camera.follow(stage.data)
                yield painter.paint(stage, camera)

        return write_film(path, frames(), 1.0 / playback.control_dt)


def record_strip(trained: Trained, path: Path, *, shot: Shot, size: tuple[int, int], seed: int = 0) -> None:
    """Write poses through one gait cycle side by side to a .png file; errors as record_film.

    size: of the whole strip [pixels].
    """
    playback = _playback(trained, _SETTLE + 3.0, seed)
    motion = playback.simulation.body.motion
    cycle = motion.duration if motion else _CYCLE
    stage = Stage(playback.human)
    camera = Camera(playback.human, stage.model, shot)
    first, last = (round(time / playback.control_dt) for time in (_SETTLE, _SETTLE + cycle))
    seen = [instant for _, instant in zip(range(last + 1), instants(playback, False), strict=False)]
    picked = [seen[k] for k in np.linspace(first, last, POSES, endpoint=False).round().astype(int)]
    width = max(1, size[0] // POSES)
    with Painter(stage, width, size[1]) as painter:
        write_strip(path, _poses(stage, camera, painter, picked))


def _poses(stage: Stage, camera: Camera, painter: Painter, picked: Sequence[Instant]) -> list[Image]:
    images = []
    for instant in picked:
        stage.pose(instant.qpos, instant.activation)
        camera.follow(stage.data)
        images.append(painter.paint(stage, camera))
    return images
