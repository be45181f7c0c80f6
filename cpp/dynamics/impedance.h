// How stiff and how hard a soft constraint is, as MuJoCo has it (documentation, "Computation", solver parameters).
#pragma once

#include <mujoco/mujoco.h>

#include "base/wide.h"

namespace soleus {

template <class Number>
struct Impedance {
  Number stiffness, damping;       // K and B of the reference acceleration [1/s^2], [1/s]
  // d(r) of solimp rises from the least to the most over a width. Where it is the same everywhere, the two are equal.
  Number least, most, inverse_width, midpoint, power;
  Number below, above;             // factors of its curve of power 2 on either side of the midpoint
};

// solref and solimp as MuJoCo reads them.
Impedance<double> impedance_of(const mjModel* m, const mjtNum* solref, const mjtNum* solimp);

// D of a constraint whose inverse inertia is about `invweight`, and its reference acceleration's share of the distance
// from the margin.
struct Softness { Wide strength, pull; };
template <class Number>
Softness softness(const Impedance<Number>& i, Wide distance, Number invweight);

}  // namespace soleus
