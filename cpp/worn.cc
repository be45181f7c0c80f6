// What a person wears: motors and servos, which are actuators but no muscles, and floating bodies that are tied on.
#include <algorithm>

#include "body.h"

namespace soleus {

void Body::apply_motors(const float* action, bool mirrored) {
  const Human& h = *human_;
  for (int k = 0; k < h.num_motors(); ++k) {
    const double sign = mirrored ? h.mirror_motor_sign[k] : 1.0;
    const double share = 0.5 * (1.0 + sign * std::clamp(action[mirrored ? h.mirror_motor[k] : k], -1.0f, 1.0f));
    data_->ctrl[h.motor_control[k]] = h.motor_low[k] + share * (h.motor_high[k] - h.motor_low[k]);
  }
}

// A servo that remembers its target (intvelocity, or a filtered position) starts from where its joint is: from 0 it would
// throw the joint there.
void Body::start_servos() {
  const mjModel* m = human_->model();
  mjData* d = data_.get();
  for (int a = 0; a < m->nactuator; ++a) {
    const mjtNum* bias = m->actuator_biasprm + a * mjNBIAS;
    const double gain = m->actuator_gainprm[a * mjNGAIN];
    const bool remembers = m->actuator_dyntype[a] == mjDYN_INTEGRATOR || m->actuator_dyntype[a] == mjDYN_FILTER ||
                           m->actuator_dyntype[a] == mjDYN_FILTEREXACT;
    if (!remembers || m->actuator_actnum[a] != 1 || m->actuator_gaintype[a] != mjGAIN_FIXED || gain == 0 ||
        m->actuator_biastype[a] != mjBIAS_AFFINE || bias[1] == 0) {
      continue;
    }
    double& target = d->act[m->actuator_actadr[a]];
    target = -(bias[0] + bias[1] * d->actuator_length[m->actuator_outadr[a]]) / gain;
    if (m->actuator_actlimited[a]) {
      target = std::clamp(target, m->actuator_actrange[2 * a], m->actuator_actrange[2 * a + 1]);
    }
  }
}

// Puts them where the person is, moving along. The simulation's velocities must be current.
void Body::bring_tied() {
  const Human& h = *human_;
  const mjModel* m = h.model();
  mjData* d = data_.get();
  for (std::size_t i = 0; i < h.tied.size(); ++i) {
    const int joint = m->body_jntadr[h.tied[i]], to = h.tied_to[i];
    mjtNum* pose = d->qpos + m->jnt_qposadr[joint];
    mjtNum* rate = d->qvel + m->jnt_dofadr[joint];
    const double* own = h.tied_pose.data() + 7 * i;
    mjtNum arm[3], velocity[6], back[4];
    mju_mulMatVec3(arm, d->xmat + 9 * to, own);
    mju_add3(pose, d->xpos + 3 * to, arm);
    mju_mulQuat(pose + 3, d->xquat + 4 * to, own + 3);
    mj_objectVelocity(m, d, mjOBJ_XBODY, to, velocity, 0);  // angular, then linear
    mju_cross(rate, velocity, arm);
    mju_addTo3(rate, velocity + 3);
    mju_negQuat(back, pose + 3);
    mju_rotVecQuat(rate + 3, velocity, back);
  }
  mj_forward(m, d);
}

}  // namespace soleus
