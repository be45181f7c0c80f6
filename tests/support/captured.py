"""BVH files of a person who walks in the sagittal plane, written as the tools of different makers write them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Joints of the trunk and of a side, as each maker names them; L stands for the side. None: it has no such joint.
MIXAMO = {
    "hips": "mixamorig:Hips", "chest": "mixamorig:Spine2", "thigh": "mixamorig:SideUpLeg", "shank": "mixamorig:SideLeg",
    "foot": "mixamorig:SideFoot", "toe": "mixamorig:SideToeBase", "collar": "mixamorig:SideShoulder",
    "upper_arm": "mixamorig:SideArm", "forearm": "mixamorig:SideForeArm", "sides": ("Right", "Left"),
}  # fmt: skip
MOTIONBUILDER = {key: name.replace("mixamorig:", "") if isinstance(name, str) else name for key, name in MIXAMO.items()}
XSENS = {
    "hips": "Hips", "chest": "Chest4", "thigh": "SideHip", "shank": "SideKnee", "foot": "SideAnkle", "toe": "SideToe",
    "collar": "SideCollar", "upper_arm": "SideShoulder", "forearm": "SideElbow", "sides": ("Right", "Left"),
}  # fmt: skip
DAZ = {
    "hips": "hip", "chest": "chest", "thigh": "SideThigh", "shank": "SideShin", "foot": "SideFoot", "toe": "SideToe",
    "collar": "SideCollar", "upper_arm": "SideShldr", "forearm": "SideForeArm", "sides": ("r", "l"),
}  # fmt: skip
MAKERS = {"mixamo": MIXAMO, "motionbuilder": MOTIONBUILDER, "xsens": XSENS, "daz": DAZ}
FRAMES = 33
SPEED, STRIDE_S = 1.2, 1.1  # [m/s], [s]


def angles(side: str) -> dict[str, np.ndarray]:
    """Hip and knee flexion and dorsiflexion [degree] over a stride, the left side half a stride behind the right."""
    phase = 2 * np.pi * (np.linspace(0, 1, FRAMES) + (0.0 if side == "r" else 0.5))
    knee = 30 - 25 * np.cos(phase - 1.8 * np.pi * 0.75)
    return {"hip": 5 + 20 * np.cos(phase), "knee": knee, "ankle": 6 * np.sin(phase - 0.5)}


@dataclass(frozen=True)
class Tool:
    """How a tool writes its files. unit: [m]; positions: channels of positions on every joint; ends: whether limbs end
    in an End Site; line, indent and mark: what ends a line, stands before it, and begins the file."""

    maker: str = "mixamo"
    unit: float = 0.01
    up: str = "y"
    positions: bool = False
    ends: bool = True
    line: str = "\n"
    indent: str = "  "
    mark: bytes = b""

    @property
    def axes(self) -> np.ndarray:
        """(3, 3) from y up to its own axes."""
        return np.eye(3) if self.up == "y" else np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])

    def values(self, metres: tuple[float, ...]) -> list[float]:
        return list(self.axes @ np.array(metres) / self.unit)

    def offset(self, *metres: float) -> str:
        return "OFFSET " + " ".join(f"{value:.6f}" for value in self.values(metres))


def write(folder: Path, maker: str = "mixamo", frames: int = FRAMES, **how: object) -> Path:
    """Write a clip whose T-pose stands upright and faces +z (of y up) or -y (of z up), arms spread."""
    tool = Tool(maker, **how)
    out, channels = ["HIERARCHY"], list[tuple]()
    _joint(
        tool, out, channels, ("hips", (0, 0, 0), [("chest", (0, 0.3, 0), [_arm("r"), _arm("l")]), _leg("r"), _leg("l")])
    )
    out.extend(["MOTION", f"Frames: {frames}", f"Frame Time: {STRIDE_S / (FRAMES - 1):.6f}"])
    of_sides = {side: angles(side) for side in "rl"}
    for k in range(frames):
        row = list[float]()
        for key, side, place in channels:
            if key == "hips":
                row += tool.values((0, 0.95, SPEED * STRIDE_S * k / (FRAMES - 1)))
            elif place is not None:
                row += tool.values(place)
            now = {name: of[k] for name, of in of_sides[side].items()} if side else {}
            row += _turns(key, now, tool.up, side)
        out.append(("\t" if "\t" in tool.indent else " ").join(f"{value:.6f}" for value in row))
    path = folder / f"{maker}.bvh"
    path.write_bytes(tool.mark + tool.line.join(out).encode() + tool.line.encode())
    return path


def _leg(side: str) -> tuple:
    x = -0.09 if side == "r" else 0.09
    toe = ("toe", (0, -0.05, 0.13), [])
    return ("thigh", (x, -0.08, 0), [("shank", (0, -0.42, 0), [("foot", (0, -0.41, 0), [toe])])], side)


def _arm(side: str) -> tuple:
    x = -1 if side == "r" else 1
    lower = ("forearm", (0.28 * x, 0, 0), [])
    return ("collar", (0.04 * x, 0.2, 0), [("upper_arm", (0.13 * x, 0, 0), [lower])], side)


def _joint(tool: Tool, out: list[str], channels: list[tuple], joint: tuple, depth: int = 0, side: str = "") -> None:
    """Write a joint, given as its kind, place, children and perhaps side, and all below it."""
    names, pad, inner = MAKERS[tool.maker], tool.indent * depth, tool.indent * (depth + 1)
    key, place, children = joint[:3]
    side = joint[3] if len(joint) > 3 else side
    name = names[key].replace("Side", names["sides"]["rl".index(side)] if side else "")
    has_place = key == "hips" or tool.positions
    count = "6 Xposition Yposition Zposition" if has_place else "3"
    out += [f"{pad}{'ROOT' if key == 'hips' else 'JOINT'} {name}", f"{pad}{{", f"{inner}{tool.offset(*place)}"]
    out.append(f"{inner}CHANNELS {count} Zrotation Xrotation Yrotation")
    channels.append((key, side, place if has_place and key != "hips" else None))
    for child in children:
        _joint(tool, out, channels, child, depth + 1, side)
    if not children and tool.ends:
        out += [f"{inner}End Site", f"{inner}{{", f"{inner}{tool.indent}{tool.offset(0, 0, 0.05)}", f"{inner}}}"]
    out.append(f"{pad}}}")


def _turns(key: str, angle: dict[str, float], up: str, side: str) -> list[float]:
    """Rotations about z, x and y [degree]: a limb that turns about the lateral axis x, knees backwards."""
    about_x = {"thigh": -angle.get("hip", 0), "shank": angle.get("knee", 0), "foot": -angle.get("ankle", 0)}.get(
        key, 0.0
    )
    hanging = 80.0 if side == "r" else -80.0  # of the arms, which are spread at rest
    down = hanging if key == "upper_arm" else 0.0
    return [down, about_x, 0.0] if up == "y" else [0.0, about_x, -down]
