"""What moves an OpenSim model beside its muscles: actuators of coordinates, which become torques."""

from typing import Any

import numpy as np

from soleus.importing.opensim.skeleton import GROUND, Skeleton

_CONTACT = ("HuntCrossleyForce", "SmoothSphereHalfSpaceForce", "ElasticFoundationForce")


def torques(opensim: Any, model: Any, skeleton: Skeleton) -> dict[str, float]:
    """Return the most torque [N m] or force [N] of each coordinate's actuators, 0 where the file sets no limit.

    Those of the pelvis, of locked coordinates and of those that follow others are left out.
    """
    bodies = [body for body in skeleton.bodies if body.parent != GROUND]
    joints = {mover.name for body in bodies for mover in body.movers if mover.driver is None}
    found: dict[str, float] = {}
    for force in model.getForceSet():
        actuator = opensim.CoordinateActuator.safeDownCast(force)
        if actuator is None or not force.get_appliesForce() or str(actuator.get_coordinate()) not in joints:
            continue
        name = str(actuator.get_coordinate())
        most = max(abs(actuator.getMinControl()), abs(actuator.getMaxControl())) * abs(actuator.getOptimalForce())
        limited = bool(np.isfinite(most)) and found.get(name, 1.0) > 0
        found[name] = found.get(name, 0.0) + float(most) if limited else 0.0
    return found


def left_out(opensim: Any, model: Any) -> list[str]:
    """Return sentences on forces of the file that are not taken over; contacts are the engine's own."""
    kinds: dict[str, list[str]] = {}
    for force in model.getForceSet():
        kind = str(force.getConcreteClassName())
        muscle, actuator = opensim.Muscle.safeDownCast(force), opensim.CoordinateActuator.safeDownCast(force)
        if muscle is None and actuator is None and kind not in _CONTACT and force.get_appliesForce():
            kinds.setdefault(kind, []).append(f"'{force.getName()}'")
    return [f"forces of the kind {kind} are left out: {', '.join(names)}" for kind, names in kinds.items()]
