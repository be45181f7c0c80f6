// What the engine in lanes needs of a model: its dynamics, and its muscles where the control uses them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dynamics/dynamics_model.h"
#include "dynamics/lane_muscles.h"

namespace soleus {

struct LaneModel {
  // Throws InvalidInput for a model that is not covered.
  LaneModel(const HumanModel& human, bool with_muscles) : dynamics(human) {
    if (with_muscles) muscles.emplace(dynamics);
  }
  // Why the lanes do not cover a model, an element each; empty: they do.
  static std::vector<std::string> uncovered(const HumanModel& human, bool with_muscles) {
    std::vector<std::string> out = DynamicsModel::uncovered(human);
    if (!with_muscles) return out;
    const std::vector<std::string> more = LaneMuscleModel::uncovered(human);
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }

  DynamicsModel dynamics;
  std::optional<LaneMuscleModel> muscles;  // which refers to the dynamics: a LaneModel stays where it is
  LaneModel(const LaneModel&) = delete;
  LaneModel& operator=(const LaneModel&) = delete;
};

}  // namespace soleus
