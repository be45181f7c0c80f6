"""The bodies that pushes and loads are put on have mass."""

from pathlib import Path

import pytest

import scene
from soleus import models
from soleus.conditions.names import meaning_of
from soleus.models.solid import pelvis_of, solid


@pytest.mark.parametrize("name", ["walk2d", "myolegs", "myofullbody"])
def test_pelvis_and_trunk_of_built_in_models(name: str) -> None:
    human = models.load(name)
    (loaded,) = meaning_of("load", human).elements
    assert [human.model.body(body).name for body in (pelvis_of(human), loaded)] == ["pelvis", "torso"]
    assert human.model.body_mass[[pelvis_of(human), loaded]].min() > 1


def test_a_frame_without_mass_stands_for_the_heaviest_body_that_is_fixed_to_it(tmp_path: Path) -> None:
    worn = "".join(
        f'<body name="{name}"><geom type="sphere" size="0.05" mass="{mass}"/></body>'
        for name, mass in (("bag", 2), ("hat", 1))
    )
    human = scene.human(tmp_path, worn=f'<body name="frame">{worn}</body>')
    assert pelvis_of(human) == human.root_body
    assert human.model.body(solid(human, human.model.body("frame").id)).name == "pelvis"
