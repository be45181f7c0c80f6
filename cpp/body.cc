#include "body.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "error.h"

namespace soleus {
namespace {

// MuJoCo writes a warning to a log file when its counter leaves zero; a counter that starts here stays silent.
constexpr int kQuiet = 1 << 20;
constexpr mjtWarning kFatal[] = {mjWARN_BADQPOS, mjWARN_BADQVEL, mjWARN_BADQACC, mjWARN_BADCTRL};

void silence(mjData* d) {
  for (auto& warning : d->warning) warning.number = kQuiet;
}

}  // namespace

Body::Body(const Human& human) : human_(&human), data_(mj_makeData(human.model())) {
  require(data_ != nullptr, "expected memory for one more simulation");
  const mjModel* m = human.model();
  coupling_.assign(m->nv, 1.0);
  constraint_.assign(human.num_coordinates(), 0.0);
  foot_force_.assign(human.feet.size(), 0.0);
  inertia_.resize(human.inertia_pattern().entries());
  force_.resize(human.num_coordinates());
  position_.resize(human.num_coordinates());
  error_.resize(human.num_coordinates());
  now_.resize(human.num_muscles());
  excitation_.resize(human.num_muscles());
  pushed_.reserve(3 * human.ball_limits().size());
  if (human.has_polylines()) {
    path_ = human.paths().make_state();
    activation_.assign(human.num_muscles(), 0.0);
    pull_.assign(human.num_actuated(), 0.0);
  }
}

void Body::reset(std::span<const double> qpos, std::span<const double> qvel) {
  const mjModel* m = human_->model();
  mjData* d = data_.get();
  mj_resetData(m, d);
  silence(d);
  singular_ = false;
  std::copy(qpos.begin(), qpos.end(), d->qpos);
  std::copy(qvel.begin(), qvel.end(), d->qvel);
  std::fill(activation_.begin(), activation_.end(), 0.0);
  refresh();
  for (const auto& [dof, driver] : human_->coupled()) {
    const int own = m->jnt_qposadr[m->dof_jntid[dof]];
    const double* p = human_->dof_polynomial.data() + 5 * dof;
    const double x = d->qpos[driver] - m->qpos0[driver];
    d->qpos[own] = m->qpos0[own] + p[0] + x * (p[1] + x * (p[2] + x * (p[3] + x * p[4])));
    d->qvel[dof] = coupling_[dof] * d->qvel[human_->coordinate_dof[human_->dof_coordinate[dof]]];
  }
  if (!human_->ctrl_rest.empty()) std::copy(human_->ctrl_rest.begin(), human_->ctrl_rest.end(), d->ctrl);
  mj_forward(m, d);
  if (!human_->tied.empty()) bring_tied();
  start_servos();
  refresh();
  pushed_.clear();
  gather_constraint();
  gather_feet();
}

void Body::refresh() {
  const mjModel* m = human_->model();
  human_->positions(data_->qpos, position_.data());
  path_current_ = false;
  for (const auto& [dof, driver] : human_->coupled()) {
    const double* p = human_->dof_polynomial.data() + 5 * dof;
    const double x = data_->qpos[driver] - m->qpos0[driver];
    coupling_[dof] = p[1] + x * (2 * p[2] + x * (3 * p[3] + x * 4 * p[4]));
  }
}

// Position minus target, of rotations by the way round that is the shorter.
void Body::pose_error(std::span<const double> target) {
  for (std::size_t c = 0; c < target.size(); ++c) error_[c] = position_[c] - target[c];
  constexpr double kTurn = 2 * std::numbers::pi;
  for (const auto& [c, adr] : human_->rotations()) {
    // A turn by an angle is one by it less a whole turn, the other way.
    const double* q = position_.data() + c;
    const double angle = mju_norm3(q);
    if (mju_dot3(error_.data() + c, q) > 0.5 * kTurn * angle) mju_addToScl3(error_.data() + c, q, -kTurn / angle);
  }
}

// Where the root is driven, it is in the prediction alone: MASS takes the error of its shift, seen in the axes of qpos0,
// for one in the body's own.
void Body::drive_root() {
  const Human& h = *human_;
  const mjModel* m = h.model();
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

void Body::stable_pd(std::span<const double> target, std::span<double> torque) {
  const Human& h = *human_;
  const mjModel* m = h.model();
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

void Body::apply_torque(std::span<const double> torque) {
  for (int k = 0; k < human_->num_actuated(); ++k) {
    data_->qfrc_applied[human_->coordinate_dof[human_->actuated[k]]] = torque[k];
  }
}

void Body::advance(bool sense) {
  const mjModel* m = human_->model();
  push_back_balls();
  mj_step2(m, data_.get());
  pull_back_balls();
  gather_constraint();
  if (sense) gather_feet();
  mj_step1(m, data_.get());
  refresh();
}

void Body::push_back_balls() {
  pushed_.clear();
  for (const Human::BallLimit& limit : human_->ball_limits()) {
    double torque[3];
    if (!ball_limit_torque(limit, torque)) continue;
    for (int i = 0; i < 3; ++i) {
      double& applied = data_->qfrc_applied[human_->coordinate_dof[limit.coordinate + i]];
      pushed_.push_back({limit.coordinate + i, torque[i], applied});
      applied += torque[i];
    }
  }
}

void Body::pull_back_balls() {
  for (const Pushed& p : pushed_) data_->qfrc_applied[human_->coordinate_dof[p.coordinate]] = p.before;
}

void Body::gather_constraint() {
  // Equality forces are orthogonal to the coupled motion and drop out here; contacts and limits stay.
  const Human& h = *human_;
  std::fill(constraint_.begin(), constraint_.end(), 0.0);
  for (int i = 0; i < h.model()->nv; ++i) {
    if (h.dof_coordinate[i] >= 0) constraint_[h.dof_coordinate[i]] += coupling_[i] * data_->qfrc_constraint[i];
  }
  for (const Pushed& p : pushed_) constraint_[p.coordinate] += p.torque;
}

void Body::gather_feet() {
  const mjModel* m = human_->model();
  const mjData* d = data_.get();
  std::fill(foot_force_.begin(), foot_force_.end(), 0.0);
  for (int i = 0; i < d->ncon; ++i) {
    const mjContact& contact = d->contact[i];
    if (contact.efc_address < 0 || contact.geom[0] < 0 || contact.geom[1] < 0) continue;
    if (human_->owns_geom(contact.geom[0]) && human_->owns_geom(contact.geom[1])) continue;  // legs are no ground
    const int first = human_->geom_foot()[contact.geom[0]];
    const int foot = first >= 0 ? first : human_->geom_foot()[contact.geom[1]];
    if (foot < 0) continue;
    mjtNum force[6];
    mj_contactForce(m, d, i, force);
    foot_force_[foot] += force[0];
  }
}

bool Body::diverged() const {
  for (mjtWarning w : kFatal) {
    if (data_->warning[w].number != kQuiet) return true;
  }
  return singular_;
}

template <class AnyBody, class Visit>
void Body::visit_state(AnyBody& body, Visit&& visit) {
  for (auto* numbers : {&body.constraint_, &body.foot_force_, &body.activation_}) {
    for (auto& number : *numbers) visit(number);
  }
}

int Body::state_size() const {
  int size = mj_stateSize(human_->model(), mjSTATE_INTEGRATION);
  visit_state(*this, [&](double) { ++size; });
  return size;
}

void Body::save(double* state) const {
  mj_getState(human_->model(), data_.get(), state, mjSTATE_INTEGRATION);
  state += mj_stateSize(human_->model(), mjSTATE_INTEGRATION);
  visit_state(*this, [&](double number) { *state++ = number; });
}

int Body::trace_size() const {
  return mj_stateSize(human_->model(), mjSTATE_INTEGRATION) + human_->num_muscles();
}

void Body::write_trace(double* out) const {
  mj_getState(human_->model(), data_.get(), out, mjSTATE_INTEGRATION);
  out += mj_stateSize(human_->model(), mjSTATE_INTEGRATION);
  for (int k = 0; k < human_->num_muscles(); ++k) out[k] = activation(k);
}

void Body::restore(const double* state) {
  mj_resetData(human_->model(), data_.get());
  silence(data_.get());
  singular_ = false;
  mj_setState(human_->model(), data_.get(), state, mjSTATE_INTEGRATION);
  state += mj_stateSize(human_->model(), mjSTATE_INTEGRATION);
  visit_state(*this, [&](double& number) { number = *state++; });
  mj_step1(human_->model(), data_.get());
  refresh();
}

}  // namespace soleus
