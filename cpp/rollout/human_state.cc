#include "rollout/human_state.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace soleus {
namespace {

// MuJoCo writes a warning to a log file when its counter leaves zero; a counter that starts here stays silent.
constexpr int kQuiet = 1 << 20;
constexpr mjtWarning kFatal[] = {mjWARN_BADQPOS, mjWARN_BADQVEL, mjWARN_BADQACC, mjWARN_BADCTRL};

void silence(mjData* d) {
  for (auto& warning : d->warning) warning.number = kQuiet;
}

}  // namespace

HumanState::HumanState(const HumanModel& model) : HumanView(model), model_(&model), data_(mj_makeData(model.mujoco())) {
  require(data_ != nullptr, "expected memory for one more simulation");
  const mjModel* m = model.mujoco();
  coupling_.assign(m->nv, 1.0);
  constraint_.assign(model.num_coordinates(), 0.0);
  foot_force_.assign(model.feet.size(), 0.0);
  inertia_.resize(model.inertia_pattern().entries());
  force_.resize(model.num_coordinates());
  position_.resize(model.num_coordinates());
  error_.resize(model.num_coordinates());
  now_.resize(model.num_muscles());
  excitation_.resize(model.num_muscles());
  pushed_.reserve(3 * model.ball_limits().size());
  if (model.muscles_apart()) {
    activation_.assign(model.num_muscles(), 0.0);
    pull_.assign(model.num_actuated(), 0.0);
  }
  if (model.has_polylines()) path_ = model.paths().make_state();
  renumber();
  if (model.has_hill()) {
    driven_.assign(model.num_muscles(), 0.0);
    crossed_velocity_.assign(model.num_crossings(), 0.0);
    for (auto* of_muscles : {&path_.length, &path_.active, &path_.passive}) of_muscles->assign(model.num_muscles(), 0.0);
    path_.moment.assign(model.num_crossings(), 0.0);
  }
}

void HumanState::renumber() {
  if (!model_->has_hill()) return;
  hill_ = HillMuscles(model_->hill, model_->fitted_groups(), model_->crossing_adr, static_cast<int>(model_->mujoco()->nq));
}

void HumanState::reset(std::span<const double> qpos, std::span<const double> qvel) {
  const mjModel* m = model_->mujoco();
  mjData* d = data_.get();
  mj_resetData(m, d);
  silence(d);
  singular_ = false;
  std::copy(qpos.begin(), qpos.end(), d->qpos);
  std::copy(qvel.begin(), qvel.end(), d->qvel);
  std::fill(activation_.begin(), activation_.end(), 0.0);
  std::fill(driven_.begin(), driven_.end(), 0.0);
  refresh();
  model_->couple(d->qpos);
  for (const auto& [dof, driver] : model_->coupled()) {
    d->qvel[dof] = coupling_[dof] * d->qvel[model_->coordinate_dof[model_->dof_coordinate[dof]]];
  }
  if (!model_->ctrl_rest.empty()) std::copy(model_->ctrl_rest.begin(), model_->ctrl_rest.end(), d->ctrl);
  mj_forward(m, d);
  if (!model_->tied.empty()) bring_tied();
  start_servos();
  refresh();
  pushed_.clear();
  gather_constraint();
  gather_feet();
}

void HumanState::refresh() {
  const mjModel* m = model_->mujoco();
  model_->positions(data_->qpos, position_.data());
  path_current_ = false;
  for (const auto& [dof, driver] : model_->coupled()) {
    const double* p = model_->dof_polynomial.data() + 5 * dof;
    const double x = data_->qpos[driver] - m->qpos0[driver];
    coupling_[dof] = p[1] + x * (2 * p[2] + x * (3 * p[3] + x * 4 * p[4]));
  }
}

// Position minus target, of rotations by the way round that is the shorter.
void HumanState::pose_error(std::span<const double> target) {
  for (std::size_t c = 0; c < target.size(); ++c) error_[c] = position_[c] - target[c];
  constexpr double kTurn = 2 * std::numbers::pi;
  for (const auto& [c, adr] : model_->rotations()) {
    // A turn by an angle is one by it less a whole turn, the other way.
    const double* q = position_.data() + c;
    const double angle = mju_norm3(q);
    if (mju_dot3(error_.data() + c, q) > 0.5 * kTurn * angle) mju_addToScl3(error_.data() + c, q, -kTurn / angle);
  }
}

// Where the root is driven, it is in the prediction alone: MASS takes the error of its shift, seen in the axes of qpos0,
// for one in the body's own.
void HumanState::drive_root() {
  const HumanModel& h = *model_;
  const mjModel* m = h.mujoco();
  const double dt = m->opt.timestep;
  const auto& [turn, adr] = h.rotations().back();
  const int shift = turn - 3;
  mjtNum rest[4], from_rest[4], turned[3];
  mju_negQuat(rest, m->qpos0 + adr);
  mju_mulQuat(from_rest, data_->qpos + adr, rest);
  mju_rotVecQuat(turned, error_.data() + shift, from_rest);
  mju_copy3(error_.data() + shift, turned);
  // Its acceleration is that of the velocity in the body's own axes, which turn.
  mjtNum rate[3], carried[3];
  mju_rotVecQuat(rate, data_->qvel + h.coordinate_dof[turn], data_->qpos + adr);
  mju_cross(carried, rate, data_->qvel + h.coordinate_dof[shift]);
  mju_addToScl3(force_.data() + shift, carried, dt * h.root_kd);
  for (int c = shift; c < shift + 6; ++c) {
    const double velocity = data_->qvel[h.coordinate_dof[c]];
    force_[c] -= h.root_kp * (error_[c] + dt * velocity) + h.root_kd * velocity;
    inertia_[h.inertia_pattern().diagonal(c)] += dt * h.root_kd;
  }
}

void HumanState::stable_pd(std::span<const double> target, std::span<double> torque) {
  const HumanModel& h = *model_;
  const mjModel* m = h.mujoco();
  const mjData* d = data_.get();
  const double dt = m->opt.timestep;
  const SparseLdl& pattern = h.inertia_pattern();
  std::fill(inertia_.begin(), inertia_.end(), 0.0);
  for (const auto& e : h.inertia_entries()) inertia_[e.slot] += coupling_[e.row] * coupling_[e.col] * d->M[e.adr];
  std::copy(constraint_.begin(), constraint_.end(), force_.begin());
  for (int i = 0; i < m->nv; ++i) {
    if (h.dof_coordinate[i] < 0) continue;
    force_[h.dof_coordinate[i]] += coupling_[i] * (d->qfrc_passive[i] - d->qfrc_bias[i]);
  }
  pose_error(target);
  if (h.root_kp > 0 || h.root_kd > 0) drive_root();
  for (int k = 0; k < h.num_actuated(); ++k) {
    const int c = h.actuated[k];
    const double velocity = d->qvel[h.coordinate_dof[c]];
    torque[k] = -h.kp[k] * (error_[c] + dt * velocity) - h.kd[k] * velocity;
    force_[c] += torque[k];
    inertia_[pattern.diagonal(c)] += dt * h.kd[k];
  }
  if (!pattern.factor(inertia_.data())) {
    singular_ = true;
    return;
  }
  pattern.solve(inertia_.data(), force_.data());
  for (int k = 0; k < h.num_actuated(); ++k) {
    const double limit = h.torque_limit[k];
    torque[k] = std::clamp(torque[k] - dt * h.kd[k] * force_[h.actuated[k]], -limit, limit);
  }
}

void HumanState::apply_torque(std::span<const double> torque) {
  for (int k = 0; k < model_->num_actuated(); ++k) {
    data_->qfrc_applied[model_->coordinate_dof[model_->actuated[k]]] = torque[k];
  }
}

void HumanState::apply_direct(std::span<const double> torque) {
  for (int k : model_->direct) {
    const double pull = pull_.empty() ? 0.0 : pull_[k];
    data_->qfrc_applied[model_->coordinate_dof[model_->actuated[k]]] = pull + torque[k];
  }
}

void HumanState::apply_device(int actuated, double by_torque, double device) {
  const double pull = pull_.empty() ? 0.0 : pull_[actuated];
  data_->qfrc_applied[model_->coordinate_dof[model_->actuated[actuated]]] = pull + by_torque + device;
}

void HumanState::advance(bool sense) {
  const mjModel* m = model_->mujoco();
  push_back_balls();
  mj_step2(m, data_.get());
  if (model_->has_hill()) hill_.activate(driven_, m->opt.timestep, activation_);
  pull_back_balls();
  gather_constraint();
  if (sense) gather_feet();
  mj_step1(m, data_.get());
  refresh();
}

void HumanState::push_back_balls() {
  pushed_.clear();
  for (const BallLimit& limit : model_->ball_limits()) {
    double torque[3];
    if (!limit.push_back(*model_, position_, data_->qvel, torque)) continue;
    for (int i = 0; i < 3; ++i) {
      double& applied = data_->qfrc_applied[model_->coordinate_dof[limit.coordinate + i]];
      pushed_.push_back({limit.coordinate + i, torque[i], applied});
      applied += torque[i];
    }
  }
}

void HumanState::pull_back_balls() {
  for (const Pushed& p : pushed_) data_->qfrc_applied[model_->coordinate_dof[p.coordinate]] = p.before;
}

void HumanState::gather_constraint() {
  // Equality forces are orthogonal to the coupled motion and drop out here; contacts and limits stay.
  const HumanModel& h = *model_;
  std::fill(constraint_.begin(), constraint_.end(), 0.0);
  for (int i = 0; i < h.mujoco()->nv; ++i) {
    if (h.dof_coordinate[i] >= 0) constraint_[h.dof_coordinate[i]] += coupling_[i] * data_->qfrc_constraint[i];
  }
  for (const Pushed& p : pushed_) constraint_[p.coordinate] += p.torque;
}

void HumanState::gather_feet() {
  const mjModel* m = model_->mujoco();
  const mjData* d = data_.get();
  std::fill(foot_force_.begin(), foot_force_.end(), 0.0);
  for (int i = 0; i < d->ncon; ++i) {
    const mjContact& contact = d->contact[i];
    if (contact.efc_address < 0 || contact.geom[0] < 0 || contact.geom[1] < 0) continue;
    if (model_->owns_geom(contact.geom[0]) && model_->owns_geom(contact.geom[1])) continue;  // legs are no ground
    const int first = model_->geom_foot()[contact.geom[0]];
    const int foot = first >= 0 ? first : model_->geom_foot()[contact.geom[1]];
    if (foot < 0) continue;
    mjtNum force[6];
    mj_contactForce(m, d, i, force);
    foot_force_[foot] += force[0];
  }
}

Vec3 HumanState::body_place(int body) const {
  const mjtNum* x = data_->xpos + 3 * body;
  return {x[0], x[1], x[2]};
}

std::array<double, 4> HumanState::body_turn(int body) const {
  const mjtNum* q = data_->xquat + 4 * body;
  return {q[0], q[1], q[2], q[3]};
}

Vec3 HumanState::body_velocity(int body) const {
  mjtNum velocity[6];  // angular, then linear
  mj_objectVelocity(model_->mujoco(), data_.get(), mjOBJ_XBODY, body, velocity, 0);
  return {velocity[3], velocity[4], velocity[5]};
}

Vec3 HumanState::body_rate(int body) const {
  mjtNum velocity[6];
  mj_objectVelocity(model_->mujoco(), data_.get(), mjOBJ_XBODY, body, velocity, 0);
  return {velocity[0], velocity[1], velocity[2]};
}

Vec3 HumanState::com() const {
  const mjtNum* x = data_->subtree_com + 3 * model_->root_body;
  return {x[0], x[1], x[2]};
}

Vec3 HumanState::com_velocity() const {
  mj_subtreeVel(model_->mujoco(), data_.get());  // which a step does not compute
  const mjtNum* v = data_->subtree_linvel + 3 * model_->root_body;
  return {v[0], v[1], v[2]};
}

bool HumanState::diverged() const {
  for (mjtWarning w : kFatal) {
    if (data_->warning[w].number != kQuiet) return true;
  }
  return singular_;
}

template <class AnyHumanState, class Visit>
void HumanState::visit_state(AnyHumanState& human, Visit&& visit) {
  for (auto* numbers : {&human.constraint_, &human.foot_force_, &human.activation_, &human.driven_}) {
    for (auto& number : *numbers) visit(number);
  }
}

int HumanState::state_size() const {
  int size = mj_stateSize(model_->mujoco(), mjSTATE_INTEGRATION);
  visit_state(*this, [&](double) { ++size; });
  return size;
}

void HumanState::save(double* state) const {
  mj_getState(model_->mujoco(), data_.get(), state, mjSTATE_INTEGRATION);
  state += mj_stateSize(model_->mujoco(), mjSTATE_INTEGRATION);
  visit_state(*this, [&](double number) { *state++ = number; });
}

void HumanState::write_trace(double* out) const {
  mj_getState(model_->mujoco(), data_.get(), out, mjSTATE_INTEGRATION);
  write_muscles(*this, out + mj_stateSize(model_->mujoco(), mjSTATE_INTEGRATION), metabolic_power());
}

void HumanState::restore(const double* state) {
  mj_resetData(model_->mujoco(), data_.get());
  silence(data_.get());
  singular_ = false;
  mj_setState(model_->mujoco(), data_.get(), state, mjSTATE_INTEGRATION);
  state += mj_stateSize(model_->mujoco(), mjSTATE_INTEGRATION);
  visit_state(*this, [&](double& number) { number = *state++; });
  mj_step1(model_->mujoco(), data_.get());
  refresh();
}

void HumanState::push(int body, const Vec3& force) {
  std::copy(force.begin(), force.end(), data_->xfrc_applied + 6 * body);
}

// What a person wears: motors and servos, which are actuators but no muscles, and floating bodies that are tied on.

void HumanState::apply_motors(const float* action, bool mirrored) {
  const HumanModel& h = *model_;
  for (int k = 0; k < h.num_motors(); ++k) {
    const double sign = mirrored ? h.mirror_motor_sign[k] : 1.0;
    const double share = 0.5 * (1.0 + sign * std::clamp(action[mirrored ? h.mirror_motor[k] : k], -1.0f, 1.0f));
    data_->ctrl[h.motor_control[k]] = h.motor_low[k] + share * (h.motor_high[k] - h.motor_low[k]);
  }
}

// A servo that remembers its target (intvelocity, or a filtered position) starts from where its joint is: from 0 it would
// throw the joint there.
void HumanState::start_servos() {
  const mjModel* m = model_->mujoco();
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
void HumanState::bring_tied() {
  const HumanModel& h = *model_;
  const mjModel* m = h.mujoco();
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
