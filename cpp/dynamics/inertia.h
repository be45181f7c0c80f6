// The mass matrix and the forces that are there without muscles and constraints.
#pragma once

#include "dynamics/dynamics_tile.h"

namespace soleus {

// All need compute_kinematics().
// M by composite rigid bodies (Featherstone 2008, 6.2), armature included, and bias forces by Newton and Euler (5.3).
void compute_inertia(DynamicsTile& tile);
// Springs and damping of joints.
void compute_passive(DynamicsTile& tile);

}  // namespace soleus
