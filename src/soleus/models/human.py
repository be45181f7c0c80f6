"""A human: a compiled MuJoCo model with the facts about it that control, tasks and motions need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.coupling import Coupling
from soleus.models.hill_muscles import HillMuscles
from soleus.models.motors import Motors
from soleus.models.polylines import Polylines
from soleus.models.ties import Ties

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Human:
    """A model and its structure. Sizes: nq, nv of MuJoCo; nc coordinates, na actuated, nm muscles, nb tracked bodies.

    A coordinate is an independent degree of freedom: one that no joint equality drives. Coordinates come in the order
    of their dofs. Positions and heights are in metres, angles in radians, torques in N m.
    """

    name: str
    model: mujoco.MjModel
    """Compiled; its time step is 1 / sim_hz."""
    root_body: int
    """The body that floats: a pelvis."""
    root_align: Floats
    """(4,) quaternion; q_world_canonical = q_world_root * root_align, canonical axes: x forward, y left, z up."""
    root_height: float
    """Height of the root body's frame in the rest pose."""
    head_body: int
    head_height: float
    """Height of the head body's frame in the rest pose."""
    mass: float
    """[kg] of the person"""
    ground_height: float
    """[m] of the ground under the person who stands at rest; heights here are above it."""
    own_bodies: Ints
    """Bodies of the person: the root and all below it. Others are simulated and left alone."""
    ties: Ties
    motors: Motors
    """Of an exoskeleton or a prosthesis: their actions come after those of the muscles or joints."""
    dof_coordinate: Ints
    """(nv,) coordinate each dof belongs to: its own, or its driver's; -1 of dofs that are not the person's. A dof that
    an equality locks in place is given some coordinate, without effect: its polynomial is a constant."""
    dof_coupled: NDArray[np.bool_]
    """(nv,) driven by an equality, or locked by one."""
    dof_polynomial: Floats
    """(nv, 5) p of q_i - qpos0_i = sum_k p_k (q_driver - qpos0_driver)^k; rows of free dofs are 0."""
    coordinate_dof: Ints
    """(nc,)"""
    coordinate_names: tuple[str, ...]
    """Joint names, of a ball joint with _x, _y, _z (its exponential map, body axes); of a free joint root_tx, root_ty,
    root_tz (world axes), root_rx, root_ry, root_rz (body axes)."""
    actuated: Ints
    """(na,) coordinates under PD control: all but the root's."""
    kp: Floats
    """(na,) [N m/rad], or [N/m] of a slide"""
    kd: Floats
    """(na,) [N m s/rad]"""
    torque_limit: Floats
    """(na,) [N m]"""
    torque_driven: Ints
    """Actuated indices, sorted, of the joints that the model drives by torque where no muscle crosses them."""
    torque_beside: Ints
    """Of torque_driven those of joints that it drives by torque even where muscles cross them."""
    pose_weight: Floats
    """(na,) in the errors of pose and velocity that imitation is rewarded by; 1 where a model says nothing."""
    root_kp: float
    """Gains of the root in the prediction of stable PD, where a model has them; no torque ever acts on it."""
    root_kd: float
    muscle_names: tuple[str, ...]
    muscle_actuator: Ints
    """(nm,) actuator ids of the muscles; (0,) where they are polylines or Hill-type muscles."""
    polylines: Polylines | None
    """Muscles that are not MuJoCo's own."""
    hill: HillMuscles | None
    """Likewise; a human has one kind of muscles."""
    crossing_adr: Ints
    """(nm+1,) row starts of `crossing`."""
    crossing: Ints
    """(nnz,) actuated indices (0..na-1) that each muscle crosses, sorted in each row."""
    tracked_bodies: Ints
    """(nb,) the real moving segments: not the root's, not the tiny ones of via-points."""
    end_effectors: Ints
    """(ne,) bodies: right foot, left foot, head, then right and left hand where there are."""
    feet: tuple[Ints, Ints]
    """Bodies whose ground contacts count as the right and as the left foot; the first of each is its calcaneus."""
    mirror_coordinate: Ints
    """(nc,) left-right mirror: q_mirrored[c] = mirror_sign[c] * q[mirror_coordinate[c]]."""
    mirror_sign: Floats
    """(nc,) for a free root they hold for velocities while it heads along x."""
    mirror_muscle: Ints
    """(nm,)"""
    mirror_tracked: Ints
    """(nb,) indices into tracked_bodies"""
    mirror_end_effector: Ints
    """(ne,) indices into end_effectors"""
    lower: Floats
    """(nc,) limits of the coordinates [rad], or [m] of a slide; infinite where there are none. Of a ball joint by axis,
    where the model has them so."""
    upper: Floats
    channels: Mapping[str, str]
    """Joint of motion files that a body follows, by the body's name."""
    channel_axes: Floats
    """(4,) quaternion from the axes of motion files to the world."""
    qpos_rest: Floats
    """(nq,) standing with the feet on the ground, facing +x, coupled joints consistent."""
    coupling: Coupling = field(repr=False)
    render_model: Callable[[], mujoco.MjModel] = field(repr=False)
    """Compiles the same model with its visual meshes, for pictures: same qpos, more geoms."""

    @property
    def direct(self) -> Ints:
        """Actuated indices, sorted, where torques act by themselves in muscle control; muscles are asked for none."""
        driven = self.torque_driven
        return driven[~np.isin(driven, self.crossing) | np.isin(driven, self.torque_beside)]

    def consistent(self, qpos: Floats) -> Floats:
        """Copy of qpos (..., nq) whose coupled joints follow from their drivers."""
        return self.coupling.consistent(qpos)
