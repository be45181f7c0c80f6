// Limits of ball joints by axis, in lanes: see ball_limits.h.
#pragma once

#include "base/wide_rotations.h"
#include "dynamics/dynamics_tile.h"

namespace soleus {

// Coordinates of a ball joint or of a free joint's turn, of the tile's present state. rotation: of DynamicsTables.
template <class Rotation>
inline Wide3 turn_coordinates(const DynamicsTile& tile, const Rotation& rotation) {
  const Wide* q = tile.qpos.data() + rotation.qpos;
  return exponential_map(wide(rotation.back) * WideQuat{q[0], q[1], q[2], q[3]});
}

// Adds to tile.limit_torque, (nc), which is set to 0 before, what pushes ball joints back [N m].
void push_back_balls(DynamicsTile& tile);

}  // namespace soleus
