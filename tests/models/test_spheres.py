"""Contact spheres that a model's keys move, add and take away."""

from pathlib import Path

import numpy as np
import pytest

import scene
from soleus import models
from soleus.config.sources import ModelFiles
from soleus.errors import UserError
from soleus.models import Human

SOLES = {
    "foot_r": ["heel_r", "toe_r"],
    "foot_l": ["heel_l", "toe_l"],
}


def text() -> str:
    """A person on spheres, and what they touch with beside their place."""
    found = scene.mjcf(actuators="")
    for foot, names in SOLES.items():
        spheres = "".join(
            f'<geom name="{name}" type="sphere" size="0.03" pos="{0.1 * k} 0 0" mass="0.1" friction="0.7"/>'
            for k, name in enumerate(names)
        )
        head = f'<body name="{foot}"'
        assert head in found
        begin = found.index(">", found.index(head)) + 1
        found = found[:begin] + spheres + found[begin:]
    return found


def load(folder: Path, **spheres: object) -> Human:
    return models.load(ModelFiles.model_validate({"mjcf": str(scene.write(folder, text())), "spheres": spheres}))


def names_of(human: Human) -> set[str]:
    return {human.model.geom(k).name for k in range(human.model.ngeom)}


def test_a_sphere_is_moved_and_sized(tmp_path: Path) -> None:
    model = load(tmp_path, heel_r={"pos": [-0.02, 0.01, 0.0]}, toe_l={"radius": 0.04}).model
    np.testing.assert_allclose(model.geom("heel_r").pos, [-0.02, 0.01, 0])
    assert (model.geom("heel_r").size[0], model.geom("toe_l").size[0]) == (0.03, 0.04)
    np.testing.assert_allclose(model.geom("toe_l").pos, [0.1, 0, 0])


def test_a_sphere_that_is_added_touches_as_the_body_does_and_weighs_nothing(tmp_path: Path) -> None:
    plain = load(tmp_path)
    human = load(tmp_path, mid_r={"body": "foot_r", "pos": [0.05, 0, 0], "radius": 0.02})
    new, old = human.model.geom("mid_r"), human.model.geom("heel_r")
    assert new.bodyid == old.bodyid
    assert (new.contype, new.conaffinity, new.friction[0]) == (old.contype, old.conaffinity, 0.7)
    np.testing.assert_array_equal(human.model.body_mass, plain.model.body_mass)
    np.testing.assert_array_equal(human.model.body_ipos, plain.model.body_ipos)


def test_spheres_are_taken_away_and_replaced(tmp_path: Path) -> None:
    new = {f"ball_{side}": {"body": f"foot_{side}", "pos": [0, 0, 0], "radius": 0.05} for side in "rl"}
    left = names_of(load(tmp_path)) - names_of(load(tmp_path, **{"heel_*": None, "toe_?": None}, **new))
    assert left == {"heel_r", "heel_l", "toe_r", "toe_l"}


@pytest.mark.parametrize(
    ("spheres", "said"),
    [
        ({"hel_r": None}, r"model\.spheres\.hel_r: expected the name of a sphere of the file.*did you mean 'heel_r'"),
        ({"hel_r": {"radius": 0.02}}, r"spheres\.hel_r\.body: expected one, since the file has no sphere of this name"),
        ({"sole_*": {"radius": 0.02}}, r"spheres\.sole_\*: expected the name of a sphere of the file, or a pattern"),
        ({"heel_*": {"pos": [0, 0, 0]}}, r"spheres\.heel_\*\.pos: expected the name of one sphere, got a pattern of 2"),
        ({"heel_r": {"body": "foot_l"}}, r"spheres\.heel_r\.body: expected none or 'foot_r' .*, got 'foot_l'"),
        ({"floor": None}, r"spheres\.floor: expected the name of a sphere, got that of a geom of another shape"),
        (
            {"new": {"body": "fot_r", "pos": [0, 0, 0], "radius": 0.1}},
            r"spheres\.new\.body: expected a body of the model, got 'fot_r' \(did you mean 'foot_r'\?\)",
        ),
    ],
)
def test_what_is_wrong(spheres: dict[str, object], said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said) as error:
        load(tmp_path, **spheres)
    assert "\n" not in str(error.value)
