// Implicit PD control in lanes, on the mass matrix that the step has anyway.
#pragma once

#include <span>

#include "dynamics/dynamics_tile.h"

namespace soleus {

// Joint torque, (na) [N m], towards the coordinates of a pose, (nc) [rad], within the torque limits; the same as
// HumanState::stable_pd(). Lanes whose matrix cannot be factored are added to tile.diverged.
// J. Tan, K. Liu, G. Turk, "Stable proportional-derivative controllers", IEEE CG&A 31(4), 2011.
void stable_pd(DynamicsTile& tile, std::span<const Wide> target, std::span<Wide> torque);

}  // namespace soleus
