// Python's dictionaries to the core's data: every field is named, typed and needed.
#include "bind_data.h"

#include <nanobind/stl/array.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "error.h"

namespace nb = nanobind;

namespace soleus {
namespace {

template <class T>
T field(const nb::dict& d, const char* key) {
  require(d.contains(key), std::string("expected the field '") + key + "', got none");
  T value{};
  require(nb::try_cast<T>(d[key], value), std::string("expected another type for the field '") + key + "'");
  return value;
}

PolylineData polyline_data(const nb::dict& d) {
  PolylineData p;
  p.max_force = field<std::vector<double>>(d, "max_force");
  p.optimal = field<std::vector<double>>(d, "optimal");
  p.slack = field<std::vector<double>>(d, "slack");
  p.adr = field<std::vector<int>>(d, "adr");
  p.body = field<std::vector<int>>(d, "body");
  p.local = field<std::vector<double>>(d, "local");
  p.weight = field<std::vector<double>>(d, "weight");
  p.spread = field<bool>(d, "spread");
  return p;
}

}  // namespace

HumanData human_data(const nb::dict& d) {
  HumanData h;
  h.dof_coordinate = field<std::vector<int>>(d, "dof_coordinate");
  h.dof_coupled = field<std::vector<bool>>(d, "dof_coupled");
  h.dof_polynomial = field<std::vector<double>>(d, "dof_polynomial");
  h.coordinate_dof = field<std::vector<int>>(d, "coordinate_dof");
  h.actuated = field<std::vector<int>>(d, "actuated");
  h.kp = field<std::vector<double>>(d, "kp");
  h.kd = field<std::vector<double>>(d, "kd");
  h.torque_limit = field<std::vector<double>>(d, "torque_limit");
  h.root_kp = field<double>(d, "root_kp");
  h.root_kd = field<double>(d, "root_kd");
  if (d.contains("polylines")) h.polylines = polyline_data(field<nb::dict>(d, "polylines"));
  h.muscle_actuator = field<std::vector<int>>(d, "muscle_actuator");
  h.crossing_adr = field<std::vector<int>>(d, "crossing_adr");
  h.crossing = field<std::vector<int>>(d, "crossing");
  h.root_body = field<int>(d, "root_body");
  h.root_align = field<std::array<double, 4>>(d, "root_align");
  h.head_body = field<int>(d, "head_body");
  h.root_height = field<double>(d, "root_height");
  h.head_height = field<double>(d, "head_height");
  h.tracked_bodies = field<std::vector<int>>(d, "tracked_bodies");
  h.end_effectors = field<std::vector<int>>(d, "end_effectors");
  h.feet = field<std::vector<std::vector<int>>>(d, "feet");
  h.mirror_coordinate = field<std::vector<int>>(d, "mirror_coordinate");
  h.mirror_sign = field<std::vector<double>>(d, "mirror_sign");
  h.mirror_muscle = field<std::vector<int>>(d, "mirror_muscle");
  h.mirror_tracked = field<std::vector<int>>(d, "mirror_tracked");
  h.lower = field<std::vector<double>>(d, "lower");
  h.upper = field<std::vector<double>>(d, "upper");
  h.qpos_rest = field<std::vector<double>>(d, "qpos_rest");
  h.muscles_act = field<bool>(d, "muscles_act");
  return h;
}

MotionData motion_data(const nb::dict& d) {
  MotionData m;
  m.duration = field<double>(d, "duration");
  m.frames = field<int>(d, "frames");
  m.qpos = field<std::vector<double>>(d, "qpos");
  m.qvel = field<std::vector<double>>(d, "qvel");
  m.displacement = field<std::array<double, 3>>(d, "displacement");
  m.turn = field<double>(d, "turn");
  m.end_effectors = field<std::vector<double>>(d, "end_effectors");
  m.com = field<std::vector<double>>(d, "com");
  m.com_velocity = field<std::vector<double>>(d, "com_velocity");
  return m;
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

}  // namespace

TaskData task_data(const nb::dict& d) {
  TaskData task;
  task.episode_seconds = field<double>(d, "episode_seconds");
  task.start_on_reference = field<bool>(d, "start_on_reference");
  task.initial_noise = field<double>(d, "initial_noise");
  task.observations = term_data(field<nb::dict>(d, "observation"));
  task.rewards = term_data(field<nb::dict>(d, "reward"));
  task.terminations = term_data(field<nb::dict>(d, "termination"));
  task.combine = field<bool>(d, "product") ? Combine::kProduct : Combine::kSum;
  return task;
}

ControlData control_data(const nb::dict& d) {
  ControlData control;
  const auto mode = field<std::string>(d, "mode");
  require(mode == "excitation" || mode == "torque" || mode == "muscle",
          "expected a control mode out of excitation, torque, muscle; got '" + mode + "'");
  control.mode = mode == "muscle" ? Control::kMuscle : mode == "torque" ? Control::kTorque : Control::kExcitation;
  control.method = field<bool>(d, "network") ? Method::kNetwork : Method::kStaticOptimization;
  control.substeps = field<int>(d, "substeps");
  control.action_scale = field<double>(d, "action_scale");
  control.activation_dynamics = field<bool>(d, "activation_dynamics");
  control.interval = field<int>(d, "interval");
  control.sweeps = field<int>(d, "sweeps");
  control.regularization = field<double>(d, "regularization");
  control.mirror = field<bool>(d, "mirror");
  return control;
}

}  // namespace soleus
