#include "rollout/physics.h"

#include "rollout/lane_physics.h"
#include "rollout/mujoco_physics.h"

namespace soleus {

std::unique_ptr<Physics> make_physics(const World& world, int first, const Models& models, std::vector<Command>& commands,
                                      SectionClock& clock, Sense sense) {
  if (world.lanes) return std::make_unique<LanePhysics>(world, first, models, commands, clock, std::move(sense));
  return std::make_unique<MujocoPhysics>(world, first, models, commands, clock, std::move(sense));
}

}  // namespace soleus
