// Force laws of muscles: with what force a muscle-tendon unit pulls, by the length and the velocity of its path.
//
// A muscle pulls with activation * active + passive [N].
#pragma once

#include <mujoco/mujoco.h>

#include <algorithm>
#include <cmath>

namespace soleus {

struct MuscleForce {
  double active;   // at activation 1, without the passive part [N]
  double passive;  // [N]
};

// Of the law of MASS, whose muscles share them; its own numbers where a model gives none.
struct ForceCurves {
  double width = 0.5;   // of the active force-length curve
  double shape = 4.0;   // steepness of the passive one
  double strain = 0.6;  // at which the passive force equals f0
};

// The law of MASS (S. Lee, M. Park, K. Lee, J. Lee, ACM TOG 38(4), 2019) for a muscle with a rigid tendon, whose force
// does not depend on its velocity. max_force: f0 [N]; strain: of the fibre, its length over the optimal one less 1.
inline MuscleForce mass_muscle_force(const ForceCurves& curves, double max_force, double strain) {
  const double scale = 1.0 / (std::exp(curves.shape) - 1.0);
  const double curve = strain > 0 ? (std::exp(curves.shape * strain / curves.strain) - 1.0) * scale : 0.0;
  return {max_force * std::exp(-strain * strain / curves.width), max_force * curve};
}

// MuJoCo's own law (mju_muscleGain, mju_muscleBias) for an actuator at the current length and velocity of its path.
// Negative, as MuJoCo counts a pull. In a step MuJoCo computes the same by itself.
inline MuscleForce mujoco_muscle_force(const mjModel* m, const mjData* d, int actuator) {
  const int out = m->actuator_outadr[actuator];
  const mjtNum* range = m->actuator_lengthrange + 2 * out;
  return {mju_muscleGain(d->actuator_length[out], d->actuator_velocity[out], range, m->actuator_acc0[out],
                         m->actuator_gainprm + actuator * mjNGAIN),
          mju_muscleBias(d->actuator_length[out], range, m->actuator_acc0[out],
                         m->actuator_biasprm + actuator * mjNBIAS)};
}

// Maximum isometric force [N] of a muscle of MuJoCo's: as the model gives it, or scaled by what its force accelerates.
inline double mujoco_max_force(const mjModel* m, int actuator) {
  const mjtNum* prm = m->actuator_gainprm + actuator * mjNGAIN;
  return prm[2] >= 0 ? prm[2] : prm[3] / std::max(mjMINVAL, m->actuator_acc0[m->actuator_outadr[actuator]]);
}

// Optimal fibre length [m] of a muscle of MuJoCo's.
inline double mujoco_optimal_length(const mjModel* m, int actuator) {
  const mjtNum* range = m->actuator_lengthrange + 2 * m->actuator_outadr[actuator];
  const mjtNum* prm = m->actuator_gainprm + actuator * mjNGAIN;
  return (range[1] - range[0]) / std::max(mjMINVAL, prm[1] - prm[0]);
}

// [kg/(N m)] Mass of a muscle over its maximum isometric force times the length of its fibres.
inline constexpr double kMassPerForce = 0.01;

}  // namespace soleus
