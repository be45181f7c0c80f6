// Time goes on: semi-implicit Euler with implicit damping of the joints, as MuJoCo's.
#pragma once

#include "dynamics/dynamics_tile.h"

namespace soleus {

// All that torques, moments and observations read of the present state. After DynamicsTile::set() and before step().
void update_positions(DynamicsTile& tile);
// Accelerations, constraint forces and forces on the feet of the present state, in the lanes of a mask alone: what a
// human starts with. Needs update_positions().
void find_forces(DynamicsTile& tile, WideMask lanes);
// One step under tile.applied and the constraints. Leaves positions up to date, forces on the feet of this step, and the
// lanes that ran away in tile.diverged: those stand still from then on.
void step(DynamicsTile& tile);

}  // namespace soleus
