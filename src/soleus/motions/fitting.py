"""Whether a clip is one of the body that it is put on: its size, its axes, its T-pose, its frames, its lap.

Each mistake is an error that names what came, what would fit, and the key that says it.
"""

from collections.abc import Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.models.human import Human
from soleus.motions.axes import AXES, facing, turned_up
from soleus.motions.bvh import Clip
from soleus.motions.placing import Track

Floats = NDArray[np.float64]

_UNITS = {"metres": 1.0, "centimetres": 0.01, "millimetres": 0.001, "inches": 0.0254, "feet": 0.3048}
_SIZE = 1.5  # times as large or small: a child's clip on a grown-up is within it, inches for centimetres are not
_ASKEW = np.deg2rad(30.0)
_BONE, _BONE_ASKEW = 0.05, np.deg2rad(60.0)  # [m] at least of bones that are compared
_JUMP, _TIMES = 0.5, 8.0  # [rad] of a joint from one frame to the next, and over nearly all its other steps
_GAP, _GAP_SHARE = np.deg2rad(15.0), 0.5  # of the last frame from the first, the latter over what the joints move
_STILL = np.deg2rad(3.0)
_FRAME_S = (1 / 5000, 0.25)
_HALF_TURN = 2 * np.pi


def check_frames(clip: Clip) -> None:
    """Raise UserError for a time between frames that no capture has."""
    if not _FRAME_S[0] <= clip.frame_time <= _FRAME_S[1]:
        raise UserError(
            f"BVH file '{clip.path}': expected a Frame Time from {_FRAME_S[0]:g} to {_FRAME_S[1]:g} s, got"
            f" {clip.frame_time:g}: it is in seconds"
        )


def check_fit(clip: Clip, human: Human, tracks: Sequence[Track], world: Floats, scale: float) -> None:
    """Raise UserError where a clip's skeleton is not the body's. world (3, 3): from the clip's axes to the world's."""
    data = mujoco.MjData(human.model)
    mujoco.mj_kinematics(human.model, data)
    places = np.array([data.xanchor[track.joint] for track in tracks])
    rest = _rest(clip)[[track.source for track in tracks]]
    own, theirs = places - places.mean(0), rest - rest.mean(0)
    if len(tracks) < 3 or not np.linalg.norm(own) > _BONE:
        return
    if not theirs.any():
        raise UserError(f"BVH file '{clip.path}': expected joints apart from one another, got OFFSETs of zero")
    _check_size(clip, human, float(np.linalg.norm(own) / np.linalg.norm(theirs)), scale)
    _check_axes(clip, human, own, theirs, world)
    _check_bones(clip, tracks, places, rest, world, scale)


def check_motion(clip: Clip, tracks: Sequence[Track]) -> None:
    """Raise UserError where frames jump, as from a T-pose, stand still as radians do, or the lap does not close."""
    turns = clip.rotations[:, [track.source for track in tracks]]
    names = [clip.joints[track.source] for track in tracks]
    away = _angles(turns[:1], turns)
    if np.ptp(clip.positions, axis=0).max() > 0 and 0 < away.max() < _STILL and clip.most_angle < _HALF_TURN:
        raise UserError(
            f"BVH file '{clip.path}': expected rotations in degrees, got none beyond {clip.most_angle:.3g}: if they"
            " are in radians, say motion.unit: radian"
        )
    if clip.frames > 4:
        _check_jumps(clip, names, _angles(turns[:-1], turns[1:]))
    _check_lap(clip, names, away, tracks)


def _rest(clip: Clip) -> Floats:
    """(J, 3) where the joints are without rotations, from the root."""
    places = np.zeros_like(clip.offsets)
    for joint, parent in enumerate(clip.parents):
        if parent >= 0:
            places[joint] = places[parent] + clip.offsets[joint]
    return places


def _check_size(clip: Clip, human: Human, fits: float, scale: float) -> None:
    if 1 / _SIZE < fits / scale < _SIZE:
        return
    unit = min(_UNITS, key=lambda name: abs(np.log(fits / _UNITS[name])))
    near = 1 / _SIZE < fits / _UNITS[unit] < _SIZE
    said = f"{_UNITS[unit]:g} for {unit}" if near else f"about {fits:.3g}"
    raise UserError(
        f"BVH file '{clip.path}': expected a skeleton as large as '{human.name}', got one {scale / fits:.3g} times as"
        f" large at motion.scale {scale:g}: what fits is motion.scale: {said}"
    )


def _check_axes(clip: Clip, human: Human, own: Floats, theirs: Floats, world: Floats) -> None:
    """The rotation that fits best, of the T-poses onto one another (Kabsch 1976, Acta Cryst. A32:922)."""
    u, _, vt = np.linalg.svd(own.T @ theirs)
    best = u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
    if _angle(best, world) < _ASKEW:
        return
    axes = np.zeros(9)
    mujoco.mju_quat2Mat(axes, human.channel_axes)
    ups = {f"motion.up: {up}": axes.reshape(3, 3) @ turned_up(up, "y") for up in AXES}
    ways = ups | {
        f"motion.up: {up}, motion.forward: {forward}": facing(up, forward)
        for up in AXES
        for forward in AXES
        if up[-1] != forward[-1]
    }
    said = next((key for key, matrix in ways.items() if _angle(best, matrix) < _ASKEW), "other axes, which no key says")
    raise UserError(
        f"BVH file '{clip.path}': expected a skeleton that stands as '{human.name}' does, got one turned by"
        f" {np.rad2deg(_angle(best, world)):.0f} degrees: what fits is {said}"
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


def _check_jumps(clip: Clip, names: list[str], steps: Floats) -> None:
    usual = np.quantile(steps, 0.9, axis=0)
    jumps = np.where((steps > _JUMP) & (steps > _TIMES * usual), steps, 0.0)
    if not jumps.any():
        return
    frame, joint = np.unravel_index(int(jumps.argmax()), jumps.shape)
    at = clip.first + int(frame)
    early = frame < len(steps) / 2
    key = f"motion.from: {at + 1}" if early else f"motion.to: {at}"
    raise UserError(
        f"BVH file '{clip.path}': expected a motion without jumps, got joint '{names[joint]}' turning by"
        f" {np.rad2deg(jumps.max()):.0f} degrees from frame {at} to frame {at + 1}: leave out a T-pose by {key}"
    )


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
        f" '{names[worst]}' {np.rad2deg(gaps.max()):.0f} degrees from there: choose the frames of a whole"
        " cycle by motion.from and motion.to"
    )


def _angle(one: Floats, other: Floats) -> float:
    return float(_angles(one, other))


def _angles(one: Floats, other: Floats) -> Floats:
    """Angles (...) [rad] between rotations (..., 3, 3), broadcast."""
    trace = np.sum(one * other, axis=(-2, -1))
    return np.asarray(np.arccos(np.clip((trace - 1) / 2, -1, 1)))
