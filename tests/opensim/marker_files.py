"""Markers on our own person, moved through known coordinates, as .trc and .c3d files."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from osim_files import opensim, person

ROWS, STEP = 41, 0.02  # of a clip, and seconds between them
# Three or four on each body that moves, not in a line; [m] in the body's frame.
PLACES = np.array([[0.06, 0.02, 0.05], [-0.05, 0.03, 0.04], [0.01, -0.12, -0.06], [0.03, 0.09, 0.01]])
_BODIES = {  # and how many
    "pelvis": 4, "femur_r": 3, "tibia_r": 3, "calcn_r": 3, "toes_r": 2, "femur_l": 3, "tibia_l": 3, "calcn_l": 3,
    "torso": 4, "arm_r": 4, "arm_l": 3, "hand_r": 3, "hat": 2,
}  # fmt: skip


@dataclass
class Moved:
    """A model, its coordinates over time, and where its markers are."""

    model: Path
    times: np.ndarray
    """(K,) [s]"""
    values: dict[str, np.ndarray]
    """(K,) of each coordinate that is not locked [rad] or [m]"""
    names: list[str]
    places: np.ndarray
    """(K, n, 3) [m] y up"""


def moved(folder: Path, amplitude: float = 0.2) -> Moved:
    """Write a model with markers to a folder, and move it."""
    bare, path = folder / "bare.osim", folder / "person.osim"
    bare.write_text(person("custom"))
    model = opensim.Model(str(bare))
    for body, count in _BODIES.items():
        for k, place in enumerate(PLACES[:count]):
            frame = model.getBodySet().get(body)
            model.addMarker(opensim.Marker(f"{body}.{k}", frame, opensim.Vec3(*place)))
    model.finalizeConnections()
    model.printToXML(str(path))
    state = model.initSystem()
    times = STEP * np.arange(ROWS)
    values, names = {}, [str(one.getName()) for one in model.getMarkerSet()]
    for k, one in enumerate(model.getCoordinateSet()):
        if one.getDefaultLocked() or one.isDependent(state) or one.get_prescribed():
            continue
        name, default = str(one.getName()), one.getDefaultValue()
        room = min(one.getRangeMax() - default, default - one.getRangeMin())
        size = min(amplitude * (1.0 if one.getMotionType() == 1 else 0.2), 0.9 * room)
        values[name] = default + size * np.sin(2 * np.pi * times / 0.8 + k)
    values["pelvis_tx"] = values["pelvis_tx"] + 1.2 * times
    places = np.zeros((ROWS, len(names), 3))
    for k in range(ROWS):
        for name, along in values.items():
            model.getCoordinateSet().get(name).setValue(state, float(along[k]), False)
        model.assemble(state)
        places[k] = [[one.getLocationInGround(state).get(i) for i in range(3)] for one in model.getMarkerSet()]
    return Moved(path, times, values, names, places)


def write_trc(path: Path, names: Sequence[str], times: np.ndarray, places: np.ndarray, unit: str = "mm") -> Path:
    """Write places (K, n, 3) in the unit, as programs of motion capture do; NaN is an empty cell."""
    rate = 1 / (times[1] - times[0])
    head = f"{rate:.2f}\t{rate:.2f}\t{len(times)}\t{len(names)}\t{unit}\t{rate:.2f}\t1\t{len(times)}"
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        head,
        "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t",
        "\t\t" + "\t".join(f"{axis}{k}" for k in range(1, len(names) + 1) for axis in "XYZ"),
        "",
    ]
    for k, (time, row) in enumerate(zip(times, places, strict=True), 1):
        cells = ["" if np.isnan(value) else f"{value:.6f}" for value in row.ravel()]
        lines.append("\t".join([str(k), f"{time:.5f}", *cells]))
    path.write_text("\n".join(lines) + "\n")
    return path


# In a process without opensim, whose wrapped vectors of strings are not those that ezc3d writes.
_WRITE = """
import sys, ezc3d, numpy as np
given = np.load(sys.argv[1])
places, file = given["places"], ezc3d.c3d()
point = file["parameters"]["POINT"]
point["RATE"]["value"] = [float(given["rate"])]
point["LABELS"]["value"] = [str(name) for name in given["names"]]
point["UNITS"]["value"] = [str(given["unit"])]
points = np.ones((4, places.shape[1], len(places)))
points[:3] = np.nan_to_num(places).transpose(2, 1, 0)
file["data"]["points"] = points
file["data"]["meta_points"]["residuals"] = -np.isnan(places[:, :, 0]).T[None].astype(float)
file.write(sys.argv[2])
"""


def write_c3d(path: Path, names: Sequence[str], times: np.ndarray, places: np.ndarray, unit: str = "mm") -> Path:
    """Write places (K, n, 3) in the unit; NaN is a point that was not seen, whose residual is -1."""
    arrays = path.with_suffix(".npz")
    np.savez(arrays, places=places, rate=1 / (times[1] - times[0]), names=list(names), unit=unit)
    subprocess.run([sys.executable, "-c", _WRITE, str(arrays), str(path)], check=True, capture_output=True)
    return path
