"""Skeletons and muscles in YAML are those of the XML form, and motions in NPZ those of HDF5."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from gaitnet_files import PERSON, changed, coordinates, reference, write
from soleus import UserError, import_gaitnet
from soleus.config import load_config
from soleus.importing.gaitnet.yaml_form import yaml_muscles, yaml_skeleton
from soleus.models.mass import read_muscles, read_skeleton
from soleus.motions.rotations import exp
from soleus.sim.scenario import load_scenario


def _skeleton() -> dict[str, Any]:
    """The small person in the frames of its bodies."""
    skeleton, nodes = read_skeleton(PERSON["skeleton"]), []
    for node in skeleton.nodes.values():
        above = skeleton.nodes.get(node.parent or "")
        turn, place = (above.rotation, above.place) if above else (np.eye(3), np.zeros(3))

        def local(rotation, at, turn=turn, place=place):
            return {"R": (turn.T @ rotation).tolist(), "t": (turn.T @ (at - place)).tolist()}

        joint: dict[str, Any] = {"type": node.joint, **local(node.joint_rotation, node.joint_place)}
        if node.channel:
            joint["bvh"] = node.channel
        if node.joint == "Revolute":
            joint["axis"] = node.axis.tolist()
        if len(node.lower):
            joint |= {"lower": node.lower.tolist(), "upper": node.upper.tolist()}
        body = {"type": node.shape, "mass": node.mass, "size": list(node.size), "contact": node.contact,
                **local(node.rotation, node.place)}  # fmt: skip
        nodes.append({"name": node.name, "parent": node.parent or "None", "ee": node.end_effector, "body": body,
                      "joint": joint})  # fmt: skip
    return {"metadata": {"version": "v1"}, "skeleton": {"name": skeleton.name, "nodes": nodes}}


def _muscles() -> dict[str, Any]:
    skeleton = read_skeleton(PERSON["skeleton"])
    table, muscles = read_muscles(PERSON["muscles"], skeleton), []
    for k, name in enumerate(table.names):
        waypoints = []
        for point in table.waypoints[k]:
            shares = []
            for body, place, weight in zip(point.bodies, point.places, point.weights, strict=True):
                node = skeleton.nodes[body]
                world = node.joint_place + node.joint_rotation @ place
                local = node.rotation.T @ (world - node.place) / node.size
                shares.append({"body": body, "p": local.tolist(), "w": float(weight)})
            waypoints.append(shares)
        muscles.append({"name": name, "f0": float(table.max_force[k]), "lm": float(table.optimal[k]),
                        "lt": float(table.slack[k]), "waypoints": waypoints})  # fmt: skip
    return {"muscles": muscles}


def _written(folder: Path, content: dict[str, Any], name: str) -> Path:
    (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
    return folder / name


def test_a_skeleton_and_its_muscles_are_the_same_in_both_forms(tmp_path):
    ours = read_skeleton(PERSON["skeleton"])
    theirs = yaml_skeleton(_written(tmp_path, _skeleton(), "person.yaml"))
    assert list(ours.nodes) == list(theirs.nodes)
    for one, other in zip(ours.nodes.values(), theirs.nodes.values(), strict=True):
        for field in ("place", "rotation", "joint_place", "joint_rotation", "axis", "lower", "upper"):
            np.testing.assert_allclose(getattr(one, field), getattr(other, field), atol=1e-9)
        for field in ("parent", "shape", "size", "mass", "contact", "joint", "channel", "end_effector"):
            assert getattr(one, field) == getattr(other, field)
    own, others = read_muscles(PERSON["muscles"], ours), yaml_muscles(_written(tmp_path, _muscles(), "m.yaml"), theirs)
    assert own.names == others.names
    for field in ("max_force", "optimal", "slack"):
        np.testing.assert_array_equal(getattr(own, field), getattr(others, field))
    for one, other in zip(own.waypoints, others.waypoints, strict=True):
        assert [point.bodies for point in one] == [point.bodies for point in other]
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a.places, b.places, atol=1e-9)
            np.testing.assert_allclose(a.weights, b.weights, atol=1e-12)


def test_an_environment_of_yaml_and_npz_trains(tmp_path):
    path = write(tmp_path, changed(("skeleton.file", "person.yaml"), ("muscle.file", "muscles.yaml"),
                                   ("motion.file", "stride.npz"), ("motion.type", "npz")))  # fmt: skip
    _written(tmp_path, _skeleton(), "person.yaml")
    _written(tmp_path, _muscles(), "muscles.yaml")
    motion = _features(tmp_path / "stride.npz")
    import_gaitnet(path, data=tmp_path / "data", out=tmp_path / "out")
    loaded = load_scenario(load_config(tmp_path / "out" / "train.yaml"))
    speed = float(np.linalg.norm(motion.displacement[:2]))  # over a second
    assert loaded.motion.speed == pytest.approx(speed, rel=0.01)
    assert loaded.motion.duration == pytest.approx(1.34 / speed, rel=0.01)
    at = np.arange(0, 30, 3)
    ours = loaded.motion.qpos[np.round(at * len(loaded.motion.qpos) / 30).astype(int) % len(loaded.motion.qpos)]
    theirs = motion.qpos[np.round(at * len(motion.qpos) / 30).astype(int) % len(motion.qpos)]
    np.testing.assert_allclose(ours[:, 7:], theirs[:, 7:], atol=0.05)


def _features(path: Path) -> Any:
    """Write 60 frames of features, two laps of a second, and return the motion that they are of."""
    given, motion = coordinates()
    skeleton, lap = read_skeleton(PERSON["skeleton"]), len(given) - 1
    rows = []
    for k in range(60):
        row, at, here = [], 0, given[round(k % 30 * lap / 30) % lap]
        for node in skeleton.nodes.values():
            width = {"Free": 6, "Ball": 3, "Revolute": 1}[node.joint]
            own = here[at : at + width]
            at += width
            if node.joint == "Revolute":
                row += own.tolist()
                continue
            row += _matrix(exp(own[:3][None])[0])[:2].ravel().tolist()
            if node.joint == "Free":
                row += [0.0, own[4], np.linalg.norm(motion.displacement[:2]) / 30]
        rows.append(row)
    np.savez(path, motions=np.array(rows).reshape(1, -1), params=np.ones((1, 279)))
    return motion


def _matrix(q: np.ndarray) -> np.ndarray:
    w, x, y, z = q
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ])  # fmt: skip


def test_the_known_body_in_both_forms():
    data = reference()
    ours, theirs = read_skeleton(data / "base.xml"), yaml_skeleton(data / "test_exported_skeleton.yaml")
    for name, node in theirs.nodes.items():
        assert np.abs(node.joint_place - ours.nodes[name].joint_place).max() < 1e-4
    own = read_muscles(data / "distribute_lower_only.xml", ours)
    others = yaml_muscles(data / "test_exported_muscles.yaml", theirs)
    lengths = [{name: _length(body, points) for name, points in zip(table.names, table.waypoints, strict=True)}
               for body, table in ((ours, own), (theirs, others))]  # fmt: skip
    shared = lengths[0].keys() & lengths[1].keys()
    assert len(shared) > 100
    assert max(abs(lengths[1][name] / lengths[0][name] - 1) for name in shared) < 1e-3


def _length(skeleton, points) -> float:
    """Of a path at the T-pose [m]."""
    places = np.array([
        sum(weight * (skeleton.nodes[body].joint_place + skeleton.nodes[body].joint_rotation @ place)
            for body, place, weight in zip(point.bodies, point.places, point.weights, strict=True))
        for point in points
    ])  # fmt: skip
    return float(np.linalg.norm(np.diff(places, axis=0), axis=1).sum())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda nodes: nodes[2].update(boddy={}), r"line \d+ 'TibiaR': unknown key 'boddy'"),
        (lambda nodes: nodes[2].update(parent="FemurX"), "expected a parent among the nodes above it, or None, got"),
        (lambda nodes: nodes[2]["body"].pop("R"), r"'TibiaR': R: expected numbers \(3 x 3\), got None"),
        (lambda nodes: nodes[2]["joint"].update(t=[0, 0]), r"t: expected numbers \(3\), got \[0, 0\]"),
        (lambda nodes: nodes[2]["joint"].update(type="Hinge"), "type: expected one of Free, Ball, Revolute, Weld"),
        (lambda nodes: nodes[2].update(joint=1), "expected a mapping 'joint', got 1"),
        (lambda nodes: nodes[2]["body"].update(mass="heavy"), "mass: expected numbers, got 'heavy'"),
        (lambda nodes: nodes.append(1), "expected a list of mappings 'skeleton.nodes'"),
    ],
)
def test_what_is_wrong_in_a_skeleton(change, said, tmp_path):
    content = _skeleton()
    change(content["skeleton"]["nodes"])
    with pytest.raises(UserError, match=said) as error:
        yaml_skeleton(_written(tmp_path, content, "person.yaml"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m[0].update(f1=1), r"line \d+ 'L_Gluteus': unknown key 'f1'"),
        (lambda m: m[0].pop("f0"), r"f0: expected numbers \(one\), got None"),
        (lambda m: m[0].update(f0=-1), "expected positive f0 and lm, got -1 and 0.9"),
        (lambda m: m[0].update(lm_contract=1.0), "expected lm or lm_contract, which mean the same, got both"),
        (lambda m: m[1].update(name="L_Gluteus"), "expected names that differ, got this one twice"),
        (lambda m: m[0].update(waypoints=m[0]["waypoints"][:1]), "expected at least two waypoints, got 1"),
        (lambda m: m[0].update(waypoints=[1, 2]), "waypoints: expected a list of lists of bodies with places"),
        (lambda m: m[0]["waypoints"][0][0].update(body="Pelvus"), "expected a body of person.yaml, got 'Pelvus'"),
        (lambda m: m[0]["waypoints"][0][0].update(w=0.5), "of weights that add up to 1, got"),
        (lambda m: m[0].update(waypoints=[m[0]["waypoints"][0]] * 2), "expected waypoints apart from one another"),
        (lambda m: m.clear(), "expected at least one muscle, got none"),
    ],
)
def test_what_is_wrong_in_muscles(change, said, tmp_path):
    content = _muscles()
    change(content["muscles"])
    skeleton = yaml_skeleton(_written(tmp_path, _skeleton(), "person.yaml"))
    with pytest.raises(UserError, match=said) as error:
        yaml_muscles(_written(tmp_path, content, "muscles.yaml"), skeleton)
    assert "\n" not in str(error.value)


def test_later_names_of_lengths(tmp_path):
    content = _muscles()
    for muscle in content["muscles"]:
        muscle["lm_contract"], muscle["lt_rel"] = muscle.pop("lm"), muscle.pop("lt")
    skeleton = yaml_skeleton(_written(tmp_path, _skeleton(), "person.yaml"))
    found = yaml_muscles(_written(tmp_path, content, "muscles.yaml"), skeleton)
    np.testing.assert_array_equal(found.optimal, read_muscles(PERSON["muscles"], skeleton).optimal)
