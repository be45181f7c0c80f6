"""A human in a MuJoCo scene: muscles coloured by activation, and the reference motion as a ghost."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models import Human
from soleus.models.paths import max_forces, muscle_paths

Floats = NDArray[np.float64]

COLOURS = {0.0: (0.20, 0.36, 0.82), 0.25: (0.12, 0.70, 0.38), 0.5: (0.90, 0.66, 0.12), 1.0: (0.92, 0.08, 0.10)}
"""Colours of a muscle by its activation: blue at rest, green, amber at half, red; they mix in between."""
_GHOST = np.array([0.45, 0.75, 0.50, 0.30], dtype=np.float32)
_THICKEST, _THINNEST = 0.012, 0.002  # [m] radius of the strongest muscle, and the least of any
_ARROW = np.array([0.12, 0.12, 0.15, 1.0], dtype=np.float32)
_ARROW_WIDTH = 0.016  # [m]
ARROW_M = 0.5
"""[m] that the arrow of a force of one body weight is long"""
_ROOM = 20_000  # geoms
_FLESH = 0.35  # opacity of a body's simple shapes where there are muscles to be seen
_SLICES, _STACKS = 10, 4  # of round shapes: a thousand thin capsules of MuJoCo's 28 and 16 take a third of a second
_DYNAMIC, _CAPSULE = int(mujoco.mjtCatBit.mjCAT_DYNAMIC), mujoco.mjtGeom.mjGEOM_CAPSULE
_GRAVITY = 9.81


def colour(activation: float) -> NDArray[np.float32]:
    """Colour (4,) of a muscle."""
    mixed = [np.interp(activation, list(COLOURS), channel) for channel in zip(*COLOURS.values(), strict=True)]
    return np.array([*mixed, 1.0], dtype=np.float32)


def thickness(human: Human) -> Floats:
    """Radii (nm,) [m] that muscles are drawn with: their cross-sections are in proportion to their greatest forces."""
    forces = np.maximum(max_forces(human), 0.0)
    if not forces.any():
        return np.full(len(forces), _THICKEST / 2)
    return np.asarray(np.maximum(_THICKEST * np.sqrt(forces / forces.max()), _THINNEST))


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
        self._radii = thickness(human)
        self._forces: Floats | None = None
        self.pose(human.qpos_rest)

    def pose(
        self,
        qpos: Floats,
        activation: Floats | None = None,
        reference: Floats | None = None,
        forces: Floats | None = None,
    ) -> None:
        """Put the human at qpos (nq,), its muscles at their activations (nm,), and the ghost, if any, at a pose.

        forces: (n, 2, 3) of the ground: where each acts [m], and the force [N]; NaN where there is none.
        """
        self.data.qpos[:] = qpos
        for step in (mujoco.mj_kinematics, mujoco.mj_comPos, mujoco.mj_camlight, mujoco.mj_tendon):
            step(self.model, self.data)
        if activation is not None:
            self.activation[:] = activation
        self._forces = forces
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
                _connect(scene, _CAPSULE, self._radii[muscle], start, end, tint)
        for place, force in self._forces if self._forces is not None else ():
            if np.isfinite(place).all() and force.any():
                end = place + 2 * ARROW_M * force / (
                    self.human.mass * _GRAVITY
                )  # MuJoCo draws half of an arrow's length
                _connect(scene, mujoco.mjtGeom.mjGEOM_ARROW, _ARROW_WIDTH, place, end, _ARROW)


def _connect(
    scene: mujoco.MjvScene, kind: int, width: float, start: Floats, end: Floats, tint: NDArray[np.float32]
) -> None:
    """Add a shape from one place to another."""
    if scene.ngeom >= scene.maxgeom:
        return
    geom = scene.geoms[scene.ngeom]
    mujoco.mjv_initGeom(geom, kind, np.zeros(3), np.zeros(3), np.zeros(9), tint)
    mujoco.mjv_connector(geom, kind, width, start, end)
    scene.ngeom += 1
