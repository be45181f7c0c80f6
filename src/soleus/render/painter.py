"""Frames: pictures of a stage as arrays."""

from types import TracebackType
from typing import Self

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.render.camera import Camera
from soleus.render.gl import make_context
from soleus.render.stage import Stage

Image = NDArray[np.uint8]


class Painter:
    """Draws stages of one model. Holds an OpenGL context until it is closed."""

    def __init__(self, stage: Stage, width: int, height: int) -> None:
        """width, height: [pixels]. Raises UserError where there is no OpenGL."""
        self.width, self.height = width, height
        stage.model.vis.global_.offwidth = max(width, stage.model.vis.global_.offwidth)
        stage.model.vis.global_.offheight = max(height, stage.model.vis.global_.offheight)
        self._gl = make_context(width, height)
        self._context = mujoco.MjrContext(stage.model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._scene = stage.make_scene()
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0  # soft shadows take most of the time without a GPU
        self._scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0

    def paint(self, stage: Stage, camera: Camera) -> Image:
        """Return a picture (height, width, 3)."""
        self._gl.make_current()
        perturb = mujoco.MjvPerturb()
        every = int(mujoco.mjtCatBit.mjCAT_ALL)
        mujoco.mjv_updateScene(stage.model, stage.data, stage.option, perturb, camera.mjv, every, self._scene)
        stage.decorate(self._scene)
        view = mujoco.MjrRect(0, 0, self.width, self.height)
        mujoco.mjr_render(view, self._scene, self._context)
        image = np.empty((self.height, self.width, 3), np.uint8)
        mujoco.mjr_readPixels(image, None, view, self._context)
        return image[::-1]

    def close(self) -> None:
        """Give the context back."""
        self._context.free()
        self._gl.free()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
