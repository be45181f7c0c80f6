// Where humans touch the ground.
#pragma once

#include "dynamics/dynamics_tile.h"

namespace soleus {

// Which points touch, and how: into tile.points and tile.loaded. Needs compute_kinematics().
void find_contacts(DynamicsTile& tile);

}  // namespace soleus
