"""A human in a MuJoCo scene: muscles coloured by activation, and the reference motion as a ghost."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models import Human
from soleus.models.paths import muscle_paths

Floats = NDArray[np.float64]

REST, ACTIVE = np.array([0.16, 0.32, 0.85]), np.array([0.92, 0.12, 0.10])
"""Colours (3,) of a muscle at activation 0 and 1; they mix by its square root: walking takes little of most muscles."""
_GHOST = np.array([0.45, 0.75, 0.50, 0.30], dtype=np.float32)
_THICKNESS = 0.0045  # [m] radius of a muscle
_ROOM = 20_000  # geoms
_FLESH = 0.35  # opacity of a body's simple shapes where there are muscles to be seen
_SLICES, _STACKS = 10, 4  # of round shapes: a thousand thin capsules of MuJoCo's 28 and 16 take a third of a second
_DYNAMIC = int(mujoco.mjtCatBit.mjCAT_DYNAMIC)


def colour(activation: float) -> NDArray[np.float32]:
    """Colour (4,) of a muscle."""
    share = float(np.sqrt(np.clip(activation, 0.0, 1.0)))
    return np.append((1 - share) * REST + share * ACTIVE, 1.0).astype(np.float32)


def _light(model: mujoco.MjModel) -> None:
    look = model.vis
    look.quality.numslices, look.quality.numstacks = _SLICES, _STACKS
    look.headlight.ambient[:], look.headlight.diffuse[:] = 0.35, 0.45
    look.headlight.specular[:] = 0.1


def _see_through(model: mujoco.MjModel) -> None:
    simple = (model.geom_type != mujoco.mjtGeom.mjGEOM_MESH) & (model.geom_bodyid > 0)
    model.geom_rgba[simple, 3] = np.minimum(model.geom_rgba[simple, 3], _FLESH)


class Stage:
    """What is drawn of one human at one instant."""

    def __init__(self, human: Human, muscles: NDArray[np.int_] | None = None) -> None:
        """muscles: indices of those to draw; all by default."""
        self.human = human
        self.model = human.render_model()
        _light(self.model)
        if human.muscle_names:
            _see_through(self.model)
        self.data, self._ghost = mujoco.MjData(self.model), mujoco.MjData(self.model)
        self.muscles = np.arange(len(human.muscle_names)) if muscles is None else muscles
        self.activation = np.zeros(len(human.muscle_names))
        self.option = mujoco.MjvOption()
        mujoco.mjv_defaultOption(self.option)
        # Muscles of all kinds are drawn by `decorate`.
        self.option.flags[mujoco.mjtVisFlag.mjVIS_TENDON] = 0
        self.option.flags[mujoco.mjtVisFlag.mjVIS_ACTUATOR] = 0
        self.option.sitegroup[:] = 0
        self._haunted = False
        self.pose(human.qpos_rest)

    def pose(self, qpos: Floats, activation: Floats | None = None, reference: Floats | None = None) -> None:
        """Put the human at qpos (nq,), its muscles at their activations (nm,), and the ghost, if any, at a pose."""
        self.data.qpos[:] = qpos
        for step in (mujoco.mj_kinematics, mujoco.mj_comPos, mujoco.mj_camlight, mujoco.mj_tendon):
            step(self.model, self.data)
        if activation is not None:
            self.activation[:] = activation
        self._haunted = reference is not None
        if reference is not None:
            self._ghost.qpos[:] = reference
            mujoco.mj_kinematics(self.model, self._ghost)

    def make_scene(self) -> mujoco.MjvScene:
        """Return a scene with room for everything."""
        return mujoco.MjvScene(self.model, maxgeom=_ROOM)

    def decorate(self, scene: mujoco.MjvScene) -> None:
        """Add ghost and muscles to what MuJoCo draws of the body."""
        if self._haunted:
            first = scene.ngeom
            mujoco.mjv_addGeoms(self.model, self._ghost, self.option, mujoco.MjvPerturb(), _DYNAMIC, scene)
            for geom in scene.geoms[first : scene.ngeom]:
                geom.rgba[:] = _GHOST
                geom.matid = -1
        paths = muscle_paths(self.human, self.data)
        for muscle in self.muscles:
            tint = colour(self.activation[muscle])
            for start, end in zip(paths[muscle], paths[muscle][1:], strict=False):
                self._segment(scene, start, end, tint)

    @staticmethod
    def _segment(scene: mujoco.MjvScene, start: Floats, end: Floats, tint: NDArray[np.float32]) -> None:
        if scene.ngeom >= scene.maxgeom:
            return
        geom = scene.geoms[scene.ngeom]
        capsule = mujoco.mjtGeom.mjGEOM_CAPSULE
        mujoco.mjv_initGeom(geom, capsule, np.zeros(3), np.zeros(3), np.zeros(9), tint)
        mujoco.mjv_connector(geom, capsule, _THICKNESS, start, end)
        scene.ngeom += 1
