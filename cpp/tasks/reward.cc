// Reward terms. Tracking terms are e^(-scale * squared error), in [0, 1], after X. B. Peng et al., "DeepMimic",
// ACM TOG 37(4), 2018.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "tasks/terms.h"

namespace soleus {
namespace {

// Squared errors of the actuated coordinates, each by its weight, where the human has weights.
template <class Error>
double weighted(const HumanModel& h, Error error) {
  double sum = 0;
  for (int k = 0; k < h.num_actuated(); ++k) {
    const double e = error(h.actuated[k]);
    sum += h.pose_weight.empty() ? e * e : h.pose_weight[k] * (e * e);
  }
  return sum;
}

double pose(const Scene& s, const double* p) {
  return std::exp(-p[0] * weighted(s.model(), [&](int c) { return s.pose_error[c]; }));
}

// A sum of squares is the square of the worst; here a joint that is far off leaves the others their part, and has a slope.
double pose_by_joint(const Scene& s, const double* p) {
  const HumanModel& h = s.model();
  double sum = 0, weights = 0;
  for (int k = 0; k < h.num_actuated(); ++k) {
    const double e = s.pose_error[h.actuated[k]], weight = h.pose_weight.empty() ? 1.0 : h.pose_weight[k];
    sum += weight / (1.0 + p[0] * e * e);
    weights += weight;
  }
  return weights > 0 ? sum / weights : 0.0;
}

double velocity(const Scene& s, const double* p) {
  return std::exp(-p[0] * weighted(s.model(), [&](int c) { return s.velocity(c) - s.reference_velocity(c); }));
}

double end_effectors(const Scene& s, const double* p) {
  const auto& bodies = s.model().end_effectors;
  double error = 0;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    const Vec3 here = s.now.to_heading(minus(s.human.body_place(bodies[i]), s.now.com));
    const double* there = s.reference->end_effectors.data() + 3 * i;
    error += squared(minus(here, {there[0], there[1], there[2]}));
  }
  return std::exp(-p[0] * error);
}

double center_of_mass(const Scene& s, const double* p) {
  const Vec3 here = s.now.to_heading(minus(s.now.com, s.now.root));
  const Vec3 moving = s.now.to_heading(s.now.com_velocity);
  return std::exp(-p[0] * squared(minus(here, s.reference->com)) -
                  p[1] * squared(minus(moving, s.reference->com_velocity)));
}

// Angle between the root's orientation and the reference's [rad].
double root_angle(const Scene& s) {
  const HumanModel& h = s.model();
  const double* q = s.reference->qpos.data();
  const mjModel* m = h.mujoco();
  const int joint = m->body_jntadr[h.root_body];
  if (m->jnt_type[joint] != mjJNT_FREE) {
    // Planar: the root's only hinge.
    for (int j = joint; j < joint + m->body_jntnum[h.root_body]; ++j) {
      if (m->jnt_type[j] == mjJNT_HINGE) return s.human.qpos()[m->jnt_qposadr[j]] - q[m->jnt_qposadr[j]];
    }
    return 0;
  }
  const int adr = m->jnt_qposadr[joint] + 3;
  mjtNum difference[3];
  mju_subQuat(difference, s.human.qpos().data() + adr, q + adr);
  return mju_norm3(difference);
}

double root(const Scene& s, const double* p) {
  const double angle = root_angle(s);
  const int adr = s.model().root_height_qpos();
  const double height = s.human.qpos()[adr] - s.reference->qpos[adr];
  return std::exp(-p[0] * height * height - p[1] * angle * angle);
}

double forward_speed(const Scene& s, const double* p) {
  const double c = std::cos(s.aim.heading), d = std::sin(s.aim.heading);
  const Vec3& v = s.now.com_velocity;
  const double error = c * v[0] + d * v[1] - s.aim.speed.value_or(p[0]), sideways = c * v[1] - d * v[0];
  return std::exp(-p[1] * (error * error + p[2] * sideways * sideways));
}

double upright(const Scene& s, const double* p) {
  const double low = std::max(0.0, 1.0 - s.above_ground(s.now.head[2]) / s.model().head_height);
  const double tilt = std::acos(std::clamp(s.now.frame[8], -1.0, 1.0));
  return std::exp(-p[0] * low * low - p[1] * tilt * tilt);
}

double head_smooth(const Scene& s, const double* p) {
  const double rate = 1.0 / s.control_dt;
  return std::exp(-p[0] * squared(minus(s.now.head_velocity, s.last_head_velocity)) * rate * rate);
}

// Angle [rad] by which the head is turned from where it is as the person stands.
double head_angle(const Scene& s) {
  mjtNum difference[3];
  mju_subQuat(difference, s.human.body_turn(s.model().head_body).data(), s.model().head_rest().data());
  return mju_norm3(difference);
}

double head_turned(const Scene& s, const double* p) {
  const double angle = head_angle(s);
  return std::exp(-p[0] * angle * angle);
}

// 1 within a band, and beyond it less by all of the error: a step at the band's edge.
double beyond(double error, double band, double scale) { return error <= band ? 1.0 : std::exp(-scale * error); }

double mean_velocity(const Scene& s, const double* p) {
  const double window = std::clamp(std::round(p[0] * s.lap_seconds() / s.control_dt), 1.0, double(s.memory->most()));
  const Vec3* before = s.memory->place(static_cast<int>(window));
  if (!before) return 1.0;
  const double seconds = window * s.control_dt;
  const Vec3 moved = minus(s.now.com, *before);
  const Vec3 off{moved[0] / seconds - s.lap_metres() / s.lap_seconds(), p[3] * moved[1] / seconds, moved[2] / seconds};
  return beyond(std::sqrt(squared(off)), p[1], p[2]);
}

double step_target(const Scene& s, const double* p) {
  const int side = p[0] < s.phase && s.phase <= p[1] ? 0 : 1;
  const double place = s.human.foot_place(side)[0];
  return beyond(std::abs(place - s.memory->target()), p[2], p[3]);
}

double muscle_energy(const Scene& s, const double* p) {
  const Exertion& e = s.human.exertion();
  const bool squares = p[1] > 1.5;
  const double sum = p[2] > 0 ? (squares ? e.squared_by_mass : e.by_mass) : (squares ? e.squared : e.activation);
  return std::exp(-p[0] * sum);
}

double torque_energy(const Scene& s, const double* p) { return std::exp(-p[0] * s.human.exertion().torque); }

double heading(const Scene& s, const double* p) {
  const double off = std::remainder(s.now.yaw() - s.aim.heading, 2 * std::numbers::pi);
  return std::exp(-p[0] * off * off);
}

double alive(const Scene&, const double*) { return 1.0; }

double squared_activation(const Scene& s, const double*) {
  const int n = s.model().num_muscles();
  double sum = 0;
  for (int m = 0; m < n; ++m) sum += s.human.activation(m) * s.human.activation(m);
  return n > 0 ? sum / n : 0.0;
}

double metabolic_cost(const Scene& s, const double*) {
  return s.human.metabolic_power() / s.model().mass();
}

double ground_impact(const Scene& s, const double* p) {
  double sum = 0;
  for (double force : s.human.foot_forces()) sum += std::max(0.0, force / s.model().weight() - p[0]);
  return sum;
}

double single_stance(const Scene& s, const double* p) {
  const Memory& m = *s.memory;
  if (m.carried(0) == m.carried(1)) return 0.0;
  return std::min(1.0, std::min(m.since(0), m.since(1)) * s.control_dt / p[0]);
}

double step_width(const Scene& s, const double* p) {
  const double width = s.now.to_heading(minus(s.human.foot_place(1), s.human.foot_place(0)))[1];
  return std::max({0.0, p[0] - width, width - p[1]});
}

double foot_clearance(const Scene& s, const double* p) {
  double sum = 0;
  for (const auto& foot : s.model().feet) {
    double worst = 0;
    for (int body : foot) {
      const Vec3 v = s.human.body_velocity(body);
      worst = std::max(worst, (p[0] - s.above_ground(s.human.body_place(body)[2])) * std::hypot(v[0], v[1]));
    }
    sum += worst;
  }
  return sum;
}

double joint_limits(const Scene& s, const double* p) {
  const HumanModel& h = s.model();
  const mjModel* m = h.mujoco();
  double sum = 0;
  for (int c : h.actuated) {
    const int joint = m->dof_jntid[h.coordinate_dof[c]];
    if (!m->jnt_limited[joint] || m->jnt_type[joint] == mjJNT_BALL) continue;
    const double q = s.position(c), *range = m->jnt_range + 2 * joint;
    sum += std::max({0.0, range[0] + p[0] - q, q - range[1] + p[0]});
  }
  return sum;
}

}  // namespace

const std::vector<RewardKind>& reward_catalog() {
  static const std::vector<RewardKind> catalog = {
      {"pose", "joint positions follow those of the reference", {{"scale", 2.0, "per rad^2"}}, true, pose},
      {"pose_by_joint", "joint positions follow those of the reference, each by itself: mean over the joints, by their weights, of"
       " 1 / (1 + scale * squared error)", {{"scale", 30.0, "per rad^2"}}, true, pose_by_joint},
      {"velocity", "joint velocities follow those of the reference", {{"scale", 0.05, "per (rad/s)^2"}}, true,
       velocity},
      {"end_effectors", "end effectors are where the reference has them, relative to the centre of mass",
       {{"scale", 20.0, "per m^2"}}, true,
       end_effectors},
      {"center_of_mass", "the centre of mass has the reference's place relative to the root, and its velocity",
       {{"scale", 20.0, "per m^2"}, {"velocity_scale", 2.0, "per (m/s)^2"}}, true, center_of_mass},
      {"root", "the root has the reference's height and orientation",
       {{"height_scale", 20.0, "per m^2"}, {"angle_scale", 5.0, "per rad^2"}}, true, root},
      {"forward_speed", "the centre of mass moves at the target speed along x, or at the speed and along the heading that"
       " conditions ask for",
       {{"target", 1.3, "m/s"}, {"scale", 4.0, "per (m/s)^2"}, {"sideways", 0.0, "factor on the square of the speed sideways"}},
       false, forward_speed},
      {"upright", "the head is as high as in standing, and the trunk upright",
       {{"height_scale", 20.0, "per (share of the standing height)^2"}, {"tilt_scale", 3.0, "per rad^2"}}, false,
       upright},
      {"head_smooth", "the head accelerates little", {{"scale", 0.01, "per (m/s^2)^2"}}, false, head_smooth},
      {"head_turned", "the head is turned as in standing, and faces along x", {{"scale", 4.0, "per rad^2"}}, false,
       head_turned},
      {"mean_velocity", "the centre of mass moves along x as fast as the reference does over its laps, on average over a"
       " while; 1 until an episode is as old",
       {{"laps", 1.0, "that while, in laps of the motion"}, {"band", 0.0, "error for which there is the full reward [m/s]"},
        {"scale", 6.0, "per m/s of the error beyond that"}, {"sideways", 1.0, "factor on the velocity sideways"}}, true,
       mean_velocity, Remembered::kPlaces},
      {"step_target", "the foot that stands is where along x it should have stepped to",
       {{"right_from", 0.33, "phase from which the right foot stands"}, {"right_to", 0.83, "phase up to which it does"},
        {"band", 0.075, "error for which there is the full reward [m]"}, {"scale", 2.0, "per m of the error beyond that"}},
       true, step_target, Remembered::kSteps},
      {"muscle_energy", "little activation of the muscles: e^(-scale * sum), over the substeps on average",
       {{"scale", 0.03, "per unit of the sum"}, {"power", 2.0, "1: activations are summed; 2: their squares"},
        {"by_mass", 0.0, "1: each by the muscle's mass [kg]"}}, false, muscle_energy},
      {"torque_energy", "little torque of joints that torques move beside muscles: e^(-scale * sum of magnitudes)",
       {{"scale", 0.003, "per N m"}}, false, torque_energy},
      {"heading", "the human faces along x, or as the condition heading asks", {{"scale", 4.0, "per rad^2"}}, false, heading},
      {"alive", "1 in every step", {}, false, alive},
      {"squared_activation", "mean of the squared activations; give it a negative weight", {}, false,
       squared_activation},
      {"metabolic_cost", "metabolic power over body mass [W/kg]; give it a negative weight", {}, false, metabolic_cost},
      {"ground_impact", "force of the ground on each foot beyond what a walk takes, summed [body weights]; give it a negative"
       " weight", {{"above", 1.2, "force that costs nothing [body weights]"}}, false, ground_impact},
      {"single_stance", "one foot stands while the other swings: the shorter of how long either has done so, as a share of what"
       " a step takes, at most 1; 0 while both feet stand, or none",
       {{"seconds", 0.4, "time for which there is the full reward [s]"}}, false, single_stance, Remembered::kLoads},
      {"step_width", "how far the ankles are from one another sideways beyond what a walk has, or short of it [m]; give it a"
       " negative weight", {{"least", 0.05, "[m]"}, {"most", 0.2, "[m]"}}, false, step_width},
      {"foot_clearance", "how far heel or toes are below a height, times how fast they move along the ground, the worse of each foot,"
       " summed [m^2/s]: where feet would stumble; give it a negative weight",
       {{"height", 0.08, "of their joints above the ground [m]"}}, false, foot_clearance},
      {"joint_limits", "how far joints are into the last bit of their range, or beyond its end, summed [rad]; give it a negative"
       " weight", {{"margin", 0.1, "that last bit [rad]"}}, false, joint_limits},
  };
  return catalog;
}

}  // namespace soleus
