"""Attributes of the format and of its successor: followed by axis, or refused by name."""

import re

import numpy as np
import pytest

from mass_files import FILES
from soleus import import_mass, models
from soleus.config import load_config
from soleus.config.sources import MassFiles, ModelFiles
from soleus.errors import UserError
from soleus.models import load
from soleus.sim.scenario import load_scenario

OWN = FILES["person"]


def skeleton(tmp_path, *changes: tuple[str, str]) -> str:
    text = OWN["skeleton"].read_text()
    for before, after in changes:
        assert re.search(before, text)
        text = re.sub(before, after, text)
    path = tmp_path / "changed.xml"
    path.write_text(text)
    return str(path)


def loaded(tmp_path, *changes: tuple[str, str], damping: float = 0.0):
    return load(ModelFiles(mass=MassFiles(skeleton=skeleton(tmp_path, *changes), damping=damping)))


def of(human, values, joint: str) -> list[float]:
    """Of an array over the actuated coordinates, those of a joint."""
    names = [human.coordinate_names[c] for c in human.actuated]
    return [float(v) for v, name in zip(values, names, strict=True) if name == joint or name[:-2] == joint]


BALL, HINGE = 'type="Ball" bvh="thigh_r"', 'type="Revolute" axis ="1.0 0.0 0.0" bvh="shin_r"'


def test_gains_by_axis(tmp_path):
    own = loaded(
        tmp_path, (BALL, BALL + ' kp="50 60 70" kv="5 6 7"'), (HINGE, HINGE + ' kp="200"'),
        ('type="Ball" bvh="foot_r"', 'type="Ball" bvh="foot_r" kv="3"'),
    )  # fmt: skip
    assert of(own, own.kp, "FemurR") == [50, 60, 70]
    assert of(own, own.kd, "FemurR") == [5, 6, 7]
    assert of(own, own.kp, "TibiaR") == [200]
    assert of(own, own.kd, "TibiaR") == pytest.approx([20])  # sqrt(2 kp)
    assert of(own, own.kp, "FootR") == [300, 300, 300]
    assert of(own, own.kd, "FootR") == [3, 3, 3]
    assert of(own, own.kp, "FemurL") == [300, 300, 300]
    assert (own.root_kp, own.root_kd) == (0, 0)
    assert loaded(tmp_path).root_kp == 300


def test_damping_stiffness_and_friction(tmp_path):
    own = loaded(
        tmp_path, (BALL, BALL + ' damping="0.1 0.2 0.3" friction="1 2 3" stiffness="4"'),
        (HINGE, HINGE + ' damping="0.9" stiffness="7" friction="0.5"'),
        ('type="Free"', 'type="Free" damping="0.05"'), damping=0.4,
    )  # fmt: skip
    model = own.model
    thigh, shin, root = (model.joint(name) for name in ("FemurR", "TibiaR", "Pelvis"))
    np.testing.assert_allclose(model.dof_damping[thigh.dofadr[0] :][:3], [0.1, 0.2, 0.3])
    np.testing.assert_allclose(model.dof_frictionloss[thigh.dofadr[0] :][:3], [1, 2, 3])
    assert float(np.ravel(thigh.stiffness)[0]) == 4
    assert [float(np.ravel(v)[0]) for v in (shin.damping, shin.stiffness, shin.frictionloss)] == [0.9, 7, 0.5]
    np.testing.assert_allclose(model.dof_damping[root.dofadr[0] :][:6], 0.05)
    np.testing.assert_allclose(model.joint("FemurL").damping, 0.4)


def test_weights_count_in_imitation(tmp_path):
    changed = skeleton(tmp_path, (BALL, BALL + ' weight="2 0 1"'))
    own = load(ModelFiles(mass=MassFiles(skeleton=changed)))
    assert of(own, own.pose_weight, "FemurR") == [2, 0, 1]
    assert of(own, own.pose_weight, "FemurL") == [1, 1, 1]


def test_an_import_keeps_them(tmp_path):
    changed = skeleton(
        tmp_path,
        (BALL, BALL + ' kp="50 60 70" kv="5" damping="0.1 0.2 0.3" friction="1 2 3" stiffness="4" weight="2 0 1"'),
    )
    import_mass(changed, OWN["muscles"], out=tmp_path / "out")
    ours = load_scenario(load_config(tmp_path / "out" / "train.yaml")).human
    own = models.load(ModelFiles(mass=MassFiles(skeleton=changed)))
    for field in ("kp", "kd", "pose_weight"):
        np.testing.assert_array_equal(getattr(ours, field), getattr(own, field))
    assert ours.root_kp == own.root_kp == 0
    for field in ("dof_damping", "dof_frictionloss", "jnt_stiffness"):
        np.testing.assert_array_equal(getattr(ours.model, field), getattr(own.model, field))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (" lower=", " lowr=", r"<Joint>: unknown attribute 'lowr' \(did you mean 'lower'\?\)"),
        (BALL, BALL + ' Kp="3"', r"<Joint>: unknown attribute 'Kp' \(did you mean 'kp'\?\)"),
        (BALL, BALL + ' kp="1 2"', r"<Joint>: kp: expected 3 numbers, got 2"),
        (BALL, BALL + ' kp="-1"', r"<Joint>: kp: expected numbers of 0 or more, got '-1'"),
        (BALL, BALL + ' kv="nan"', r"<Joint>: kv: expected finite numbers"),
        (BALL, BALL + ' axis="1 0 0"', r"<Joint>: unknown attribute 'axis'"),
        (BALL, BALL + ' stiffness="1 2 3"', r"<Joint>: stiffness: expected the same about all axes"),
        ('type="Free"', 'type="Free" kp="3"', r"<Joint>: unknown attribute 'kp'"),
        ('contact="On"', 'contct="On"', r"<Body>: unknown attribute 'contct' \(did you mean 'contact'\?\)"),
        ("endeffector", "endefector", r"<Node> 'FootR': unknown attribute 'endefector' \(did you mean 'endeffector'"),
        ("<Skeleton ", '<Skeleton scale="2" ', r"<Skeleton> 'Person': unknown attribute 'scale'; expected one of name"),
        (' translation="', ' rotation="1" translation="', r"<Transformation>: unknown attribute 'rotation'"),
        ("</Skeleton>", "<Noed/></Skeleton>", r"<Noed>: unknown element in <Skeleton> \(did you mean 'Node'\?\)"),
        ("</Joint>", "<Limit/></Joint>", r"<Limit>: unknown element in <Joint>; expected <Transformation>"),
    ],
)
def test_unknown_ones_of_a_skeleton(before, after, said, tmp_path):
    with pytest.raises(UserError, match=rf"changed\.xml line \d+: {said}"):
        loaded(tmp_path, (before, after))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (" lmax=", " lmx=", r"<Unit> 'L_Gluteus': unknown attribute 'lmx' \(did you mean 'lmax'\?\)"),
        (' f0="', ' fo="1" f0="', r"<Unit> 'L_Gluteus': unknown attribute 'fo'; expected one of name, f0, lm"),
        (' p="', ' weight="1" p="', r"<Waypoint> 'Pelvis': unknown attribute 'weight'; expected one of body, p"),
        ("</Unit>", "<Way/></Unit>", r"<Way>: unknown element in <Unit>"),
        (' lm="', ' lm_contract="1" lm="', "expected lm or lm_contract, which mean the same, got both"),
    ],
)
def test_unknown_ones_of_muscles(before, after, said, tmp_path):
    path = tmp_path / "muscles.xml"
    path.write_text(OWN["muscles"].read_text().replace(before, after, 1))
    with pytest.raises(UserError, match=rf"muscles\.xml line \d+: .*{said}"):
        load(ModelFiles(mass=MassFiles(skeleton=str(OWN["skeleton"]), muscles=str(path))))


def test_later_names_of_lengths(tmp_path):
    path = tmp_path / "muscles.xml"
    renamed = OWN["muscles"].read_text().replace(" lm=", " lm_contract=").replace(" lt=", " lt_rel=")
    path.write_text(renamed.replace(" lmax=", " lm_contractax="))
    own, plain = (
        load(ModelFiles(mass=MassFiles(skeleton=str(OWN["skeleton"]), muscles=str(muscles)))).polylines
        for muscles in (path, OWN["muscles"])
    )
    np.testing.assert_array_equal(own.optimal, plain.optimal)
    np.testing.assert_array_equal(own.slack, plain.slack)


def test_limits_in_degrees_are_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"expected limits in radians, a whole turn \(6.28\) at most, got 114: are they in"
    ):
        loaded(tmp_path, (r'lower="[^"]*" upper="[^"]*"', 'lower="-114 -57 -57" upper="69 57 57"'))


def test_muscles_in_another_unit_than_the_skeleton_are_refused(tmp_path):
    def larger(match: re.Match[str]) -> str:
        return 'p="' + " ".join(f"{100 * float(word)}" for word in match[1].split()) + '"'

    path = tmp_path / "muscles.xml"
    path.write_text(re.sub(r'p="([^"]*)"', larger, OWN["muscles"].read_text()))
    with pytest.raises(
        UserError, match=r"muscles.xml line \d+: .* metres, got one .* m from its joint: are the muscles in"
    ):
        load(ModelFiles(mass=MassFiles(skeleton=str(OWN["skeleton"]), muscles=str(path))))
