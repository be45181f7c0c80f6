"""The configuration that trains on an environment: its task, control and learning by the keys of its file."""

from typing import Any

from soleus.importing.gaitnet.environment import Environment, ParameterKeys, ParametersKeys

REACH = 10.0
"""Actions there have no bounds, and standard deviations of 2.7 to begin with; here they end at 1, and reach so much
farther for that."""
_SECONDS = {"tuple": 20.0, "time": 10.0}
_FALLEN = 0.6  # [m] height of the centre of mass
_RIGHT_STANDS = {"right_from": 0.33, "right_to": 0.83}
_HIDDEN = (128, 128, 128)
"""Widths of the muscle network: it is asked 480 times a second, and misses no more of the torques than wider ones."""
_MODES = {"pd": "torque", "muscle": "excitation", "mass": "muscle", "mass_lower": "muscle"}


def configuration(environment: Environment, model: dict[str, str], motion: str) -> dict[str, Any]:
    """Return the content of train.yaml. model: the files by key."""
    mode = _MODES[environment.skeleton.actuator]
    content: dict[str, Any] = {"model": model, "motion": motion, "task": _task(environment, mode)}
    if conditions := _conditions(environment.parameters):
        content["conditions"] = conditions
        content["task"]["observation"]["conditions"] = {}
    content["control"] = _control(environment, mode)
    if mode == "muscle":
        content["coordination"] = {
            "method": "network",
            "interval": environment.simulation.inference_per_sim,
            "hidden": list(_HIDDEN),
        }
    content["policy"] = {"initial_std": 0.2, "mirror": environment.advanced.enforce_symmetry}
    content["ppo"] = {"epochs": 4, "minibatches": 8}
    content["train"] = {"steps": 10_000_000, "num_envs": 32, "rollout_steps": 128, "eval_interval": 1_000_000}
    return content


def _conditions(parameters: ParametersKeys) -> dict[str, Any]:
    """Conditions by name. Torsions are of the bodies that they name in other letters, as femur_l is FemurL."""
    found: dict[str, ParameterKeys] = {name: one for name, one in parameters.gait.items()}
    for name, one in parameters.skeleton.items():
        found["size" if name == "global" else f"length.{name}"] = one
    for name, one in parameters.torsion.items():
        bone, _, side = name.rpartition("_")
        found[f"torsion.{bone.capitalize()}{side.upper()}" if bone else f"torsion.{name}"] = one
    return {name: _condition(one) for name, one in found.items() if one.min < one.max}


def _condition(one: ParameterKeys) -> Any:
    """A range alone, or with the value that it has by default."""
    bounds = [one.min, one.max]
    return bounds if one.default is None else {"range": bounds, "default": one.default}


def _control(environment: Environment, mode: str) -> dict[str, Any]:
    simulation, action = environment.simulation, environment.action
    found: dict[str, Any] = {
        "mode": mode,
        "sim_hz": simulation.sim_hz,
        "policy_hz": simulation.control_hz,
        "action_scale": round(REACH * action.scale, 9),
        "activation_dynamics": False,
    }
    if action.time_warping > 0:
        found["phase_scale"] = min(1.0, round(REACH * action.time_warping, 9))
    for key, value in (("kp_scale", environment.skeleton.kp_scale), ("kd_scale", environment.skeleton.kv_scale)):
        if value != 1:
            found[key] = value
    return found


def _task(environment: Environment, mode: str) -> dict[str, Any]:
    horizon = environment.simulation.horizon
    seconds = horizon / environment.simulation.control_hz if horizon else _SECONDS[environment.reward.eoe_type]
    observation = ["phase", "root", "heading", "joint_positions", "joint_velocities", "body_positions",
                   "body_velocities"]  # fmt: skip
    observed: dict[str, Any] = {name: {} for name in observation}
    observed["step_target"] = dict(_RIGHT_STANDS)
    return {
        "name": "gaitnet",
        "episode_seconds": seconds,
        "initial": "reference",
        "observation": observed,
        "reward": {"combine": "product", "terms": _terms(environment, mode)},
        "termination": {"low_com": {"height": _FALLEN}},
    }


def _terms(environment: Environment, mode: str) -> dict[str, dict[str, float]]:
    locomotion, metabolic = environment.reward.locomotion, environment.reward.metabolic
    speed, step, hz = locomotion.avg_vel, locomotion.step, environment.simulation.control_hz
    found: dict[str, dict[str, float]] = {
        # There the change of velocity is not over the time that it takes.
        "head_smooth": {"weight": 1.0, "scale": locomotion.head_linear_acc_weight / 3 / hz**2},
        "head_turned": {"weight": 1.0, "scale": locomotion.head_rot_weight},
        "mean_velocity": {
            "weight": 1.0,
            "laps": _first(locomotion.avg_vel_window_mult, speed.window_mult),
            "band": _first(locomotion.avg_vel_clip, speed.clip),
            "scale": _first(locomotion.avg_vel_weight, speed.weight),
            "sideways": float(_first(locomotion.avg_vel_consider_x, speed.consider_x)),
        },
        "step_target": {
            "weight": 1.0,
            **_RIGHT_STANDS,
            "band": step.clip,
            "scale": _first(locomotion.step_weight, step.weight),
        },
    }
    if metabolic.weight > 0 and mode != "torque":
        found["muscle_energy"] = {
            "weight": 1.0,
            "scale": metabolic.weight,
            "power": 2.0 if metabolic.type.endswith("2") else 1.0,
            "by_mass": float(metabolic.type.startswith("M")),
        }
        coefficient = _first(metabolic.torque_coeff, metabolic.torque.coeff)
        if environment.skeleton.actuator == "mass_lower":
            found["torque_energy"] = {"weight": 1.0, "scale": metabolic.weight * coefficient}
    return found


def _first(given: Any, other: Any) -> Any:
    """The value of a key that has two names."""
    return other if given is None else given
