"""Joints that no muscle crosses, which a model drives by torque: in muscle control stable PD's torque moves them."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from native import scenario, simulation

from soleus import models
from soleus.errors import UserError
from soleus.sim.buffers import Buffers
from soleus.sim.simulation import Simulation

ARMS = "".join(
    f"""<body name="rod_{s}" pos="0 {y} 0.4">
    <joint name="arm_{s}" axis="0 -1 0" range="-90 90" damping="0" armature="0"/>
    <inertial pos="0 0 -0.3" mass="3" diaginertia="0.1 0.1 0.01"/></body>"""
    for s, y in (("r", -0.2), ("l", 0.2))
)
NAMED = """<custom><numeric name="torque/arm_r" data="{r}"/><numeric name="torque/arm_l" data="{l}"/>
  <numeric name="stable_pd/arm_r" data="200 8"/><numeric name="stable_pd/arm_l" data="200 8"/></custom>"""


def _person(custom: str = "") -> str:
    text = files("soleus.models").joinpath("walk2d.xml").read_text()
    torso = '<geom class="limb" size="0.045" fromto="0 0 0.5 0 0 0.6"/>'
    assert text.count(torso) == 1
    return text.replace(torso, torso + ARMS).replace("</mujoco>", f"{custom}</mujoco>")


def _made(folder: Path, custom: str, **overrides: object) -> Simulation:
    folder.mkdir(exist_ok=True)
    (folder / "person.xml").write_text(_person(custom))
    (folder / "run.yaml").write_text("base: walk2d\nmodel: person.xml\n")
    loaded = scenario(str(folder / "run.yaml"), **{"policy__mirror": False, "control__policy_hz": 480, **overrides})
    return simulation(loaded, humans=5)


def _arms(made: Simulation) -> list[int]:
    return [made.scenario.human.model.joint(name).qposadr[0] for name in ("arm_r", "arm_l")]


def _after(made: Simulation, steps: int = 48) -> Buffers:
    """A rollout of the poses of the motion, in which the arms hang."""
    buffers = Buffers(made, steps, samples=made.muscle_spec is not None)
    made.core.reset(3, buffers["observations"][0])
    buffers["actions"][:] = 0.0
    arms = [made.scenario.human.coordinate_names.index(name) for name in ("arm_r", "arm_l")]
    # The arms' targets are ahead of where they hang.
    actuated = made.scenario.human.actuated.tolist()
    buffers["actions"][..., [actuated.index(c) for c in arms]] = 0.5
    buffers.run(made, with_policy=False)
    return buffers


@pytest.mark.parametrize("method", ["static_optimization", "network"])
def test_the_arms_go_where_they_are_to(method: str, tmp_path: Path) -> None:
    limp = _made(tmp_path / "limp", "", coordination__method=method)
    _after(limp)
    driven = _made(tmp_path / "driven", NAMED.format(r=0, l=0), coordination__method=method)
    _after(driven)
    target = 0.5 * driven.scenario.config.control.action_scale
    assert limp.scenario.human.direct.tolist() == []
    np.testing.assert_array_less(limp.qpos()[:, _arms(limp)], 0.05)
    # After 0.1 s, with a lag of kd / kp = 0.04 s and an arm that hangs on them.
    np.testing.assert_allclose(driven.qpos()[:, _arms(driven)], target, atol=0.05)


def test_the_torque_has_the_models_limit(tmp_path: Path) -> None:
    """Half a newton metre lifts neither arm; the other's limit is that of stable PD by default."""
    made = _made(tmp_path / "one", NAMED.format(r=0.5, l=0))
    human = made.scenario.human
    names = [human.coordinate_names[c] for c in human.actuated]
    assert human.torque_limit[names.index("arm_r")] == 0.5
    assert human.torque_limit[names.index("arm_l")] > 5
    _after(made)
    right, left = made.qpos()[:, _arms(made)].T
    assert right.max() < 0.06
    assert left.min() > 0.15


def test_excitations_leave_them_at_rest(tmp_path: Path) -> None:
    """Without targets of joints there is no torque, whatever its coordinates are called."""
    poses = []
    for name, custom in (("limp", ""), ("driven", NAMED.format(r=0, l=0))):
        made = _made(tmp_path / name, custom, control__mode="excitation")
        buffers = Buffers(made, 20, samples=False)
        made.core.reset(3, buffers["observations"][0])
        buffers["actions"][:] = 0.1
        buffers.run(made, with_policy=False)
        poses.append(made.qpos())
    np.testing.assert_array_equal(*poses)


@pytest.mark.parametrize("mirror", [False, True])
def test_muscles_are_not_asked_for_it(mirror: bool, tmp_path: Path) -> None:
    """A joint that nothing drives is a torque that muscles miss; of one that is driven their network sees nothing."""
    limp, driven = (
        _made(tmp_path / name, custom, coordination__method="network", policy__mirror=mirror)
        for name, custom in (("limp", ""), ("driven", NAMED.format(r=0, l=0)))
    )
    buffers, human = _after(limp, 4), limp.scenario.human
    arms = [human.actuated.tolist().index(human.coordinate_names.index(arm)) for arm in ("arm_r", "arm_l")]
    assert float(np.abs(buffers["desired"][..., arms] - buffers["passive"][..., arms]).max()) > 1
    of_driven, others = _after(driven, 4), np.delete(np.arange(len(human.actuated)), arms)
    assert driven.muscle_layout.num_actuated == len(others)
    assert driven.muscle_spec is not None
    assert limp.muscle_spec is not None
    assert driven.muscle_spec.inputs == limp.muscle_spec.inputs - 2
    # Before the arms have moved the rest of the body, the others are asked for the same.
    np.testing.assert_allclose(of_driven["passive"][0], buffers["passive"][0][..., others], atol=1e-3)


def test_a_joint_that_muscles_cross_is_theirs(tmp_path: Path) -> None:
    custom = '<custom><numeric name="torque/knee_angle_r" data="30"/></custom>'
    (tmp_path / "person.xml").write_text(_person(custom).replace("knee_r", "knee_angle_r"))
    human = models.load(str(tmp_path / "person.xml"))
    knee = human.actuated.tolist().index(human.coordinate_names.index("knee_angle_r"))
    assert human.torque_driven.tolist() == [knee]
    assert human.direct.tolist() == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "expected the name of a hinge, slide or ball joint after the slash"),
        ("root_tx", "expected a joint of the person's that follows no other"),
    ],
)
def test_what_cannot_be_driven_is_one_line(name: str, said: str, tmp_path: Path) -> None:
    model = models.load("walk2d").model
    assert model.joint("root_tx") is not None
    (tmp_path / "person.xml").write_text(_person(f'<custom><numeric name="torque/{name}" data="1"/></custom>'))
    with pytest.raises(UserError, match=said):
        models.load(str(tmp_path / "person.xml"))


def test_torques_beside_muscles(tmp_path: Path) -> None:
    """A joint that muscles cross is moved by both, and nothing of it is asked of them."""
    names = ("ankle_angle_r", "ankle_angle_l")
    custom = "".join(f'<numeric name="torque/{name}" data="0 1"/>' for name in names)
    made = _made(tmp_path / "both", f"<custom>{custom}</custom>", coordination__method="network")
    human, layout = made.scenario.human, made.muscle_layout
    ankles = [
        human.actuated.tolist().index(human.coordinate_names.index(name)) for name in ("ankle_angle_r", "ankle_angle_l")
    ]
    assert human.direct.tolist() == sorted(ankles)
    crossed = np.isin(human.crossing, ankles)
    assert crossed.any()
    assert (len(layout.crossing), layout.num_actuated) == ((~crossed).sum(), len(human.actuated) - 2)
    assert layout.crossing_adr[-1] == len(layout.crossing)
    kept = np.delete(np.arange(len(human.actuated)), ankles)
    np.testing.assert_array_equal(kept[layout.crossing], human.crossing[~crossed])
    buffers = _after(made, 4)
    assert np.isfinite(buffers["moments"]).all()
    assert buffers["moments"].shape[-1] == len(layout.crossing)


@pytest.mark.parametrize("values", ["-1", "0 2", "1 0.5"])
def test_what_a_limit_of_torque_cannot_be(values: str, tmp_path: Path) -> None:
    (tmp_path / "person.xml").write_text(
        _person(f'<custom><numeric name="torque/knee_angle_r" data="{values}"/></custom>')
    )
    with pytest.raises(UserError, match="expected a limit of 0 or more, and 1 or nothing behind it"):
        models.load(str(tmp_path / "person.xml"))
