"""A person of a few bodies in a scene: what the tests put beside, onto and under a walker."""

from pathlib import Path

from soleus import models
from soleus.config.sources import ModelFiles
from soleus.models import Human
from soleus.sim.gymnasium import BatchEnv, make_vec

FLOOR = '<geom name="floor" type="plane" size="0 0 1"/>'
_LEG = """
  <body name="{n}thigh_{s}" pos="0 {y} -0.05">
    <joint name="{n}hip_{s}" axis="0 -1 0" range="-60 60"/>
    <geom type="capsule" fromto="0 0 0 0 0 -0.38" size="0.05" mass="7" contype="0" conaffinity="0"/>
    <body name="{n}shank_{s}" pos="0 0 -0.4">
      <joint name="{n}knee_{s}" axis="0 1 0" range="0 120"/>
      <geom type="capsule" fromto="0 0 0 0 0 -0.38" size="0.04" mass="3" contype="0" conaffinity="0"/>
      <body name="{n}foot_{s}" pos="0 0 -0.4">
        <joint name="{n}ankle_{s}" axis="0 -1 0" range="-40 30"/>
        <geom name="{n}sole_{s}" type="box" size="0.12 0.04 0.03" pos="0.05 0 -0.03" mass="1"/>
      </body>
    </body>
  </body>"""
MUSCLES = "".join(
    f'<muscle name="{joint}_{side}_{way}" joint="{joint}_{side}" gear="{gear}" force="100" lengthrange="-1 1"'
    ' ctrlrange="0 1" ctrllimited="true"/>'
    for joint in ("hip", "knee", "ankle")
    for side in "rl"
    for way, gear in (("flex", 1), ("ext", -1))
)


def legs(name: str = "") -> str:
    """name: what the names of a person begin with."""
    return "".join(_LEG.format(n=name, s=side, y=y) for side, y in (("r", -0.1), ("l", 0.1)))


def pelvis(name: str = "", place: str = "0 0 1", extra: str = "") -> str:
    trunk = '<geom type="capsule" fromto="0 0 0 0 0 0.5" size="0.1" mass="40" contype="0" conaffinity="0"/>'
    return f'<body name="{name}pelvis" pos="{place}"><freejoint name="{name}root"/>{trunk}{extra}{legs(name)}</body>'


def mjcf(
    *,
    before: str = "",
    after: str = "",
    floor: str = FLOOR,
    actuators: str = MUSCLES,
    head: str = "",
    tail: str = "",
    worn: str = "",
    place: str = "0 0 1",
) -> str:
    """head: elements before the worldbody, tail: behind it; worn: what hangs below the pelvis besides the legs."""
    return f"""<mujoco model="scene"><compiler angle="degree" autolimits="true"/>{head}
      <worldbody>{floor}{before}{pelvis(place=place, extra=worn)}{after}</worldbody>
      <actuator>{actuators}</actuator>{tail}</mujoco>"""


def write(folder: Path, text: str, name: str = "scene.xml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def human(folder: Path, root: str | None = None, **parts: str) -> Human:
    return models.load(ModelFiles(mjcf=str(write(folder, mjcf(**parts))), root=root))


def env(
    folder: Path,
    mode: str = "torque",
    humans: int = 2,
    text: str | None = None,
    task: str = "walk",
    keys: str = "",
    **parts: str,
) -> BatchEnv:
    """task, and keys beside it: parts of the configuration, in YAML."""
    write(folder, mjcf(**parts) if text is None else text)
    config = write(folder, f"model: scene.xml\ntask: {task}\ncontrol: {{mode: {mode}}}\n{keys}", "scene.yaml")
    return make_vec(str(config), num_envs=humans, num_threads=1, seed=0)
