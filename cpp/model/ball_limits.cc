#include "model/ball_limits.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "model/human_model.h"

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

std::vector<BallLimit> make_ball_limits(const HumanModel& model) {
  const mjModel* m = model.mujoco();
  std::vector<BallLimit> limits;
  if (model.lower.empty() || (m->opt.disableflags & (mjDSBL_LIMIT | mjDSBL_CONSTRAINT))) return limits;
  std::unique_ptr<mjData, void (*)(mjData*)> data(mj_makeData(m), mj_deleteData);
  require(data != nullptr, "expected memory for one simulation");
  mj_forward(m, data.get());
  std::vector<double> unit(m->nv), moved(m->nv);
  const double time = std::max(kReturn, kSteps * m->opt.timestep);
  for (int b = 0; b < model.num_balls(); ++b) {
    const int c = model.rotations()[b].coordinate;
    bool limited = false;
    BallLimit limit{c, {}, {}};
    for (int i = 0; i < 3; ++i) {
      limited |= std::isfinite(model.lower[c + i]) || std::isfinite(model.upper[c + i]);
      std::fill(unit.begin(), unit.end(), 0.0);
      unit[model.coordinate_dof[c + i]] = 1.0;
      mj_solveM(m, data.get(), moved.data(), unit.data(), 1);
      const double inertia = 1.0 / moved[model.coordinate_dof[c + i]];
      limit.stiffness[i] = inertia / (time * time);
      limit.damping[i] = 2 * inertia / time;
    }
    if (limited) limits.push_back(limit);
  }
  return limits;
}

bool BallLimit::push_back(const HumanModel& model, std::span<const double> positions, const double* qvel,
                          double* torque) const {
  const double* q = positions.data() + coordinate;
  const double* low = model.lower.data() + coordinate;
  const double* high = model.upper.data() + coordinate;
  double beyond[3];
  bool any = false;
  for (int i = 0; i < 3; ++i) {
    beyond[i] = q[i] > high[i] ? q[i] - high[i] : q[i] < low[i] ? q[i] - low[i] : 0.0;
    any |= beyond[i] != 0;
  }
  if (!any) return false;
  double rate[3], force[3];
  inverse_jacobian(q, 0.5, qvel + model.coordinate_dof[coordinate], rate);
  for (int i = 0; i < 3; ++i) {
    force[i] = 0;
    if (beyond[i] == 0) continue;
    force[i] = -stiffness[i] * beyond[i] - damping[i] * rate[i];
    if (force[i] * beyond[i] > 0) force[i] = 0;  // it pushes back, and never holds what returns
  }
  inverse_jacobian(q, -0.5, force, torque);
  return true;
}

}  // namespace soleus
