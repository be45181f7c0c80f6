#include "model/varied_motion.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/lowest.h"

namespace soleus {

VariedMotion::VariedMotion(const HumanModel& base, const ConditionData& conditions)
    : base_(base), conditions_(conditions), data_(mj_makeData(base.mujoco())) {
  require(data_ != nullptr, "expected memory for one more simulation");
}

void VariedMotion::make(std::span<const Motion* const> strides, const HumanModel& human, double height, const Gait& gait,
                        std::unique_ptr<Motion>& out) {
  std::size_t at = 0;
  double w = 0;
  if (strides.size() > 1) {
    const auto& factors = conditions_.strides;
    while (at + 2 < factors.size() && gait.stride > factors[at + 1]) ++at;
    w = std::clamp((gait.stride - factors[at]) / (factors[at + 1] - factors[at]), 0.0, 1.0);
  }
  MotionData data = strides[at]->data();
  if (w > 0) data = between(data, strides[at + 1]->data(), w, strides[at]->quaternions());
  const double slower = std::sqrt(height) / gait.cadence;
  data.duration *= slower;
  for (auto* rates : {&data.qvel, &data.com_velocity}) {
    for (double& rate : *rates) rate /= slower;
  }
  if (conditions_.change_anatomy()) carry(human, height, *strides[at], data);
  out = std::make_unique<Motion>(human, std::move(data));
}

// Puts a human into a pose, coupled joints made consistent; returns the height of the lowest point of the feet.
double VariedMotion::pose(const HumanModel& human, const double* qpos) {
  const mjModel* m = human.mujoco();
  mjData* d = data_.get();
  mju_copy(d->qpos, qpos, static_cast<int>(m->nq));
  human.couple(d->qpos);
  mj_kinematics(m, d);
  return lowest_of_feet(human, m, d);
}

void VariedMotion::carry(const HumanModel& human, double height, const Motion& of, MotionData& data) {
  const mjModel* m = human.mujoco();
  mjData* d = data_.get();
  const std::size_t nq = m->nq, nv = m->nv, ne = human.end_effectors.size();
  for (double& far : data.displacement) far *= height;
  for (double& rate : data.com_velocity) rate *= height;
  for (int k = 0; k < data.frames; ++k) {
    double *qpos = data.qpos.data() + k * nq, *qvel = data.qvel.data() + k * nv;
    const double sole = pose(base_, qpos);
    for (int axis = 0; axis < 3; ++axis) {
      const auto [adr, dof] = of.root_slot(axis);
      if (adr < 0) continue;
      if (axis < 2) qpos[adr] *= height;
      qvel[dof] *= height;
    }
    const double own = pose(human, qpos);
    const int up = human.root_height_qpos();
    qpos[up] += sole - own;
    d->qpos[up] = qpos[up];
    mj_kinematics(m, d);
    mj_comPos(m, d);
    const mjtNum *root = d->xpos + 3 * human.root_body, *com = d->subtree_com + 3 * human.root_body;
    mjtNum turn[4], frame[9];
    mju_mulQuat(turn, d->xquat + 4 * human.root_body, human.root_align.data());
    mju_quat2Mat(frame, turn);
    const double length = std::max(std::hypot(frame[0], frame[3]), mjMINVAL), c = frame[0] / length, s = frame[3] / length;
    auto seen = [&](const mjtNum* from, const mjtNum* to, double* out) {
      const double x = to[0] - from[0], y = to[1] - from[1];
      out[0] = c * x + s * y;
      out[1] = c * y - s * x;
      out[2] = to[2] - from[2];
    };
    seen(root, com, data.com.data() + 3 * k);
    for (std::size_t e = 0; e < ne; ++e) seen(com, d->xpos + 3 * human.end_effectors[e], data.end_effectors.data() + 3 * (k * ne + e));
  }
}

}  // namespace soleus
