// The lowest point of what can touch the ground.
#pragma once

#include <mujoco/mujoco.h>

#include "model/human_model.h"

namespace soleus {

// Height of the lowest point of a geom in the world [m]; kinematics must be current. Planes and height fields have none.
double lowest_of_geom(const mjModel* model, const mjData* data, int geom);

// Of the feet, as far as their shapes touch anything. `human` says which these are; the model has its structure.
double lowest_of_feet(const HumanModel& human, const mjModel* model, const mjData* data);

}  // namespace soleus
