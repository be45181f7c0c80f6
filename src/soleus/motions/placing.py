"""Put a human into the poses of a captured clip: rotations of its joints to qpos."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError, nearest
from soleus.models.ground import foot_heights
from soleus.models.human import Human
from soleus.motions.bvh import Clip
from soleus.motions.looping import headed, loop, resample
from soleus.motions.motion import Motion, make_motion, play_once
from soleus.motions.posing import root_slots
from soleus.motions.rotations import from_matrices, log

Floats = NDArray[np.float64]

_JOINT = mujoco.mjtJoint
_MOST_FRAMES = 1_000_000
_GROUNDED = 0.25  # of the frames have their lowest foot at the ground or below: most of a walk, and of a run enough


@dataclass(frozen=True)
class Track:
    """A joint of the model that follows a joint of the clip."""

    body: int
    joint: int  # of the model
    source: int  # index in clip.joints


def place(
    name: str,
    clip: Clip,
    human: Human,
    channels: Mapping[str, str],
    axes: Floats,
    *,
    scale: float = 0.01,
    hz: float = 60,
    once: bool = False,
) -> Motion:
    """One lap of a clip as a motion of a human with a free root, at `hz` frames a second; or all of it, played once.

    channels: BVH joint of each body that follows one; such a body has one joint, whose frame is the body's own, and in
    the model's qpos0 it stands as the clip does without rotations (the T-pose). Joints of other bodies rest. axes (4,):
    quaternion from the clip's axes to the world's. scale: metres in the clip's unit of length. Angles are not held
    within the joints' ranges. Closed, headed and resampled as `looping` says; the height is that at which the lowest
    foot stands on the ground for a quarter of the lap or more. Raises UserError where channels do not fit.
    """
    tracks = tracks_of(clip, human, channels)
    poses = _poses(clip, human, tracks, axes, scale)
    return motion_of(name, clip, poses, human, hz=hz, once=once, on_feet=True)


def motion_of(name: str, clip: Clip, poses: Floats, human: Human, *, hz: float, once: bool, on_feet: bool) -> Motion:
    """Return the motion that a clip's poses (F, nq) make, as `place` does. on_feet: whether the feet say its height."""
    duration = (clip.frames - 1) * clip.frame_time
    if not duration * hz <= _MOST_FRAMES:
        raise UserError(
            f"BVH file '{clip.path}': expected up to {_MOST_FRAMES:,} frames, got {duration:g} s of {hz:g} frames each"
        )
    if once:
        played = human.consistent(headed(poses, human))
        if on_feet:
            put_on_feet(played, human)
        return play_once(name, duration, played, human)
    qpos, lap = loop(poses, human)
    qpos = human.consistent(resample(qpos, lap, human, max(2, round(duration * hz))))
    if on_feet:
        put_on_feet(qpos, human)
    return make_motion(name, duration, qpos, lap.displacement, human, lap.turn)


def put_on_feet(qpos: Floats, human: Human) -> None:
    """Raise or lower poses (K, nq), in place, so that the lowest foot stands on the ground for a quarter of them or
    more; of a root that can rise.
    """
    adr = root_slots(human).shift[2]
    if adr >= 0:
        qpos[:, adr] -= np.quantile(foot_heights(human, qpos).min(axis=1), _GROUNDED) - human.ground_height


def _root_joint(human: Human) -> int:
    return int(human.model.body_jntadr[human.root_body])


def tracks_of(clip: Clip, human: Human, channels: Mapping[str, str]) -> list[Track]:
    """Return which joint follows which. Raises UserError where a body or a joint is not there."""
    model = human.model
    bodies = {model.body(b).name: int(b) for b in human.own_bodies}
    if model.jnt_type[_root_joint(human)] != _JOINT.mjJNT_FREE:
        raise UserError(f"BVH file '{clip.path}': expected a model with a free root, got the planar '{human.name}'")
    tracks = []
    for body_name, joint_name in channels.items():
        if body_name not in bodies:
            raise UserError(
                f"BVH file '{clip.path}': expected a body of model '{human.name}' for the joint '{joint_name}',"
                f" got '{body_name}'{nearest(body_name, bodies)}"
            )
        if joint_name not in clip.joints:
            near = difflib.get_close_matches(joint_name, clip.joints, n=1, cutoff=0.0)[0]
            raise UserError(
                f"BVH file '{clip.path}': expected a joint '{joint_name}' for body '{body_name}', got none of that"
                f" name; nearest is '{near}'"
            )
        tracks.append(Track(bodies[body_name], _joint(human, bodies[body_name]), clip.joints.index(joint_name)))
    source = next((track.source for track in tracks if track.body == human.root_body), None)
    if source != 0:
        got = "none" if source is None else f"'{clip.joints[source]}'"
        raise UserError(
            f"BVH file '{clip.path}': expected its root '{clip.joints[0]}' for the root body"
            f" '{model.body(human.root_body).name}', got {got}"
        )
    return tracks


def _joint(human: Human, body: int) -> int:
    """The one joint of a body, free only at the root."""
    model = human.model
    joint = int(model.body_jntadr[body])
    allowed = (_JOINT.mjJNT_FREE,) if body == human.root_body else (_JOINT.mjJNT_BALL, _JOINT.mjJNT_HINGE)
    if model.body_jntnum[body] != 1 or _JOINT(model.jnt_type[joint]) not in allowed:
        types = model.jnt_type[joint : joint + int(model.body_jntnum[body])]
        kinds = [_JOINT(kind).name.removeprefix("mjJNT_").lower() for kind in types]
        raise UserError(
            f"model '{human.name}': expected one ball or hinge joint of body '{model.body(body).name}', which follows a"
            f" motion, got {', '.join(kinds) or 'none'}"
        )
    return joint


def _poses(clip: Clip, human: Human, tracks: list[Track], axes: Floats, scale: float) -> Floats:
    """Poses (F, nq) frame by frame, as the clip has them."""
    model, data = human.model, mujoco.MjData(human.model)
    mujoco.mj_kinematics(model, data)  # at qpos0
    turn = np.zeros(9)
    mujoco.mju_quat2Mat(turn, np.asarray(axes, dtype=np.float64))
    world = turn.reshape(3, 3)
    qpos = np.tile(human.qpos_rest, (clip.frames, 1))
    for track in tracks:
        adr, rotations = int(model.jnt_qposadr[track.joint]), clip.rotations[:, track.source]
        standing = data.xmat[track.body].reshape(3, 3)
        if track.body == human.root_body:
            qpos[:, adr : adr + 3] = scale * clip.positions @ world.T
            qpos[:, adr + 3 : adr + 7] = from_matrices(world @ rotations @ world.T @ standing)
            continue
        # The clip's joints have its axes in the T-pose; the model's have those of their bodies.
        own = world.T @ standing
        quaternions = from_matrices(own.T @ rotations @ own)
        if model.jnt_type[track.joint] == _JOINT.mjJNT_BALL:
            qpos[:, adr : adr + 4] = quaternions
        else:
            angles = log(quaternions) @ model.jnt_axis[track.joint]
            qpos[:, adr] = model.qpos0[adr] + np.unwrap(angles)
    return qpos
