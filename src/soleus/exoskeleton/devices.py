"""The devices of a configuration, put on a model: what the core is told of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soleus.conditions.elements import named
from soleus.config.exoskeleton import DeviceConfig
from soleus.config.schema import HumanRunConfig
from soleus.errors import UserError, nearest
from soleus.exoskeleton.profile import cubics
from soleus.models import Human
from soleus.models.sides import side
from soleus.motions import Clips
from soleus.motions.strikes import strike_phases

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Device:
    """One device, at one coordinate."""

    joint: str
    """Name of the coordinate"""
    side: str
    """r or l; r where the name has no side: whose gait cycle counts"""
    actuated: int
    """Index into human.actuated"""
    dof: int
    """Whose velocity its torque works at"""
    sign: float
    """-1 of the left of a pair whose coordinates count the other way round: its torque is minus the one given"""
    drive: str
    """profile, proportion or action"""
    amount: float
    """Share; or [N m] at the action 1"""
    limit: float
    """[N m]"""
    profile: Floats
    """(pieces, 5) cubics over the gait cycle (exoskeleton/profile.py)"""


def load_devices(config: HumanRunConfig, human: Human, clips: Clips | None) -> tuple[Device, ...]:
    """Return the devices of a configuration, one a coordinate. Raises UserError."""
    devices: list[Device] = []
    for number, given in enumerate(config.control.exoskeleton):
        key = f"control.exoskeleton.{number}"
        if given.torque.profile is not None:
            _check_motion(f"{key}.torque.profile", clips)
        joints = _joints_of(human, f"{key}.joints", given.joints)
        devices += [_device(human, given, joint, joints) for joint in joints]
        names = [device.joint for device in devices]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise UserError(f"{key}.joints: expected one device a joint, got another at '{twice}'")
    if config.policy.mirror:
        _check_mirror(human, devices)
    return tuple(devices)


def device_data(devices: Sequence[Device], human: Human, clips: Clips | None) -> list[dict[str, Any]]:
    """Return what the core is told of devices."""
    acting = [device.actuated for device in devices if device.drive == "action"]
    signs = {device.actuated: device.sign for device in devices}
    paced = any(device.drive == "profile" for device in devices)
    strikes = [strike_phases(motion, human) for motion in clips.motions] if clips and paced else []
    told = []
    for device in devices:
        mirror, sign = _mirror_of(human, device.actuated)
        told.append(
            {
                "actuated": device.actuated,
                "drive": device.drive,
                "amount": device.amount,
                "limit": device.limit,
                "profile": device.profile.ravel().tolist(),
                "strikes": [each["rl".index(device.side)] for each in strikes],
                "action": acting.index(device.actuated) if device.actuated in acting else -1,
                "mirror_action": acting.index(mirror) if mirror in acting else -1,
                # The actions of a pair whose coordinates count against one another do so already.
                "mirror_sign": sign * device.sign * signs.get(mirror, 1.0),
            }
        )
    return told


def _device(human: Human, given: DeviceConfig, joint: int, joints: Sequence[int]) -> Device:
    coordinate, torque = int(human.actuated[joint]), given.torque
    name = human.coordinate_names[coordinate]
    mirror, mirrored = _mirror_of(human, joint)
    sign = mirrored if side(name) == "l" and mirror in joints else 1.0
    profile = cubics(torque.profile) if torque.profile is not None else np.zeros((0, 5))
    return Device(
        joint=name,
        side=side(name) or "r",
        actuated=joint,
        dof=int(human.coordinate_dof[coordinate]),
        sign=sign,
        drive=next(key for key in type(torque).model_fields if getattr(torque, key) is not None),
        amount=torque.proportion if torque.proportion is not None else sign * (torque.action or 0.0),
        limit=math.inf if given.limit is None else given.limit,
        profile=profile * np.array([1.0, sign, sign, sign, sign]),
    )


def _mirror_of(human: Human, joint: int) -> tuple[int, float]:
    """The actuated index that a mirrored body has in place of one, and its sign."""
    coordinate = human.actuated[joint]
    mirror = int(np.flatnonzero(human.actuated == human.mirror_coordinate[coordinate])[0])
    return mirror, float(human.mirror_sign[coordinate])


def _joints_of(human: Human, key: str, targets: Sequence[str]) -> list[int]:
    """Actuated indices of the joints that are meant. Raises UserError for a name of none."""
    names = [human.coordinate_names[c] for c in human.actuated]
    found: list[int] = []
    for target in targets:
        matches = named(target, names)
        if not matches and named(target, human.coordinate_names):
            raise UserError(
                f"{key}: expected a joint between two bodies of '{human.name}', got '{target}' of the root, which"
                " nothing holds"
            )
        if not matches:
            raise UserError(
                f"{key}: expected a joint of '{human.name}' that follows no other, got"
                f" '{target}'{nearest(target, names)}"
            )
        found += [match for match in matches if match not in found]
    return found


def _check_motion(key: str, clips: Clips | None) -> None:
    """Raise UserError where no motion has a gait cycle."""
    if clips is None:
        raise UserError(f"{key}: expected a motion, whose strikes are those of the gait cycle, got none")
    for motion in clips.motions:
        if motion.once:
            raise UserError(f"{key}: expected a cyclic motion, got '{motion.name}', which is played once")


def _check_mirror(human: Human, devices: Sequence[Device]) -> None:
    """Raise UserError for devices without an equal one on the other side, which a mirrored policy takes for it."""
    kinds = {
        device.actuated: (device.drive, abs(device.amount), device.limit, np.abs(device.profile).tolist())
        for device in devices
    }
    for device in devices:
        if kinds.get(_mirror_of(human, device.actuated)[0]) != kinds[device.actuated]:
            raise UserError(
                f"policy.mirror: expected equal devices on both sides, got '{device.joint}' alone; or policy.mirror:"
                " false"
            )
