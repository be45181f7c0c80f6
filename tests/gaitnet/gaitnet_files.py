"""Environments that are tried: a small one of our own, and the known one where it lies beside the checkout."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml

from mass_files import FILES
from soleus import motions
from soleus.config.sources import BvhMotion, ModelFiles
from soleus.models import load
from soleus.models.mass import read_skeleton
from soleus.motions.laps import Lap
from soleus.motions.posing import root_slots
from soleus.motions.rotations import about_z, conjugate, from_matrices, log, multiply, rotated

REFERENCE = Path(__file__).parents[2].parent / "shared" / "gaitnet"
PERSON = FILES["person"]
FRAMES = 61
CONTENT: dict[str, Any] = {
    "training": {"max_epoch": 10},
    "environment": {
        "skeleton": {"file": "@data/skeleton/person.xml", "actuator": "mass_lower", "kp": 200},
        "motion": {"type": "h5", "file": "@data/motion/stride.h5", "cyclic": True},
        "muscle": {"file": "@data/muscle/muscles.xml", "use_velocity_force": False},
        "simulation": {"sim_hz": 480, "control_hz": 30, "inference_per_sim": 1},
        "action": {"scale": 0.04, "residual": True, "time_warping": 0.001},
        "advanced": {"enforce_symmetry": True, "hard_phase_clipping": True},
        "reward": {
            "type": "gaitnet",
            "eoe_type": "time",
            "metabolic": {"type": "A2", "weight": 0.03, "multiplicative": True, "torque": {"coeff": 0.1}},
            "locomotion": {"step_weight": 2.0, "avg_vel": {"weight": 6.0, "clip": 0.2}},
        },
    },
}


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The environment with values at dotted keys below `environment`."""
    content: dict[str, Any] = yaml.safe_load(yaml.safe_dump(CONTENT, sort_keys=False))
    for dotted, value in changes:
        section = content["environment"]
        *above, last = dotted.split(".")
        for key in above:
            section = section.setdefault(key, {})
        section[last] = value
    return content


def write(folder: Path, content: Mapping[str, Any] = CONTENT) -> Path:
    """Write the environment and its files into a folder; return the YAML file. The data lie in data/."""
    for name, file in (("skeleton", PERSON["skeleton"]), ("muscle", PERSON["muscles"])):
        (folder / "data" / name).mkdir(parents=True, exist_ok=True)
        (folder / "data" / name / file.name).write_text(file.read_text())
    (folder / "data" / "motion").mkdir(exist_ok=True)
    write_h5(folder / "data" / "motion" / "stride.h5", coordinates()[0])
    path = folder / "env.yaml"
    path.write_text(yaml.safe_dump(dict(content), sort_keys=False))
    return path


def write_h5(path: Path, motion: np.ndarray, first: float = 0.0, **arrays: np.ndarray) -> None:
    """Coordinates (F, n) over a lap of a second that begins at a phase."""
    count = len(motion)
    phase = (first + np.arange(count) / (count - 1)) % 1.0
    with h5py.File(path, "w") as file:
        for name, values in {"motions": motion, "phase": phase, "time": 7 + np.linspace(0, 1, count), **arrays}.items():
            file[name] = np.asarray(values, np.float32 if name == "motions" else np.float64)


def coordinates(gap: float = 0.0, turn: float = 0.0) -> tuple[np.ndarray, motions.Motion]:
    """DART's coordinates (F, 32) of the stride of the small person, and that motion.

    gap [rad]: of every joint at the end of the lap; turn [rad]: of the root to the left over it.
    """
    human = load(ModelFiles(mass={"skeleton": str(PERSON["skeleton"])}))
    motion = motions.load(BvhMotion(bvh=str(PERSON["bvh"]), hz=60), human)
    slots, last = root_slots(human), motion.qpos
    lap = Lap(np.array([motion.qpos[0, adr] for adr in slots.shift]), motion.displacement, 0.0)
    qpos, share = np.vstack([last, lap.poses(last[:1], 1, slots)]), np.linspace(0, 1, len(last) + 1)
    back, columns = conjugate(human.channel_axes), []
    for node in read_skeleton(PERSON["skeleton"]).nodes.values():
        adr = int(human.model.joint(node.name).qposadr[0])
        if node.joint == "Free":
            turned = multiply(np.stack([about_z(turn * s) for s in share]), qpos[:, adr + 3 : adr + 7])
            own = multiply(conjugate(from_matrices(node.joint_rotation[None])), multiply(back, turned))
            place = rotated(back, qpos[:, adr : adr + 3]) - node.joint_place
            columns += [log(own), place @ node.joint_rotation]
        else:
            width = 3 if node.joint == "Ball" else 1
            values = log(qpos[:, adr : adr + 4]) if width == 3 else qpos[:, adr : adr + 1]
            columns.append(values + gap * share[:, None])
    return np.hstack(columns), motion


def reference() -> Path:
    """The folder of the known environment. Skips the test, saying so, where it is not there."""
    if not (REFERENCE / "A2_sep.yaml").exists():
        pytest.skip(f"{REFERENCE / 'A2_sep.yaml'} is not there")
    return REFERENCE
