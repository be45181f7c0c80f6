"""Persons with odd parts, for the dynamics in lanes: each has much that the built-in models do not have."""

import math
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline

from soleus import models
from soleus.config.sources import ModelFiles
from soleus.models import Human

# Ball joints, a slide, anchors and centres of mass off their frames, springs, feet of spheres and boxes, a sloping
# ground; muscles round a sphere with and without a side site, round a cylinder from outside and from within, over a
# pulley, on a joint, with a gear.
_BALL_LEG = """
  <body name="thigh_{s}" pos="0.01 {y} -0.05" quat="0.99 0.02 {z} 0.03">
    <inertial pos="0.01 {y} -0.2" mass="7" fullinertia="0.11 0.12 0.03 0.01 -0.004 0.006"/>
    <joint name="hip_{s}" type="ball" pos="0.005 0 0.01" damping="2"/>
    <geom name="hip_ball_{s}" type="sphere" size="0.04" contype="0" conaffinity="0" mass="0"/>
    <site name="thigh_front_{s}" pos="0.05 0 -0.2"/><site name="thigh_back_{s}" pos="-0.05 0 -0.25"/>
    <site name="hip_side_{s}" pos="0.06 0.01 0"/>
    <body name="shank_{s}" pos="0 0 -0.4">
      <inertial pos="0.01 0.02 -0.17" mass="3" diaginertia="0.05 0.05 0.01"/>
      <joint name="knee_{s}" axis="0.05 1 0.02" range="0 120" pos="0.01 0.002 0.01" stiffness="3" springref="20"
        damping="0.7"/>
      <geom name="knee_roll_{s}" type="cylinder" size="0.03 0.05" euler="90 10 0" contype="0" conaffinity="0"
        mass="0"/>
      <geom name="shank_ring_{s}" type="cylinder" size="0.03 0.05" euler="90 0 0" pos="0.06 0 -0.04" contype="0"
        conaffinity="0"
        mass="0"/>
      <site name="ring_side_{s}" pos="0.06 0 -0.04"/>
      <site name="shank_front_{s}" pos="0.04 0.01 -0.12"/><site name="shank_back_{s}" pos="-0.05 0 -0.1"/>
      <body name="foot_{s}" pos="0 0 -0.4">
        <joint name="ankle_{s}" axis="0 -1 0.1" range="-40 30" damping="0.5"/>
        <geom name="sole_{s}" type="box" size="0.06 0.04 0.02" pos="0.05 0 -0.03" euler="3 5 2" mass="1" gap="0.01"/>
        <geom name="heel_{s}" type="sphere" size="0.03" pos="-0.06 0.01 -0.03" mass="0.3" friction="0.8"
          solimp="0.8 0.97 0.01 0.4 3"/>
        <geom name="toe_{s}" type="sphere" size="0.02" pos="0.13 -0.01 -0.03" mass="0.2" condim="1" solref="-3000
          -60"/>
        <site name="foot_back_{s}" pos="-0.08 0 0"/><site name="foot_front_{s}" pos="0.1 0 0"/>
      </body>
    </body>
  </body>"""
_BALL_TENDONS = """
  <spatial name="flexor_{s}"><site site="belly_{s}"/><geom geom="hip_ball_{s}" sidesite="hip_side_{s}"/>
    <site site="thigh_front_{s}"/>
    <geom geom="shank_ring_{s}" sidesite="ring_side_{s}"/><site site="shank_front_{s}"/></spatial>
  <spatial name="extensor_{s}"><site site="rump_{s}"/><geom geom="hip_ball_{s}"/><site site="thigh_back_{s}"/>
    <geom geom="knee_roll_{s}"/><site site="shank_back_{s}"/></spatial>
  <spatial name="calf_{s}"><site site="thigh_back_{s}"/><site site="shank_back_{s}"/><site site="foot_back_{s}"/>
    <pulley divisor="2"/>
    <site site="shank_front_{s}"/><site site="foot_front_{s}"/></spatial>"""
_BALL_MUSCLES = """
  <muscle name="flexor_{s}" tendon="flexor_{s}" force="900" lengthrange="0.3 0.9"/>
  <muscle name="extensor_{s}" tendon="extensor_{s}" scale="400" lengthrange="0.2 0.8" gear="1.3"/>
  <muscle name="calf_{s}" tendon="calf_{s}" force="1500" lengthrange="0.3 1.1" timeconst="0.02 0.06" tausmooth="0.2"/>
  <muscle name="shin_{s}" joint="ankle_{s}" gear="-0.04" force="700" lengthrange="-0.05 0.05"/>"""
_SIDES = (("r", -0.1, 0.05), ("l", 0.1, -0.05))


def _both(text: str) -> str:
    return "".join(text.format(s=side, y=y, z=z) for side, y, z in _SIDES)


BALLS = f"""<mujoco model="balls"><compiler angle="degree" autolimits="true"/>
  <default><geom margin="0.002" conaffinity="0"/><joint armature="0.01"/></default>
  <worldbody><geom name="floor" type="plane" size="0 0 1" contype="0" conaffinity="1" euler="2 -3 10" friction="1.1"/>
    <body name="pelvis" pos="0.02 0 1" quat="0.99 0.01 0.05 0.02"><freejoint name="root"/>
      <geom type="capsule" fromto="0 0 0 0.02 0 0.2" size="0.1" mass="20" contype="0" conaffinity="0"/>
      <site name="belly_r" pos="0.08 -0.1 0.05"/><site name="belly_l" pos="0.08 0.1 0.05"/>
      <site name="rump_r" pos="-0.1 -0.1 0.02"/><site name="rump_l" pos="-0.1 0.1 0.02"/>
      <body name="torso" pos="0 0 0.2">
        <joint name="spine" type="slide" axis="0 0.1 1" range="-0.05 0.05" stiffness="2000" damping="50"/>
        <geom type="capsule" fromto="0 0 0 0 0.02 0.3" size="0.08" mass="20" contype="0" conaffinity="0"/>
        <body name="head" pos="0 0 0.4" euler="5 0 0"><geom size="0.1" mass="5" contype="0" conaffinity="0"/></body>
      </body>{_both(_BALL_LEG)}
    </body></worldbody>
  <tendon>{_both(_BALL_TENDONS)}</tendon>
  <actuator>{_both(_BALL_MUSCLES)}</actuator></mujoco>"""

# A root of three joints in a plane, knees that shift and turn by polynomials of one angle, a patella on another branch,
# feet of capsules, rough and smooth, with margins and gaps.
_KNEE_LEG = """
  <body name="thigh_{s}" pos="0 {y} -0.05">
    <joint name="hip_{s}" axis="0 -1 0" range="-60 60" damping="1"/>
    <geom type="capsule" fromto="0 0 0 0 0 -0.38" size="0.05" mass="7" contype="0" conaffinity="0"/>
    <body name="shank_{s}" pos="0 0 -0.4">
      <joint name="knee_x_{s}" type="slide" axis="1 0 0" armature="0.2"/>
        <joint name="knee_z_{s}" type="slide" axis="0 0 1"/>
      <joint name="knee_{s}" axis="0 1 0" range="0 120" damping="0.5" frictionloss="4"/>
      <joint name="knee_tilt_{s}" axis="0 0.1 1" range="-20 4" damping="0.3" frictionloss="2"/>
      <geom type="capsule" fromto="0 0 0 0 0 -0.38" size="0.04" mass="3" contype="0" conaffinity="0"/>
      <geom name="calf_{s}" type="capsule" fromto="0 -0.08 -0.2 0 0.08 -0.2" size="0.05" mass="1" contype="2"
        conaffinity="2" condim="4" friction="0.6 0.05 0"/>
      <body name="foot_{s}" pos="0 0 -0.4">
        <joint name="ankle_{s}" axis="0 -1 0" range="-40 30" stiffness="5"/>
        <geom name="sole_{s}" type="capsule" fromto="-0.05 -0.02 -0.03 0.12 0.02 -0.03" size="0.025" mass="1"
          margin="0.004" gap="0.001"/>
        <geom name="edge_{s}" type="capsule" fromto="-0.05 0.03 -0.03 0.12 0.03 -0.02" size="0.02" mass="0.5"
          friction="0.3 0.04 0.02" condim="6" solref="0.03 0.8" priority="1"/>
      </body>
    </body>
    <body name="patella_{s}" pos="0.04 0 -0.38">
      <joint name="patella_x_{s}" type="slide" axis="1 0 0"/><joint name="patella_turn_{s}" axis="0 1 0"/>
      <geom name="patella_{s}" size="0.07" mass="0.1" contype="2" conaffinity="2"/>
    </body>
  </body>"""
_KNEE_COUPLING = """
  <joint joint1="knee_x_{s}" joint2="knee_{s}" polycoef="0 0.01 -0.006 0.002 0"/>
  <joint joint1="knee_z_{s}" joint2="knee_{s}" polycoef="0.001 -0.004 0.003 0 0.0005"/>
  <joint joint1="knee_tilt_{s}" joint2="knee_{s}" polycoef="0 -0.1 0.02 0 0"/>
  <joint joint1="patella_x_{s}" joint2="knee_{s}" polycoef="0 -0.02 0.004 0 0"/>
  <joint joint1="patella_turn_{s}" joint2="knee_{s}" polycoef="0 0.8 0 0 0"/>"""
KNEES = f"""<mujoco model="knees"><compiler angle="degree" autolimits="true"/>
  <default><geom conaffinity="0"/><joint armature="0.005"/></default>
  <worldbody><geom name="floor" type="plane" size="0 0 1" contype="0" conaffinity="1"/>
    <body name="pelvis" pos="0 0 1">
      <joint name="root_tx" type="slide" axis="1 0 0"/><joint name="root_tz" type="slide" axis="0 0 1"/>
      <joint name="root_ry" axis="0 1 0"/>
      <geom type="capsule" fromto="0 0 0 0 0 0.5" size="0.1" mass="40" contype="0" conaffinity="0"/>
      <body name="head" pos="0 0 0.6"><geom size="0.1" mass="5" contype="0" conaffinity="0"/></body>{_both(_KNEE_LEG)}
    </body></worldbody>
  <equality>{_both(_KNEE_COUPLING)}</equality></mujoco>"""


# Knots of natural cubic splines of the knee's angle, for the same knees: the right one's, and one of the left.
KNOTS = {
    "knee_x_r": ([-0.2, 0.3, 0.9, 1.4, 1.9], [0.002, -0.004, 0.006, 0.001, -0.003]),
    "knee_z_r": ([0.1, 0.6], [0.001, -0.005]),
    "patella_turn_r": ([0.0, 0.4, 0.5, 1.3, 2.0], [0.0, 0.3, 0.42, 0.9, 1.7]),
    "knee_x_l": ([-0.1, 0.7, 1.1], [0.001, 0.004, -0.006]),
}


def pieces(x: list[float], y: list[float]) -> np.ndarray:
    """(len(x) + 1, 5) of a natural cubic spline that goes on linearly beyond its knots."""
    spline = CubicSpline(x, y, bc_type="natural")
    ends = [[x[0] - 1.0, y[0] - spline(x[0], 1), spline(x[0], 1), 0, 0], [x[-1], y[-1], spline(x[-1], 1), 0, 0]]
    return np.vstack([ends[0], np.column_stack([x[:-1], spline.c[::-1].T]), ends[1]])


def _numerics() -> str:
    rows = {name: " ".join(map(repr, pieces(*knots).ravel().tolist())) for name, knots in KNOTS.items()}
    return "".join(f'<numeric name="spline:{name}" data="{data}"/>' for name, data in rows.items())


SPLINES = KNEES.replace('model="knees"', 'model="splines"').replace(
    "</mujoco>", f"<custom>{_numerics()}</custom></mujoco>"
)


# Legs of hinges and balls below a pelvis that floats: what their feet are made of, and what touches what, is put in.
_PLAIN_LEG = """
  <body name="thigh_{s}" pos="0 {y} -0.05">
    <joint name="hip_{s}" type="ball" damping="1"/>
    <geom name="thigh_{s}" type="capsule" fromto="0 0 0 0 0 -0.38" size="0.05" mass="7"/>THIGH
    <body name="shank_{s}" pos="0 0 -0.4">
      <joint name="knee_{s}" axis="0 1 0" range="0 120" damping="0.5"/>
      <geom name="shank_{s}" type="capsule" fromto="0 0 0 0 0 -0.38" size="0.04" mass="3"/>SHANK
      <body name="foot_{s}" pos="0 0 -0.4">
        <joint name="ankle_{s}" axis="0 -1 0.1" range="-40 30" damping="0.3"/>FEET
      </body>
    </body>
  </body>"""


def plain(
    feet: str,
    *,
    thighs: str = "",
    shanks: str = "",
    joints: str = "",
    assets: str = "",
    beside: str = "",
    contact: str = "",
) -> str:
    """A person's MJCF. feet, thighs, shanks: their geoms, with {s} for the side; joints: attributes of all joints but
    the root; beside: what stands in the world."""
    leg = _PLAIN_LEG.replace("FEET", feet).replace("THIGH", thighs).replace("SHANK", shanks)
    return f"""<mujoco model="plain"><compiler angle="degree" autolimits="true"/>
  <default><geom contype="0" conaffinity="0"/><joint armature="0.01" {joints}/>
    <default class="touches"><geom contype="1" margin="0.001"/></default></default>
  <asset>{assets}</asset>
  <worldbody>
    <geom name="floor" type="plane" size="0 0 1" conaffinity="1" euler="3 2 -20" friction="0.7 0.01 0.002"/>{beside}
    <body name="pelvis" pos="0 0 1"><freejoint name="root"/>
      <geom name="pelvis" type="capsule" fromto="0 -0.1 0 0 0.1 0" size="0.08" mass="15"/>
      <geom name="trunk" type="capsule" fromto="0 0 0 0.02 0 0.5" size="0.1" mass="30"/>
      <body name="head" pos="0 0 0.6"><geom name="head" size="0.1" mass="5"/></body>
      {_both(leg)}
    </body></worldbody>
  <contact>{contact}</contact></mujoco>"""


# Feet that hold against turning and rolling.
GRIPS = plain("""
  <geom class="touches" name="sole_{s}" type="box" size="0.06 0.04 0.02" pos="0.04 0 -0.03" euler="3 5 2" mass="1"
    condim="6" friction="0.6 0.05 0.01"/>
  <geom class="touches" name="heel_{s}" size="0.03" pos="-0.06 0.01 -0.03" mass="0.3" condim="4" friction="0.9 0.08 0"/>
  <geom class="touches" name="toe_{s}" type="capsule" fromto="0.12 -0.04 -0.03 0.12 0.03 -0.03" size="0.02" mass="0.2"
    condim="6" friction="0.4 0.02 0.03" priority="1" solref="0.03 0.8"/>""")


# Feet of shapes that have no points of their own: the right and the left foot are alike.
ROUNDS = plain("""
  <geom class="touches" name="sole_{s}" type="ellipsoid" size="0.09 0.04 0.02" pos="0.04 0 -0.03" euler="3 5 2" mass="1"
    condim="4" friction="0.6 0.05 0.01" solimp="0.8 0.97 0.01 0.4 3"/>
  <geom class="touches" name="heel_{s}" type="cylinder" size="0.03 0.02" pos="-0.07 0.01 -0.03" mass="0.3" gap="0.003"/>
  <geom class="touches" name="toe_{s}" type="cylinder" size="0.02 0.04" euler="90 0 10" pos="0.14 0 -0.03" mass="0.2"
    condim="1"/>""")


def _prism(corners: int) -> str:
    """Vertices of a sole with a face of many corners, no two of which are like one another."""
    rows = []
    for height, share in ((-0.02, 1.0), (0.02, 0.8)):
        for k in range(corners):
            turn = 2 * math.pi * (k + 0.3 * math.sin(5 * k)) / corners
            rows.append(f"{0.1 * share * math.cos(turn):.5f} {0.05 * share * math.sin(turn):.5f} {height}")
    return " ".join(rows)


_STONE = "0.05 0 0.01 -0.04 0.01 0 0.01 0.04 -0.01 0 -0.05 0.01 0.01 0.01 -0.04 -0.02 -0.01 -0.03 0.01 0 0.03 0 0 0"
MESHES = plain(
    """
  <geom class="touches" name="sole_{s}" type="mesh" mesh="prism" pos="0.04 0 -0.03" euler="3 5 2" mass="1"/>
  <geom class="touches" name="heel_{s}" type="mesh" mesh="stone" pos="-0.07 0.01 -0.03" mass="0.3" gap="0.003"
    condim="6"/>""",
    assets=f'<mesh name="prism" vertex="{_prism(11)}"/><mesh name="stone" vertex="{_STONE}"/>',
)

# Legs that touch one another, themselves and a post, by rules and by pairs with laws of their own.
PAIRS = plain(
    """
  <geom class="touches" name="sole_{s}" type="capsule" fromto="-0.06 0 -0.03 0.12 0 -0.03" size="0.03" mass="1"
    contype="3" conaffinity="2"/>
  <geom name="ball_{s}" size="0.07" pos="0.02 0 0.02" mass="0.2" contype="2" conaffinity="2" condim="6"
    friction="0.6 0.05 0.01"/>""",
    thighs="""
    <geom name="flesh_{s}" type="capsule" fromto="0.01 0 -0.04 0 0.01 -0.28" size="0.085" mass="1" contype="2"
      conaffinity="2" margin="0.002"/>""",
    shanks="""
      <geom name="calf_{s}" type="capsule" fromto="-0.02 0 -0.08 0 0 -0.34" size="0.07" mass="1" contype="2"
        conaffinity="2" condim="4" friction="0.9 0.08 0" gap="0.002"/>""",
    beside="""
    <geom name="post" type="capsule" fromto="0.25 0 0 0.3 0 1.2" size="0.06" contype="2" conaffinity="0"/>""",
    contact="""
    <pair geom1="calf_l" geom2="calf_r" condim="6" friction="0.8 0.3 0.02 0.01 0.03" solref="-2000 -40"
      solimp="0.7 0.95 0.02 0.5 2" margin="0.01" gap="0.004"/>
    <pair geom1="calf_r" geom2="flesh_r" condim="1"/><pair geom1="flesh_l" geom2="calf_l"/>
    <pair geom1="sole_l" geom2="floor" condim="4" friction="0.9 0.5 0.02 0 0" solreffriction="0.05 1"/>
    <exclude body1="foot_l" body2="shank_r"/>""",
)

# Joints that rub.
RUSTY = plain(
    """
  <geom class="touches" name="sole_{s}" type="box" size="0.06 0.04 0.02" pos="0.04 0 -0.03" mass="1"/>""",
    joints='frictionloss="6" solreffriction="0.03 0.9" solimpfriction="0.8 0.9 0.01 0.5 2"',
)

PERSONS = {
    "balls": BALLS,
    "knees": KNEES,
    "splines": SPLINES,
    "grips": GRIPS,
    "rounds": ROUNDS,
    "meshes": MESHES,
    "pairs": PAIRS,
    "rusty": RUSTY,
}


def load(folder: Path, text: str) -> Human:
    """Load one of these persons, through a file in a folder."""
    path = folder / "person.xml"
    path.write_text(text)
    return models.load(ModelFiles(mjcf=str(path)))
