// What states tell whoever looks at them: poses, and what the ground does to the feet.
#pragma once

#include <mujoco/mujoco.h>

#include <array>
#include <cstddef>
#include <vector>

#include "rollout/human_state.h"

namespace soleus {

inline constexpr int kFeet = 2;

// Of one foot, in the world's axes: the force of the ground [N], its centre of pressure [m], NaN where nothing presses, and
// its moment about that [N m].
struct FootReaction {
  std::array<double, 3> force, pressure, moment;
};
using Reactions = std::array<FootReaction, kFeet>;

class Onlooker {
 public:
  // The model has to outlive this. foot: (nbody) 0 of bodies of the right foot, 1 of the left, -1 of others; own: (nbody)
  // whether a body is the person's, whose feet do not count as ground to one another.
  Onlooker(const mjModel* model, std::vector<int> foot, std::vector<int> own);

  int nq() const { return static_cast<int>(model_->nq); }
  int nv() const { return static_cast<int>(model_->nv); }
  int state_size() const { return mj_stateSize(model_, mjSTATE_INTEGRATION); }

  // Reads a state (state_size()): qpos (nq), qvel (nv).
  Reactions see(const double* state, double* qpos, double* qvel);

 private:
  struct Push {
    int foot;
    mjtNum place[3], force[3], twist[3], pressing;
  };
  void gather();

  const mjModel* model_;
  std::unique_ptr<mjData, DataDeleter> data_;
  std::vector<int> foot_, own_;
  std::vector<Push> pushes_;
};

}  // namespace soleus
