// Observation terms. Each writes the body as the policy sees it: mirrored, when the scene says so.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "tasks/terms.h"

namespace soleus {
namespace {

int axes(const HumanModel& h) { return h.planar() ? 2 : 3; }

// Writes a heading-frame vector, without the lateral axis for planar bodies; returns past the end.
float* write_vector(const Scene& s, const Vec3& v, double scale, float* out) {
  *out++ = static_cast<float>(scale * v[0]);
  if (!s.model().planar()) *out++ = static_cast<float>(scale * (s.mirrored ? -v[1] : v[1]));
  *out++ = static_cast<float>(scale * v[2]);
  return out;
}

int two(const HumanModel&) { return 2; }
int actuated(const HumanModel& h) { return h.num_actuated(); }
int muscles(const HumanModel& h) { return h.num_muscles(); }
int feet(const HumanModel& h) { return static_cast<int>(h.feet.size()); }
int tracked(const HumanModel& h) { return axes(h) * static_cast<int>(h.tracked_bodies.size()); }

void phase(const Scene& s, const double*, float* out) {
  // The mirrored body is half a cycle ahead.
  const double angle = 2 * std::numbers::pi * (s.phase + (s.mirrored ? 0.5 : 0.0));
  out[0] = static_cast<float>(std::sin(angle));
  out[1] = static_cast<float>(std::cos(angle));
}

// Reads an actuated quantity through the mirror.
template <class Read>
void write_joints(const Scene& s, double scale, float* out, Read read) {
  const HumanModel& h = s.model();
  for (int k = 0; k < h.num_actuated(); ++k) {
    const int source = s.mirrored ? h.mirror_actuated()[k] : k;
    const double sign = s.mirrored ? h.mirror_actuated_sign()[k] : 1.0;
    out[k] = static_cast<float>(scale * sign * read(h.actuated[source]));
  }
}

void joint_positions(const Scene& s, const double*, float* out) {
  write_joints(s, 1.0, out, [&](int c) { return s.position(c); });
}

void joint_velocities(const Scene& s, const double* p, float* out) {
  write_joints(s, p[0], out, [&](int c) { return s.velocity(c); });
}

void reference_error(const Scene& s, const double*, float* out) {
  write_joints(s, 1.0, out, [&](int c) { return s.pose_error[c]; });
}

constexpr int kTargets = 3;  // times at which `targets` looks ahead

int target_size(const HumanModel& h) { return kTargets * (h.num_actuated() + axes(h)); }

// Forward axis of a pose's root in the plane, of unit length; along x for planar bodies.
std::array<double, 2> forward_of(const HumanModel& h, const std::vector<double>& qpos) {
  if (h.planar()) return {1, 0};
  const int adr = h.mujoco()->jnt_qposadr[h.mujoco()->body_jntadr[h.root_body]] + 3;
  mjtNum quat[4], frame[9];
  mju_mulQuat(quat, qpos.data() + adr, h.root_align.data());
  mju_quat2Mat(frame, quat);
  const double length = std::max(std::hypot(frame[0], frame[3]), 1e-9);
  return {frame[0] / length, frame[3] / length};
}

// At each of some times ahead: what leads from the joints to those of the reference then, and how far its root gets until
// then, along its own heading.
void targets(const Scene& s, const double* p, float* out) {
  const HumanModel& h = s.model();
  const Vec3 start = s.motion->root_place(*s.reference);
  const std::array<double, 2> ahead = forward_of(h, s.reference->qpos);
  for (int i = 0; i < kTargets; ++i) {
    const double after = p[0] + (p[1] - p[0]) * i / (kTargets - 1);
    s.motion->sample(s.motion_time + after, *s.ahead);
    h.difference(s.human.qpos().data(), s.ahead->qpos.data(), s.difference.data());
    write_joints(s, 1.0, out, [&](int c) { return s.difference[c]; });
    out += h.num_actuated();
    const Vec3 d = minus(s.motion->root_place(*s.ahead), start);
    out = write_vector(s, {ahead[0] * d[0] + ahead[1] * d[1], -ahead[1] * d[0] + ahead[0] * d[1], d[2]}, 1.0, out);
  }
}

int root_size(const HumanModel& h) { return h.planar() ? 6 : 10; }

// Height, up axis seen in the heading frame, linear and angular velocity.
void root(const Scene& s, const double* p, float* out) {
  const Kinematics& k = s.now;
  *out++ = static_cast<float>(s.above_ground(k.root[2]));
  const Vec3 up = k.to_heading({k.frame[2], k.frame[5], k.frame[8]});
  out = write_vector(s, up, 1.0, out);
  out = write_vector(s, k.to_heading(k.root_velocity), 1.0, out);
  const Vec3 rate = k.to_heading(k.root_rate);
  if (s.model().planar()) {
    *out = static_cast<float>(p[0] * rate[1]);
    return;
  }
  // An axial vector keeps its lateral part in the mirror and turns the others.
  const double side = s.mirrored ? -1.0 : 1.0;
  *out++ = static_cast<float>(p[0] * side * rate[0]);
  *out++ = static_cast<float>(p[0] * rate[1]);
  *out++ = static_cast<float>(p[0] * side * rate[2]);
}

void heading(const Scene& s, const double*, float* out) {
  double sine = s.now.heading_sin, cosine = s.now.heading_cos;
  // Seen from the lap: the phase tells where a turning motion faces within its lap, not how many went before.
  if (const double turn = s.lap_turn + s.aim.heading; turn != 0) {
    const double c = std::cos(turn), d = std::sin(turn);
    const double turned = sine * c - cosine * d;
    cosine = cosine * c + sine * d;
    sine = turned;
  }
  out[0] = static_cast<float>(s.mirrored ? -sine : sine);
  out[1] = static_cast<float>(cosine);
}

template <class Read>
void write_bodies(const Scene& s, double scale, float* out, Read read) {
  const HumanModel& h = s.model();
  for (std::size_t b = 0; b < h.tracked_bodies.size(); ++b) {
    const int source = s.mirrored ? h.mirror_tracked[b] : static_cast<int>(b);
    out = write_vector(s, s.now.to_heading(read(h.tracked_bodies[source])), scale, out);
  }
}

void body_positions(const Scene& s, const double*, float* out) {
  write_bodies(s, 1.0, out, [&](int body) { return minus(s.human.body_place(body), s.now.root); });
}

void body_velocities(const Scene& s, const double* p, float* out) {
  write_bodies(s, p[0], out, [&](int body) { return s.human.body_velocity(body); });
}

void step_target(const Scene& s, const double*, float* out) {
  out[0] = static_cast<float>(s.memory->target() - s.now.com[0]);
  out[1] = static_cast<float>(s.memory->next_target() - s.now.com[0]);
}

void activations(const Scene& s, const double*, float* out) {
  const HumanModel& h = s.model();
  for (int m = 0; m < h.num_muscles(); ++m) {
    out[m] = static_cast<float>(s.human.activation(s.mirrored ? h.mirror_muscle[m] : m));
  }
}

void contact_forces(const Scene& s, const double*, float* out) {
  const auto forces = s.human.foot_forces();
  const std::size_t n = forces.size();
  for (std::size_t f = 0; f < n; ++f) {
    out[f] = static_cast<float>(forces[s.mirrored ? n - 1 - f : f] / s.model().weight());
  }
}

void conditions(const Scene& s, const double*, float* out) {
  for (double condition : s.conditions) *out++ = static_cast<float>(condition);
}

}  // namespace

const std::vector<ObservationKind>& observation_catalog() {
  static const std::vector<ObservationKind> catalog = {
      {"phase", "sine and cosine of the motion's phase", {}, true, two, phase, Remembered::kNothing, false},
      {"joint_positions", "positions of the actuated joints; of a ball joint its exponential map [rad]", {}, false,
       actuated, joint_positions},
      {"joint_velocities", "velocities of the actuated joints", {{"scale", 0.1, "factor [s/rad]"}}, false, actuated,
       joint_velocities},
      {"reference_error", "what leads from the actual joint positions to those of the reference [rad]", {}, true,
       actuated, reference_error},
      {"targets", "what leads from the joint positions to those of the reference at three times ahead [rad], and how far its"
       " root gets until then [m], along its heading",
       {{"first", 0.1, "first time ahead [s]"}, {"last", 0.6, "last time ahead [s]"}}, true, target_size, targets},
      {"root", "height, up axis, linear and angular velocity of the root, in the heading frame",
       {{"rate_scale", 0.2, "factor on the angular velocity [s/rad]"}}, false, root_size, root},
      {"heading", "sine and cosine of the angle to the heading from the x axis, which turns with the motion's laps, or from the heading"
       " that a condition asks for",
       {}, false, two, heading},
      {"body_positions", "origins of the bodies relative to the root, in the heading frame [m]", {}, false, tracked,
       body_positions},
      {"body_velocities", "linear velocities of the bodies, in the heading frame",
       {{"scale", 0.2, "factor [s/m]"}}, false, tracked, body_velocities},
      {"step_target", "how far ahead of the centre of mass the foot that stands should, and the other one should stand next [m]",
       {{"right_from", 0.33, "phase from which the right foot stands"}, {"right_to", 0.83, "phase up to which it does"}}, true,
       two, step_target, Remembered::kSteps},
      {"activations", "activations of the muscles", {}, false, muscles, activations},
      {"contact_forces", "force of the ground on each foot, normal to the ground, in body weights", {}, false, feet,
       contact_forces},
      {"conditions", "conditions of the human, each from -1 at the low end of its range to 1 at the high one", {}, false, nullptr,
       conditions, Remembered::kNothing, false},
  };
  return catalog;
}

}  // namespace soleus
