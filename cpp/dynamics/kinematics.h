// Where links are, how they move, and what moves them.
#pragma once

#include <span>

#include "dynamics/dynamics_tile.h"

namespace soleus {

// From the tile's state: coupled joints, frames of links, motions of coordinates, velocities, and the accelerations that
// links have without their coordinates' (R. Featherstone, Rigid Body Dynamics Algorithms, 2008, chapters 4 and 5).
void compute_kinematics(DynamicsTile& tile);

// Of a body's frame: its place, its turn, and the velocities of its origin and of its turn, in the world's axes.
Wide3 body_place(const DynamicsTile& tile, int body);
WideQuat body_turn(const DynamicsTile& tile, int body);
Wide3 body_velocity(const DynamicsTile& tile, int body);
Wide3 body_rate(const DynamicsTile& tile, int body);

// Adds what tile.pushes do to forces on the coordinates, (nc).
void push_bodies(const DynamicsTile& tile, std::span<Wide> force);

// Of all that hangs on the root link; needs compute_inertia().
struct CenterOfMass { Wide3 place, velocity; };
CenterOfMass center_of_mass(const DynamicsTile& tile);

}  // namespace soleus
