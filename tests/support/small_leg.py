"""A small model of OpenSim's: a leg whose muscles have every kind of path and parameter that the importer meets."""

from pathlib import Path
from typing import Any

import numpy as np

HIP, KNEE, ANKLE = "hip_flexion_r", "knee_angle_r", "ankle_angle_r"


def write(opensim: Any, folder: Path) -> Path:
    """Write the model; return its file."""
    model = opensim.Model()
    model.setName("small_leg")
    bodies = {name: opensim.Body(name, 2.0, opensim.Vec3(0), opensim.Inertia(0.1)) for name in BODIES}
    for body in bodies.values():
        model.addBody(body)
    above: Any = model.getGround()
    for name, joint, height, low, high in JOINTS:
        pin = opensim.PinJoint(
            joint, above, opensim.Vec3(0, height, 0), opensim.Vec3(0), bodies[name], opensim.Vec3(0), opensim.Vec3(0)
        )
        coordinate = pin.updCoordinate()
        coordinate.setName(joint)
        coordinate.setRangeMin(np.deg2rad(low))
        coordinate.setRangeMax(np.deg2rad(high))
        model.addJoint(pin)
        above = bodies[name]
    _add_kneecap(opensim, model, bodies["thigh_r"])
    for muscle in _muscles(opensim, model, bodies):
        model.addForce(muscle)
    model.finalizeConnections()
    file = folder / "small_leg.osim"
    model.printToXML(str(file))
    return file


BODIES = ("thigh_r", "shank_r", "calcn_r")
JOINTS = (("thigh_r", HIP, 1.0, -30, 90), ("shank_r", KNEE, -0.4, -100, 5), ("calcn_r", ANKLE, -0.4, -40, 30))


def _add_kneecap(opensim: Any, model: Any, thigh: Any) -> None:
    """Add a body that slides as the knee bends."""
    patella = opensim.Body("patella_r", 0.1, opensim.Vec3(0), opensim.Inertia(0.001))
    model.addBody(patella)
    slide = opensim.SliderJoint(
        "patella_slide", thigh, opensim.Vec3(0.04, -0.4, 0), opensim.Vec3(0), patella, opensim.Vec3(0), opensim.Vec3(0)
    )
    slide.updCoordinate().setName("patella_tx")
    model.addJoint(slide)
    coupler = opensim.CoordinateCouplerConstraint()
    coupler.setName("kneecap")
    names = opensim.ArrayStr()
    names.append(KNEE)
    coupler.setIndependentCoordinateNames(names)
    coupler.setDependentCoordinateName("patella_tx")
    coupler.setFunction(opensim.PolynomialFunction(opensim.Vector.createFromMat(np.array([-0.004, -0.01, 0.0]))))
    model.addConstraint(coupler)


def _muscles(opensim: Any, model: Any, bodies: dict[str, Any]) -> list[Any]:
    thelen = opensim.Thelen2003Muscle("straight_r", 900.0, 0.12, 0.28, 0.1)
    thelen.setActivationTimeConstant(0.013)
    thelen.setDeactivationTimeConstant(0.047)
    thelen.addNewPathPoint("a", model.getGround(), opensim.Vec3(-0.05, 1.05, 0.02))
    thelen.addNewPathPoint("b", bodies["shank_r"], opensim.Vec3(-0.02, -0.05, 0.01))

    millard = opensim.Millard2012EquilibriumMuscle("by_the_kneecap_r", 1500.0, 0.1, 0.2, 0.2)
    millard.set_max_contraction_velocity(12.0)
    millard.set_min_control(0.02)
    millard.addNewPathPoint("a", bodies["thigh_r"], opensim.Vec3(0.03, -0.1, 0))
    millard.addNewPathPoint("b", model.getBodySet().get("patella_r"), opensim.Vec3(0.01, 0.02, 0))
    millard.addNewPathPoint("c", bodies["shank_r"], opensim.Vec3(0.03, -0.06, 0))

    degroote = opensim.DeGrooteFregly2016Muscle()
    degroote.setName("wrapped_r")
    degroote.set_max_isometric_force(2000.0)
    degroote.set_optimal_fiber_length(0.06)
    degroote.set_tendon_slack_length(0.25)
    degroote.set_pennation_angle_at_optimal(0.4)
    degroote.addNewPathPoint("a", bodies["shank_r"], opensim.Vec3(-0.04, -0.1, 0))
    degroote.addNewPathPoint("b", bodies["calcn_r"], opensim.Vec3(-0.05, -0.02, 0))
    cylinder = opensim.WrapCylinder()
    cylinder.setName("heel")
    cylinder.set_radius(0.03)
    cylinder.set_length(0.2)
    cylinder.set_quadrant("-x")
    bodies["calcn_r"].addWrapObject(cylinder)
    degroote.updGeometryPath().addPathWrap(cylinder)

    jumping = opensim.Thelen2003Muscle("jumping_r", 500.0, 0.1, 0.1, 0.0)
    jumping.addNewPathPoint("a", model.getGround(), opensim.Vec3(0.05, 1.02, 0))
    points = jumping.updGeometryPath()
    point = opensim.ConditionalPathPoint()
    point.setName("edge")
    point.setParentFrame(bodies["thigh_r"])
    point.set_location(opensim.Vec3(0.09, 0.0, 0))
    point.setCoordinate(model.getCoordinateSet().get(HIP))
    point.set_range(0, float(np.deg2rad(-60)))
    point.set_range(1, 0.5)
    points.updPathPointSet().adoptAndAppend(point)
    jumping.addNewPathPoint("c", bodies["thigh_r"], opensim.Vec3(0.03, -0.15, 0))

    idle = opensim.Thelen2003Muscle("idle_r", 500.0, 0.1, 0.1, 0.0)
    idle.addNewPathPoint("a", bodies["thigh_r"], opensim.Vec3(0.05, 0, 0))
    idle.addNewPathPoint("b", bodies["thigh_r"], opensim.Vec3(0.05, -0.2, 0))
    off = opensim.Thelen2003Muscle("off_r", 500.0, 0.1, 0.1, 0.0)
    off.addNewPathPoint("a", model.getGround(), opensim.Vec3(0.05, 1, 0))
    off.addNewPathPoint("b", bodies["thigh_r"], opensim.Vec3(0.05, -0.2, 0))
    off.set_appliesForce(False)
    return [thelen, millard, degroote, jumping, idle, off]
