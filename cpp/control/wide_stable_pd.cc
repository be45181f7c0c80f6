#include "control/wide_stable_pd.h"

#include <algorithm>

#include "dynamics/wide_ball_limits.h"

namespace soleus {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Position minus target of a ball joint, by the way round that is the shorter.
template <class Rotation>
Wide3 turn_error(const DynamicsTile& t, const Rotation& r, std::span<const Wide> target) {
  const Wide3 now = turn_coordinates(t, r);
  Wide3 error = now - Wide3{target[r.coordinate], target[r.coordinate + 1], target[r.coordinate + 2]};
  // A turn by an angle is one by it less a whole turn, the other way.
  const Wide angle = sqrt(dot(now, now));
  const WideMask longer = dot(error, now) > kPi * angle;
  add_scaled(error, where(longer, Wide(-2 * kPi) / select(longer, angle, Wide(1.0))), now);
  return error;
}

Wide3 three(const Wide* p) { return {p[0], p[1], p[2]}; }

void store(Wide* p, const Wide3& v) {
  p[0] = v.x;
  p[1] = v.y;
  p[2] = v.z;
}

// Where the root is driven, it is in the prediction alone: see HumanState::drive_root().
template <class Tables>
void drive_root(DynamicsTile& t, const Tables& m, std::span<const Wide> target) {
  const double time = t.model->timestep();
  const auto& r = m.rotations.back();
  const auto &kp = m.root_gain.kp, &kd = m.root_gain.kd;
  const int turn = r.coordinate, shift = turn - 3;
  const Wide* q = t.qpos.data() + r.qpos;
  const WideQuat now{q[0], q[1], q[2], q[3]};
  LaneArray<Wide>& error = t.gradient;
  const Wide3 off = three(t.qpos.data() + t.model->coordinate_qpos(shift)) - three(target.data() + shift);
  store(error.data() + shift, turned(now * wide(r.back), off));
  store(error.data() + turn, turn_error(t, r, target));
  const Wide3 carried = cross(turned(now, three(t.velocity.data() + turn)), three(t.velocity.data() + shift));
  Wide* force = t.search.data();
  store(force + shift, three(force + shift) + Wide(time * kd) * carried);
  for (int c = shift; c < shift + 6; ++c) {
    const Wide v = t.velocity[c];
    force[c] -= kp * (error[c] + time * v) + kd * v;
    t.hessian[t.ldl.diagonal(c)] += Wide(time * kd);
  }
}

template <class Tables>
void stable_pd(DynamicsTile& t, const Tables& m, std::span<const Wide> target, std::span<Wide> torque) {
  const HumanModel& h = t.model->human();
  const double time = t.model->timestep();
  std::copy(t.inertia.begin(), t.inertia.end(), t.hessian.begin());
  for (int c = 0; c < h.num_coordinates(); ++c) t.search[c] = t.constraint[c] + t.passive[c] - t.bias[c];
  LaneArray<Wide>& error = t.gradient;
  for (int k = 0; k < h.num_actuated(); ++k) {
    const int c = h.actuated[k];
    error[c] = t.qpos[t.model->coordinate_qpos(c)] - target[c];
  }
  for (const auto& r : m.rotations) {
    if (h.coordinate_actuated()[r.coordinate] < 0) continue;
    const Wide3 e = turn_error(t, r, target);
    error[r.coordinate] = e.x;
    error[r.coordinate + 1] = e.y;
    error[r.coordinate + 2] = e.z;
  }
  if (m.root_gain.driven) drive_root(t, m, target);
  for (int k = 0; k < h.num_actuated(); ++k) {
    const int c = h.actuated[k];
    torque[k] = -(m.gains[k].kp * (error[c] + time * t.velocity[c])) - m.gains[k].kd * t.velocity[c];
    t.search[c] += torque[k];
    t.hessian[t.ldl.diagonal(c)] += Wide(time * m.gains[k].kd);
  }
  t.diverged = t.diverged | !t.ldl.factor(t.hessian.data());
  t.ldl.solve(t.hessian.data(), t.search.data());
  for (int k = 0; k < h.num_actuated(); ++k) {
    const Wide limit(m.gains[k].torque_limit);
    torque[k] = clamp(torque[k] - (time * m.gains[k].kd) * t.search[h.actuated[k]], -limit, limit);
  }
}

}  // namespace

void stable_pd(DynamicsTile& t, std::span<const Wide> target, std::span<Wide> torque) {
  with_tables(t, [&](const auto& m) { stable_pd(t, m, target, torque); });
}

}  // namespace soleus
