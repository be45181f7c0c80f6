#pragma once

#include <nanobind/nanobind.h>

#include "human_model.h"
#include "motion.h"
#include "shard.h"
#include "task.h"

namespace soleus {

// Throw InvalidInput naming the field that is missing or of another type.
HumanDescription human_data(const nanobind::dict& d);
MotionData motion_data(const nanobind::dict& d);
TaskData task_data(const nanobind::dict& d);
ControlData control_data(const nanobind::dict& d);

}  // namespace soleus
