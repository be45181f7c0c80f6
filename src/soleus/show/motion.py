"""A motion as a film, or as a row of poses through one lap: the poses themselves, without a policy."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from soleus.models import Human
from soleus.motions import Motion
from soleus.motions.laps import Lap
from soleus.motions.looping import resample
from soleus.motions.posing import root_slots
from soleus.render import Shot
from soleus.render.camera import Camera
from soleus.render.film import write_film, write_strip
from soleus.render.painter import Image, Painter
from soleus.render.stage import Stage
from soleus.show.record import POSES

_FPS = 30


def film_of(motion: Motion, human: Human, path: Path, *, seconds: float, shot: Shot, size: tuple[int, int]) -> int:
    """Write a film of about 30 frames a second to an .mp4 or .gif file; return the number of frames.

    size: width and height [pixels]. Raises UserError where there is no OpenGL, or the disk refuses.
    """
    each, lap, slots = max(2, round(motion.duration * _FPS)), _lap(motion, human), root_slots(human)
    poses = resample(motion.qpos, lap, human, each)
    fps = each / motion.duration
    stage = Stage(human)
    camera = Camera(human, stage.model, shot, size[0] / size[1])
    with Painter(stage, *size) as painter:

        def frames() -> Iterator[Image]:
            for k in range(max(1, round(seconds * fps))):
                stage.pose(lap.poses(poses[k % each], k // each, slots))
                camera.follow(stage.data)
                yield painter.paint(stage, camera)

        return write_film(path, frames(), fps)


def strip_of(motion: Motion, human: Human, path: Path, *, shot: Shot, size: tuple[int, int]) -> None:
    """Write poses evenly through one lap side by side to a .png file. size: of the whole strip. Errors as film_of."""
    poses = resample(motion.qpos, _lap(motion, human), human, POSES)
    stage = Stage(human)
    width = max(1, size[0] // POSES)
    camera = Camera(human, stage.model, shot, width / size[1])
    images = []
    with Painter(stage, width, size[1]) as painter:
        for pose in poses:
            stage.pose(pose)
            camera.follow(stage.data)
            images.append(painter.paint(stage, camera))
        write_strip(path, images)


def _lap(motion: Motion, human: Human) -> Lap:
    start = np.array([motion.qpos[0, adr] if adr >= 0 else 0.0 for adr in root_slots(human).shift])
    return Lap(start, motion.displacement, motion.turn)
