#include "tasks/memory.h"

#include <algorithm>

namespace soleus {
namespace {

// Along x [m] of the ankle; feet: right, then left.
double foot(const Scene& s, bool right) { return s.human.foot_place(right ? 0 : 1)[0]; }

constexpr double kCarried = 0.05;  // of the body's weight, from which on the ground counts as carrying a foot

}  // namespace

void Memory::begin(const Scene& scene) {
  count_ = 0;
  remember(scene.now.com);
  feel(scene, true);
  if (!stances_.used) return;
  right_ = stances_.right(scene.phase);
  target_ = foot(scene, right_);
  next_target_ = target_ + 0.5 * scene.lap_metres();
}

void Memory::advance(const Scene& scene) {
  remember(scene.now.com);
  feel(scene, false);
  if (!stances_.used) return;
  const bool right = stances_.right(scene.phase);
  if (right == right_) return;
  target_ = next_target_;
  next_target_ = foot(scene, right_) + scene.lap_metres();  // the foot that leaves the ground
  right_ = right;
}

void Memory::feel(const Scene& scene, bool first) {
  if (!loads_) return;
  const auto forces = scene.human.foot_forces();
  for (std::size_t foot = 0; foot < carried_.size(); ++foot) {
    const bool carried = forces[foot] > kCarried * scene.model().weight();
    since_[foot] = first || carried != carried_[foot] ? 0 : since_[foot] + 1;
    carried_[foot] = carried;
  }
}

void Memory::remember(const Vec3& com) {
  if (places_.empty()) return;
  std::copy_backward(places_.begin(), places_.end() - 1, places_.end());
  places_.front() = com;
  count_ = std::min<int>(count_ + 1, static_cast<int>(places_.size()));
}

}  // namespace soleus
