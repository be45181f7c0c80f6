"""What MuJoCo says in sentences alone: each rule about them is held against the library that is installed."""

from pathlib import Path

import mujoco
import pytest

from soleus import models
from soleus.errors import UserError
from soleus.models import speech

UNSEEN = "<geom size='1' contype='0' conaffinity='0' mass='0'/>"


def _error_of(text: str, discard: bool) -> Exception:
    spec = mujoco.MjSpec.from_string(text)
    spec.compiler.discardvisual = discard
    with pytest.raises(ValueError) as error:
        spec.compile()
    return error.value


def test_a_line_of_a_file_that_is_none_of_the_users_is_left_out() -> None:
    error = _error_of("<mujoco><worldbody><body name='torso'><freejoint/></body></worldbody></mujoco>", False)
    assert ", line 1" in str(error), "MuJoCo names lines in another way"
    assert speech.one_line(error) == (
        "Error: mass and inertia of moving bodies must be larger than mjMINVAL Element name 'torso', id 1"
    )


def test_advice_about_visual_elements_is_left_out() -> None:
    error = _error_of(f"<mujoco><worldbody><body><freejoint/>{UNSEEN}</body></worldbody></mujoco>", True)
    assert "visual elements" in str(error), "MuJoCo advises in another way"
    assert "visual" not in speech.one_line(error)


def test_a_warning_is_said_once_whatever_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    """A state that is none is reset by MuJoCo, with a warning that tells the time."""
    before = mujoco.get_mju_user_warning()
    heard: list[str] = []
    model = mujoco.MjModel.from_xml_string(
        "<mujoco><worldbody><body><freejoint/><geom size='1'/></body></worldbody></mujoco>"
    )
    try:
        for time in (0.5, 1.25):
            data = mujoco.MjData(model)
            data.time, data.qvel[0] = time, float("nan")
            for say in (heard.append, speech._say):
                mujoco.set_mju_user_warning(say)
                mujoco.mj_step(model, data)
                data.time, data.qvel[0] = time, float("nan")
                data.warning.number[:] = 0
    finally:
        mujoco.set_mju_user_warning(before)
    assert [one for one in heard if "Time = " in one], heard
    said = capsys.readouterr().err
    assert said.startswith("warning: MuJoCo: Nan, Inf or huge value in QVEL")
    assert said.count("\n") == 1
    assert "Time" not in said


def test_a_skeleton_of_mass_is_known_by_its_root(tmp_path: Path) -> None:
    file = tmp_path / "human.xml"
    file.write_text("<Skeleton name='Human'><Node name='Pelvis'/></Skeleton>")
    with pytest.raises(UserError, match=rf"a skeleton of MASS is given by model: {{mass: {{skeleton: {file}}}}}$"):
        models.load(str(file))
    file.write_text("<Body/>")
    with pytest.raises(UserError, match=r"is not valid MJCF: .*'Body'"):
        models.load(str(file))
