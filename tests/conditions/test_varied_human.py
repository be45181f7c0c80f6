"""The body that conditions make is the one that MuJoCo compiles of a file with these numbers."""

from typing import Any

import mujoco
import numpy as np
import pytest

from lane_oracle import LANES, Pair, exact, relative
from soleus import models
from soleus.conditions import varied_human
from soleus.conditions.conditions import load_conditions
from soleus.config import load_human_config
from soleus.models import Human
from soleus.models.registry import _built_in
from soleus.sim.handover import human_data

DRAWS = 10
GIVEN = {
    "size": [0.8, 1.2],
    "mass": [0.7, 1.3],
    "length.thigh_r": [0.85, 1.15],
    "length.shank_l": [0.85, 1.15],
    "mass.shank_r": [0.7, 1.3],
    "strength.plantarflexors_both": [0.3, 1.0],
    "contracture.hamstrings_l": [0.7, 1.0],
    "damping.knee_angle_r": [0.5, 2.0],
    "range.knee_angle_l": [0.8, 1.0],
    "slope": [-0.1, 0.1],
    "friction": [0.4, 1.0],
    "load": [0.0, 20.0],
}
NAMES = ["walk2d", "myolegs"]


def given_for(name: str) -> dict[str, list[float]]:
    result = dict(GIVEN)
    return result | ({"torsion.femur_r": [-0.4, 0.4]} if name == "myolegs" else {})


def conditions_of(human: Human, given: dict[str, Any]) -> Any:
    config = load_human_config("walk2d", {"conditions": given, "motion": None, "task.initial": "rest"})
    found = load_conditions(config, human, None)
    assert found is not None
    return found


def varied(human: Human, conditions: Any, values: np.ndarray) -> Human:
    return varied_human(human, conditions, values, human_data(human, load_human_config("walk2d")))


def stretches(human: Human, conditions: Any, values: dict[str, float]) -> np.ndarray:
    """(nbody, 3, 3) of the bodies, by their definition."""
    result = np.tile(np.eye(3), (human.model.nbody, 1, 1))
    for name, meaning in zip(conditions.names, conditions.meanings, strict=True):
        for k, body in enumerate(meaning.elements if meaning.effect in ("size", "length") else ()):
            axis = meaning.axes[k] if meaning.axes else None
            factor = values[name]
            longer = factor * np.eye(3) if axis is None else np.eye(3) + (factor - 1) * np.outer(axis, axis)
            result[body] = longer @ result[body]
    return result


def stretched_inertia(model: mujoco.MjModel, body: int, stretch: np.ndarray) -> np.ndarray:
    """(3, 3) about the centre of mass, of points on its principal axes that have the body's inertia and are moved."""
    frame = np.zeros(9)
    mujoco.mju_quat2Mat(frame, model.body_iquat[body])
    mass, principal = model.body_mass[body], model.body_inertia[body]
    moments = principal.sum() / 2 - principal  # of some bodies of models, below 0: no real body has such an inertia
    points = (np.sqrt(3 * np.abs(moments) / mass) * np.eye(3)) @ frame.reshape(3, 3).T @ stretch.T
    each = np.linalg.det(stretch) * mass / 3 * np.sign(moments)
    return sum(w * (np.dot(p, p) * np.eye(3) - np.outer(p, p)) for w, p in zip(each, points, strict=True))


def built(name: str, human: Human, conditions: Any, values: dict[str, float]) -> mujoco.MjModel:
    """The model as MuJoCo compiles it of its file with other numbers."""
    spec = _built_in(name)
    for geom in [g for g in spec.geoms if g.type == mujoco.mjtGeom.mjGEOM_MESH]:
        spec.delete(geom)
    m, stretch = human.model, stretches(human, conditions, values)
    heavier, carried = np.ones(m.nbody), np.zeros(m.nbody)
    for key, meaning in zip(conditions.names, conditions.meanings, strict=True):
        if meaning.effect == "mass":
            heavier[list(meaning.elements)] *= values[key]
        if meaning.effect == "load":
            carried[list(meaning.elements)] = values[key]
    for body in spec.bodies:
        if body.name == "world":
            continue
        b = m.body(body.name).id
        parent = int(m.body_parentid[b])
        body.pos = stretch[parent] @ m.body_pos[b]
        body.quat = m.body_quat[b]
        for key, meaning in zip(conditions.names, conditions.meanings, strict=True):
            if meaning.effect == "torsion" and parent in meaning.elements and m.body_jntnum[b]:
                turn, place = np.zeros(4), np.zeros(3)
                mujoco.mju_axisAngle2Quat(turn, meaning.axes[0], values[key])
                mujoco.mju_rotVecQuat(place, np.array(body.pos), turn)
                turned = np.zeros(4)
                mujoco.mju_mulQuat(turned, turn, np.array(body.quat))
                body.pos, body.quat = place, turned
        if m.body_mass[b] == 0:
            continue
        inertia = heavier[b] * stretched_inertia(m, b, stretch[b])
        body.explicitinertial, body.mass = True, heavier[b] * np.linalg.det(stretch[b]) * m.body_mass[b] + carried[b]
        principal, axes = np.linalg.eigh(inertia)
        principal[2] = min(principal[2], (1 - 1e-12) * principal[:2].sum())  # MuJoCo takes no more
        frame = np.zeros(4)
        mujoco.mju_mat2Quat(frame, (axes * np.sign(np.linalg.det(axes))).ravel())
        body.ipos, body.inertia, body.iquat = stretch[b] @ m.body_ipos[b], principal, frame
    for site in spec.sites:
        body = m.body(site.parent.name).id
        site.pos = stretch[body] @ m.site(site.name).pos
    return _finished(spec, human, conditions, values, stretch)


def _finished(spec: Any, human: Human, conditions: Any, values: dict[str, float], stretch: np.ndarray) -> Any:
    m = human.model
    for joint in spec.joints:
        j = m.joint(joint.name).id
        body = int(m.jnt_bodyid[j])
        joint.pos = stretch[body] @ m.jnt_pos[j]
    compiled = spec.compile()
    compiled.opt.timestep = m.opt.timestep
    return compiled


@pytest.mark.parametrize("name", NAMES)
def test_a_body_is_the_one_that_mujoco_compiles(name: str) -> None:
    """Masses, inertias, places, inertia of joints at qpos0, lengths of muscles' paths."""
    human = models.load(name)
    conditions, rng = conditions_of(human, given_for(name)), np.random.default_rng(0)
    for _ in range(DRAWS):
        values = rng.uniform(conditions.low, conditions.high)
        own = varied(human, conditions, values).model
        compiled = built(name, human, conditions, dict(zip(conditions.names, values, strict=True)))
        assert own.nbody == compiled.nbody
        assert relative(own.body_mass, compiled.body_mass) < 1e-9
        assert relative(own.body_pos, compiled.body_pos) < 1e-9
        heavy = own.body_mass > 0
        assert relative(own.body_ipos[heavy], compiled.body_ipos[heavy]) < 1e-9
        assert relative(np.sort(own.body_inertia), np.sort(compiled.body_inertia)) < 1e-6
        shared = [g for g in range(own.ngeom) if own.geom_contype[g] or own.geom_conaffinity[g]]
        assert shared
        _check_dynamics(own, compiled, human)


def _check_dynamics(own: mujoco.MjModel, compiled: mujoco.MjModel, human: Human) -> None:
    """Inertia matrices and tendons of both in random poses of all joints but slides."""
    rng = np.random.default_rng(1)
    ours, theirs = mujoco.MjData(own), mujoco.MjData(compiled)
    slides = np.flatnonzero(own.jnt_type == int(mujoco.mjtJoint.mjJNT_SLIDE))
    for _ in range(3):
        qpos = own.qpos0.copy()
        mujoco.mj_integratePos(own, qpos, 0.3 * rng.normal(size=own.nv), 1.0)
        qpos[own.jnt_qposadr[slides]] = own.qpos0[own.jnt_qposadr[slides]]
        for model, data in ((own, ours), (compiled, theirs)):
            data.qpos[:] = qpos
            mujoco.mj_kinematics(model, data)
            mujoco.mj_comPos(model, data)
            mujoco.mj_crb(model, data)
            mujoco.mj_tendon(model, data)
        full = np.zeros((2, own.nv, own.nv))
        mujoco.mj_fullM(own, ours, full[0])
        mujoco.mj_fullM(compiled, theirs, full[1])
        assert relative(full[0], full[1]) < 1e-6
        if own.ntendon and (own.geom_size == human.model.geom_size).all():
            assert relative(ours.ten_length, theirs.ten_length) < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_lanes_compute_with_these_numbers(name: str) -> None:
    """A lane that is given a varied person has MuJoCo's inertia, bias forces, and steps of the varied model."""
    human = models.load(name)
    conditions, rng = conditions_of(human, given_for(name)), np.random.default_rng(2)
    people = [varied(human, conditions, rng.uniform(conditions.low, conditions.high)) for _ in range(LANES)]
    alone, both = [Pair(one, muscles=True) for one in people], Pair(human, muscles=True)
    for lane, each in enumerate(alone):
        both.tile.give(lane, each.model._address, each.told)
    qpos, qvel = both.states(rng)
    both.set(qpos, qvel)
    for lane, each in enumerate(alone):
        exact(each.model)
        each.set(np.tile(qpos[lane], (LANES, 1)), np.tile(qvel[lane], (LANES, 1)))
        next(each.lanes())
        tangent = each.tangent(0)
        expected = tangent.T @ each.inertia() @ tangent
        assert relative(both.tile.inertia[lane], expected) < 1e-9
        lengths = each.data.actuator_length[human.muscle_actuator]
        assert relative(both.tile.muscle_lengths[lane], lengths) < 1e-9


def test_a_size_alone_is_like_the_model_in_every_length() -> None:
    human = models.load("myolegs")
    conditions = conditions_of(human, {"size": [0.5, 2.0]})
    own = varied(human, conditions, np.array([0.7]))
    assert own.mass == pytest.approx(0.7**3 * human.mass)
    assert own.root_height == pytest.approx(0.7 * human.root_height, rel=1e-6)
    base, data, theirs = human.model, mujoco.MjData(own.model), mujoco.MjData(human.model)
    data.qpos[:], theirs.qpos[:] = own.consistent(own.qpos_rest), human.consistent(human.qpos_rest)
    for model, each in ((own.model, data), (base, theirs)):
        mujoco.mj_forward(model, each)
    assert data.ten_length == pytest.approx(0.7 * theirs.ten_length, rel=1e-6)
    # The muscles' normalised lengths are the same, so forces are those of the model times the power of the length.
    passive, theirs_passive = data.actuator_force, theirs.actuator_force
    moving = np.abs(theirs_passive) > 1e-6
    assert passive[moving] == pytest.approx(0.7**1.5 * theirs_passive[moving], rel=1e-5)
    assert own.model.dof_damping == pytest.approx(0.7**2.5 * base.dof_damping)
    own_soles, soles = (min(d.geom_xpos[g, 2] for g in range(base.ngeom)) for d in (data, theirs))
    assert own_soles == pytest.approx(soles, abs=0.05)


def test_a_load_is_on_the_trunk_and_makes_nobody_stronger() -> None:
    human = models.load("myolegs")
    own = varied(human, conditions_of(human, {"load": [0, 20]}), np.array([10.0]))
    heavier = own.model.body_mass - human.model.body_mass
    assert {human.model.body(b).name: heavier[b] for b in np.flatnonzero(heavier)} == {"torso": pytest.approx(10)}
    np.testing.assert_array_equal(own.model.body_inertia, human.model.body_inertia)
    np.testing.assert_array_equal(own.kp, human.kp)
    np.testing.assert_array_equal(own.torque_limit, human.torque_limit)
    assert own.mass == pytest.approx(human.mass + 10)


def test_torsion_turns_both_feet_inward() -> None:
    human = models.load("myolegs")
    conditions = conditions_of(human, {"torsion.femur_both": [-0.5, 0.5]})
    own = varied(human, conditions, np.array([0.3]))
    turned = []
    for person in (human, own):
        data = mujoco.MjData(person.model)
        data.qpos[:] = person.qpos_rest
        mujoco.mj_kinematics(person.model, data)
        toes, heels = (
            [data.xpos[person.model.body(f"{body}_{side}").id] for side in "rl"] for body in ("toes", "calcn")
        )
        turned.append([np.arctan2(*(toe - heel)[1::-1]) for toe, heel in zip(toes, heels, strict=True)])
    right, left = np.subtract(*turned[::-1])
    assert right == pytest.approx(0.3, abs=0.03)  # the right foot's toes go left
    assert left == pytest.approx(-0.3, abs=0.03)


def test_meshes_are_as_long_as_the_bodies_that_they_show() -> None:
    """Where each vertex is on its body, and normals across the surface."""
    human = models.load("myolegs")
    conditions = conditions_of(human, {"size": [0.5, 2.0], "length.femur_r": [0.5, 2.0]})
    own = varied(human, conditions, np.array([0.8, 1.3])).render_model()
    base = human.render_model()
    stretch = stretches(human, conditions, {"size": 0.8, "length.femur_r": 1.3})
    for geom in np.flatnonzero(base.geom_type == int(mujoco.mjtGeom.mjGEOM_MESH)):
        mesh, s = base.geom_dataid[geom], stretch[base.geom_bodyid[geom]]
        first, count = base.mesh_vertadr[mesh], base.mesh_vertnum[mesh]
        frame = np.zeros(9)
        mujoco.mju_quat2Mat(frame, base.geom_quat[geom])
        turn = frame.reshape(3, 3)
        there = [m.mesh_vert[first : first + count] @ turn.T + m.geom_pos[geom] for m in (base, own)]
        assert there[1] == pytest.approx(there[0] @ s.T, abs=1e-6)
        normals = slice(base.mesh_normaladr[mesh], base.mesh_normaladr[mesh] + base.mesh_normalnum[mesh])
        expected = base.mesh_normal[normals] @ turn.T @ np.linalg.inv(s)
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        assert own.mesh_normal[normals] @ turn.T == pytest.approx(expected, abs=1e-5)
