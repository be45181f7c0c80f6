// Where bodies touch one another.
#pragma once

#include "dynamics/dynamics_tile.h"

namespace soleus {

// How the second of two links moves from where the first does; of the world there is none.
inline Spatial apart(const Spatial* first, const Spatial* second) {
  const Wide3 none{Wide(0.0), Wide(0.0), Wide(0.0)};
  Spatial out = second ? *second : Spatial{none, none};
  if (first) out = {out.angular - first->angular, out.linear - first->linear};
  return out;
}

// Which pairs touch, and how: into tile.pair_points, tile.meeting and tile.reached. Needs compute_kinematics().
void find_pairs(DynamicsTile& tile);
// Adds J' D J of the edges that are active at `now` to a matrix of BodyPairs' pattern.
void add_pair_stiffness(DynamicsTile& tile, Wide* matrix);

}  // namespace soleus
