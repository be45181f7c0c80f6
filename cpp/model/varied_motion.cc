#include "model/varied_motion.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/lowest.h"

namespace soleus {
namespace {

constexpr int kStep = 8;  // frames between instants at which a body is looked at

}  // namespace

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
  if (conditions_.change_anatomy()) {
    std::vector<Seen> before = seen_of(*strides[at]);
    const std::vector<Seen>* after = w > 0 ? &seen_of(*strides[at + 1]) : &before;
    for (std::size_t i = 0; i < before.size(); ++i) {
      before[i].sole += w * ((*after)[i].sole - before[i].sole);
      for (std::size_t p = 0; p < before[i].places.size(); ++p) before[i].places[p] += w * ((*after)[i].places[p] - before[i].places[p]);
    }
    carry(human, height, before, *strides[at], data);
  }
  out = std::make_unique<Motion>(human, std::move(data));
}

// Of a human in a pose, coupled joints made consistent.
VariedMotion::Seen VariedMotion::look(const HumanModel& human, const double* qpos) {
  const mjModel* m = human.mujoco();
  mjData* d = data_.get();
  mju_copy(d->qpos, qpos, static_cast<int>(m->nq));
  human.couple(d->qpos);
  mj_kinematics(m, d);
  mj_comPos(m, d);
  const mjtNum *root = d->xpos + 3 * human.root_body, *com = d->subtree_com + 3 * human.root_body;
  mjtNum turn[4], frame[9];
  mju_mulQuat(turn, d->xquat + 4 * human.root_body, human.root_align.data());
  mju_quat2Mat(frame, turn);
  const double length = std::max(std::hypot(frame[0], frame[3]), mjMINVAL), c = frame[0] / length, s = frame[3] / length;
  Seen seen{lowest_of_feet(human, m, d), {}};
  auto add = [&](const mjtNum* from, const mjtNum* to) {
    const double x = to[0] - from[0], y = to[1] - from[1];
    seen.places.insert(seen.places.end(), {c * x + s * y, c * y - s * x, to[2] - from[2]});
  };
  add(root, com);
  for (int body : human.end_effectors) add(com, d->xpos + 3 * body);
  return seen;
}

const std::vector<VariedMotion::Seen>& VariedMotion::seen_of(const Motion& motion) {
  std::vector<Seen>& seen = seen_[&motion];
  if (!seen.empty()) return seen;
  const std::size_t nq = base_.mujoco()->nq;
  for (int k = 0; k < motion.data().frames; k += kStep) seen.push_back(look(base_, motion.data().qpos.data() + k * nq));
  return seen;
}

void VariedMotion::carry(const HumanModel& human, double height, std::span<const Seen> before, const Motion& of, MotionData& data) {
  const mjModel* m = human.mujoco();
  const std::size_t nq = m->nq, nv = m->nv, ne = human.end_effectors.size();
  for (double& far : data.displacement) far *= height;
  for (double& rate : data.com_velocity) rate *= height;
  // What the body changes at the instants that are looked at.
  std::vector<Seen> change;
  for (std::size_t i = 0; i < before.size(); ++i) {
    change.push_back(look(human, data.qpos.data() + i * kStep * nq));
    change.back().sole = before[i].sole - change.back().sole;
    for (std::size_t p = 0; p < before[i].places.size(); ++p) change.back().places[p] -= before[i].places[p];
  }
  for (int k = 0; k < data.frames; ++k) {
    const std::size_t i = k / kStep, next = (i + 1) % change.size();
    const int span = next == 0 ? data.frames - static_cast<int>(i) * kStep : kStep;
    const double w = next == 0 && data.once ? 0.0 : static_cast<double>(k % kStep) / span;
    auto between = [&](double a, double b) { return a + w * (b - a); };
    double *qpos = data.qpos.data() + k * nq, *qvel = data.qvel.data() + k * nv;
    for (int axis = 0; axis < 3; ++axis) {
      const auto [adr, dof] = of.root_slot(axis);
      if (adr < 0) continue;
      if (axis < 2) qpos[adr] *= height;
      qvel[dof] *= height;
    }
    qpos[human.root_height_qpos()] += between(change[i].sole, change[next].sole);
    const std::vector<double>&here = change[i].places, &there = change[next].places;
    for (int p = 0; p < 3; ++p) data.com[3 * k + p] += between(here[p], there[p]);
    for (std::size_t p = 0; p < 3 * ne; ++p) data.end_effectors[3 * k * ne + p] += between(here[3 + p], there[3 + p]);
  }
}

}  // namespace soleus
