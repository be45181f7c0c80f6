"""Default PD gains and torque limits, by what a joint is.

The legs carry the body: at 500 N m/rad the 90-120 N m of walking (1.2-1.6 N m/kg at hip and ankle) cost up to 0.25 rad
of error, which a policy's pose targets can make good. A pose target has no velocity of its own, so a joint lags behind
it by kd / kp, 0.04 s here: kd stays under critical damping, which for a swinging shank (0.3 kg m^2) is
2 sqrt(kp I) = 24 N m s/rad. Stable PD (Tan et al. 2011) holds these gains at 480 steps a second, light toes included.

Torque limits keep what is asked within what muscles can make together: about the mean isometric strength of young men,
207 N m in hip extension, 210 in knee extension and 122 in plantarflexion at 75 kg and 1.75 m (Anderson et al. 2007,
J. Biomech. 40:3105, table 3, which rbdl/rbdl has in addons/muscle/Millard2016TorqueMuscle.cc), with room at the ankle,
which pushes off at up to 1.6 N m/kg. Joints that no strong muscle crosses (hip rotation, toes) get little: with stiff
ones and wide limits a trained policy asked for torques a quarter of which the muscles of myolegs cannot make.

The trunk's are about what the muscles of myofullbody's lumbar spine hold at most: 112 N m in flexion, 125 in
extension, 139 to a side and 62 about its own axis. With twice as much they were fully active all the time.

One coordinate of a spine may bend several vertebrae, so that the trunk turns by `turn` times the coordinate. Gains and
limit are meant by the trunk's turn: as coordinates' they are kp and kd by turn^2, the limit by turn.
"""

import re

import mujoco
import numpy as np
from numpy.typing import NDArray

_SPINE = r"flex_extension|lat_bending|axial_rotation|lumbar|waist|abdomen|spine|back"
FINGER = r"^(cmc|mp|ip|mcp\d|pm\d|md\d)_"
# name pattern, kp [N m/rad], kd [N m s/rad], torque limit [N m]; the first that matches counts
_TABLE: tuple[tuple[str, float, float, float], ...] = (
    (r"hip_?rot", 120, 5, 50),
    (r"hip_?(add|abd)", 300, 15, 120),
    (r"hip", 400, 20, 210),
    (r"knee", 500, 20, 210),
    (r"subtalar", 200, 5, 40),
    (r"ankle", 500, 15, 170),
    (r"mtp|toe", 40, 1, 15),
    (r"axial_?rot|(lumbar|waist|abdomen|spine|back).*rot", 150, 7, 60),
    (_SPINE, 300, 15, 150),
    (r"neck|head", 50, 5, 50),
    (r"elv_angle|shoulder|clavic|^arm_", 100, 10, 80),
    (r"elbow", 60, 6, 60),
    (r"pro_sup|forearm", 20, 2, 20),
    (r"deviation|wrist|^flexion_[rl]$", 20, 2, 20),
    (FINGER, 1, 0.1, 3),
)
_UNKNOWN = (400.0, 20.0, 210.0)  # of a joint that carries a leg's mass
_LEG_MASS_SHARE = 0.16  # Winter (2009), table 4.1


def gains(
    model: mujoco.MjModel, names: list[str], dofs: NDArray[np.int32], mass: float, turns: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """kp, kd and torque limit (na,) of the actuated coordinates; unknown joints scale with the mass that they move.

    turns (na,): by how much a coordinate turns the body that it turns most.
    """
    rows = []
    for name, dof, turn in zip(names, dofs, turns, strict=True):
        known = next((row[1:] for row in _TABLE if re.search(row[0], name, re.IGNORECASE)), None)
        if known is None:
            moved = float(model.body_subtreemass[model.dof_bodyid[dof]]) / mass
            scale = float(np.clip(moved / _LEG_MASS_SHARE, 0.0025, 1.0))
            known = (_UNKNOWN[0] * scale, _UNKNOWN[1] * scale, _UNKNOWN[2] * scale)
        elif is_spine(name):
            known = (known[0] * turn**2, known[1] * turn**2, known[2] * turn)
        rows.append(known)
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy()


def is_spine(joint: str) -> bool:
    """Whether a joint is named as one of the spine's."""
    return re.search(_SPINE, joint, re.IGNORECASE) is not None
