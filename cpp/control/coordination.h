// Torque to activations: which muscles make the joint torques that the controller asked for.
#pragma once

#include <span>
#include <vector>

#include "model/human_model.h"

namespace soleus {

// [(N m)^2] curvature of the objective below which a muscle has neither force nor moment nor costs any effort.
inline constexpr double kFlatCurvature = 1e-9;

// Weights of the muscles' squared activations, (nm) [(N m)^2], whose mean is `regularization`: all the same, or in
// proportion to the muscles' volumes.
std::vector<double> effort_weights(const HumanModel& human, double regularization, bool by_volume);

// argmin over 0 <= a <= 1 of |JtA a - target|^2 + sum of effort * a^2 by cyclic coordinate descent over the sparse moments.
// `effort`, (nm), are those weights; `target` is the desired minus the passive torque, (na) [N m]; `activation`, (nm), is
// the warm start and the answer; `residual`, (na), becomes JtA a - target; `step`, (nm), is scratch. Each sweep lowers the
// objective; `sweeps` bounds the work.
void static_optimization(const HumanModel& human, std::span<const double> moments, std::span<const double> target,
                         std::span<const double> effort, int sweeps, std::span<double> activation, std::span<double> residual,
                         std::span<double> step);

// residual = JtA a - target.
void torque_residual(const HumanModel& human, std::span<const double> moments, std::span<const double> target,
                     std::span<const double> activation, std::span<double> residual);

// Torques enter the muscle coordination network over this scale [N m].
inline constexpr double kTorqueScale = 200.0;

// Value s of the moments, and value c of a joint torque, of the body or of its mirror image.
inline double mirrored_moment(const HumanModel& human, std::span<const double> moments, std::size_t s, bool mirrored) {
  if (!mirrored) return moments[s];
  return human.mirror_actuated_sign()[human.crossing[s]] * moments[human.mirror_crossing()[s]];
}
inline double mirrored_torque(const HumanModel& human, std::span<const double> torque, std::size_t c, bool mirrored) {
  return mirrored ? human.mirror_actuated_sign()[c] * torque[human.mirror_actuated()[c]] : torque[c];
}

// Writes one row of the network's input: moments (HumanModel::asked_crossings), then the target (asked), both over
// kTorqueScale; of the mirrored body if `mirrored`.
void write_network_input(const HumanModel& human, std::span<const double> moments, std::span<const double> target,
                         bool mirrored, float* input);
// Reads one row of its output, (nm), into activations of the body as it stands.
void read_network_output(const HumanModel& human, const float* output, bool mirrored, std::span<double> activation);

}  // namespace soleus
