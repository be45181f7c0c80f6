#include "body.h"

#include <algorithm>
#include <cmath>
#include <cstring>

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
  now_.resize(human.num_muscles());
  excitation_.resize(human.num_muscles());
}

void Body::reset(std::span<const double> qpos, std::span<const double> qvel) {
  const mjModel* m = human_->model();
  mjData* d = data_.get();
  mj_resetData(m, d);
  silence(d);
  singular_ = false;
  std::copy(qpos.begin(), qpos.end(), d->qpos);
  std::copy(qvel.begin(), qvel.end(), d->qvel);
  refresh_coupling();
  for (const auto& [dof, driver] : human_->coupled()) {
    const int own = m->jnt_qposadr[m->dof_jntid[dof]];
    const double* p = human_->dof_polynomial.data() + 5 * dof;
    const double x = d->qpos[driver] - m->qpos0[driver];
    d->qpos[own] = m->qpos0[own] + p[0] + x * (p[1] + x * (p[2] + x * (p[3] + x * p[4])));
    d->qvel[dof] = coupling_[dof] * d->qvel[human_->coordinate_dof[human_->dof_coordinate[dof]]];
  }
  mj_forward(m, d);
  gather_constraint();
  gather_feet();
}

void Body::refresh_coupling() {
  const mjModel* m = human_->model();
  for (const auto& [dof, driver] : human_->coupled()) {
    const double* p = human_->dof_polynomial.data() + 5 * dof;
    const double x = data_->qpos[driver] - m->qpos0[driver];
    coupling_[dof] = p[1] + x * (2 * p[2] + x * (3 * p[3] + x * 4 * p[4]));
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
    force_[h.dof_coordinate[i]] += coupling_[i] * (d->qfrc_passive[i] - d->qfrc_bias[i]);
  }
  for (int k = 0; k < h.num_actuated(); ++k) {
    const int c = h.actuated[k];
    const double velocity = d->qvel[h.coordinate_dof[c]];
    const double error = d->qpos[h.coordinate_qpos()[c]] + dt * velocity - target[k];
    torque[k] = -h.kp[k] * error - h.kd[k] * velocity;
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

void Body::muscle_torques(std::span<double> moments, std::span<double> passive) {
  const Human& h = *human_;
  const mjModel* m = h.model();
  const mjData* d = data_.get();
  std::fill(moments.begin(), moments.end(), 0.0);
  std::fill(passive.begin(), passive.end(), 0.0);
  for (const auto& e : h.moment_entries()) moments[e.slot] += d->actuator_moment[e.adr] * coupling_[e.dof];
  for (int k = 0; k < h.num_muscles(); ++k) {
    const int a = h.muscle_actuator[k];
    const int out = m->actuator_outadr[a];
    const mjtNum* range = m->actuator_lengthrange + 2 * out;
    const double gain = mju_muscleGain(d->actuator_length[out], d->actuator_velocity[out], range, m->actuator_acc0[out],
                                       m->actuator_gainprm + a * mjNGAIN);
    const double bias = mju_muscleBias(d->actuator_length[out], range, m->actuator_acc0[out],
                                       m->actuator_biasprm + a * mjNBIAS);
    for (int s = h.crossing_adr[k]; s < h.crossing_adr[k + 1]; ++s) {
      passive[h.crossing[s]] += moments[s] * bias;
      moments[s] *= gain;
    }
  }
}

void Body::apply_torque(std::span<const double> torque) {
  for (int k = 0; k < human_->num_actuated(); ++k) {
    data_->qfrc_applied[human_->coordinate_dof[human_->actuated[k]]] = torque[k];
  }
}

void Body::apply_activations(std::span<const double> desired, bool dynamics) {
  const Human& h = *human_;
  mjData* d = data_.get();
  const std::size_t count = desired.size();
  for (std::size_t k = 0; k < count; ++k) {
    const int adr = h.muscles()[k].activation;
    now_[k] = adr >= 0 ? d->act[adr] : 0.0;
  }
  // Inverse of mju_muscleDynamics over one explicit step (Millard et al. 2013 time constants), without branches: whether
  // a muscle rises or falls cannot be foretold. Where a model smooths the switch between its two time constants,
  // activations follow a little later than this.
  const double* up = h.activation_steps().data();
  const double* down = h.deactivation_steps().data();
  for (std::size_t k = 0; k < count; ++k) {
    const double act = now_[k] < 0.0 ? 0.0 : now_[k] > 1.0 ? 1.0 : now_[k];
    const double shape = 0.5 + 1.5 * act;
    const double rise = up[k] * shape;
    const double fall = down[k] / shape;
    const double change = desired[k] - act;
    const double control = act + change * (change > 0.0 ? rise : fall);
    excitation_[k] = control < 0.0 ? 0.0 : control > 1.0 ? 1.0 : control;
  }
  for (std::size_t k = 0; k < count; ++k) {
    const Human::Muscle& muscle = h.muscles()[k];
    const bool follows = dynamics && muscle.dynamic;
    d->ctrl[muscle.control] = follows ? excitation_[k] : desired[k];
    if (!follows && muscle.activation >= 0) d->act[muscle.activation] = desired[k];
  }
}

void Body::apply_excitations(std::span<const double> excitation) {
  const mjModel* m = human_->model();
  for (int k = 0; k < human_->num_muscles(); ++k) {
    data_->ctrl[m->actuator_ctrladr[human_->muscle_actuator[k]]] = excitation[k];
  }
}

void Body::advance(bool sense) {
  const mjModel* m = human_->model();
  mj_step2(m, data_.get());
  gather_constraint();
  if (sense) gather_feet();
  mj_step1(m, data_.get());
  refresh_coupling();
}

void Body::gather_constraint() {
  // Equality forces are orthogonal to the coupled motion and drop out here; contacts and limits stay.
  const Human& h = *human_;
  std::fill(constraint_.begin(), constraint_.end(), 0.0);
  for (int i = 0; i < h.model()->nv; ++i) constraint_[h.dof_coordinate[i]] += coupling_[i] * data_->qfrc_constraint[i];
}

void Body::gather_feet() {
  const mjModel* m = human_->model();
  const mjData* d = data_.get();
  std::fill(foot_force_.begin(), foot_force_.end(), 0.0);
  for (int i = 0; i < d->ncon; ++i) {
    const mjContact& contact = d->contact[i];
    if (contact.efc_address < 0 || contact.geom[0] < 0 || contact.geom[1] < 0) continue;
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

double Body::activation(int muscle) const {
  const mjModel* m = human_->model();
  const int a = human_->muscle_actuator[muscle];
  const int adr = m->actuator_actadr[a];
  return adr >= 0 ? data_->act[adr] : data_->ctrl[m->actuator_ctrladr[a]];
}

double Body::metabolic_power() const {
  const mjModel* m = human_->model();
  double power = 0;
  for (int k = 0; k < human_->num_muscles(); ++k) {
    const int a = human_->muscle_actuator[k];
    const int out = m->actuator_outadr[a];
    const mjtNum* prm = m->actuator_gainprm + a * mjNGAIN;
    const double f0 = prm[2] >= 0 ? prm[2] : prm[3] / std::max(mjMINVAL, m->actuator_acc0[out]);
    const mjtNum* range = m->actuator_lengthrange + 2 * out;
    const double optimal_length = (range[1] - range[0]) / std::max(mjMINVAL, prm[1] - prm[0]);
    const double vmax = optimal_length * prm[6];
    const double v = std::clamp(-data_->actuator_velocity[out] / std::max(mjMINVAL, vmax), -1.0, 1.0);
    const double phi = (0.054 + 0.506 * v + 2.46 * v * v) / (1 - 1.13 * v + 12.8 * v * v - 1.64 * v * v * v);
    power += activation(k) * f0 * vmax * std::max(0.0, phi);
  }
  return power;
}

int Body::state_size() const {
  const Human& h = *human_;
  return mj_stateSize(h.model(), mjSTATE_INTEGRATION) + h.num_coordinates() + static_cast<int>(h.feet.size());
}

void Body::save(double* state) const {
  mj_getState(human_->model(), data_.get(), state, mjSTATE_INTEGRATION);
  state += mj_stateSize(human_->model(), mjSTATE_INTEGRATION);
  state = std::copy(constraint_.begin(), constraint_.end(), state);
  std::copy(foot_force_.begin(), foot_force_.end(), state);
}

void Body::restore(const double* state) {
  mj_resetData(human_->model(), data_.get());
  silence(data_.get());
  singular_ = false;
  mj_setState(human_->model(), data_.get(), state, mjSTATE_INTEGRATION);
  state += mj_stateSize(human_->model(), mjSTATE_INTEGRATION);
  std::copy_n(state, constraint_.size(), constraint_.begin());
  std::copy_n(state + constraint_.size(), foot_force_.size(), foot_force_.begin());
  mj_step1(human_->model(), data_.get());
  refresh_coupling();
}

}  // namespace soleus
