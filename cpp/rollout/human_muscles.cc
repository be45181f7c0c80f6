// Of HumanState: the muscles. MuJoCo's own, which run along tendons, or those apart: polylines and Hill-type muscles.
#include <algorithm>
#include <cmath>

#include "muscles/muscle_force.h"
#include "rollout/human_state.h"

namespace soleus {
namespace {

// In one lane. active, isometric: force at full activation [N], at the present velocity and at rest.
double power_of(const HumanModel& h, int muscle, double activation, double fibre, double shortening, double active, double isometric) {
  return metabolic_power({Wide(h.tissue_mass(muscle)), Wide(activation), Wide(fibre), Wide(shortening), Wide(active * activation),
                          Wide(isometric * activation)}, h.slow_fibres(muscle))[0];
}

}  // namespace

void HumanState::compute_paths() const {
  if (path_current_) return;
  path_current_ = true;
  const HumanModel& h = *model_;
  if (!h.has_hill()) return h.paths().compute(data_.get(), path_);
  for (int s = 0; s < h.num_crossings(); ++s) {
    crossed_velocity_[s] = data_->qvel[h.coordinate_dof[h.actuated[h.crossing[s]]]];
  }
  hill_.compute(qpos(), crossed_velocity_, path_);
}

void HumanState::muscle_torques(std::span<double> moments, std::span<double> passive) {
  const HumanModel& h = *model_;
  const mjModel* m = h.mujoco();
  const mjData* d = data_.get();
  std::fill(passive.begin(), passive.end(), 0.0);
  if (h.muscles_apart()) {
    compute_paths();
    const int* adr = h.crossing_adr.data();
    const int* crossing = h.crossing.data();
    for (int k = 0; k < h.num_muscles(); ++k) {
      const double active = path_.active[k], tense = path_.passive[k];
      for (int s = adr[k]; s < adr[k + 1]; ++s) moments[s] = path_.moment[s] * active;
      if (tense == 0) continue;
      for (int s = adr[k]; s < adr[k + 1]; ++s) passive[crossing[s]] += path_.moment[s] * tense;
    }
    return;
  }
  std::fill(moments.begin(), moments.end(), 0.0);
  for (const auto& e : h.moment_entries()) moments[e.slot] += d->actuator_moment[e.adr] * coupling_[e.dof];
  for (int k = 0; k < h.num_muscles(); ++k) {
    const MuscleForce force = mujoco_muscle_force(m, d, h.muscle_actuator[k]);
    for (int s = h.crossing_adr[k]; s < h.crossing_adr[k + 1]; ++s) {
      passive[h.crossing[s]] += moments[s] * force.passive;
      moments[s] *= force.active;
    }
  }
}

void HumanState::apply_activations(std::span<const double> desired, bool dynamics) {
  const HumanModel& h = *model_;
  mjData* d = data_.get();
  if (h.has_polylines()) {  // they have no dynamics
    std::copy(desired.begin(), desired.end(), activation_.begin());
    return;
  }
  const std::size_t count = desired.size();
  for (std::size_t k = 0; k < count; ++k) {
    const int adr = h.muscles()[k].activation;
    now_[k] = h.has_hill() ? activation_[k] : adr >= 0 ? d->act[adr] : 0.0;
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
  if (h.has_hill()) {
    std::copy_n(dynamics ? excitation_.data() : desired.data(), count, driven_.begin());
    if (!dynamics) std::copy(desired.begin(), desired.end(), activation_.begin());
    return;
  }
  for (std::size_t k = 0; k < count; ++k) {
    const HumanModel::Muscle& muscle = h.muscles()[k];
    const bool follows = dynamics && muscle.dynamic;
    d->ctrl[muscle.control] = follows ? excitation_[k] : desired[k];
    if (!follows && muscle.activation >= 0) d->act[muscle.activation] = desired[k];
  }
}

void HumanState::apply_excitations(std::span<const double> excitation) {
  const mjModel* m = model_->mujoco();
  if (model_->muscles_apart()) {
    auto& moved = model_->has_hill() ? driven_ : activation_;
    std::copy(excitation.begin(), excitation.end(), moved.begin());
    return;
  }
  for (int k = 0; k < model_->num_muscles(); ++k) {
    data_->ctrl[m->actuator_ctrladr[model_->muscle_actuator[k]]] = excitation[k];
  }
}

void HumanState::pull_muscles() {
  const HumanModel& h = *model_;
  if (!h.muscles_apart()) return;
  compute_paths();
  std::fill(pull_.begin(), pull_.end(), 0.0);
  const int* adr = h.crossing_adr.data();
  const int* crossing = h.crossing.data();
  for (int k = 0; k < h.num_muscles(); ++k) {
    const double force = activation_[k] * path_.active[k] + path_.passive[k];
    for (int s = adr[k]; s < adr[k + 1]; ++s) pull_[crossing[s]] += path_.moment[s] * force;
  }
  apply_torque(pull_);
}

void HumanState::own_torques(std::span<double> moments, std::span<double> torque) {
  const HumanModel& h = *model_;
  if (h.muscles_apart()) {
    std::copy(pull_.begin(), pull_.end(), torque.begin());
    return;
  }
  muscle_torques(moments, torque);
  for (int k = 0; k < h.num_muscles(); ++k) {
    for (int s = h.crossing_adr[k]; s < h.crossing_adr[k + 1]; ++s) torque[h.crossing[s]] += moments[s] * activation(k);
  }
}

double HumanState::activation(int muscle) const {
  if (model_->muscles_apart()) return activation_[muscle];
  const mjModel* m = model_->mujoco();
  const int a = model_->muscle_actuator[muscle];
  const int adr = m->actuator_actadr[a];
  return adr >= 0 ? data_->act[adr] : data_->ctrl[m->actuator_ctrladr[a]];
}

double HumanState::tension(int muscle) const {
  if (model_->muscles_apart()) {
    compute_paths();
    return activation_[muscle] * path_.active[muscle] + path_.passive[muscle];
  }
  const MuscleForce force = mujoco_muscle_force(model_->mujoco(), data_.get(), model_->muscle_actuator[muscle]);
  return -(activation(muscle) * force.active + force.passive);
}

double HumanState::metabolic_power() const {
  const mjModel* m = model_->mujoco();
  if (model_->muscles_apart()) return power_apart();
  double power = 0;
  for (int k = 0; k < model_->num_muscles(); ++k) {
    const int a = model_->muscle_actuator[k], out = m->actuator_outadr[a];
    const double length = data_->actuator_length[out], velocity = data_->actuator_velocity[out];
    const mjtNum *prm = m->actuator_gainprm + a * mjNGAIN, *range = m->actuator_lengthrange + 2 * out;
    auto force_at = [&](double speed) { return -mju_muscleGain(length, speed, range, m->actuator_acc0[out], prm); };
    const double fibre = prm[0] + (length - range[0]) / std::max(mjMINVAL, mujoco_optimal_length(m, a));
    power += power_of(*model_, k, activation(k), fibre, -velocity, force_at(velocity), force_at(0));
  }
  return power;
}

void HumanState::add_exertion(double share, std::span<const double> torque) {
  for (int k = 0; k < model_->num_muscles(); ++k) {
    const double driven = share * activation(k), square = driven * activation(k);
    exertion_.activation += driven;
    exertion_.squared += square;
    exertion_.by_mass += driven * model_->muscle_mass()[k];
    exertion_.squared_by_mass += square * model_->muscle_mass()[k];
  }
  for (int k : model_->direct) {
    if (!torque.empty()) exertion_.torque += share * std::abs(torque[k]);
  }
}

double HumanState::power_apart() const {
  const HumanModel& h = *model_;
  compute_paths();
  double power = 0;
  for (int k = 0; k < h.num_muscles(); ++k) {
    double shortening = 0;  // [m/s]: what a tension would gain
    for (int s = h.crossing_adr[k]; s < h.crossing_adr[k + 1]; ++s) {
      shortening += path_.moment[s] * data_->qvel[h.coordinate_dof[h.actuated[h.crossing[s]]]];
    }
    if (h.has_hill()) {
      const HillMuscles::AtRest rest = hill_.at_rest(k, path_);
      power += power_of(h, k, activation_[k], rest.fibre, shortening, path_.active[k], rest.force);
    } else {  // the force of polylines does not depend on their velocity
      power += power_of(h, k, activation_[k], h.paths().fibre(k, path_), shortening, path_.active[k], path_.active[k]);
    }
  }
  return power;
}

}  // namespace soleus
