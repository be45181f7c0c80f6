"""Where a picture has to show a person's muscles: their paths, as the camera sees them."""

import mujoco
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from small_run import muscles_seen
from soleus.models.paths import muscle_paths
from soleus.render.camera import Camera
from soleus.render.stage import Stage

POINTS = 20  # of every straight part of a path


def projected(camera: Camera, model: mujoco.MjModel, points: NDArray[np.float64], size: tuple[int, int]) -> np.ndarray:
    """Rows and columns (n, 2) [pixels] of points (n, 3) in a picture of size (width, height)."""
    width, height = size
    azimuth, elevation = np.deg2rad([camera.mjv.azimuth, camera.mjv.elevation])
    forward = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    right = np.array([np.sin(azimuth), -np.cos(azimuth), 0.0])
    away = points - (camera.mjv.lookat - camera.mjv.distance * forward)
    focal = height / 2 / np.tan(np.deg2rad(model.vis.global_.fovy) / 2)
    deep = away @ forward
    return np.column_stack(
        [height / 2 - focal * (away @ np.cross(right, forward)) / deep, width / 2 + focal * (away @ right) / deep]
    )


def expected(stage: Stage, camera: Camera, size: tuple[int, int]) -> np.ndarray:
    """Where the paths of a stage's muscles are in a picture of size (width, height), (height, width)."""
    paths = muscle_paths(stage.human, stage.data)
    share = np.linspace(0, 1, POINTS)[:, None]
    points = [
        start + share * (end - start)
        for muscle in stage.muscles
        for start, end in zip(paths[muscle], paths[muscle][1:], strict=False)
    ]
    found = np.zeros(size[::-1], bool)
    rows, columns = np.round(projected(camera, stage.model, np.concatenate(points), size)).astype(int).T
    inside = (rows >= 0) & (rows < size[1]) & (columns >= 0) & (columns < size[0])
    assert inside.all(), "the whole human is in the picture"
    found[rows, columns] = True
    return found


def assert_shows_the_muscles(image: np.ndarray, stage: Stage, camera: Camera) -> None:
    """Muscles are seen where their paths run, but for what bones hide, and nowhere else."""
    seen, paths = muscles_seen(image), expected(stage, camera, image.shape[1::-1])
    assert binary_dilation(seen, iterations=2)[paths].mean() > 0.6, "muscles are seen where they run"
    assert binary_dilation(paths, iterations=4)[seen].mean() > 0.98, "and nowhere else"
