#include "control/wide_stable_pd.h"

#include <algorithm>

#include "base/wide_math.h"

namespace soleus {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Coordinates of a rotation: its exponential map from rest, as mju_quat2Vel() has it.
Wide3 exponential_map(const WideQuat& q) {
  const Wide3 v{q.x, q.y, q.z};
  const Wide length = sqrt(dot(v, v));
  const WideMask none = length < Wide(mjMINVAL);
  Wide angle = 2.0 * angle_of(q.w, length);
  angle = select(angle > Wide(kPi), angle - Wide(2 * kPi), angle);
  return Wide(select(none, Wide(0.0), angle / select(none, Wide(1.0), length))) * v;
}

// Position minus target of a ball joint, by the way round that is the shorter.
Wide3 turn_error(const DynamicsTile& t, const HumanModel::Rotation& r, std::span<const Wide> target) {
  const mjtNum* rest = t.model->human().mujoco()->qpos0 + r.qpos;
  const Wide* q = t.qpos.data() + r.qpos;
  const WideQuat from{Wide(rest[0]), Wide(-rest[1]), Wide(-rest[2]), Wide(-rest[3])};
  const Wide3 now = exponential_map(from * WideQuat{q[0], q[1], q[2], q[3]});
  Wide3 error = now - Wide3{target[r.coordinate], target[r.coordinate + 1], target[r.coordinate + 2]};
  // A turn by an angle is one by it less a whole turn, the other way.
  const Wide angle = sqrt(dot(now, now));
  const WideMask longer = dot(error, now) > kPi * angle;
  add_scaled(error, where(longer, Wide(-2 * kPi) / select(longer, angle, Wide(1.0))), now);
  return error;
}

}  // namespace

void stable_pd(DynamicsTile& t, std::span<const Wide> target, std::span<Wide> torque) {
  const HumanModel& h = t.model->human();
  const double time = t.model->timestep();
  std::copy(t.inertia.begin(), t.inertia.end(), t.hessian.begin());
  for (int c = 0; c < h.num_coordinates(); ++c) t.search[c] = t.constraint[c] + t.passive[c] - t.bias[c];
  LaneArray<Wide>& error = t.gradient;
  for (int k = 0; k < h.num_actuated(); ++k) {
    const int c = h.actuated[k];
    error[c] = t.qpos[t.model->coordinate_qpos(c)] - target[c];
  }
  for (const auto& r : h.rotations()) {
    if (h.coordinate_actuated()[r.coordinate] < 0) continue;
    const Wide3 e = turn_error(t, r, target);
    error[r.coordinate] = e.x;
    error[r.coordinate + 1] = e.y;
    error[r.coordinate + 2] = e.z;
  }
  for (int k = 0; k < h.num_actuated(); ++k) {
    const int c = h.actuated[k];
    torque[k] = -(h.kp[k] * (error[c] + time * t.velocity[c])) - h.kd[k] * t.velocity[c];
    t.search[c] += torque[k];
    t.hessian[t.ldl.diagonal(c)] += Wide(time * h.kd[k]);
  }
  t.diverged = t.diverged | !t.ldl.factor(t.hessian.data());
  t.ldl.solve(t.hessian.data(), t.search.data());
  for (int k = 0; k < h.num_actuated(); ++k) {
    const Wide limit(h.torque_limit[k]);
    torque[k] = clamp(torque[k] - (time * h.kd[k]) * t.search[h.actuated[k]], -limit, limit);
  }
}

}  // namespace soleus
