// How stiff and how hard a soft constraint is, as MuJoCo has it (documentation, "Computation", solver parameters).
#pragma once

#include <mujoco/mujoco.h>

#include "base/wide.h"

namespace soleus {

struct Impedance {
  double stiffness, damping;                      // K and B of the reference acceleration [1/s^2], [1/s]
  double least, most, width, midpoint, power;     // d(r) of solimp
};

// solref and solimp as MuJoCo reads them.
Impedance impedance_of(const mjModel* m, const mjtNum* solref, const mjtNum* solimp);

// D of a constraint whose inverse inertia is about `invweight`, and its reference acceleration's share of the distance
// from the margin.
struct Softness { Wide strength, pull; };
Softness softness(const Impedance& i, Wide distance, double invweight);

}  // namespace soleus
