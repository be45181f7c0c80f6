"""A person whose legs are of no anatomy: one joint each, of names that say nothing, and no muscles."""

from pathlib import Path

from soleus import models
from soleus.models import Human

LEG = """
      <body name="stick_SIDE" pos="0 Y -0.05">
        <joint name="pivot_SIDE" axis="0 1 0" range="-60 60"/>
        <geom type="capsule" fromto="0 0 0 0 0 -0.8" size="0.03" mass="4" contype="0" conaffinity="0"/>
        <body name="foot_SIDE" pos="0 0 -0.85">
          <geom type="sphere" size="0.04" mass="1"/>
        </body>
      </body>"""


def odd(folder: Path) -> Human:
    legs = "".join(LEG.replace("SIDE", side).replace("Y", y) for side, y in (("r", "-0.1"), ("l", "0.1")))
    path = folder / "odd.xml"
    path.write_text(
        f"""<mujoco><worldbody><geom type="plane" size="0 0 1"/>
    <body name="pelvis" pos="0 0 1"><freejoint/><geom type="sphere" size="0.1" mass="40" contype="0" conaffinity="0"/>
    {legs}</body></worldbody></mujoco>"""
    )
    return models.load(path)
