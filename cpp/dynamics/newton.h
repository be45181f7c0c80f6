// Accelerations under the constraints: the minimum of MuJoCo's convex cost, in independent coordinates.
#pragma once

#include "dynamics/dynamics_tile.h"

namespace soleus {

// From tile.inertia and tile.smooth, the forces (nc) beside those of constraints, to tile.acceleration and
// tile.constraint. Newton's method with an exact line search (E. Todorov, "Convex and analytically-invertible dynamics
// with contacts and constraints", ICRA 2014; MuJoCo's documentation, "Computation"). The cost is quadratic between the
// edges of the constraints: a lane whose whole step crosses none is at the minimum, and stays as it is while others go on.
void solve_constraints(DynamicsTile& tile);

}  // namespace soleus
