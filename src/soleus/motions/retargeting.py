"""A captured clip put on a body by the names of its limbs, whatever joints the body has.

Both stand at rest: the clip without rotations, the body in its rest pose. Each limb of the body is turned from its rest
as the clip's is from its own, after it was brought to where the clip's limb rests, so that arms that hang follow arms
that are spread. The clip's unit, its axis up and where it faces are read from the clip itself.
"""

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.config.sources import BvhMotion
from soleus.errors import UserError
from soleus.models.human import Human
from soleus.motions.axes import vector
from soleus.motions.bvh import Clip
from soleus.motions.fitting import check_frames, rest_places
from soleus.motions.limbs import joints_of, limbs_of, trunk_of
from soleus.motions.looping import headed, loop, resample
from soleus.motions.motion import Motion, make_motion, play_once
from soleus.motions.orienting import Orienter, limb_of
from soleus.motions.placing import Track, put_on_feet
from soleus.motions.rooting import set_root
from soleus.motions.rotations import from_matrices, multiply

Floats = NDArray[np.float64]

_LEGS = tuple((limb, which) for limb in ("thigh", "shank", "foot") for which in "rl")
_BELOW = {"thigh": "shank", "shank": "foot", "upper_arm": "forearm"}
_ABOVE = {"shank": "thigh", "foot": "shank", "forearm": "upper_arm"}
_MOST_FRAMES = 100_000
_STRAIGHT = 0.1  # [rad] as of recordings
_FACES = 0.2  # of a unit vector


def has_limbs(clip: Clip) -> bool:
    """Whether a clip's joints have names by which its hips and legs are known."""
    return {("hips", ""), *_LEGS} <= joints_of(clip.joints).keys()


def limb_tracks(clip: Clip, human: Human) -> list[Track]:
    """Return which joint of a body follows which of a clip, of the limbs that both have."""
    found, bodies = joints_of(clip.joints), limbs_of(human)
    tracks = [Track(human.root_body, int(human.model.body_jntadr[human.root_body]), found["hips", ""])]
    both = [key for key in bodies if key in found and human.model.body_jntnum[bodies[key]]]
    return tracks + [Track(bodies[key], int(human.model.body_jntadr[bodies[key]]), found[key]) for key in both]


def retarget(name: str, clip: Clip, human: Human, how: BvhMotion) -> tuple[Motion, float]:
    """Return one lap of a clip, or all of it played once; and the unit of length [m] that it was taken to be in.

    Raises UserError where a leg of the body has no name that is known, or the clip's joints lie in one place.
    """
    check_frames(clip)
    found, bodies = joints_of(clip.joints), limbs_of(human)
    missing = next((f"{limb}_{which}" for limb, which in _LEGS if (limb, which) not in bodies), None)
    if missing:
        raise UserError(
            f"BVH file '{clip.path}': expected a body of model '{human.name}' with a name like '{missing}', for that"
            " limb of the clip, got none: motion.names says which joint each body follows"
        )
    poses, scale = _poses(clip, human, found, bodies, how)
    duration = (clip.frames - 1) * clip.frame_time
    if how.lap == "once":
        played = human.consistent(headed(poses, human))
        put_on_feet(played, human)
        return play_once(name, duration, played, human), scale
    qpos, lap = loop(poses, human, _STRAIGHT)
    count = max(2, round(duration * how.hz))
    if count > _MOST_FRAMES:
        raise UserError(f"BVH file '{clip.path}': expected up to {_MOST_FRAMES:,} frames, got {count:,}")
    qpos = human.consistent(resample(qpos, lap, human, count))
    put_on_feet(qpos, human)
    return make_motion(name, duration, qpos, lap.displacement, human, lap.turn), scale


def _poses(
    clip: Clip, human: Human, found: dict[tuple[str, str], int], bodies: dict[tuple[str, str], int], how: BvhMotion
) -> tuple[Floats, float]:
    """Poses (F, nq) frame by frame, and the unit of length [m]."""
    rest, turns = rest_places(clip), _global(clip)
    body_axes = _body_axes(clip, found, rest)
    up = _upward(found, _places(clip, turns)) if how.up is None else vector(how.up)
    world = _world(clip, turns[:, found["hips", ""]] @ body_axes[:, 0], up, how)
    orienter, trunk = Orienter(human), trunk_of(human)
    anchors = _anchors(human, bodies)

    def goals(joint: int, body: int, brought: Floats | None = None) -> Floats:
        """Quaternions (F, 4) of a body in the world."""
        turned = from_matrices(world @ turns[:, joint] @ body_axes)
        standing = orienter.rest[body]
        return multiply(turned, standing if brought is None else multiply(brought, standing))

    qpos = np.tile(human.qpos_rest, (clip.frames, 1))
    theirs = {key: rest[joint] for key, joint in found.items()}
    scale = how.root_scale or how.scale or _legs(anchors) / _legs(theirs)
    hips = goals(found["hips", ""], human.root_body)
    shift = scale * (clip.positions - clip.positions[0]) @ world.T
    shift[:, 2] += human.root_height + human.ground_height
    set_root(qpos, human, shift, multiply(hips, human.root_align))
    if trunk is not None and (carrier := _carrier(clip, found)) is not None:
        orienter.solve(qpos, limb_of(human, human.root_body, trunk), goals(carrier, trunk))
    for limb in ("thigh", "shank", "foot", "upper_arm", "forearm"):
        for which in "rl":
            if (limb, which) not in found or (limb, which) not in bodies:
                continue
            body = bodies[limb, which]
            above = bodies.get((_ABOVE.get(limb, ""), which), trunk if limb == "upper_arm" else None)
            joints = limb_of(human, human.root_body if above is None else above, body)
            if joints.moves:
                brought = _brought(anchors, theirs, body_axes, limb, which)
                orienter.solve(qpos, joints, goals(found[limb, which], body, brought))
    return human.consistent(qpos), scale


def _global(clip: Clip) -> Floats:
    """(F, J, 3, 3) rotations of the joints in the clip's axes."""
    result = clip.rotations.copy()
    for joint, parent in enumerate(clip.parents):
        if parent >= 0:
            result[:, joint] = result[:, parent] @ clip.rotations[:, joint]
    return result


def _places(clip: Clip, turns: Floats) -> Floats:
    """(F, J, 3) places of the joints from the root's, file units. turns: as _global."""
    result = np.zeros((clip.frames, len(clip.joints), 3))
    for joint, parent in enumerate(clip.parents):
        if parent >= 0:
            result[:, joint] = result[:, parent] + turns[:, parent] @ clip.offsets[joint]
    return result


def _body_axes(clip: Clip, found: dict[tuple[str, str], int], rest: Floats) -> Floats:
    """(3, 3) columns forward, left and up of the person at rest, in the clip's axes."""
    left = rest[found["thigh", "l"]] - rest[found["thigh", "r"]]
    feet = 0.5 * (rest[found["foot", "l"]] + rest[found["foot", "r"]])
    hips = 0.5 * (rest[found["thigh", "l"]] + rest[found["thigh", "r"]])
    up = hips - feet
    if not (np.linalg.norm(left) > 0 and np.linalg.norm(np.cross(left, up)) > 0):
        raise UserError(f"BVH file '{clip.path}': expected hips beside one another above the feet, got OFFSETs of zero")
    left = left / np.linalg.norm(left)
    up = up - (up @ left) * left
    up /= np.linalg.norm(up)
    return np.stack([np.cross(left, up), left, up], axis=1)


def _upward(found: dict[tuple[str, str], int], places: Floats) -> Floats:
    """(3,) the axis of the clip that leads from the feet to the hips, on average over its frames."""
    feet = 0.5 * (places[:, found["foot", "r"]] + places[:, found["foot", "l"]])
    mean = -feet.mean(axis=0)
    axis = np.zeros(3)
    axis[np.abs(mean).argmax()] = np.sign(mean[np.abs(mean).argmax()])
    return axis


def _world(clip: Clip, faced: Floats, up: Floats, how: BvhMotion) -> Floats:
    """(3, 3) from the clip's axes to x forward, y left and z up; forward as the person faces on average, faced (F, 3)
    being where in each frame."""
    ahead = vector(how.forward) if how.forward else faced.mean(axis=0)
    ahead = ahead - (ahead @ up) * up
    if np.linalg.norm(ahead) < _FACES:  # who turns round faces as in the first frame
        ahead = faced[0] - (faced[0] @ up) * up
    if np.linalg.norm(ahead) < _FACES:
        raise UserError(f"BVH file '{clip.path}': expected a person who stands in the first frame, got one who lies")
    ahead /= np.linalg.norm(ahead)
    return np.stack([ahead, np.cross(up, ahead), up])


def _carrier(clip: Clip, found: dict[tuple[str, str], int]) -> int | None:
    """Return the last joint above both arms, which turns as the trunk does; None where there are no arms."""
    if not {("upper_arm", "r"), ("upper_arm", "l")} <= found.keys():
        return None
    chains = []
    for which in "rl":
        joint, above = clip.parents[found["upper_arm", which]], list[int]()
        while joint >= 0:
            above.append(joint)
            joint = clip.parents[joint]
        chains.append(above)
    return next(joint for joint in chains[0] if joint in chains[1])


def _anchors(human: Human, bodies: dict[tuple[str, str], int]) -> dict[tuple[str, str], Floats]:
    """Place (3,) [m] of the upper end of each limb in the rest pose."""
    data = mujoco.MjData(human.model)
    data.qpos[:] = human.qpos_rest
    mujoco.mj_kinematics(human.model, data)
    return {key: data.xpos[body].copy() for key, body in bodies.items()}


def _legs(places: dict[tuple[str, str], Floats]) -> float:
    """Mean length of the legs, from places of hips, knees and ankles."""
    parts = [places[_BELOW[limb], which] - places[limb, which] for limb in ("thigh", "shank") for which in "rl"]
    return float(np.linalg.norm(parts, axis=1).sum()) / 2


def _brought(
    anchors: dict[tuple[str, str], Floats],
    theirs: dict[tuple[str, str], Floats],
    body_axes: Floats,
    limb: str,
    which: str,
) -> Floats | None:
    """Quaternion (4,) of the least turn that brings the body's limb at rest to where the clip's rests; None of limbs
    that end in nothing to compare, as feet. anchors, theirs: places of limbs of the body and of the clip."""
    below = (_BELOW.get(limb, ""), which)
    if below not in theirs or below not in anchors:
        return None
    own = anchors[below] - anchors[limb, which]
    wanted = body_axes.T @ (theirs[below] - theirs[limb, which])
    lengths = np.linalg.norm(own) * np.linalg.norm(wanted)
    if lengths <= 0:
        return None
    half = np.concatenate([[lengths + own @ wanted], np.cross(own, wanted)])
    size = np.linalg.norm(half)
    return half / size if size > 1e-9 else None
