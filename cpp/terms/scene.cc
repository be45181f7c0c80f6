#include "terms/scene.h"

#include <cmath>

namespace soleus {
namespace {

void point_velocity(const HumanState& state, int id, Vec3& linear, Vec3& angular) {
  mjtNum velocity[6];
  mj_objectVelocity(state.model().mujoco(), state.data(), mjOBJ_XBODY, id, velocity, 0);
  angular = {velocity[0], velocity[1], velocity[2]};
  linear = {velocity[3], velocity[4], velocity[5]};
}

}  // namespace

double Kinematics::yaw() const { return std::atan2(heading_sin, heading_cos); }

Vec3 body_position(const HumanState& state, int id) {
  const mjtNum* x = state.data()->xpos + 3 * id;
  return {x[0], x[1], x[2]};
}

Vec3 body_velocity(const HumanState& state, int id) {
  Vec3 linear, angular;
  point_velocity(state, id, linear, angular);
  return linear;
}

void measure(HumanState& state, Kinematics& out) {
  const HumanModel& h = state.model();
  const mjData* d = state.data();
  state.compute_subtree_velocity();
  out.root = body_position(state, h.root_body);
  mjtNum quat[4];
  mju_mulQuat(quat, d->xquat + 4 * h.root_body, h.root_align.data());
  mju_quat2Mat(out.frame.data(), quat);
  const double horizontal = std::hypot(out.frame[0], out.frame[3]);
  // Lying on the back or the belly there is no heading; the last one stays.
  if (horizontal > 1e-6) {
    out.heading_cos = out.frame[0] / horizontal;
    out.heading_sin = out.frame[3] / horizontal;
  }
  point_velocity(state, h.root_body, out.root_velocity, out.root_rate);
  Vec3 head_rate;
  out.head = body_position(state, h.head_body);
  point_velocity(state, h.head_body, out.head_velocity, head_rate);
  for (int i = 0; i < 3; ++i) {
    out.com[i] = d->subtree_com[3 * h.root_body + i];
    out.com_velocity[i] = d->subtree_linvel[3 * h.root_body + i];
  }
}

}  // namespace soleus
