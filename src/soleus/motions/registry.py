"""Motions by name, or from a user's gait table."""

import difflib
from importlib.resources import as_file, files
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.config.sources import (
    MARKER_ENDINGS,
    STORAGE_ENDINGS,
    TABLE_ENDINGS,
    BvhMotion,
    CycleMotion,
    OneMotion,
    TableMotion,
)
from soleus.errors import UserError
from soleus.models.human import Human
from soleus.motions.arrays import read_arrays
from soleus.motions.axes import facing, turned_up
from soleus.motions.bvh import Clip, read_bvh
from soleus.motions.changing import mirrored, scaled_cycle, timed
from soleus.motions.coordinates import read_coordinates
from soleus.motions.cycle import GaitCycle, read_cycle, steady_trunk
from soleus.motions.fitting import check_fit, check_frames, check_motion, check_unit
from soleus.motions.footing import fit_footing
from soleus.motions.hierarchy import UNIT, likeness, own_poses, tracks_of_bodies
from soleus.motions.joints import leg_length
from soleus.motions.lapping import lap_of, once_of
from soleus.motions.motion import Motion, make_motion
from soleus.motions.placing import motion_of, place, tracks_of
from soleus.motions.plausible import Given, check_place, check_treading
from soleus.motions.posing import Poser
from soleus.motions.retargeting import has_limbs, limb_tracks, retarget
from soleus.motions.rotations import multiply
from soleus.motions.smoothing import smooth_clip, smooth_recording
from soleus.motions.sudden import check_jumps
from soleus.motions.table import given_lap, read_rows
from soleus.motions.upper_body import UpperBody

_NAMES = ("walk", "run")
_FRAMES = 128


def names() -> tuple[str, ...]:
    """The built-in motions."""
    return _NAMES


def load(source: str | Path | OneMotion, human: Human) -> Motion:
    """A motion for a human: a built-in one, a file's, or a clip's, changed as its keys say.

    A .yaml file is a gait cycle like the built-in walk.yaml, which is put on the human's feet; a .csv file holds its
    poses, as write_table writes them; a .mot, .sto or .npz file is a recording, of which one lap is found; a
    .bvh file is a clip like BvhMotion's. Endings may be in capitals. Raises UserError: unknown name, a
    bad file, joints, units or axes that do not fit.
    """
    found = _of_kind(source) if isinstance(source, str | Path) else source
    if isinstance(found, CycleMotion):
        motion = _cycle(found, human)
    else:
        loaded = _clip(found, human) if isinstance(found, BvhMotion) else _table(found, human)
        motion = timed(loaded, human, found.speed, found.cadence)
    return mirrored(motion, human) if found.mirror else motion


def _of_kind(source: str | Path) -> BvhMotion | TableMotion | CycleMotion:
    """Return what a name or a file is, by its ending."""
    name = str(source)
    ending = Path(name).suffix.lower()
    if name in _NAMES or ending in (".yaml", ".yml"):
        return CycleMotion(cycle=name)
    if ending == ".bvh":
        return BvhMotion(bvh=name)
    if ending in TABLE_ENDINGS:
        return TableMotion(table=name)
    if ending in MARKER_ENDINGS:
        raise _of_markers(name)
    tables = ", ".join(TABLE_ENDINGS)
    if ending:
        raise UserError(
            f"motion file '{name}': expected a name that ends in .bvh (a clip), {tables} (a table) or .yaml (a gait"
            f" cycle), got {Path(name).suffix}"
        )
    near = difflib.get_close_matches(name, names(), n=1, cutoff=0.0)[0]
    raise UserError(
        f"unknown motion '{name}': expected one of {', '.join(names())}, .yaml, {tables} or .bvh; nearest is '{near}'"
    )


def _of_markers(name: str) -> UserError:
    return UserError(
        f"motion file '{name}': expected poses of a model, got markers: soleus import opensim MODEL.osim --motion"
        f" {name} --out DIR makes poses of them, by inverse kinematics of the OpenSim model that has these markers"
    )


def _table(source: TableMotion, human: Human) -> Motion:
    path = Path(source.table)
    ending = path.suffix.lower()
    if ending in MARKER_ENDINGS:
        raise _of_markers(source.table)
    storage = ending in STORAGE_ENDINGS
    read = read_coordinates if storage else read_arrays if ending == ".npz" else read_rows
    recording = read(path, human, source)
    lap = source.lap or ("find" if storage or ending == ".npz" else "given")
    if source.filter is not None:
        if lap == "given":  # whose ends would no longer be one pose
            raise UserError("motion.filter: expected it with motion.lap: close, find or once, got lap: given")
        check_jumps(recording, human)  # which it would only make slower
        recording = smooth_recording(recording, human, source.filter)
    retargeted = storage and not recording.own
    if lap == "once":
        return once_of(recording, human, retargeted)
    if lap == "given":
        return given_lap(recording, human)
    return lap_of(recording, human, lap == "find", retargeted)


def _clip(source: BvhMotion, human: Human) -> Motion:
    channels = {**human.channels, **source.names}
    clip = read_bvh(Path(source.bvh), source.unit == "radian").cut(source.first, source.to)
    like = None if source.names else likeness(clip, human, _axes(source, human), source.scale or UNIT)
    if like:
        return _by_bodies(source, clip, human, on_feet=like == "alike")
    named = bool(channels) and set(channels.values()) <= set(clip.joints)
    if not source.names and not named and has_limbs(clip):
        return _by_limbs(source, clip, human)
    if not channels:
        raise UserError(
            f"motion.names: expected the joint of '{source.bvh}' that each body follows, got none: '{human.name}' names"
            " none either"
        )
    axes = _axes(source, human)
    tracks, world = tracks_of(clip, human, channels), np.zeros(9)
    mujoco.mju_quat2Mat(world, axes)
    check_frames(clip)
    scale = source.scale or UNIT
    root_scale = source.root_scale or scale
    check_fit(clip, human, tracks, world.reshape(3, 3), scale, source.forward)
    check_unit(clip, tracks, source.unit)
    once = source.lap == "once"
    smoothed = smooth_clip(clip, source.filter) if source.filter else clip
    motion = place(str(source), smoothed, human, channels, axes, scale=root_scale, hz=source.hz, once=once)
    given = Given(f"BVH file '{source.bvh}'", "motion.root_scale", root_scale)
    check_treading(given, motion, human)
    check_motion(clip, tracks, root_scale, once)
    check_place(given, motion, human)
    return motion


def _by_bodies(source: BvhMotion, clip: Clip, human: Human, on_feet: bool) -> Motion:
    """Put a clip on the bodies that it is of: those of a rollout's file. on_feet: whether the feet say its height."""
    check_frames(clip)
    tracks, scale = tracks_of_bodies(clip, human), source.root_scale or source.scale or UNIT
    check_unit(clip, tracks, source.unit)
    once = source.lap == "once"
    check_motion(clip, tracks, scale, once)
    smoothed = smooth_clip(clip, source.filter) if source.filter else clip
    poses = own_poses(smoothed, human, _axes(source, human), scale)
    motion = motion_of(str(source), smoothed, poses, human, hz=source.hz, once=once, on_feet=on_feet)
    check_place(Given(f"BVH file '{source.bvh}'", "motion.root_scale", scale), motion, human)
    return motion


def _by_limbs(source: BvhMotion, clip: Clip, human: Human) -> Motion:
    """Put a clip on a body that is not its own by the names of its limbs."""
    check_frames(clip)
    check_unit(clip, limb_tracks(clip, human), source.unit)
    smoothed = smooth_clip(clip, source.filter) if source.filter else clip
    motion, scale = retarget(str(source), smoothed, human, source)
    check_motion(clip, limb_tracks(clip, human), scale, source.lap == "once")
    given = Given(f"BVH file '{source.bvh}'", "motion.scale", scale)
    check_treading(given, motion, human)
    check_place(given, motion, human)
    return motion


def _axes(source: BvhMotion, human: Human) -> NDArray[np.float64]:
    """Quaternion from the file's axes to the world's."""
    if source.up is None and source.forward is None:
        return human.channel_axes
    result, up = np.zeros(4), source.up or "y"
    if source.forward is not None:
        mujoco.mju_mat2Quat(result, facing(up, source.forward).ravel())
        return result
    mujoco.mju_mat2Quat(result, turned_up(up, "y").ravel())
    return multiply(human.channel_axes, result)


def built_in_cycle(name: str) -> GaitCycle:
    """Return the tables of a built-in motion, as people were measured: no model's."""
    with as_file(files("soleus.motions").joinpath(f"{name}.yaml")) as path:
        return read_cycle(path)


def _cycle(source: CycleMotion, human: Human) -> Motion:
    measured = built_in_cycle(source.cycle) if source.cycle in _NAMES else read_cycle(Path(source.cycle))
    if source.speed is None and source.cadence is None:
        return _place(measured, human)
    return _place(scaled_cycle(measured, source.speed, source.cadence, leg_length(human)), human)


def _place(measured: GaitCycle, human: Human) -> Motion:
    upper = UpperBody(human)
    cycle = measured if upper.carries_trunk else steady_trunk(measured)
    poser, phase = Poser(human, cycle), np.arange(_FRAMES) / _FRAMES
    footing = fit_footing(poser)
    qpos = upper.pose(footing.qpos(poser, phase), phase, cycle)
    displacement = np.array([footing.speed * footing.duration, 0.0, 0.0])
    return make_motion(cycle.name, footing.duration, qpos, displacement, human)
