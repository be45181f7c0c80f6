// The force of Hill-type muscles with a rigid tendon, in lanes.
//
// Curves and constants are those of F. De Groote, A. L. Kinney, A. V. Rao, B. J. Fregly, "Evaluation of direct collocation
// optimal control problem formulations for solving the muscle redundancy problem", Ann. Biomed. Eng. 44(10), 2016, as
// OpenSim has them in DeGrooteFregly2016Muscle: constants of the force-velocity curve to more digits, so that it is 0 at the
// greatest shortening velocity and 1 at rest, and a passive force that is 0 at the least fibre length and nowhere below.
//
// The fibre keeps its height: its length times the sine of the pennation angle is constant (F. E. Zajac, Crit. Rev.
// Biomed. Eng. 17(4), 1989).
#pragma once

#include "base/wide.h"

namespace soleus {

// Number: double where all humans share the numbers, Wide where each lane has its own.
template <class Number>
struct HillLaw {
  Number slack;            // tendon slack length [m]
  Number square_height;    // of the fibre's height [m^2]
  Number inverse_optimal;  // one over the optimal fibre length [1/m]
};

// Over the maximum isometric force, along the tendon: at activation 1 without the passive part, and the passive part.
struct WideHillForce { Wide active, passive; };

// Length of the fibre over the optimal one, of a whole path's length [m].
Wide hill_fibre(Wide slack, Wide square_height, Wide inverse_optimal, Wide length);

// length: of the whole path [m]; speed: of its lengthening, over the greatest shortening velocity of the fibre.
WideHillForce hill_force(Wide slack, Wide square_height, Wide inverse_optimal, Wide length, Wide speed);

template <class Number>
WideHillForce hill_force(const HillLaw<Number>& law, Wide length, Wide speed) {
  return hill_force(Wide(law.slack), Wide(law.square_height), Wide(law.inverse_optimal), length, speed);
}

template <class Number>
Wide hill_fibre(const HillLaw<Number>& law, Wide length) {
  return hill_fibre(Wide(law.slack), Wide(law.square_height), Wide(law.inverse_optimal), length);
}

}  // namespace soleus
