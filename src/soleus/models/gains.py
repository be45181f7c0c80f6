"""Default PD gains and torque limits, by what a joint is.

Sagittal leg joints carry the body: kp of 400 N m/rad holds the 100-150 N m of walking (Winter 2009) with under 0.4 rad
of error. Stable PD (Tan et al. 2011) is implicit in the inertia, so kd = kp / 10, a time constant of 0.1 s, damps
the swinging limbs well without being stiff. Torque limits are about twice the largest of normal walking, near the
isometric strength of adults (Anderson et al. 2007, J. Biomech. 40:3105).
"""

import re

import mujoco
import numpy as np
from numpy.typing import NDArray

# name pattern, kp [N m/rad], kd [N m s/rad], torque limit [N m]; the first that matches counts
_TABLE: tuple[tuple[str, float, float, float], ...] = (
    (r"hip_?rot", 200, 20, 100),
    (r"hip_?(add|abd)", 400, 40, 250),
    (r"hip", 400, 40, 300),
    (r"knee", 400, 40, 300),
    (r"subtalar", 150, 15, 80),
    (r"ankle", 300, 30, 250),
    (r"mtp|toe", 30, 2, 40),
    (r"flex_extension|lat_bending|axial_rotation|lumbar|waist|abdomen|spine|back", 600, 60, 300),
    (r"neck|head", 50, 5, 50),
    (r"elv_angle|shoulder|clavic", 100, 10, 80),
    (r"elbow", 60, 6, 60),
    (r"pro_sup|forearm", 20, 2, 20),
    (r"deviation|wrist|^flexion_[rl]$", 20, 2, 20),
    (r"^(cmc|mp|ip|mcp\d|pm\d|md\d)_", 1, 0.1, 3),
)
_UNKNOWN = (400.0, 40.0, 300.0)  # of a joint that carries a leg's mass
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
