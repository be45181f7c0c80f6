#pragma once

#include <nanobind/nanobind.h>

#include "model/human_model.h"
#include "model/motion.h"
#include "rollout/shard.h"
#include "tasks/task.h"

namespace soleus {

// Throw InvalidInput naming the field that is missing or of another type.
HumanDescription human_data(const nanobind::dict& d);
MotionData motion_data(const nanobind::dict& d);
ConditionData condition_data(const nanobind::dict& d);
TaskData task_data(const nanobind::dict& d);
ControlData control_data(const nanobind::dict& d);

}  // namespace soleus
