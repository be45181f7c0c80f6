"""What the native core is told: a human, a motion, a task and its control as plain data."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from soleus.conditions import Conditions
from soleus.config.noise import NoiseConfig
from soleus.config.pushes import PushConfig
from soleus.config.schema import HumanRunConfig
from soleus.exchange.batch import MuscleLayout
from soleus.models import Human
from soleus.models.fibres import slow_share
from soleus.models.keyframes import start_of
from soleus.models.solid import pelvis_of
from soleus.motions import Motion
from soleus.paths import FittedPaths

_HUMAN_FIELDS = (
    "dof_coordinate",
    "dof_coupled",
    "dof_polynomial",
    "coordinate_dof",
    "actuated",
    "torque_limit",
    "direct",
    "pose_weight",
    "muscle_actuator",
    "crossing_adr",
    "crossing",
    "root_body",
    "head_body",
    "tracked_bodies",
    "end_effectors",
    "mirror_coordinate",
    "mirror_sign",
    "mirror_muscle",
    "mirror_tracked",
    "lower",
    "upper",
    "ground_height",
)


def _plain(value: Any) -> Any:
    return np.asarray(value).ravel().tolist() if isinstance(value, np.ndarray) else value


def human_data(human: Human, config: HumanRunConfig, paths: FittedPaths | None = None) -> dict[str, Any]:
    """Return the person, in the pose that the task starts from. Raises UserError for a keyframe that there is not.

    paths: polynomials in place of muscle paths.
    """
    data = {name: _plain(getattr(human, name)) for name in _HUMAN_FIELDS}
    data |= _splines(human)
    data["kp"] = (human.kp * config.control.kp_scale).tolist()
    data["kd"] = (human.kd * config.control.kd_scale).tolist()
    data["root_kp"] = human.root_kp * config.control.kp_scale
    data["root_kd"] = human.root_kd * config.control.kd_scale
    if human.polylines:
        data["polylines"] = {
            field.name: _plain(getattr(human.polylines, field.name))
            for field in fields(human.polylines)
            if field.name != "names" and getattr(human.polylines, field.name) is not None
        }
    if human.hill:
        data |= {"hill": human.hill.data(), "fitted": human.hill.paths()}
    if paths:
        data["fitted"] = paths.data()
    data["slow_share"] = [slow_share(name) for name in human.muscle_names]
    data["feet"] = [_plain(foot) for foot in human.feet]
    data["muscles_act"] = config.control.mode != "torque"
    start = start_of(human, config.task.keyframe)
    data |= {"root_height": start.root_height, "head_height": start.head_height}
    data["root_align"] = _plain(start.root_align)
    data |= {"qpos_rest": _plain(start.qpos), "qvel_rest": _plain(start.qvel), "ctrl_rest": _plain(start.ctrl)}
    motors = human.motors
    data |= {
        "motor_control": _plain(motors.control),
        "motor_low": _plain(motors.low),
        "motor_high": _plain(motors.high),
    }
    data |= {"tied": _plain(human.ties.body), "tied_to": _plain(human.ties.to), "tied_pose": _plain(human.ties.pose)}
    data |= {"mirror_motor": _plain(motors.mirror), "mirror_motor_sign": _plain(motors.sign)}
    return data


def muscle_layout(human: Human) -> MuscleLayout:
    """Return what muscles are asked for, as the core gives samples of it: no torques that act by themselves."""
    asked = np.setdiff1d(np.arange(len(human.actuated)), human.direct)
    kept = np.isin(human.crossing, asked)
    adr = np.concatenate([[0], np.cumsum(kept)])[human.crossing_adr]
    crossing = np.searchsorted(asked, human.crossing[kept])
    return MuscleLayout(adr.astype(np.int32), crossing.astype(np.int32), len(asked), len(human.muscle_names))


def _splines(human: Human) -> dict[str, Any]:
    """Splines of the coupled joints, those of all dofs one after another."""
    splines = human.coupling.splines
    counts = [len(splines[dof]) if dof in splines else 0 for dof in range(human.model.nv)]
    pieces = [_plain(splines[dof]) for dof in sorted(splines)]
    return {"spline_adr": [0, *np.cumsum(counts).tolist()], "spline": [number for each in pieces for number in each]}


def motion_data(motion: Motion) -> dict[str, Any]:
    """Return a motion."""
    data = {
        field.name: _plain(getattr(motion, field.name))
        for field in fields(motion)
        if field.name not in ("name", "notes")
    }
    return {**data, "frames": len(motion.qpos)}


def condition_data(conditions: Conditions | None) -> dict[str, Any]:
    """Return the conditions with the motions at their strides; nothing where there are none."""
    if conditions is None:
        return {}
    motions = [[motion_data(motion) for motion in of_clip] for of_clip in conditions.motions]
    return {**conditions.data(), "motions": motions}


def task_data(config: HumanRunConfig, human: Human, without: Collection[str] = ()) -> dict[str, Any]:
    """Return the task: terms with their parameters, and how episodes begin. without: names of terms of others."""
    task = config.task

    def own(table: Mapping[str, Any]) -> dict[str, Any]:
        return {name: given for name, given in table.items() if name not in without}

    return {
        "episode_seconds": task.episode_seconds,
        **({"pushes": _push_data(task.pushes, human, config.control.policy_hz)} if task.pushes else {}),
        **({"noise": _noise_data(task.noise, config.control.sim_hz)} if task.noise else {}),
        "start_on_reference": task.initial == "reference",
        "initial_noise": task.initial_noise,
        "initial_speed": list(task.initial_speed),
        "observation": own(task.observation),
        "reward": own(task.reward.terms),
        "termination": own(task.termination),
        "product": task.reward.combine == "product",
        "costs_held": task.reward.costs == "held",
    }


def _push_data(pushes: PushConfig, human: Human, policy_hz: int) -> dict[str, Any]:
    """Return the pushes, their times in control steps."""
    return {
        "body": pelvis_of(human),
        "force": list(pushes.force),
        "steps": max(1, round(pushes.seconds * policy_hz)),
        "pause": [round(seconds * policy_hz) for seconds in pushes.every],
        "most": pushes.most or 0,
        "side": pushes.side,
    }


def _noise_data(noise: NoiseConfig, sim_hz: int) -> dict[str, Any]:
    """Return noise and delays, these in simulation steps: at least one of a delay above 0."""

    def steps(seconds: float) -> int:
        return max(round(seconds * sim_hz), int(seconds > 0))

    return {
        "observation": noise.observation,
        "observation_delay": steps(noise.observation_delay),
        "motor": noise.motor,
        "motor_correlation": noise.motor_correlation,
        "motor_delay": steps(noise.motor_delay),
    }


def control_data(config: HumanRunConfig, engine: str, devices: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what turns actions into excitations or torques. devices: those of the exoskeleton, as the core is told."""
    control, coordination = config.control, config.coordination
    return {
        "mode": control.mode,
        "lanes": engine == "lanes",
        "network": coordination.method == "network",
        "substeps": control.sim_hz // control.policy_hz,
        "action_scale": control.action_scale,
        "follow_velocity": control.damping == "motion",
        "activation_dynamics": control.activation_dynamics,
        "interval": coordination.interval,
        "sweeps": coordination.sweeps,
        "regularization": coordination.regularization,
        "effort_by_volume": coordination.effort == "volume",
        "mirror": config.policy.mirror,
        "phase_scale": control.phase_scale,
        "exoskeleton": devices,
    }
