"""Whether a clip is one of the body that it is put on: its size, its axes, its T-pose, its frames, its lap.

Each mistake is an error that names what came, what would fit, and the key that says it.
"""

from collections.abc import Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.config.sources import Unit
from soleus.errors import UserError
from soleus.models.human import Human
from soleus.motions.axes import AXES, facing, turned_up
from soleus.motions.bvh import Clip
from soleus.motions.cutting import seconds
from soleus.motions.jumps import JOINT, PLACE, TURN, find_jump
from soleus.motions.placing import Track
from soleus.motions.rotations import from_matrices, log
from soleus.motions.units import said

Floats = NDArray[np.float64]

_SIZE = 1.5  # times as large or small: a child's clip on a grown-up is within it, inches for centimetres are not
_ASKEW = np.deg2rad(30.0)
_UNSURE = 1e-3  # weight of the axes as they are said over where the joints lie
_BONE, _BONE_ASKEW = 0.05, np.deg2rad(60.0)  # [m] at least of bones that are compared
_MOST_FRAMES = 4  # of a clip too short to say what a jump is
_ENDS = 0.25  # of the frames, at either end, where a pose that is none of the motion stands
_GAP, _GAP_SHARE = np.deg2rad(15.0), 0.5  # of the last frame from the first, the latter over what the joints move
_STILL = np.deg2rad(3.0)
_FRAME_S = (1 / 5000, 0.25)
_HALF_TURN = 2 * np.pi
_MOST_RADIANS = 8 * np.pi  # of who turns about a few times


def check_frames(clip: Clip) -> None:
    """Raise UserError for a time between frames that no capture has."""
    if not _FRAME_S[0] <= clip.frame_time <= _FRAME_S[1]:
        raise UserError(
            f"BVH file '{clip.path}': expected a Frame Time from {_FRAME_S[0]:g} to {_FRAME_S[1]:g} s, got"
            f" {clip.frame_time:g}: it is in seconds"
        )


def check_fit(
    clip: Clip, human: Human, tracks: Sequence[Track], world: Floats, scale: float, ahead: str | None = None
) -> None:
    """Raise UserError where a clip's skeleton is not the body's. world (3, 3): from the clip's axes to the world's.
    ahead: the axis that the user said the person faces along, if any.
    """
    data = mujoco.MjData(human.model)
    mujoco.mj_kinematics(human.model, data)
    places = np.array([data.xanchor[track.joint] for track in tracks])
    rest = rest_places(clip)[[track.source for track in tracks]]
    own, theirs = places - places.mean(0), rest - rest.mean(0)
    if len(tracks) < 3 or not np.linalg.norm(own) > _BONE:
        return
    if not theirs.any():
        raise UserError(f"BVH file '{clip.path}': expected joints apart from one another, got OFFSETs of zero")
    _check_size(clip, human, float(np.linalg.norm(own) / np.linalg.norm(theirs)), scale)
    _check_axes(clip, human, own, theirs, world, ahead)
    _check_bones(clip, tracks, places, rest, world, scale)


def check_unit(clip: Clip, tracks: Sequence[Track], unit: Unit) -> None:
    """Raise UserError where joints stand still as they do in degrees that are radians, or turn as in the opposite."""
    if unit == "radian":
        if clip.most_angle > _MOST_RADIANS:
            raise UserError(
                f"BVH file '{clip.path}': expected rotations in radians, got up to {clip.most_angle:.4g}: if they are"
                " in degrees, say motion.unit: degree"
            )
        return
    turns = clip.rotations[:, [track.source for track in tracks]]
    away = _angles(turns[:1], turns)
    if np.ptp(clip.positions, axis=0).max() > 0 and 0 < away.max() < _STILL and clip.most_angle < _HALF_TURN:
        raise UserError(
            f"BVH file '{clip.path}': expected rotations in degrees, got none beyond {clip.most_angle:.3g}: if they"
            " are in radians, say motion.unit: radian"
        )


def check_motion(clip: Clip, tracks: Sequence[Track], scale: float, once: bool) -> None:
    """Raise UserError where frames jump, as from a T-pose, or the lap of a motion that is not played once does not
    close. scale: [m] of the root's."""
    if clip.frames > _MOST_FRAMES:
        _check_jumps(clip, tracks, scale)
    if once:
        return
    turns = clip.rotations[:, [track.source for track in tracks]]
    _check_lap(clip, [clip.joints[track.source] for track in tracks], _angles(turns[:1], turns), tracks)


def rest_places(clip: Clip) -> Floats:
    """(J, 3) where the joints are without rotations, from the root."""
    places = np.zeros_like(clip.offsets)
    for joint, parent in enumerate(clip.parents):
        if parent >= 0:
            places[joint] = places[parent] + clip.offsets[joint]
    return places


def _check_size(clip: Clip, human: Human, fits: float, scale: float) -> None:
    if 1 / _SIZE < fits / scale < _SIZE:
        return
    raise UserError(
        f"BVH file '{clip.path}': expected a skeleton as large as '{human.name}', got one {scale / fits:.3g} times as"
        f" large at motion.scale {scale:g}: what fits is motion.scale: {said(fits, _SIZE)}"
    )


def _check_axes(clip: Clip, human: Human, own: Floats, theirs: Floats, world: Floats, ahead: str | None) -> None:
    """The rotation that fits best, of the T-poses onto one another (Kabsch 1976, Acta Cryst. A32:922)."""
    covered = own.T @ theirs
    covered = covered + _UNSURE * np.linalg.norm(covered) * world  # what joints in a line or a plane do not say
    u, _, vt = np.linalg.svd(covered)
    best = u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
    if _angle(best, world) < _ASKEW:
        return
    axes = np.zeros(9)
    mujoco.mju_quat2Mat(axes, human.channel_axes)
    ways = {
        f"motion.up: {up}, motion.forward: {forward}": facing(up, forward)
        for up in AXES
        for forward in AXES
        if up[-1] != forward[-1]
    }
    if ahead is None:  # beside a motion.forward of the user's, motion.up alone means something else
        ways = {f"motion.up: {up}": axes.reshape(3, 3) @ turned_up(up, "y") for up in AXES} | ways
    key = min(ways, key=lambda key: round(_angle(best, ways[key]), 6))
    fits = key if _angle(best, ways[key]) < _ASKEW else "other axes, which no key says"
    turned = best @ world.T
    if turned[2, 2] > np.cos(_ASKEW) and _angle(best, world) > np.pi - _ASKEW:
        fits += ", or its left and right are exchanged, which motion.names puts right"
    raise UserError(
        f"BVH file '{clip.path}': expected a skeleton that stands as '{human.name}' does, got one turned by"
        f" {np.rad2deg(_angle(best, world)):.0f} degrees: what fits is {fits}"
    )


def _check_bones(
    clip: Clip, tracks: Sequence[Track], places: Floats, rest: Floats, world: Floats, scale: float
) -> None:
    rows = {track.source: k for k, track in enumerate(tracks)}
    for k, track in enumerate(tracks):
        above = clip.parents[track.source]
        while above >= 0 and above not in rows:
            above = clip.parents[above]
        if above < 0:
            continue
        own, theirs = places[k] - places[rows[above]], scale * world @ (rest[k] - rest[rows[above]])
        lengths = np.linalg.norm(own), np.linalg.norm(theirs)
        if min(lengths) < _BONE:
            continue
        askew = float(np.arccos(np.clip(own @ theirs / np.prod(lengths), -1, 1)))
        if askew > _BONE_ASKEW:
            raise UserError(
                f"BVH file '{clip.path}': expected joint '{clip.joints[track.source]}' without rotations where the"
                f" model has it in its T-pose, got it {np.rad2deg(askew):.0f} degrees away, seen from"
                f" '{clip.joints[above]}'"
            )


def _check_jumps(clip: Clip, tracks: Sequence[Track], scale: float) -> None:
    """The worst jump of all joints, and of the root's place."""
    found = [
        (jump, f"joint '{clip.joints[track.source]}' turning by {np.rad2deg(jump.size):.0f} degrees")
        for track in tracks
        if (jump := find_jump(_steps(clip, track.source), clip.frame_time, JOINT if track.source else TURN))
    ]
    if jump := find_jump(scale * np.diff(clip.positions, axis=0), clip.frame_time, PLACE):
        found.append((jump, f"the root's position '{clip.joints[0]}' moving by {jump.size:.3g} m"))
    if not found:
        return
    jump, came = max(found, key=lambda one: one[0].times)
    at, count = clip.first + jump.frame, clip.frames
    start, end = jump.frame < _ENDS * count, jump.frame + 1 > (1 - _ENDS) * count
    early, dt = jump.frame + 1 < count / 2, clip.frame_time
    key = f"motion.from: {seconds(dt * (at + 1))}" if early else f"motion.to: {seconds(dt * at)}"
    what = "a T-pose" if came.startswith("joint") else f"the frames {'before' if start else 'after'} it"
    hint = f"leave out {what} by {key}" if start or end else "motion.from and motion.to choose a part without it"
    raise UserError(
        f"BVH file '{clip.path}': expected a motion without jumps, got {came} from frame {at} to frame"
        f" {at + 1}, after {seconds(dt * at)} s: {hint}"
    )


def _steps(clip: Clip, joint: int) -> Floats:
    """(F - 1, 3) [rad] from each frame to the next."""
    turns = clip.rotations[:, joint]
    return log(from_matrices(np.swapaxes(turns[:-1], -1, -2) @ turns[1:]))


def _check_lap(clip: Clip, names: list[str], away: Floats, tracks: Sequence[Track]) -> None:
    limbs = [k for k, track in enumerate(tracks) if track.source != 0]  # the root may turn from lap to lap
    if not limbs:
        return
    gaps, ranges = away[-1, limbs], away[:, limbs].max(0)
    if gaps.max() < _GAP or gaps.sum() < _GAP_SHARE * ranges.sum():
        return
    worst = limbs[int(gaps.argmax())]
    raise UserError(
        f"BVH file '{clip.path}': expected one cycle, whose last frame is like the first, got joint"
        f" '{names[worst]}' {np.rad2deg(gaps.max()):.0f} degrees from there: choose a whole"
        " cycle by motion.from and motion.to"
    )


def _angle(one: Floats, other: Floats) -> float:
    return float(_angles(one, other))


def _angles(one: Floats, other: Floats) -> Floats:
    """Angles (...) [rad] between rotations (..., 3, 3), broadcast."""
    trace = np.sum(one * other, axis=(-2, -1))
    return np.asarray(np.arccos(np.clip((trace - 1) / 2, -1, 1)))
