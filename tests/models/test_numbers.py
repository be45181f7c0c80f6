"""A model whose numbers are none is refused by name, and what MuJoCo says is said in a line of ours, once."""

import mujoco
import pytest

from person_files import write_person
from soleus import models
from soleus.errors import UserError


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('pos="0 -0.1 -0.05"', 'pos="0 nan -0.05"', "got nan in body_pos of 'thigh_r'"),
        ('axis="0 1 0" range="0 120"', 'axis="0 1 0" range="0 120" damping="nan"', "got nan in dof_damping"),
        (
            'axis="0 1 0" range="0 120"',
            'axis="0 1 0" range="0 120" stiffness="inf"',
            "got inf in jnt_stiffness of 'knee_",
        ),
    ],
)
def test_a_number_that_is_none_is_named(tmp_path, capfd, before, after, said):
    limbs = write_person(tmp_path).parent / "parts/limbs.xml"
    text = limbs.read_text()
    assert before in text
    limbs.write_text(text.replace(before, after, 1))
    with pytest.raises(UserError, match=f"person.xml: model 'person': expected finite numbers, {said}"):
        models.load(str(tmp_path / "body/person.xml"))
    for line in capfd.readouterr().err.splitlines():
        assert line.startswith("warning: MuJoCo: ")


def test_a_mesh_without_volume_is_an_error_of_one_line(tmp_path, capfd):
    write_person(tmp_path)
    mesh = tmp_path / "meshes/wedge.obj"
    mesh.write_text(mesh.read_text().replace("v 0.0 0.0 0.3", "v 0.0 0.0 0.0"))
    with pytest.raises(UserError, match="does not compile: Error: "):
        models.load(str(tmp_path / "body/person.xml"))
    assert capfd.readouterr().err == ""


def test_a_warning_of_mujoco_is_said_once(capsys):
    warn = mujoco.get_mju_user_warning()
    for at in (0.0, 0.5):
        warn(f"Inertia matrix is too close to\n singular of 'x'. Time = {at:.4f}.")
    assert capsys.readouterr().err == "warning: MuJoCo: Inertia matrix is too close to singular of 'x'.\n"


@pytest.mark.parametrize("element", ['<text name="" data="x"/>', '<numeric name="" data="1"/>'])
def test_a_custom_element_without_a_name_says_nothing(tmp_path, element):
    main_file = write_person(tmp_path)
    text = main_file.read_text()
    main_file.write_text(text.replace("<worldbody>", f"<custom>{element}</custom><worldbody>", 1))
    assert models.load(str(main_file)).muscle_names == models.load(str(write_person(tmp_path / "other"))).muscle_names
