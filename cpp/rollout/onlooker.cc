#include "rollout/onlooker.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace soleus {

Onlooker::Onlooker(const mjModel* model, std::vector<int> foot, std::vector<int> own)
    : model_(model), data_(mj_makeData(model)), foot_(std::move(foot)), own_(std::move(own)) {
  require(data_ != nullptr, "expected memory for one more simulation");
  const auto bodies = static_cast<std::size_t>(model->nbody);
  require(foot_.size() == bodies && own_.size() == bodies, "expected a number for each body");
  for (int side : foot_) require(side >= -1 && side < kFeet, "expected 0, 1 or -1 for each body");
}

// What presses on a foot and is not the person, contact by contact.
void Onlooker::gather() {
  pushes_.clear();
  for (int i = 0; i < data_->ncon; ++i) {
    const mjContact& contact = data_->contact[i];
    if (contact.geom[0] < 0 || contact.geom[1] < 0) continue;  // a cloth
    const int bodies[2] = {model_->geom_bodyid[contact.geom[0]], model_->geom_bodyid[contact.geom[1]]};
    if (own_[bodies[0]] && own_[bodies[1]]) continue;
    mjtNum local[6];
    for (int k = 0; k < 2; ++k) {
      if (foot_[bodies[k]] < 0) continue;
      // The force of the first geom on the second, in axes whose first is the normal.
      mj_contactForce(model_, data_.get(), i, local);
      Push push{foot_[bodies[k]], {}, {}, {}, local[0]};
      mju_copy3(push.place, contact.pos);
      mju_mulMatTVec3(push.force, contact.frame, local);
      mju_mulMatTVec3(push.twist, contact.frame, local + 3);
      if (k == 0) {
        mju_scl3(push.force, push.force, -1);
        mju_scl3(push.twist, push.twist, -1);
      }
      pushes_.push_back(push);
    }
  }
}

Reactions Onlooker::see(const double* state, double* qpos, double* qvel) {
  mjData* d = data_.get();
  mj_setState(model_, d, state, mjSTATE_INTEGRATION);
  mj_forward(model_, d);
  std::copy_n(d->qpos, model_->nq, qpos);
  std::copy_n(d->qvel, model_->nv, qvel);
  gather();
  Reactions found{};
  for (int side = 0; side < kFeet; ++side) {
    FootReaction& foot = found[side];
    double pressing = 0;
    for (const Push& push : pushes_) {
      if (push.foot != side) continue;
      pressing += push.pressing;
      for (int k = 0; k < 3; ++k) {
        foot.force[k] += push.force[k];
        foot.pressure[k] += push.pressing * push.place[k];
      }
    }
    for (double& place : foot.pressure) place = pressing > 0 ? place / pressing : std::numeric_limits<double>::quiet_NaN();
    if (!(pressing > 0)) continue;
    for (const Push& push : pushes_) {
      if (push.foot != side) continue;
      mjtNum arm[3], moment[3];
      mju_sub3(arm, push.place, foot.pressure.data());
      mju_cross(moment, arm, push.force);
      for (int k = 0; k < 3; ++k) foot.moment[k] += moment[k] + push.twist[k];
    }
  }
  return found;
}

}  // namespace soleus
