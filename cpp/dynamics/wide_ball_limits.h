// Limits of ball joints by axis, in lanes: see ball_limits.h.
#pragma once

#include "dynamics/dynamics_tile.h"

namespace soleus {

// Coordinates of a ball joint or of a free joint's turn, of the tile's present state.
Wide3 turn_coordinates(const DynamicsTile& tile, const HumanModel::Rotation& rotation);

// Adds to tile.limit_torque, (nc), which is set to 0 before, what pushes ball joints back [N m].
void push_back_balls(DynamicsTile& tile);

}  // namespace soleus
