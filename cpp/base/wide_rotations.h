// Rotations as three numbers: axis times angle.
#pragma once

#include "base/wide_math.h"
#include "base/wide_vec.h"

namespace soleus {

// The exponential map's coordinates of a rotation, by the shorter way round, as mju_quat2Vel() has them.
inline Wide3 exponential_map(const WideQuat& q) {
  constexpr double kPi = 3.14159265358979323846, kSmall = 1e-15;
  const Wide3 v{q.x, q.y, q.z};
  const Wide length = sqrt(dot(v, v));
  const WideMask none = length < Wide(kSmall);
  Wide angle = 2.0 * angle_of(q.w, length);
  angle = select(angle > Wide(kPi), angle - Wide(2 * kPi), angle);
  return select(none, Wide(0.0), angle / select(none, Wide(1.0), length)) * v;
}

}  // namespace soleus
