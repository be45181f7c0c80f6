"""A free body on two legs, of ball hips and hinge knees, and BVH files for it: Y up, facing z, in centimetres."""

from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np

from soleus.models import Human, load
from soleus.models.coupling import Coupling

# Body frames that lie in no axis of the world: the pelvis faces y in its own, the thighs are turned about all three.
XML = """
<mujoco>
  <compiler angle="radian"/>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 1" contype="0" conaffinity="1"/>
    <body name="pelvis" pos="0 0 1" euler="0 0 -1.5707963267948966">
      <freejoint name="root"/>
      <geom type="sphere" size="0.1" mass="30" contype="0" conaffinity="0"/>
      LEGS
    </body>
  </worldbody>
</mujoco>"""
LEG = """
      <body name="thigh_SIDE" pos="X 0 0" euler="0.3 -0.5 0.7">
        <joint name="hip_SIDE" type="ball"/>
        <geom type="sphere" size="0.05" mass="5" contype="0" conaffinity="0"/>
        <body name="frame_SIDE" quat="THIGH_BACK">
          <geom type="sphere" size="0.01" mass="0.1" contype="0" conaffinity="0"/>
          <body name="shank_SIDE" pos="0 0 -0.5">
            <joint name="knee_SIDE" type="hinge" axis="1 0 0" range="-0.1 2"/>
            <geom type="capsule" fromto="0 0 0 0 0 -0.4" size="0.05" mass="3" contype="1" conaffinity="0"/>
          </body>
        </body>
      </body>"""
AXES = np.array([0.5, 0.5, 0.5, 0.5])  # x to y, y to z, z to x
CHANNELS = {"pelvis": "Hips", "thigh_r": "HipR", "shank_r": "KneeR", "thigh_l": "HipL", "shank_l": "KneeL"}

BVH = """HIERARCHY
ROOT Hips
{
  OFFSET 0 100 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT HipR
  {
    OFFSET -10 0 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    JOINT KneeR
    {
      OFFSET 0 -50 0
      CHANNELS 3 Zrotation Xrotation Yrotation
      End Site
      {
        OFFSET 0 -45 0
      }
    }
  }
  JOINT HipL
  {
    OFFSET 10 0 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    JOINT KneeL
    {
      OFFSET 0 -50 0
      CHANNELS 3 Zrotation Xrotation Yrotation
      End Site
      {
        OFFSET 0 -45 0
      }
    }
  }
}
MOTION
"""
# Columns of the rows.
X, Y, Z, ROLL, PITCH, YAW = range(6)
HIP_R, KNEE_R, HIP_L, KNEE_L = (range(start, start + 3) for start in (6, 9, 12, 15))


def strider() -> Human:
    thigh, back = np.zeros(4), np.zeros(4)
    mujoco.mju_euler2Quat(thigh, np.array([0.3, -0.5, 0.7]), "xyz")
    mujoco.mju_negQuat(back, thigh)
    legs = "".join(
        LEG.replace("SIDE", side).replace("X", x, 1).replace("THIGH_BACK", " ".join(map(str, back)))
        for side, x in (("r", "0.1"), ("l", "-0.1"))
    )
    model = mujoco.MjModel.from_xml_string(XML.replace("LEGS", legs))
    ids = {model.body(b).name: b for b in range(model.nbody)}
    free = np.arange(model.nv, dtype=np.int32)
    uncoupled = Coupling(np.zeros(model.nv, dtype=np.bool_), free, np.zeros((model.nv, 5)), free, model.qpos0.copy())
    return replace(
        load("walk2d"),
        name="strider", model=model, root_body=ids["pelvis"], own_bodies=np.arange(1, model.nbody, dtype=np.int32),
        root_align=np.array([np.sqrt(0.5), 0, 0, np.sqrt(0.5)]),  # the pelvis faces y in its own frame
        feet=(np.array([ids["shank_r"]], dtype=np.int32), np.array([ids["shank_l"]], dtype=np.int32)),
        end_effectors=np.array([ids["shank_r"], ids["shank_l"], ids["pelvis"]], dtype=np.int32),
        qpos_rest=model.qpos0.copy(), coupling=uncoupled,
    )  # fmt: skip


def standing(frames: int) -> np.ndarray:
    """Rows (F, 18) of the T-pose."""
    rows = np.zeros((frames, 18))
    rows[:, Y] = 100
    return rows


def save(path: Path, rows: np.ndarray, frame_time: float = 0.05) -> Path:
    lines = "\n".join(" ".join(repr(float(value)) for value in row) for row in rows)
    path.write_text(f"{BVH}Frames: {len(rows)}\nFrame Time: {frame_time}\n{lines}\n")
    return path
