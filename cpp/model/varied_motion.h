// The reference motion of a human under conditions: with its strides and cadence, on its own legs.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/conditions.h"
#include "model/human_model.h"
#include "model/motion.h"

namespace soleus {

class VariedMotion {
 public:
  // What it reads stays where it is.
  VariedMotion(const HumanModel& base, const ConditionData& conditions);

  // Makes `out` the motion of a human. strides: the motion, or one for each of the conditions' factors on the stride.
  // height: of the human's pelvis over the model's. Poses between two factors are between theirs; what lengths of bodies
  // change is that the lowest point of the feet stays where it is at each instant, and the way along the ground, which
  // grows as the height does.
  void make(std::span<const Motion* const> strides, const HumanModel& human, double height, const Gait& gait,
            std::unique_ptr<Motion>& out);

 private:
  void carry(const HumanModel& human, double height, const Motion& of, MotionData& data);
  double pose(const HumanModel& human, const double* qpos);

  const HumanModel& base_;
  const ConditionData& conditions_;
  struct DataDeleter {
    void operator()(mjData* d) const { mj_deleteData(d); }
  };
  std::unique_ptr<mjData, DataDeleter> data_;
};

}  // namespace soleus
