"""Default PD gains and torque limits, by what a joint is.

The legs carry the body: at 600 N m/rad the 90-120 N m of walking (1.2-1.6 N m/kg at hip and ankle) cost up to 0.2 rad
of error, which a policy's pose targets can make good; with 400 and kd = 40, a stance leg that follows the reference
alone gives way within a stride. A pose target has no velocity of its own, so a joint lags behind it by kd / kp, 0.03
s here: kd stays under critical damping, which for a swinging shank (0.3 kg m^2) is 2 sqrt(kp I) = 27 N m s/rad.
Stable PD (Tan et al. 2011) holds these gains at 480 steps a second, light toes included. Torque limits leave room
above walking: 1.4 (hip, knee) and 2 (ankle) times the mean isometric strength of young men, 207 N m in hip extension,
210 in knee extension and 122 in plantarflexion at 75 kg and 1.75 m (Anderson et al. 2007, J. Biomech. 40:3105, table
3, which rbdl/rbdl has in addons/muscle/Millard2016TorqueMuscle.cc).
"""

import re

import mujoco
import numpy as np
from numpy.typing import NDArray

# name pattern, kp [N m/rad], kd [N m s/rad], torque limit [N m]; the first that matches counts
_TABLE: tuple[tuple[str, float, float, float], ...] = (
    (r"hip_?rot", 300, 10, 100),
    (r"hip_?(add|abd)", 600, 20, 250),
    (r"hip", 600, 20, 300),
    (r"knee", 600, 20, 300),
    (r"subtalar", 300, 6, 80),
    (r"ankle", 600, 15, 250),
    (r"mtp|toe", 60, 1, 40),
    (r"flex_extension|lat_bending|axial_rotation|lumbar|waist|abdomen|spine|back", 600, 30, 300),
    (r"neck|head", 50, 5, 50),
    (r"elv_angle|shoulder|clavic", 100, 10, 80),
    (r"elbow", 60, 6, 60),
    (r"pro_sup|forearm", 20, 2, 20),
    (r"deviation|wrist|^flexion_[rl]$", 20, 2, 20),
    (r"^(cmc|mp|ip|mcp\d|pm\d|md\d)_", 1, 0.1, 3),
)
_UNKNOWN = (600.0, 20.0, 300.0)  # of a joint that carries a leg's mass
_LEG_MASS_SHARE = 0.16  # Winter (2009), table 4.1


def gains(
    model: mujoco.MjModel, names: list[str], dofs: NDArray[np.int32], mass: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """kp, kd and torque limit (na,) of the actuated coordinates; unknown joints scale with the mass that they move."""
    rows = []
    for name, dof in zip(names, dofs, strict=True):
        known = next((row[1:] for row in _TABLE if re.search(row[0], name, re.IGNORECASE)), None)
        if known is None:
            moved = float(model.body_subtreemass[model.dof_bodyid[dof]]) / mass
            scale = float(np.clip(moved / _LEG_MASS_SHARE, 0.0025, 1.0))
            known = (_UNKNOWN[0] * scale, _UNKNOWN[1] * scale, _UNKNOWN[2] * scale)
        rows.append(known)
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy()
