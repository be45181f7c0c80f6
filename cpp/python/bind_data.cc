// Python's dictionaries to the core's data: every field is named, typed and needed.
#include "python/bind_data.h"

#include <nanobind/stl/array.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <utility>

#include "base/error.h"

namespace nb = nanobind;

namespace soleus {
namespace {

// Reads fields into the places named after them: read(d, "kp", h.kp, "kd", h.kd).
void read(const nb::dict&) {}

template <class T, class... More>
void read(const nb::dict& d, const char* key, T& value, More&&... more) {
  require(d.contains(key), std::string("expected the field '") + key + "', got none");
  require(nb::try_cast<T>(d[key], value), std::string("expected another type for the field '") + key + "'");
  read(d, std::forward<More>(more)...);
}

template <class T>
T field(const nb::dict& d, const char* key) {
  T value{};
  read(d, key, value);
  return value;
}

PolylineData polyline_data(const nb::dict& d) {
  PolylineData p;
  read(d, "max_force", p.max_force, "optimal", p.optimal, "slack", p.slack, "adr", p.adr, "body", p.body,
       "local", p.local, "weight", p.weight, "spread", p.spread);
  if (d.contains("curves")) {
    const auto curves = field<std::array<double, 3>>(d, "curves");
    p.curves = {curves[0], curves[1], curves[2]};
  }
  if (d.contains("own_length")) read(d, "own_length", p.own_length);
  return p;
}

FittedPathData fitted_data(const nb::dict& d) {
  FittedPathData p;
  read(d, "coordinate_adr", p.coordinate_adr, "coordinate", p.coordinate, "centre", p.centre, "half", p.half,
       "muscle_adr", p.muscle_adr, "muscle", p.muscle, "coefficient_adr", p.coefficient_adr, "coefficient", p.coefficient);
  if (d.contains("low")) read(d, "low", p.low, "high", p.high, "squared", p.squared, "offset", p.offset);
  return p;
}

HillMuscleData hill_data(const nb::dict& d) {
  HillMuscleData p;
  read(d, "max_force", p.max_force, "optimal", p.optimal, "slack", p.slack, "pennation", p.pennation, "fastest", p.fastest,
       "activation", p.activation, "deactivation", p.deactivation, "control_low", p.control_low,
       "control_high", p.control_high);
  return p;
}

}  // namespace

HumanDescription human_data(const nb::dict& d) {
  HumanDescription h;
  read(d, "dof_coordinate", h.dof_coordinate, "dof_coupled", h.dof_coupled, "dof_polynomial", h.dof_polynomial,
       "spline_adr", h.spline_adr, "spline", h.spline,
       "coordinate_dof", h.coordinate_dof, "actuated", h.actuated, "kp", h.kp, "kd", h.kd,
       "torque_limit", h.torque_limit, "direct", h.direct, "pose_weight", h.pose_weight, "root_kp", h.root_kp, "root_kd", h.root_kd);
  if (d.contains("polylines")) h.polylines = polyline_data(field<nb::dict>(d, "polylines"));
  if (d.contains("hill")) h.hill = hill_data(field<nb::dict>(d, "hill"));
  if (d.contains("fitted")) h.fitted = fitted_data(field<nb::dict>(d, "fitted"));
  if (d.contains("slow_share")) read(d, "slow_share", h.slow_share);
  read(d, "muscle_actuator", h.muscle_actuator, "crossing_adr", h.crossing_adr, "crossing", h.crossing,
       "root_body", h.root_body, "root_align", h.root_align, "head_body", h.head_body, "root_height", h.root_height,
       "head_height", h.head_height, "tracked_bodies", h.tracked_bodies, "end_effectors", h.end_effectors,
       "feet", h.feet, "mirror_coordinate", h.mirror_coordinate, "mirror_sign", h.mirror_sign,
       "mirror_muscle", h.mirror_muscle, "mirror_tracked", h.mirror_tracked, "lower", h.lower, "upper", h.upper,
       "qpos_rest", h.qpos_rest, "qvel_rest", h.qvel_rest, "ctrl_rest", h.ctrl_rest, "ground_height", h.ground_height,
       "tied", h.tied, "tied_to", h.tied_to, "tied_pose", h.tied_pose,
       "motor_control", h.motor_control, "motor_low", h.motor_low, "motor_high", h.motor_high,
       "mirror_motor", h.mirror_motor, "mirror_motor_sign", h.mirror_motor_sign, "muscles_act", h.muscles_act);
  return h;
}

MotionData motion_data(const nb::dict& d) {
  MotionData m;
  read(d, "duration", m.duration, "frames", m.frames, "qpos", m.qpos, "qvel", m.qvel, "displacement", m.displacement,
       "turn", m.turn, "once", m.once, "end_effectors", m.end_effectors, "com", m.com, "com_velocity", m.com_velocity);
  return m;
}

namespace {

template <class Enum, std::size_t N>
Enum named(const std::array<Named<Enum>, N>& table, const std::string& name) {
  for (const auto& [value, known] : table) {
    if (name == known) return value;
  }
  throw InvalidInput("expected a name out of a list, got '" + name + "'");
}

}  // namespace

ConditionData condition_data(const nb::dict& d) {
  ConditionData data;
  read(d, "strides", data.strides, "repeat", data.repeat);
  for (nb::handle item : field<nb::list>(d, "all")) {
    const auto one = nb::cast<nb::dict>(item);
    Condition c;
    read(one, "low", c.low, "high", c.high, "usual", c.usual, "observed", c.observed, "mirror", c.mirror, "elements", c.elements, "axes", c.axes);
    c.effect = named(kEffectNames, field<std::string>(one, "effect"));
    c.distribution = named(kDistributionNames, field<std::string>(one, "distribution"));
    data.all.push_back(std::move(c));
  }
  return data;
}

namespace {

// {name: {parameter: value, ["weight": value]}} in order.
std::vector<TermData> term_data(const nb::dict& d) {
  std::vector<TermData> terms;
  for (auto [name, parameters] : d) {
    TermData term{nb::cast<std::string>(name), nb::cast<TermParameters>(parameters), 1.0};
    if (auto weight = term.parameters.extract("weight")) term.weight = weight.mapped();
    terms.push_back(std::move(term));
  }
  return terms;
}

PushData push_data(const nb::dict& d) {
  PushData pushes;
  read(d, "body", pushes.body, "force", pushes.force, "steps", pushes.steps, "pause", pushes.pause, "most", pushes.most);
  pushes.side = named(kSideNames, field<std::string>(d, "side"));
  return pushes;
}

NoiseData noise_data(const nb::dict& d) {
  NoiseData noise;
  read(d, "observation", noise.observation, "observation_delay", noise.observation_delay, "motor", noise.motor,
       "motor_delay", noise.motor_delay, "motor_correlation", noise.motor_correlation);
  return noise;
}

}  // namespace

TaskData task_data(const nb::dict& d) {
  TaskData task;
  read(d, "episode_seconds", task.episode_seconds, "start_on_reference", task.start_on_reference,
       "initial_noise", task.initial_noise, "initial_speed", task.initial_speed);
  task.observations = term_data(field<nb::dict>(d, "observation"));
  task.rewards = term_data(field<nb::dict>(d, "reward"));
  task.terminations = term_data(field<nb::dict>(d, "termination"));
  if (d.contains("pushes")) task.pushes = push_data(field<nb::dict>(d, "pushes"));
  if (d.contains("noise")) task.noise = noise_data(field<nb::dict>(d, "noise"));
  task.combine = field<bool>(d, "product") ? Combine::kProduct : Combine::kSum;
  task.costs_held = field<bool>(d, "costs_held");
  return task;
}

namespace {

Exoskeleton exoskeleton_data(const nb::list& devices) {
  Exoskeleton exoskeleton;
  for (nb::handle item : devices) {
    const auto one = nb::cast<nb::dict>(item);
    Device device;
    read(one, "actuated", device.actuated, "amount", device.amount, "limit", device.limit, "profile", device.profile,
         "strikes", device.strikes, "action", device.action, "mirror_action", device.mirror_action,
         "mirror_sign", device.mirror_sign);
    device.drive = named(kDriveNames, field<std::string>(one, "drive"));
    exoskeleton.devices.push_back(std::move(device));
  }
  return exoskeleton;
}

}  // namespace

ControlData control_data(const nb::dict& d) {
  ControlData control;
  const auto mode = field<std::string>(d, "mode");
  require(mode == "excitation" || mode == "torque" || mode == "muscle",
          "expected a control mode out of excitation, torque, muscle; got '" + mode + "'");
  control.mode = mode == "muscle" ? Control::kMuscle : mode == "torque" ? Control::kTorque : Control::kExcitation;
  control.method = field<bool>(d, "network") ? Method::kNetwork : Method::kStaticOptimization;
  control.engine = field<bool>(d, "lanes") ? Engine::kLanes : Engine::kMujoco;
  read(d, "substeps", control.substeps, "action_scale", control.action_scale,
       "follow_velocity", control.follow_velocity,
       "activation_dynamics", control.activation_dynamics, "interval", control.interval, "sweeps", control.sweeps,
       "regularization", control.regularization, "effort_by_volume", control.effort_by_volume, "mirror", control.mirror,
       "phase_scale", control.phase_scale);
  control.exoskeleton = exoskeleton_data(field<nb::list>(d, "exoskeleton"));
  return control;
}

}  // namespace soleus
