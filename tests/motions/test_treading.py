"""Pelvis against feet and ground: columns in units of their own, axes that do not fit, quaternions in another order."""

import csv
from pathlib import Path

import numpy as np
import pytest
from test_units import STRIDE, rewritten, table

from soleus import motions
from soleus.config.sources import BvhMotion, MassFiles, ModelFiles, TableMotion
from soleus.errors import UserError
from soleus.models import load
from soleus.motions.bvh import read_bvh
from soleus.motions.rotations import multiply
from soleus.motions.table import write_table
from soleus.motions.treading import treading
from soleus.motions.units import LENGTHS

MASS = Path(__file__).parents[1] / "mass"
SHARED = Path(__file__).parents[2].parent / "shared" / "mass"


@pytest.mark.parametrize("unit", ["feet", "inches", "centimetres", "millimetres"])
@pytest.mark.parametrize("model", ["walk2d", "myolegs"])
def test_one_column_in_another_unit(model, unit, tmp_path, request):
    human = request.getfixturevalue(model)
    walk = motions.load("walk", human)
    path = table(tmp_path / "w.csv", walk, human, lambda n, v: v / LENGTHS[unit] if n == "root_tx" else v)
    with pytest.raises(UserError, match=rf"column 'root_tx': expected the pelvis to go as far .* fits {unit}, and"):
        motions.load(path, human)
    path = table(tmp_path / "w.csv", walk, human, lambda n, v: v / LENGTHS[unit] if n == "root_tz" else v)
    with pytest.raises(UserError, match=rf"column 'root_tz': expected the pelvis .* in {unit}, say motion\.scale"):
        motions.load(path, human)
    with pytest.raises(UserError, match=r"column 'root_tx': .* that column fits metres"):
        motions.load(TableMotion(table=path, scale=LENGTHS[unit]), human)


def test_a_sway_in_inches(tmp_path, myolegs):
    walk = motions.load("walk", myolegs)
    path = table(tmp_path / "w.csv", walk, myolegs, lambda n, v: v / 0.0254 if n == "root_ty" else v)
    with pytest.raises(UserError, match=r"column 'root_ty': expected the pelvis to go as far"):
        motions.load(path, myolegs)


@pytest.mark.parametrize("unit", LENGTHS)
def test_whole_tables_in_any_unit_name_it(unit, tmp_path, walk2d):
    walk = motions.load("walk", walk2d)
    slides = ("root_tx", "root_tz")
    path = table(tmp_path / "w.csv", walk, walk2d, lambda n, v: v / LENGTHS[unit] if n in slides else v)
    if unit != "metres":
        with pytest.raises(UserError, match=rf"if it is in {unit}, say motion\.scale: {LENGTHS[unit]:g}$"):
            motions.load(path, walk2d)
    read = motions.load(TableMotion(table=path, scale=LENGTHS[unit]), walk2d)
    np.testing.assert_allclose(read.qpos, walk.qpos, atol=1e-9)


@pytest.mark.parametrize(("scale", "where"), [(0.8, "below"), (0.88, "below"), (1.2, "above"), (1.5, "above")])
def test_a_scale_that_is_a_little_wrong(scale, where, tmp_path, myolegs):
    path = table(tmp_path / "w.csv", motions.load("walk", myolegs), myolegs)
    with pytest.raises(
        UserError, match=rf"column 'root_tz': expected feet that come to the ground .* m {where} it at motion\.scale"
    ) as error:
        motions.load(TableMotion(table=path, scale=scale), myolegs)
    assert float(str(error.value).rsplit(" ", 1)[1]) == pytest.approx(1, abs=0.03)


def numbers(path: Path, human, change) -> str:
    write_table(path, motions.load("walk", human), human)
    rows = list(csv.reader(path.open()))
    values = np.array(rows[1:], dtype=float)
    change(values, rows[0].index("root_tx"), slice(rows[0].index("root_qw"), rows[0].index("root_qw") + 4))
    path.write_text("\n".join([",".join(rows[0]), *(",".join(map(repr, row)) for row in values.tolist())]) + "\n")
    return str(path)


def last(values, place, quaternion):
    values[:, quaternion] = np.roll(values[:, quaternion], -1, axis=1)


def places_alone(values, place, quaternion):
    values[:, [place + 1, place + 2]] = values[:, [place + 2, place + 1]]


def turns_alone(values, place, quaternion):
    values[:, quaternion] = multiply(np.array([np.sqrt(0.5), -np.sqrt(0.5), 0, 0]), values[:, quaternion])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (last, r"column 'root_qw': expected quaternions whose real part .* write w into _qw$"),
        (places_alone, r"column 'root_tz': expected .* as the trunk is .* got 0\.0\d* m and 0\.9\d* m along y"),
        (turns_alone, r"columns 'root_qw' to 'root_qz': expected a trunk that rises along z, .* got one along y"),
    ],
)
def test_axes_and_orders(change, said, tmp_path, myolegs):
    with pytest.raises(UserError, match=said):
        motions.load(numbers(tmp_path / "w.csv", myolegs, change), myolegs)


def test_an_axis_up_that_the_table_has_not(tmp_path, myolegs):
    path = table(tmp_path / "w.csv", motions.load("walk", myolegs), myolegs)
    with pytest.raises(UserError, match=r"column 'root_ty': expected .* got 0\.0\d* m .* along z: .* motion\.up: z$"):
        motions.load(TableMotion(table=path, up="y"), myolegs)


def person():
    return load(ModelFiles(mass=MassFiles(skeleton=str(MASS / "person.xml"))))


def test_suggested_axes_fit(tmp_path):
    human, walk = person(), motions.load(str(STRIDE), person())
    for keys in ({"forward": "x"}, {"forward": "-z"}, {"up": "z", "forward": "x"}, {"up": "x"}, {"up": "-z"}):
        with pytest.raises(UserError, match=r"what fits is motion\.up: ") as error:
            motions.load(BvhMotion(bvh=str(STRIDE), **keys), human)
        said = str(error.value).partition("what fits is ")[2].split(", or ")[0].split(", ")
        fits = keys | {one.split(": ")[0].removeprefix("motion."): one.split(": ")[1] for one in said}
        np.testing.assert_allclose(motions.load(BvhMotion(bvh=str(STRIDE), **fits), human).qpos, walk.qpos, atol=1e-9)


def test_a_clip_on_a_treadmill_is_no_mistake(tmp_path):
    def stays(rows):
        rows[:, :3] -= np.linspace(0, 1, len(rows))[:, None] * (rows[-1, :3] - rows[0, :3])
        return rows

    path = rewritten(tmp_path / "a.bvh", read_bvh(STRIDE), frames=stays)
    assert motions.load(path, person()).speed < 0.05


@pytest.mark.parametrize("name", ["walk", "run"])
def test_what_people_do_fits(name):
    """Captured people, with feet that slide a little."""
    if not SHARED.is_dir():
        pytest.skip(f"no reference data at {SHARED}")
    human = load(ModelFiles(mass=MassFiles(skeleton=str(SHARED / "human.xml"))))
    motion = motions.load(str(SHARED / f"{name}.bvh"), human)
    found = treading(motion.qpos, motion.displacement, human)
    assert 0.7 < found.share < 1.1
    assert found.steady > 0.5
    for scale in (1.0, 0.001, 0.0254):
        with pytest.raises(UserError, match=r"motion\.root_scale"):
            motions.load(BvhMotion(bvh=str(SHARED / f"{name}.bvh"), root_scale=scale), human)
