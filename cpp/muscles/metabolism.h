// What muscles cost: the power that they turn into heat and work.
//
// L. J. Bhargava, M. G. Pandy, F. C. Anderson, "A phenomenological model for estimating metabolic energy consumption in
// muscle contraction", J. Biomech. 37(1), 2004: heat of activation, of maintenance and of shortening, and work. Their
// excitation is the activation here, and stimulation is taken to have lasted (their decay function is 1).
#pragma once

#include "base/wide_math.h"

namespace soleus {

// Of a muscle at an instant, along its tendon; powers are the same there as along its fibres.
struct MuscleAtWork {
  Wide mass;        // [kg]
  Wide activation;  // 0 to 1
  Wide length;      // of the fibre, over the optimal one
  Wide shortening;  // velocity [m/s]; negative while it lengthens
  Wide force;       // of the contractile element [N]
  Wide isometric;   // the same at rest, at this length and activation [N]
};

// Metabolic power [W], none below 0: what lengthens is no source of fuel. slow: share of slow-twitch fibres in the mass.
inline Wide metabolic_power(const MuscleAtWork& m, double slow) {
  const Wide zero(0.0), one(1.0);
  Wide sine, cosine;
  sincos(clamp(m.activation, zero, one) * 1.57079632679489661923, sine, cosine);
  const Wide recruited_slow = slow * sine, recruited_fast = (1 - slow) * (one - cosine);
  const Wide overlap = max(min(max(m.length, Wide(0.5)), Wide(3.0) - 2.0 * m.length), zero);
  const Wide activation_heat = 40.0 * recruited_slow + 133.0 * recruited_fast;                   // [W/kg]
  const Wide maintenance_heat = overlap * (74.0 * recruited_slow + 111.0 * recruited_fast);      // [W/kg]
  const Wide shortening_heat = 0.16 * m.isometric + 0.18 * m.force, lengthening_heat = 0.157 * m.force;  // [N]
  const Wide moved = select(m.shortening >= zero, shortening_heat, lengthening_heat) + m.force;
  return max(m.mass * (activation_heat + maintenance_heat) + moved * m.shortening, zero);
}

// [kg/(N m)] Mass over the greatest isometric force times the optimal fibre length: density 1059.7 kg/m^3 over a specific
// tension of 0.25 MPa (B. R. Umberger, K. G. M. Gerritsen, P. E. Martin, Comput. Methods Biomech. Biomed. Eng. 6(2), 2003).
// Of models whose muscles of the legs are not known; specific tensions of models differ by more than twice.
inline constexpr double kMassPerSize = 1059.7 / 0.25e6;
// Of the body's mass, what the muscles of both legs weigh: G. G. Handsfield, C. H. Meyer, J. M. Hart, M. F. Abel,
// S. S. Blemker, "Relationships of 35 lower limb muscles to height and body mass quantified using MRI", J. Biomech. 47(3),
// 2014: 7.1 l a leg of people of 71.8 kg.
inline constexpr double kLegMuscles = 0.2;
// Share of slow-twitch fibres where nothing is known of a muscle.
inline constexpr double kSlowShare = 0.5;

}  // namespace soleus
