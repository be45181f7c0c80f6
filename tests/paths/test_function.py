from pathlib import Path

import numpy as np
import pytest

from odd_person import odd
from soleus import models
from soleus.config.sources import ModelFiles
from soleus.models import Human
from soleus.motions.anatomy import angles_of
from soleus.paths.function import GROUPS, Function, functions, moment_arms

MASS = Path(__file__).parents[1] / "mass"


def of(human: Human) -> dict[str, Function]:
    return {found.muscle: found for found in functions(human, angles_of(human))}


def members(found: dict[str, Function], side: str) -> dict[str, set[str]]:
    return {
        group: {name for name, f in found.items() if group in f.groups and f.side == side}
        for group in GROUPS
        if any(group in f.groups for f in found.values())
    }


@pytest.mark.parametrize("side", ["r", "l"])
def test_muscles_of_walk2d(walk2d: Human, side: str) -> None:
    assert members(of(walk2d), side) == {
        group: {f"{name}_{side}" for name in names}
        for group, names in {
            "hip_flexors": ["hip_flexors", "rect_fem"],
            "hip_extensors": ["glut_max", "hamstrings"],
            "knee_extensors": ["rect_fem", "vasti"],
            "knee_flexors": ["hamstrings", "bifemsh", "gastroc"],
            "ankle_plantarflexors": ["gastroc", "soleus"],
            "ankle_dorsiflexors": ["tib_ant"],
        }.items()
    }


@pytest.mark.parametrize(
    ("group", "within"),
    [
        ("hip_flexors", ["iliacus", "psoas", "recfem", "sart"]),
        ("hip_extensors", ["glmax1", "glmax2", "glmax3", "bflh", "semimem", "semiten"]),
        ("hip_abductors", ["glmed1", "glmed2", "glmin1", "glmin2", "tfl"]),
        ("hip_adductors", ["addbrev", "addlong", "addmagMid", "addmagProx", "grac"]),
        ("hip_external_rotators", ["piri"]),
        ("knee_extensors", ["recfem", "vasint", "vaslat", "vasmed"]),
        ("knee_flexors", ["bflh", "bfsh", "gaslat", "gasmed", "semimem", "semiten", "grac", "sart"]),
        ("ankle_plantarflexors", ["gaslat", "gasmed", "soleus", "tibpost", "fhl", "perlong"]),
        ("ankle_dorsiflexors", ["tibant", "edl", "ehl"]),
    ],
)
def test_muscles_of_myolegs(myolegs: Human, group: str, within: list[str]) -> None:
    found = of(myolegs)
    for side in "rl":
        assert {f"{name}_{side}" for name in within} <= members(found, side)[group]


def test_nobody_does_a_thing_and_its_opposite(myolegs: Human) -> None:
    for found in of(myolegs).values():
        angles = [GROUPS[group][1] for group in found.groups]
        assert len(angles) == len(set(angles)), found
        assert found.groups, found


def test_both_legs_are_alike(myolegs: Human) -> None:
    found = of(myolegs)
    for name, f in found.items():
        if name.endswith("_r"):
            assert f.side == "r"
            assert found[f"{name[:-2]}_l"].groups == f.groups


def test_muscles_that_are_polylines_over_ball_joints() -> None:
    files = {"skeleton": str(MASS / "person.xml"), "muscles": str(MASS / "muscles.xml")}
    found = of(models.load(ModelFiles.model_validate({"mass": files})))
    for side in "RL":
        groups = {name.removeprefix(f"{side}_"): f.groups for name, f in found.items() if name.startswith(side)}
        assert groups["Gluteus"][0] == "hip_extensors"
        assert groups["Iliopsoas"][0] == "hip_flexors"
        assert set(groups["Rectus_Femoris"]) == {"hip_flexors", "knee_extensors"}
        assert set(groups["Hamstring"]) == {"hip_extensors", "knee_flexors"}
        assert set(groups["Gastrocnemius"]) == {"knee_flexors", "ankle_plantarflexors"}
        assert groups["Tibialis"] == ("ankle_dorsiflexors",)
    assert {f.side for f in found.values()} == {"r", "l", ""}  # those of the arms move no leg


def test_moment_arms_are_those_of_the_simulator(walk2d: Human) -> None:
    """Against the gradient that MuJoCo computes: -dL/dq of a hinge."""
    import mujoco

    data = mujoco.MjData(walk2d.model)
    data.qpos[:] = walk2d.qpos_rest
    mujoco.mj_forward(walk2d.model, data)
    dense = np.zeros((walk2d.model.nu, walk2d.model.nv))
    mujoco.mju_sparse2dense(dense, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind)
    for dof in range(3, walk2d.model.nv):
        direction = np.zeros(walk2d.model.nv)
        direction[dof] = 1.0
        np.testing.assert_allclose(moment_arms(walk2d, direction), -dense[walk2d.muscle_actuator, dof], atol=1e-7)


def test_no_muscles_no_functions(tmp_path: Path) -> None:
    assert functions(odd(tmp_path), []) == []
