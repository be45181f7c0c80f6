// Hill-type muscles of one human: lengths, moment arms, forces, activations. The lanes have those of many in LaneMuscles;
// this is the same in one lane, for a human whom MuJoCo moves.
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "base/lanes.h"
#include "muscles/polyline.h"
#include "muscles/wide_fitted_paths.h"
#include "muscles/wide_hill.h"

namespace soleus {

// Hill-type muscles with rigid tendons (wide_hill.h), whose paths are fitted polynomials.
struct HillMuscleData {
  std::vector<double> max_force;         // (nm) maximum isometric force [N]
  std::vector<double> optimal;           // (nm) optimal fibre length [m]
  std::vector<double> slack;             // (nm) tendon slack length [m]
  std::vector<double> pennation;         // (nm) angle at the optimal fibre length [rad]
  std::vector<double> fastest;           // (nm) greatest shortening velocity [optimal fibre lengths/s]
  std::vector<double> activation, deactivation;   // (nm) time constants [s]
  std::vector<double> control_low, control_high;  // (nm) range of excitations
};

// The law of one muscle.
inline HillLaw<double> hill_law(const HillMuscleData& data, int muscle) {
  const double height = data.optimal[muscle] * std::sin(data.pennation[muscle]);
  return {data.slack[muscle], height * height, 1 / data.optimal[muscle]};
}

class HillMuscles {
 public:
  HillMuscles() = default;
  // Refers to all of them. positions: number of entries of qpos.
  HillMuscles(const HillMuscleData& data, const std::vector<FittedGroup>& groups, std::span<const int> crossing_adr,
              int positions);

  // Sets lengths [m], forces and moments. qpos: (nq); velocity: (nnz) of the coordinates that muscles cross. Allocates nothing.
  void compute(std::span<const double> qpos, std::span<const double> velocity, PathState& state);
  // Of a muscle at rest at the present length, at activation 1 without the passive part: force [N]; and its fibre's length
  // over the optimal one.
  struct AtRest { double force, fibre; };
  AtRest at_rest(int muscle, const PathState& state) const;
  // Activations (nm) one explicit step on, as MuJoCo's muscles have them, towards excitations within their range.
  void activate(std::span<const double> excitation, double timestep, std::span<double> activation) const;

 private:
  const HillMuscleData* data_ = nullptr;
  const std::vector<FittedGroup>* groups_ = nullptr;
  std::span<const int> crossing_adr_;
  std::vector<HillLaw<double>> laws_;
  std::vector<double> inverse_fastest_;          // one over the greatest velocity [s/m]
  std::vector<Wide, CacheAligned<Wide>> qpos_, length_, gradient_, monomials_;  // scratch
};

}  // namespace soleus
