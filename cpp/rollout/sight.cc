#include "rollout/sight.h"

#include <algorithm>

namespace soleus {

void write_sight(Sight sight, const HumanView& human, const Kinematics& now, std::span<double> out) {
  auto copy = [&](const auto& values) { std::copy_n(values.begin(), out.size(), out.begin()); };
  switch (sight) {
    case Sight::kQpos: return copy(human.qpos());
    case Sight::kQvel: return copy(human.qvel());
    case Sight::kPositions: return copy(human.positions());
    case Sight::kFootForces: return copy(human.foot_forces());
    case Sight::kRoot: return copy(now.root);
    case Sight::kRootVelocity: return copy(now.root_velocity);
    case Sight::kCom: return copy(now.com);
    case Sight::kComVelocity: return copy(now.com_velocity);
    case Sight::kHead: return copy(now.head);
    case Sight::kActivations:
      for (std::size_t m = 0; m < out.size(); ++m) out[m] = human.activation(static_cast<int>(m));
      return;
    case Sight::kBodies:
      for (std::size_t b = 0; 3 * b < out.size(); ++b) {
        const Vec3 place = human.body_place(static_cast<int>(b));
        std::copy(place.begin(), place.end(), out.begin() + static_cast<std::ptrdiff_t>(3 * b));
      }
      return;
    default: return;
  }
}

}  // namespace soleus
