#include "dynamics/wide_ball_limits.h"

namespace soleus {
namespace {

// v + half * (q x v) + c * (q x (q x v)), as in BallLimit::push_back().
Wide3 inverse_jacobian(const Wide3& q, double half, const Wide3& v) {
  const Wide square = dot(q, q), angle = sqrt(square);
  const WideMask small = angle < Wide(1e-4);
  Wide sine, cosine;
  sincos(0.5 * angle, sine, cosine);
  const Wide safe = select(small, Wide(1.0), angle), safe_sine = select(small, Wide(1.0), sine);
  const Wide c = select(small, Wide(1.0 / 12), Wide(1.0) / (safe * safe) - cosine / (2.0 * Wide(safe * safe_sine)));
  const Wide3 once = cross(q, v), twice = cross(q, once);
  Wide3 out = v;
  add_scaled(out, Wide(half), once);
  add_scaled(out, c, twice);
  return out;
}

template <class Tables>
void push_back_balls(DynamicsTile& t, const Tables& m) {
  const Wide zero(0.0);
  for (Wide& torque : t.limit_torque) torque = zero;
  for (const auto& limit : m.axis_limits) {
    const Wide3 q3 = turn_coordinates(t, m.rotations[limit.rotation]);
    const Wide q[] = {q3.x, q3.y, q3.z};
    Wide beyond[3];
    WideMask any_beyond = no_lane();
    for (int i = 0; i < 3; ++i) {
      const Wide high(limit.high[i]), low(limit.low[i]);
      beyond[i] = select(q[i] > high, q[i] - high, select(q[i] < low, q[i] - low, zero));
      any_beyond = any_beyond | (beyond[i] != zero);
    }
    if (!any(any_beyond)) continue;
    const Wide* v = t.velocity.data() + limit.coordinate;
    const Wide3 rate3 = inverse_jacobian(q3, 0.5, {v[0], v[1], v[2]});
    const Wide rate[] = {rate3.x, rate3.y, rate3.z};
    Wide force[3];
    for (int i = 0; i < 3; ++i) {
      const Wide pull = -(limit.stiffness[i] * beyond[i]) - limit.damping[i] * rate[i];
      force[i] = where((beyond[i] != zero) & !(pull * beyond[i] > zero), pull);  // it pushes back, and never holds
    }
    const Wide3 torque = inverse_jacobian(q3, -0.5, {force[0], force[1], force[2]});
    t.limit_torque[limit.coordinate] = where(any_beyond, torque.x);
    t.limit_torque[limit.coordinate + 1] = where(any_beyond, torque.y);
    t.limit_torque[limit.coordinate + 2] = where(any_beyond, torque.z);
  }
}

}  // namespace

void push_back_balls(DynamicsTile& t) {
  with_tables(t, [&](const auto& m) { push_back_balls(t, m); });
}

}  // namespace soleus
