"""The legs of myo-sim with a prosthesis on the right: they load as they are, and imitate a walk."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from soleus import models, motions
from soleus.cli import main
from soleus.config.sources import ModelFiles
from soleus.models import Human
from soleus.run.log import read_metrics

myo_sim = pytest.importorskip("myo_sim")
FILE = Path(myo_sim.__file__).parent / "models" / "legacy" / "osl" / "myolegs_osl.xml"
KEYS = {"joints": {"knee_angle_r": "osl_knee_angle_r", "ankle_angle_r": "osl_ankle_angle_r"}, "lock": ["socket_*"]}


@pytest.fixture(scope="module")
def file() -> Path:
    if not FILE.is_file():
        pytest.skip(f"{FILE} is not there")
    return FILE


def load(file: Path, **keys: object) -> Human:
    return models.load(ModelFiles.model_validate({"mjcf": str(file), **keys}))


def test_a_foot_without_a_side_is_on_that_of_the_leg_that_it_hangs_on(file: Path) -> None:
    human = load(file)
    feet = [[human.model.body(b).name for b in foot] for foot in human.feet]
    assert feet == [["osl_foot_assembly"], ["calcn_l", "toes_l"]]
    assert len(human.muscle_names) == 54
    assert human.motors.names == ("osl_knee_torque_actuator", "osl_ankle_torque_actuator")


def test_it_walks_where_the_motion_does(file: Path) -> None:
    for human in (load(file), load(file, **KEYS)):
        walk = motions.load("walk", human)
        assert walk.speed == pytest.approx(1.24, abs=0.1)
        assert np.abs(walk.qpos[:, 1]).max() < 0.05  # straight ahead, whichever way the file faces
    assert {"knee_angle_r", "ankle_angle_r"} <= set(human.coordinate_names)
    assert not [name for name in human.coordinate_names if "socket" in name]


@pytest.mark.slow  # half a minute of MuJoCo, whose terrain the lanes do not cover
def test_it_learns_to_walk_longer(file: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        yaml.safe_dump({"base": "walk-myolegs-quick", "model": {"mjcf": str(file), "contacts": "feet", **KEYS}})
    )
    flags = ["--policy.mirror", "false", "--control.paths", "exact", "--steps", "49152", "--train.eval-episodes", "1"]
    assert main(["train", str(tmp_path / "mine.yaml"), *flags, "--run-dir", str(tmp_path / "run")]) == 0
    lengths = [row["episode/length_s"] for row in read_metrics(tmp_path / "run") if "episode/length_s" in row]
    assert np.mean(lengths[-2:]) > 1.2 * lengths[0]
