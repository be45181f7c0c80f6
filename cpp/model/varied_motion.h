// The reference motion of a human under conditions: with its strides and cadence, on its own legs.
#pragma once

#include <map>
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
  // change is that the lowest point of the feet stays where it is, and the way along the ground, which grows as the height
  // does. What they change is found at some instants of the motion, and lies between these as on a line.
  void make(std::span<const Motion* const> strides, const HumanModel& human, double height, const Gait& gait,
            std::unique_ptr<Motion>& out);

 private:
  // What the motion's frames say beside poses, and the height of the lowest point of the feet.
  struct Seen {
    double sole;
    std::vector<double> places;  // of the centre of mass from the root, then of the end effectors from it; heading frame
  };

  Seen look(const HumanModel& human, const double* qpos);
  const std::vector<Seen>& seen_of(const Motion& motion);
  void carry(const HumanModel& human, double height, std::span<const Seen> before, const Motion& of, MotionData& data);

  const HumanModel& base_;
  const ConditionData& conditions_;
  struct DataDeleter {
    void operator()(mjData* d) const { mj_deleteData(d); }
  };
  std::unique_ptr<mjData, DataDeleter> data_;
  std::map<const Motion*, std::vector<Seen>> seen_;  // of the model, at every kStep-th frame
};

}  // namespace soleus
