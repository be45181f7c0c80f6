// Constraints as MuJoCo defines them: soft and convex (its documentation, "Computation"). Limits and friction of joints,
// and points where bodies touch the ground or one another, with pyramidal friction cones. They are never rows of a matrix:
// a limit is one coordinate, and a point is the motion of its links.
#pragma once

#include "dynamics/dynamics_tile.h"

namespace soleus {

// Which limits are near, and which points touch: their strength and reference acceleration. Needs compute_kinematics().
void find_constraints(DynamicsTile& tile);

// What the constraints see of accelerations (nc) of the coordinates: less the reference into `now`, as they are into `change`.
void measure_constraints(DynamicsTile& tile, const Wide* acceleration);
void measure_change(DynamicsTile& tile, const Wide* direction);

// Subtracts the constraints' force at `now` from a gradient, (nc).
void subtract_force(DynamicsTile& tile, Wide* gradient);
// Adds J' D J of what is active at `now` to an inertia (entries), but of pairs of bodies: add_pair_stiffness().
void add_stiffness(DynamicsTile& tile, Wide* inertia);

// Slope and curvature of the constraints' cost along `change`, at `now` plus a step of it; and the lanes in which the same
// edges are active there as at `now`.
struct Slope {
  Wide slope, curvature;
  WideMask same;
};
Slope slope_at(const DynamicsTile& tile, Wide step);
// Goes there.
void move_constraints(DynamicsTile& tile, Wide step);

// Forces on the feet, of `now`.
void gather_feet(DynamicsTile& tile);

}  // namespace soleus
