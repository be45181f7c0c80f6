"""OpenSim models to import: a small one of our own with joints of every kind, and real ones beside the checkout."""

from collections.abc import Sequence
from pathlib import Path

import pytest

# Whatever reads these files needs it; a test module that imports this one is skipped without it, and says so.
opensim = pytest.importorskip("opensim")

HERE = Path(__file__).parent
REFERENCE = HERE.parents[1].parent / "shared" / "opensim"
REAL = {
    "gait2392": "gait2392_walk.mot",
    "gait10dof18musc": "gait10dof18musc_walk.mot",
    "rajagopal_walk": "rajagopal_walk.mot",
}


def real(name: str) -> tuple[Path, Path]:
    """Files of a model and its motion. Skips the test, saying so, where they are not there."""
    files = (REFERENCE / f"{name}.osim", REFERENCE / REAL[name])
    for file in files:
        if not file.is_file():
            pytest.skip(f"{file} is not there")
    return files


def coordinate(name: str, low: float = -1.0, high: float = 1.0, default: float = 0.0, **flags: bool) -> str:
    set_ = {"clamped": True, "locked": False, "prescribed": False, **flags}
    return f"""<Coordinate name="{name}"><default_value>{default}</default_value><range>{low} {high}</range>
      <prescribed_function>{constant(0.1) if set_["prescribed"] else ""}</prescribed_function>
      {"".join(f"<{key}>{str(value).lower()}</{key}>" for key, value in set_.items())}</Coordinate>"""


def frame(name: str, body: str, place: str = "0 0 0", turn: str = "0 0 0") -> str:
    parent = "/ground" if body == "ground" else f"/bodyset/{body}"
    return f"""<PhysicalOffsetFrame name="{name}"><socket_parent>{parent}</socket_parent>
      <translation>{place}</translation><orientation>{turn}</orientation></PhysicalOffsetFrame>"""


def joint(
    kind: str,
    name: str,
    parent: str,
    child: str,
    coordinates: Sequence[str] = (),
    at: tuple[str, str] = ("0 0 0", "0 0 0"),
    own: tuple[str, str] = ("0 0 0", "0 0 0"),
    transform: str = "",
) -> str:
    """A joint; at and own: place and turn of its frame in the parent and in the child."""
    return f"""<{kind} name="{name}"><socket_parent_frame>{name}_parent</socket_parent_frame>
      <socket_child_frame>{name}_child</socket_child_frame><coordinates>{"".join(coordinates)}</coordinates>
      <frames>{frame(f"{name}_parent", parent, *at)}{frame(f"{name}_child", child, *own)}</frames>
      {transform}</{kind}>"""


def axis(part: str, vector: str, function: str, coordinate: str = "") -> str:
    return f"""<TransformAxis name="{part}"><coordinates>{coordinate}</coordinates><axis>{vector}</axis>
      {function}</TransformAxis>"""


def constant(value: float) -> str:
    return f'<Constant name="function"><value>{value}</value></Constant>'


def linear(slope: float, offset: float = 0.0) -> str:
    return f'<LinearFunction name="function"><coefficients>{slope} {offset}</coefficients></LinearFunction>'


def spline(x: str, y: str, kind: str = "SimmSpline") -> str:
    return f'<{kind} name="function"><x>{x}</x><y>{y}</y></{kind}>'


def times(factor: float, function: str) -> str:
    return f"""<MultiplierFunction name="function"><function>{function}</function><scale>{factor}</scale>
      </MultiplierFunction>"""


def polynomial(coefficients: str) -> str:
    return f'<PolynomialFunction name="function"><coefficients>{coefficients}</coefficients></PolynomialFunction>'


def sine(amplitude: float, omega: float, phase: float, offset: float) -> str:
    return f"""<Sine name="function"><amplitude>{amplitude}</amplitude><omega>{omega}</omega><phase>{phase}</phase>
      <offset>{offset}</offset></Sine>"""


_PARTS = ("rotation1", "rotation2", "rotation3", "translation1", "translation2", "translation3")
_AXES = ("0 0 1", "0 1 0", "1 0 0", "1 0 0", "0 1 0", "0 0 1")


def transform(**parts: tuple[str, str] | tuple[str, str, str]) -> str:
    """Axes of a custom joint: a function and its coordinate, and a vector where it is another; the rest stand still."""
    rows = []
    for part, usual in zip(_PARTS, _AXES, strict=True):
        function, of, *vector = parts.get(part, (constant(0), ""))
        rows.append(axis(part, vector[0] if vector else usual, function, of))
    return f"<SpatialTransform>{''.join(rows)}</SpatialTransform>"


def coupler(name: str, function: str, by: str, driven: str, factor: float = 1.0) -> str:
    return f"""<CoordinateCouplerConstraint name="{name}"><isEnforced>true</isEnforced>
      <coupled_coordinates_function>{function}</coupled_coordinates_function>
      <independent_coordinate_names>{by}</independent_coordinate_names>
      <dependent_coordinate_name>{driven}</dependent_coordinate_name><scale_factor>{factor}</scale_factor>
      </CoordinateCouplerConstraint>"""


BODIES = {
    "pelvis": 11.0, "femur_r": 9.0, "tibia_r": 3.5, "patella_r": 0.1, "talus_r": 0.2, "calcn_r": 1.2, "toes_r": 0.2,
    "femur_l": 9.0, "tibia_l": 3.5, "calcn_l": 1.2, "torso": 30.0, "head": 5.0, "arm_r": 2.0, "arm_l": 2.0,
    "hand_r": 0.5, "hand_l": 0.5, "hat": 0.3,
}  # fmt: skip


def body(name: str, mass: float) -> str:
    k = sum(map(ord, name)) % 7 / 100
    inertia = " ".join(str(share * mass) for share in (0.02, 0.012, 0.018, 0.001, -0.002, 0.0005))
    return f"""<Body name="{name}"><mass>{mass}</mass><mass_center>{k} {-0.1 - k} {k / 2}</mass_center>
      <inertia>{inertia}</inertia></Body>"""


def root(kind: str) -> str:
    """The pelvis' joint: free, custom, or planar."""
    if kind == "free":
        own = [coordinate(f"pelvis_{axis}", default=0.9 if axis == "ty" else 0.0, low=-2, high=2)
               for axis in ("rx", "ry", "rz", "tx", "ty", "tz")]  # fmt: skip
        return joint("FreeJoint", "ground_pelvis", "ground", "pelvis", own, own=("0.01 0.02 0", "0.1 0 0"))
    if kind == "planar":
        own = [coordinate("pelvis_tilt"), coordinate("pelvis_tx", -5, 5), coordinate("pelvis_ty", -1, 2, 0.9)]
        return joint("PlanarJoint", "ground_pelvis", "ground", "pelvis", own)
    names = ("pelvis_tilt", "pelvis_list", "pelvis_rotation", "pelvis_tx", "pelvis_ty", "pelvis_tz")
    own = [coordinate(name, -3, 3, 0.9 if name == "pelvis_ty" else 0.1) for name in names]
    axes = ("0 0 1", "1 0 0", "0 1 0", "1 0 0", "0 1 0", "0 0 1")
    parts = {part: (linear(1), name, axis) for part, name, axis in zip(_PARTS, names, axes, strict=True)}
    return joint("CustomJoint", "ground_pelvis", "ground", "pelvis", own, transform=transform(**parts))


KNEE = transform(
    rotation1=(linear(1), "knee_angle_r"),
    rotation2=(spline("-2 -1.4 -0.7 0 0.3", "0.1 0.08 0.02 0 -0.01"), "knee_angle_r", "0.1 1 0.2"),
    rotation3=(constant(0.05), ""),
    translation1=(times(0.9, spline("-2.1 -1.2 -0.5 0.2", "0.01 0.003 -0.004 0.005")), "knee_angle_r"),
    translation2=(polynomial("0.002 0.01 -0.02 -0.4"), "knee_angle_r"),
    translation3=(spline("-2 -1 0.3", "0.01 0.004 0", "PiecewiseLinearFunction"), "knee_angle_r"),
)
HAND = transform(  # a coordinate that nothing moves by as it is
    rotation1=(linear(2.0, 0.1), "hand_r"),
    rotation2=(sine(0.3, 2.0, 0.5, 0.1), "hand_r"),
    rotation3=(linear(-1.0, 0.2), "hand_turn_r", "1 1 0"),
    translation2=(polynomial("0.1 0.02 0 0 -0.01 0.03"), "hand_r"),
)


def joints(pelvis: str) -> list[str]:
    return [
        root(pelvis),
        joint("BallJoint", "hip_r", "pelvis", "femur_r", [coordinate(f"hip_r_{k}") for k in "xyz"],
              at=("-0.07 -0.06 0.08", "0.1 0.2 -0.1"), own=("0.01 0.02 0", "0 0.1 0")),
        joint("CustomJoint", "knee_r", "femur_r", "tibia_r", [coordinate("knee_angle_r", -2, 0.2, -0.1)],
              at=("0 -0.4 0", "0 0.05 0"), own=("0 0.01 0.02", "0.2 0 0.1"), transform=KNEE),
        joint("CustomJoint", "patella_r", "femur_r", "patella_r", [coordinate("beta_r", -99999, 99999, clamped=False)],
              at=("0.04 -0.38 0", "0 0 0"), transform=transform(
                  rotation1=(linear(1), "beta_r"),
                  translation1=(spline("-0.3 0.2 0.8 1.6", "0 -0.004 0.003 0.01"), "beta_r"))),
        joint("UniversalJoint", "ankle_r", "tibia_r", "talus_r", [coordinate("ankle_r_x"), coordinate("ankle_r_y")],
              at=("0 -0.4 0", "0.1 0.1 0.1")),
        joint("PinJoint", "subtalar_r", "talus_r", "calcn_r", [coordinate("subtalar_r", default=0.15, locked=True)],
              at=("-0.05 -0.04 0.01", "0.3 0.2 0.1"), own=("0 0 0", "0.3 0.2 0.1")),
        joint("PinJoint", "mtp_r", "calcn_r", "toes_r", [coordinate("mtp_r", clamped=False)],
              at=("0.18 0 0", "0 -0.2 0"), own=("0 0 0", "0 -0.2 0")),
        joint("GimbalJoint", "hip_l", "pelvis", "femur_l", [coordinate(f"hip_l_{k}") for k in "xyz"],
              at=("-0.07 -0.06 -0.08", "0 0 0")),
        joint("PinJoint", "knee_l", "femur_l", "tibia_l", [coordinate("knee_angle_l", -2, 0.2)],
              at=("0 -0.4 0", "0 0 0")),
        joint("PinJoint", "ankle_l", "tibia_l", "calcn_l", [coordinate("ankle_angle_l")],
              at=("-0.05 -0.44 0", "0 0 0")),
        joint("PlanarJoint", "back", "pelvis", "torso",
              [coordinate("bend"), coordinate("shift_x", -0.1, 0.1), coordinate("shift_y", -0.1, 0.1)],
              at=("0 0.1 0", "0.1 0 0.1")),
        joint("WeldJoint", "neck", "torso", "head", at=("0 0.5 0", "0 0 0.2")),
        joint("FreeJoint", "shoulder_r", "torso", "arm_r", [coordinate(f"arm_r_{k}", -0.5, 0.5) for k in range(6)],
              at=("0 0.4 0.2", "0 0 0")),
        joint("SliderJoint", "shoulder_l", "torso", "arm_l", [coordinate("arm_l", -0.1, 0.2)],
              at=("0 0.4 -0.2", "0.3 0.4 0.5")),
        joint("CustomJoint", "wrist_r", "arm_r", "hand_r", [coordinate("hand_r"), coordinate("hand_turn_r")],
              at=("0 -0.3 0", "0 0 0"), own=("0 0.02 0", "0 0 0.1"), transform=HAND),
        joint("WeldJoint", "wrist_l", "arm_l", "hand_l", at=("0 -0.3 0", "0 0 0")),
        joint("PinJoint", "brim", "head", "hat", [coordinate("hat_angle", prescribed=True)], at=("0 0.2 0", "0 0 0")),
    ]  # fmt: skip


COUPLERS = [coupler("patella_follows", linear(-0.7, 0.1), "knee_angle_r", "beta_r", 0.9)]


def actuator(of: str, most: float = 10.0, controls: tuple[str, str] = ("-Inf", "Inf"), kind: str = "") -> str:
    return f"""<{kind}CoordinateActuator name="move_{of}"><min_control>{controls[0]}</min_control>
      <max_control>{controls[1]}</max_control><coordinate>{of}</coordinate><optimal_force>{most}</optimal_force>
      </{kind}CoordinateActuator>"""


FORCES = [
    actuator("arm_l", 20.0, ("-2", "1.5")), actuator("bend"), actuator("subtalar_r"), actuator("pelvis_tx"),
    actuator("beta_r"), actuator("hat_angle", 3.0, ("-1", "1"), "Activation"), actuator("hat_angle", 2.0, ("-1", "1")),
    """<SpringGeneralizedForce name="spring"><coordinate>bend</coordinate><stiffness>1</stiffness>
      </SpringGeneralizedForce>""",
]  # fmt: skip


def person(pelvis: str = "custom", couplers: Sequence[str] = COUPLERS, changes: Sequence[tuple[str, str]] = ()) -> str:
    """Text of a .osim file; changes: old and new pieces of it."""
    text = f"""<?xml version="1.0" encoding="UTF-8"?><OpenSimDocument Version="40000"><Model name="person">
      <BodySet name="bodyset"><objects>{"".join(body(*one) for one in BODIES.items())}</objects></BodySet>
      <JointSet name="jointset"><objects>{"".join(joints(pelvis))}</objects></JointSet>
      <ConstraintSet name="constraintset"><objects>{"".join(couplers)}</objects></ConstraintSet>
      <ForceSet name="forceset"><objects>{"".join(FORCES)}</objects></ForceSet>
      <gravity>0 -9.80665 0</gravity></Model></OpenSimDocument>"""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text
