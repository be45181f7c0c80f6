// What the terms of a task remember of a human's episode beside the present instant.
#pragma once

#include <array>
#include <vector>

#include "tasks/scene.h"

namespace soleus {

// When which foot stands, by the motion's phase: the right one after `from` up to `to`, else the left one.
struct Stances {
  bool used = false;  // whether a term looks at steps
  double from = 0, to = 0;
  bool operator==(const Stances&) const = default;
  bool right(double phase) const { return phase > from && phase <= to; }
};

class Memory {
 public:
  Memory() = default;
  // places: of how many control steps back the centre of mass is remembered.
  // loads: whether it is remembered since when the ground carries a foot, or does not.
  Memory(int places, const Stances& stances, bool loads) : stances_(stances), loads_(loads) {
    places_.resize(places > 0 ? places + 1 : 0);
  }

  // As an episode begins, and after each control step.
  void begin(const Scene& scene);
  void advance(const Scene& scene);

  // Where the centre of mass was some control steps ago, in the world [m]; null: the episode is not as old.
  const Vec3* place(int steps) const { return steps < count_ ? &places_[steps] : nullptr; }
  // How many control steps back it is remembered.
  int most() const { return static_cast<int>(places_.size()) - 1; }
  // Where along x the foot that stands should, and where the other one should stand next [m].
  double target() const { return target_; }
  double next_target() const { return next_target_; }
  // Of a foot, 0 right, 1 left: whether the ground carries it, and for how many control steps that has been so.
  bool carried(int foot) const { return carried_[foot]; }
  int since(int foot) const { return since_[foot]; }

  // Calls visit(number) for each number that is remembered.
  template <class AnyMemory, class Visit>
  static void visit_state(AnyMemory& memory, Visit&& visit) {
    for (auto& place : memory.places_) {
      for (auto& x : place) visit(x);
    }
    if (!memory.places_.empty()) visit(memory.count_);
    if (memory.stances_.used) {
      visit(memory.right_);
      visit(memory.target_);
      visit(memory.next_target_);
    }
    if (!memory.loads_) return;
    for (auto& carried : memory.carried_) visit(carried);
    for (auto& since : memory.since_) visit(since);
  }

 private:
  void remember(const Vec3& com);
  void feel(const Scene& scene, bool first);

  Stances stances_;
  std::vector<Vec3> places_;  // the latest first
  int count_ = 0;             // of them that are of this episode
  bool right_ = false;        // whether the right foot stands
  double target_ = 0, next_target_ = 0;
  bool loads_ = false;
  std::array<bool, 2> carried_{};  // of the right foot, the left one
  std::array<int, 2> since_{};
};

}  // namespace soleus
