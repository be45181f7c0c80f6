"""A model's own bodies as the joints of a BVH file: what its poses are there, and poses from such a file again.

Every body is a joint of its name, without rotations where it is in the model's qpos0. A joint lies where its body turns
about, so that its place in the body above it is one OFFSET; a body that also slides, or that turns about several
points, has positions too.
"""

from dataclasses import dataclass
from typing import Literal

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.human import Human
from soleus.motions.bvh import Clip
from soleus.motions.placing import Track
from soleus.motions.rooting import set_root
from soleus.motions.rotations import cardan, conjugate, continuous, exp, from_matrices, log, multiply, rotated

Floats = NDArray[np.float64]

UNIT = 0.01
"""[m] of such a file's unit of length, that of BVH files which say nothing else"""
_JOINT = mujoco.mjtJoint
_TURNS = (_JOINT.mjJNT_HINGE, _JOINT.mjJNT_BALL)
_SAME = 1e-3  # [m] of offsets that are the model's
_ALIKE = 0.02, 0.3  # [m], and of their lengths, of those of a person like it
_TRIES = 50
_EXACT = 1e-12  # [rad] of a step
_RIDGE = 1e-12  # of hinges of one axis
_LEAST_END = 0.02  # [m] from a joint to the end of its body


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Joints of a file, one a body, parents before children."""

    bodies: list[int]
    names: list[str]
    parents: list[int]
    """Index of each joint's parent, -1 of the root"""
    points: Floats
    """(J, 3) [m] of the joint, in its body's frame"""
    slides: list[bool]
    """Whether it has positions: the root has them always."""
    standing: Floats
    """(J, 3, 3) of the bodies' frames at qpos0, in the world"""
    offsets: Floats
    """(J, 3) from the parent at qpos0, in the file's axes and unit; 0 of the root"""
    ends: Floats
    """(J, 3) from the joint to the end of its body, likewise"""
    world: Floats
    """(3, 3) from the file's axes to the world's"""


def hierarchy_of(human: Human, axes: Floats | None = None) -> Hierarchy:
    """Return the joints that a model's bodies are. axes (4,): quaternion from the file's axes to the world's, by
    default those that the model has its motion files in.
    """
    model, data, turn = human.model, mujoco.MjData(human.model), np.zeros(9)
    mujoco.mj_kinematics(model, data)  # at qpos0
    mujoco.mju_quat2Mat(turn, human.channel_axes if axes is None else axes)
    world = turn.reshape(3, 3)
    bodies = [int(body) for body in human.own_bodies]
    parents = [bodies.index(int(model.body_parentid[b])) if b != human.root_body else -1 for b in bodies]
    points, slides = np.zeros((len(bodies), 3)), []
    for j, body in enumerate(bodies):
        joints = range(model.body_jntadr[body], model.body_jntadr[body] + model.body_jntnum[body])
        anchors = np.array([model.jnt_pos[one] for one in joints]).reshape(-1, 3)
        fixed = all(_JOINT(model.jnt_type[one]) in _TURNS for one in joints) and bool((anchors == anchors[:1]).all())
        slides.append(parents[j] < 0 or (len(anchors) > 0 and not fixed))
        points[j] = anchors[0] if len(anchors) and fixed and parents[j] >= 0 else 0.0
    standing = data.xmat[bodies].reshape(-1, 3, 3).copy()
    places = data.xpos[bodies] + np.einsum("jab,jb->ja", standing, points)
    steps = [places[j] - places[parent] if parent >= 0 else np.zeros(3) for j, parent in enumerate(parents)]
    arms = np.einsum("jab,jb->ja", standing, np.array([_end(model, body) for body in bodies]) - points)
    names = [model.body(body).name or f"body{body}" for body in bodies]
    return Hierarchy(
        bodies, names, parents, points, slides, standing, np.array(steps) @ world / UNIT, arms @ world / UNIT, world
    )


def _end(model: mujoco.MjModel, body: int) -> Floats:
    """Where a body ends, in its frame: at its centre of mass, or a little below where that is no way off."""
    centre = np.array(model.body_ipos[body])
    return centre if np.linalg.norm(centre) > _LEAST_END else centre - np.array([0.0, 0.0, _LEAST_END])


def bvh_text(human: Human, qpos: Floats, dt: float) -> str:
    """Return the text of a BVH file that plays poses (K, nq), dt [s] apart, on the model's own bodies, in centimetres
    and degrees. own_poses() makes the same poses of it.
    """
    tree = hierarchy_of(human)
    lines = ["HIERARCHY"]
    _write_joint(lines, tree, 0, "")
    channels = _channels(human, tree, qpos)
    rows = (" ".join(f"{value:.6f}" for value in row) for row in channels)
    return "\n".join([*lines, "MOTION", f"Frames: {len(qpos)}", f"Frame Time: {dt:.9g}", *rows]) + "\n"


def _write_joint(lines: list[str], tree: Hierarchy, joint: int, indent: str) -> None:
    def vector(values: Floats) -> str:
        return " ".join(f"{value:.6f}" for value in values)

    places, turns = "Xposition Yposition Zposition ", "Xrotation Zrotation Yrotation"
    channels = f"6 {places}{turns}" if tree.slides[joint] else f"3 {turns}"
    lines += [f"{indent}{'JOINT' if indent else 'ROOT'} {tree.names[joint]}", f"{indent}{{"]
    lines += [f"{indent}\tOFFSET {vector(tree.offsets[joint])}", f"{indent}\tCHANNELS {channels}"]
    children = [child for child, parent in enumerate(tree.parents) if parent == joint]
    for child in children:
        _write_joint(lines, tree, child, indent + "\t")
    if not children:
        end = f"OFFSET {vector(tree.ends[joint])}"
        lines += [f"{indent}\tEnd Site", f"{indent}\t{{", f"{indent}\t\t{end}", f"{indent}\t}}"]
    lines.append(f"{indent}}}")


def _written(tree: Hierarchy) -> list[int]:
    """The joints in the order in which a file has them: each before its children, one branch after the other."""
    order, rest = list[int](), [0]
    while rest:
        order.append(rest.pop())
        rest += [child for child, parent in reversed(list(enumerate(tree.parents))) if parent == order[-1]]
    return order


def _channels(human: Human, tree: Hierarchy, qpos: Floats) -> Floats:
    """(K, C) of the joints in the file's order."""
    model, data = human.model, mujoco.MjData(human.model)
    turns, places = np.zeros((len(qpos), len(tree.bodies), 3, 3)), np.zeros((len(qpos), len(tree.bodies), 3))
    for k, pose in enumerate(qpos):
        data.qpos[:] = pose
        mujoco.mj_kinematics(model, data)
        frames = data.xmat[tree.bodies].reshape(-1, 3, 3)
        turns[k] = tree.world.T @ frames @ np.swapaxes(tree.standing, 1, 2) @ tree.world
        places[k] = (data.xpos[tree.bodies] + np.einsum("jab,jb->ja", frames, tree.points)) @ tree.world / UNIT
    columns = []
    for j in _written(tree):
        parent = tree.parents[j]
        turn = turns[:, j] if parent < 0 else np.swapaxes(turns[:, parent], 1, 2) @ turns[:, j]
        if tree.slides[j]:
            step = places[:, j] - places[:, parent] if parent >= 0 else places[:, j]
            columns.append(step if parent < 0 else np.einsum("kba,kb->ka", turns[:, parent], step))
        # Rotations Rx Rz Ry are Ry Rx Rz of axes that have changed places.
        q = from_matrices(turn)
        about = np.unwrap(cardan(q[:, [0, 3, 1, 2]]), axis=0)  # z, x and y
        columns.append(np.rad2deg(about[:, [1, 0, 2]]))
    return np.concatenate(columns, axis=1)


def likeness(clip: Clip, human: Human, axes: Floats, scale: float) -> Literal["same", "alike"] | None:
    """Return whether a clip's joints are all of the model's own bodies: where these are, or of a person with the same
    bodies of somewhat other lengths; None where they are not. axes: as of hierarchy_of; scale: [m] of the clip's unit.
    """
    if len(clip.joints) != len(human.own_bodies):
        return None
    tree = hierarchy_of(human, axes)
    if sorted(clip.joints) != sorted(tree.names):
        return None
    own = UNIT * tree.offsets[[tree.names.index(name) for name in clip.joints]][1:]
    away = np.linalg.norm(scale * clip.offsets[1:] - own, axis=1)
    if away.max(initial=0.0) < _SAME:
        return "same"
    return "alike" if (away < _ALIKE[0] + _ALIKE[1] * np.linalg.norm(own, axis=1)).all() else None


def tracks_of_bodies(clip: Clip, human: Human) -> list[Track]:
    """Return which joints of the model follow which of such a clip."""
    model, tracks = human.model, []
    for source, name in enumerate(clip.joints):
        body = model.body(name).id
        tracks += [Track(body, int(model.body_jntadr[body]), source)] if model.body_jntnum[body] else []
    return tracks


def own_poses(clip: Clip, human: Human, axes: Floats, scale: float) -> Floats:
    """Return the poses (F, nq) of such a clip; joints that slide rest, unless they follow others."""
    tree = hierarchy_of(human, axes)
    turns: dict[str, Floats] = {}
    qpos = np.tile(human.qpos_rest, (clip.frames, 1))
    for source, name in enumerate(clip.joints):
        above = clip.parents[source]
        turns[name] = clip.rotations[:, source] if above < 0 else turns[clip.joints[above]] @ clip.rotations[:, source]
    frames = {
        name: continuous(from_matrices(tree.world @ turns[name] @ tree.world.T @ tree.standing[j]))
        for j, name in enumerate(tree.names)
    }
    for j, name in enumerate(tree.names):
        if tree.parents[j] < 0:
            places = scale * clip.positions @ tree.world.T
            set_root(qpos, human, places, multiply(frames[name], human.root_align))
            continue
        parent = frames[tree.names[tree.parents[j]]]
        _turn(qpos, human.model, tree.bodies[j], multiply(conjugate(parent), frames[name]))
    return human.consistent(qpos)


def _turn(qpos: Floats, model: mujoco.MjModel, body: int, turn: Floats) -> None:
    """Set the hinges or the ball of a body in poses (F, nq), in place, so that it is turned against its parent by
    quaternions (F, 4).
    """
    joints = range(model.body_jntadr[body], model.body_jntadr[body] + model.body_jntnum[body])
    wanted = multiply(conjugate(np.array(model.body_quat[body])), turn)
    balls = [joint for joint in joints if model.jnt_type[joint] == _JOINT.mjJNT_BALL]
    if balls:
        adr = int(model.jnt_qposadr[balls[0]])
        qpos[:, adr : adr + 4] = continuous(wanted)
        return
    hinges = [joint for joint in joints if model.jnt_type[joint] == _JOINT.mjJNT_HINGE]
    if not hinges:
        return
    at, axes = model.jnt_qposadr[hinges], model.jnt_axis[hinges]
    angles = _angles(axes, wanted)
    qpos[:, at] = model.qpos0[at] + np.unwrap(angles, axis=0)


def _angles(axes: Floats, wanted: Floats) -> Floats:
    """Angles (F, n) [rad] about axes (n, 3), one after the other, each carried along by those before, that make
    rotations (F, 4); by Newton's method from no angle at all.
    """
    angles = np.zeros((len(wanted), len(axes)))
    for _ in range(_TRIES):
        made = np.tile([1.0, 0.0, 0.0, 0.0], (len(wanted), 1))
        columns = list[Floats]()
        for k in reversed(range(len(axes))):
            columns.insert(0, _carried(axes[k], made))
            made = multiply(exp(angles[:, k : k + 1] * axes[k]), made)
        jacobian = np.stack(columns, axis=-1)
        off = log(multiply(conjugate(made), wanted))
        square = np.swapaxes(jacobian, 1, 2) @ jacobian + _RIDGE * np.eye(len(axes))
        step = np.linalg.solve(square, np.einsum("fan,fa->fn", jacobian, off)[..., None])[..., 0]
        angles += step
        if np.abs(step).max() < _EXACT:
            break
    return angles


def _carried(axis: Floats, after: Floats) -> Floats:
    """An axis (3,) as the frame has it that rotations (F, 4) make after it: (F, 3)."""
    return rotated(conjugate(after), np.tile(axis, (len(after), 1)))
