"""Names that a model's keys give, joints that are locked, muscles that are left out."""

from pathlib import Path

import numpy as np
import pytest

import scene
from soleus import models, motions
from soleus.config.sources import ModelFiles
from soleus.errors import UserError

FOREIGN = {"hip_r": "RHipFlex", "hip_l": "LHipFlex", "knee_r": "RKnee", "knee_l": "LKnee"}
FINGERS = ["cmc_*", "mp_*", "ip_*", "mcp*", "pm*", "md*"]


def foreign() -> str:
    """A person whose joints have names of somebody else's."""
    text = scene.mjcf(actuators="")
    for own, other in FOREIGN.items():
        text = text.replace(f'name="{own}"', f'name="{other}"')
    return text.replace('name="foot_r"', 'name="RSole"')


def load(folder: Path, text: str, **keys: object):
    return models.load(ModelFiles.model_validate({"mjcf": str(scene.write(folder, text)), **keys}))


def test_names_are_what_gains_sides_and_motions_go_by(tmp_path: Path) -> None:
    plain = models.load(scene.write(tmp_path, scene.mjcf(actuators="")))
    mapped = load(tmp_path, foreign(), joints=FOREIGN, bodies={"foot_r": "RSole"})
    assert mapped.coordinate_names == plain.coordinate_names
    np.testing.assert_array_equal(mapped.kp, plain.kp)
    np.testing.assert_array_equal(mapped.mirror_coordinate, plain.mirror_coordinate)
    np.testing.assert_array_equal(motions.load("walk", mapped).qpos, motions.load("walk", plain).qpos)
    with pytest.raises(UserError, match="the model has no right foot"):
        load(tmp_path, foreign(), joints=FOREIGN)


def test_a_joint_may_count_the_other_way_round(tmp_path: Path) -> None:
    plain = models.load(scene.write(tmp_path, scene.mjcf(actuators="")))
    turned = load(tmp_path, foreign(), joints={**FOREIGN, "hip_r": "-RHipFlex"}, bodies={"foot_r": "RSole"})
    hip = plain.coordinate_names.index("hip_r")
    assert (turned.lower[hip], turned.upper[hip]) == pytest.approx((-plain.upper[hip], -plain.lower[hip]))
    walk, other = (motions.load("walk", human) for human in (plain, turned))
    adr = plain.model.jnt_qposadr[plain.model.joint("hip_r").id]
    np.testing.assert_allclose(other.qpos[:, adr], -walk.qpos[:, adr], atol=1e-6)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {"joints": {"hip_r": "RHipFlx"}},
            r"model\.joints\.hip_r: expected a joint of the file, got 'RHipFlx'",
        ),
        ({"joints": {"ankle_r": "RKnee"}}, r"model\.joints\.ankle_r: expected a name that no joint has"),
        ({"bodies": {"foot_r": "Sole"}}, r"model\.bodies\.foot_r: expected a body of the file, got 'Sole'"),
        ({"lock": ["elbow*"]}, r"model\.lock: expected the name of a joint, or a pattern of names, got 'elbow\*'"),
        (
            {"without": ["soleus"]},
            r"model\.without: expected the name of a muscle, .*, got 'soleus'",
        ),
    ],
)
def test_names_that_are_not_there(keys: dict, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said):
        load(tmp_path, foreign(), **keys)


def test_muscles_are_left_out(tmp_path: Path) -> None:
    human = load(tmp_path, scene.mjcf(), without=["hip_*_flex", "knee_r_ext"])
    assert "hip_r_flex" not in human.muscle_names
    assert len(human.muscle_names) == 9


def test_fingers_that_are_locked_leave_354_muscles_of_the_full_body() -> None:
    """As MuscleMimic has it, whose full body without fingers has no muscle that moves one."""
    whole = models.load("myofullbody")
    fingers = [
        c for c, name in enumerate(whole.coordinate_names) if name.startswith(("cmc", "mp_", "ip_", "mcp", "pm", "md"))
    ]
    slots = {int(np.flatnonzero(whole.actuated == c)[0]) for c in fingers}
    rows = zip(whole.crossing_adr[:-1], whole.crossing_adr[1:], strict=True)
    movers = [
        name
        for name, (start, end) in zip(whole.muscle_names, rows, strict=True)
        if slots & set(whole.crossing[start:end].tolist())
    ]
    human = models.load(ModelFiles.model_validate({"mjcf": "myofullbody", "lock": FINGERS, "without": movers}))
    assert len(human.muscle_names) == 354
    assert len(human.coordinate_names) == len(whole.coordinate_names) - 40
    assert human.mass == pytest.approx(whole.mass)
    locked = models.load(ModelFiles.model_validate({"mjcf": "myofullbody", "lock": FINGERS}))
    assert len(locked.muscle_names) == 416 - 26  # those that move the fingers alone
