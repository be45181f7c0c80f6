"""A policy as a film, or as a row of poses through one gait cycle."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from soleus.errors import UserError
from soleus.render import Shot
from soleus.render.camera import Camera
from soleus.render.film import write_film, write_strip
from soleus.render.painter import Image, Painter
from soleus.render.stage import Stage
from soleus.run.trained import Trained
from soleus.show.frames import Instant, PolicyAct

POSES = 8  # of a strip
_CYCLE = 1.1  # [s] of a gait cycle where no motion says how long one is
_TRIES = 5  # episodes that a strip may be taken from
_SETTLE = 2.0  # [s] before a strip begins: a start is no steady gait


def _check_ghost(act: PolicyAct, trained: Trained, ghost: bool) -> None:
    if ghost and act.playback.simulation.scenario.motion is None:
        raise UserError(f"--ghost: expected a run with a motion, got none in {trained.called}")


def record_film(
    trained: Trained, path: Path, *, seconds: float, shot: Shot, size: tuple[int, int], ghost: bool, seed: int = 0
) -> int:
    """Write a film to an .mp4 or .gif file, a frame a control step; return the number of frames.

    size: width and height [pixels]. Raises UserError where there is no OpenGL, or the disk refuses.
    """
    act = PolicyAct(trained, seed, fps=trained.human().control.policy_hz)
    _check_ghost(act, trained, ghost)
    stage = Stage(act.human)
    camera = Camera(act.human, stage.model, shot, size[0] / size[1])
    count = max(1, round(seconds / act.dt))
    with Painter(stage, *size) as painter:

        def frames() -> Iterator[Image]:
            for instant in itertools.islice(act.frames(), count):
                stage.pose(instant.qpos, instant.activation, instant.reference if ghost else None, instant.forces)
                camera.follow(stage.data)
                yield painter.paint(stage, camera)

        return write_film(path, frames(), 1.0 / act.dt)


def record_strip(
    trained: Trained, path: Path, *, shot: Shot, size: tuple[int, int], ghost: bool = False, seed: int = 0
) -> float:
    """Write poses through one gait cycle side by side to a .png file; return the share of a cycle that they span.

    size: of the whole strip [pixels]. The share is 1 but where no episode lasts so long. Errors as record_film.
    """
    act = PolicyAct(trained, seed, fps=trained.human().control.policy_hz)
    _check_ghost(act, trained, ghost)
    motion = act.playback.simulation.scenario.motion
    cycle = motion.duration if motion else _CYCLE
    stage = Stage(act.human)
    width = max(1, size[0] // POSES)
    camera = Camera(act.human, stage.model, shot, width / size[1])
    seen = _longest(act, round((_SETTLE + cycle) / act.dt))
    first = max(0, len(seen) - round(cycle / act.dt))
    picked = [seen[k] for k in np.linspace(first, len(seen), POSES, endpoint=False).astype(int)]
    with Painter(stage, width, size[1]) as painter:
        write_strip(path, _poses(stage, camera, painter, picked, ghost))
    return (len(seen) - first) * act.dt / cycle


def _longest(act: PolicyAct, wanted: int) -> list[Instant]:
    """Return so many frames of one episode, or the longest of _TRIES that all were shorter."""
    longest: list[Instant] = []
    seen: list[Instant] = []
    for instant in act.frames():
        if seen and instant.episode != seen[-1].episode:
            seen = []
        if instant.episode >= _TRIES:
            break
        seen.append(instant)
        if len(seen) > len(longest):
            longest = seen
        if len(longest) >= wanted:
            break
    return longest


def _poses(stage: Stage, camera: Camera, painter: Painter, picked: Sequence[Instant], ghost: bool) -> list[Image]:
    images = []
    for instant in picked:
        stage.pose(instant.qpos, instant.activation, instant.reference if ghost else None, instant.forces)
        camera.follow(stage.data)
        images.append(painter.paint(stage, camera))
    return images
