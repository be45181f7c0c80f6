"""A person of a user's own in several files: a body that includes its legs and has a mesh in another folder."""

from pathlib import Path

import scene

CONFIG = """model: models/body/person.xml
task: walk
control: {mode: torque}
"""

_BODY = """<mujoco model="person">
  <compiler angle="degree" autolimits="true" meshdir="../meshes"/>
  <asset><mesh name="wedge" file="wedge.obj"/></asset>
  <worldbody>
    <geom name="floor" type="plane" size="0 0 1"/>
    <body name="pelvis" pos="0 0 1">
      <freejoint name="root"/>
      <geom type="sphere" size="0.12" pos="0 0 0.1" mass="12"/>
      <geom type="mesh" mesh="wedge" pos="0 0 0.3" mass="28"/>
      <include file="parts/limbs.xml"/>
    </body>
  </worldbody>
</mujoco>
"""

_WEDGE = """v 0.1 0.1 0.0
v -0.1 0.1 0.0
v 0.1 -0.1 0.0
v -0.1 -0.1 0.0
v 0.0 0.0 0.3
f 1 2 4
f 1 4 3
f 1 5 2
f 2 5 4
f 4 5 3
f 3 5 1
"""


def write_person(folder: Path) -> Path:
    """Write the files into a folder; return that of the body."""
    for part in ("body/parts", "meshes"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "body/parts/limbs.xml").write_text(f"<mujocoinclude>{scene.legs()}\n</mujocoinclude>\n")
    (folder / "meshes/wedge.obj").write_text(_WEDGE)
    (folder / "body/person.xml").write_text(_BODY)
    return folder / "body/person.xml"
