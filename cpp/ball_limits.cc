// Limits of ball joints by axis. MuJoCo limits how far a ball joint turns, whatever the axis; models that come with a
// range for each coordinate of its exponential map have a soft limit here: critically damped, scaled by the joint's
// inertia at rest, and as stiff against a steady torque as MuJoCo's default limits, which come back with a time constant
// of 20 ms at an impedance d of 0.95: d / (1 - d) = 19 times the stiffness of that return alone. Explicit steps hold for
// a return of 4 steps and longer: at 600 steps a second that leaves half of the stiffness.
#include <algorithm>
#include <cmath>

#include "body.h"
#include "error.h"

namespace soleus {
namespace {

constexpr double kReturn = 0.02 / 4.36;  // [s] 4.36 = sqrt(19)
constexpr double kSteps = 4;

// out = v + half * (q x v) + c * (q x (q x v)): with half = +-1/2 the inverse right Jacobian of the exponential map and its
// transpose (J. Sola, J. Deray, D. Atchuthan, "A micro Lie theory for state estimation in robotics", 2018, eq. 144).
void inverse_jacobian(const double* q, double half, const double* v, double* out) {
  const double angle = mju_norm3(q);
  const double c = angle < 1e-4 ? 1.0 / 12 : 1 / (angle * angle) - 1 / (2 * angle * std::tan(angle / 2));
  mjtNum once[3], twice[3];
  mju_cross(once, q, v);
  mju_cross(twice, q, once);
  for (int i = 0; i < 3; ++i) out[i] = v[i] + half * once[i] + c * twice[i];
}

}  // namespace

void Human::build_limits() {
  const mjModel* m = model_.get();
  if (lower.empty() || (m->opt.disableflags & (mjDSBL_LIMIT | mjDSBL_CONSTRAINT))) return;
  std::unique_ptr<mjData, void (*)(mjData*)> data(mj_makeData(m), mj_deleteData);
  require(data != nullptr, "expected memory for one simulation");
  mj_forward(m, data.get());
  std::vector<double> unit(m->nv), moved(m->nv);
  const double time = std::max(kReturn, kSteps * m->opt.timestep);
  for (int b = 0; b < num_balls(); ++b) {
    const int c = rotations_[b].coordinate;
    bool limited = false;
    BallLimit limit{c, {}, {}};
    for (int i = 0; i < 3; ++i) {
      limited |= std::isfinite(lower[c + i]) || std::isfinite(upper[c + i]);
      std::fill(unit.begin(), unit.end(), 0.0);
      unit[coordinate_dof[c + i]] = 1.0;
      mj_solveM(m, data.get(), moved.data(), unit.data(), 1);
      const double inertia = 1.0 / moved[coordinate_dof[c + i]];
      limit.stiffness[i] = inertia / (time * time);
      limit.damping[i] = 2 * inertia / time;
    }
    if (limited) ball_limits_.push_back(limit);
  }
}

bool Body::ball_limit_torque(const Human::BallLimit& limit, double* torque) const {
  const Human& h = *human_;
  const double* q = position_.data() + limit.coordinate;
  const double* low = h.lower.data() + limit.coordinate;
  const double* high = h.upper.data() + limit.coordinate;
  double beyond[3];
  bool any = false;
  for (int i = 0; i < 3; ++i) {
    beyond[i] = q[i] > high[i] ? q[i] - high[i] : q[i] < low[i] ? q[i] - low[i] : 0.0;
    any |= beyond[i] != 0;
  }
  if (!any) return false;
  double rate[3], force[3];
  inverse_jacobian(q, 0.5, data_->qvel + h.coordinate_dof[limit.coordinate], rate);
  for (int i = 0; i < 3; ++i) {
    force[i] = 0;
    if (beyond[i] == 0) continue;
    force[i] = -limit.stiffness[i] * beyond[i] - limit.damping[i] * rate[i];
    if (force[i] * beyond[i] > 0) force[i] = 0;  // it pushes back, and never holds what returns
  }
  inverse_jacobian(q, -0.5, force, torque);
  return true;
}

}  // namespace soleus
