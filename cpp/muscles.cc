// The muscles of a body: MuJoCo's own, which run along tendons, or polylines.
#include <algorithm>
#include <cmath>

#include "body.h"

namespace soleus {
namespace {

// Of a shortening velocity over the greatest one: phi of Minetti and Alexander 1997.
double metabolic_share(double velocity) {
  const double v = std::clamp(velocity, -1.0, 1.0);
  return std::max(0.0, (0.054 + 0.506 * v + 2.46 * v * v) / (1 - 1.13 * v + 12.8 * v * v - 1.64 * v * v * v));
}

// Polylines know no greatest velocity: 10 optimal lengths a second (F. E. Zajac, Crit. Rev. Biomed. Eng. 17(4), 1989).
constexpr double kFastest = 10.0;

}  // namespace

void Body::compute_paths() {
  if (path_current_) return;
  human_->paths().compute(data_.get(), path_);
  path_current_ = true;
}

void Body::muscle_torques(std::span<double> moments, std::span<double> passive) {
  const Human& h = *human_;
  const mjModel* m = h.model();
  const mjData* d = data_.get();
  std::fill(passive.begin(), passive.end(), 0.0);
  if (h.has_polylines()) {
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

void Body::apply_activations(std::span<const double> desired, bool dynamics) {
  const Human& h = *human_;
  mjData* d = data_.get();
  if (h.has_polylines()) {  // they have no dynamics
    std::copy(desired.begin(), desired.end(), activation_.begin());
    return;
  }
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
  if (human_->has_polylines()) {
    std::copy(excitation.begin(), excitation.end(), activation_.begin());
    return;
  }
  for (int k = 0; k < human_->num_muscles(); ++k) {
    data_->ctrl[m->actuator_ctrladr[human_->muscle_actuator[k]]] = excitation[k];
  }
}

void Body::pull_muscles() {
  const Human& h = *human_;
  if (!h.has_polylines()) return;
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

double Body::activation(int muscle) const {
  if (human_->has_polylines()) return activation_[muscle];
  const mjModel* m = human_->model();
  const int a = human_->muscle_actuator[muscle];
  const int adr = m->actuator_actadr[a];
  return adr >= 0 ? data_->act[adr] : data_->ctrl[m->actuator_ctrladr[a]];
}

double Body::metabolic_power() const {
  const mjModel* m = human_->model();
  if (human_->has_polylines()) return polyline_power();
  double power = 0;
  for (int k = 0; k < human_->num_muscles(); ++k) {
    const int a = human_->muscle_actuator[k];
    const int out = m->actuator_outadr[a];
    const mjtNum* prm = m->actuator_gainprm + a * mjNGAIN;
    const double f0 = prm[2] >= 0 ? prm[2] : prm[3] / std::max(mjMINVAL, m->actuator_acc0[out]);
    const mjtNum* range = m->actuator_lengthrange + 2 * out;
    const double optimal_length = (range[1] - range[0]) / std::max(mjMINVAL, prm[1] - prm[0]);
    const double vmax = optimal_length * prm[6];
    power += activation(k) * f0 * vmax * metabolic_share(-data_->actuator_velocity[out] / std::max(mjMINVAL, vmax));
  }
  return power;
}

double Body::polyline_power() const {
  const Human& h = *human_;
  const Polylines& paths = h.paths();
  double power = 0;
  for (int k = 0; k < h.num_muscles(); ++k) {
    double shortening = 0;  // [m/s]: what a tension would gain
    for (int s = h.crossing_adr[k]; s < h.crossing_adr[k + 1]; ++s) {
      shortening += path_.moment[s] * data_->qvel[h.coordinate_dof[h.actuated[h.crossing[s]]]];
    }
    const double vmax = kFastest * paths.optimal_length(k);
    power += activation_[k] * paths.max_force()[k] * vmax * metabolic_share(shortening / vmax);
  }
  return power;
}

}  // namespace soleus
