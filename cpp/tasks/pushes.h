// Pushes: a horizontal force on a human's pelvis for a moment, now and then, drawn by the human's own key.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "base/names.h"
#include "base/rng.h"

namespace soleus {

// The side that a push comes from, as a human faces when it begins.
enum class Side { kAny, kFront, kBack, kLeft, kRight, kCount };
inline constexpr std::array<Named<Side>, static_cast<std::size_t>(Side::kCount)> kSideNames{{
    {Side::kAny, "any"},
    {Side::kFront, "front"},
    {Side::kBack, "back"},
    {Side::kLeft, "left"},
    {Side::kRight, "right"},
}};
static_assert(names_all(kSideNames, Side::kCount));

struct PushData {
  int body = 0;                   // that the force is on, at its centre of mass
  std::array<double, 2> force{};  // [N] least and greatest
  int steps = 0;                  // control steps that one lasts; 0: there are no pushes
  std::array<int, 2> pause{};     // least and most control steps before each
  int most = 0;                   // of an episode; 0: any number
  Side side = Side::kAny;

  bool empty() const { return steps == 0; }
  // Throws InvalidInput for a body or ranges that are none, and for sides that a planar human has not.
  void check(int bodies, bool planar) const;
};

// Which push of an episode is under way, or else comes next.
struct PushState {
  static constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();

  std::uint32_t number = 0;                   // pushes that are over
  std::uint32_t begin = kNever, end = kNever;  // control steps of the episode at which it begins, and is over
  std::array<double, 2> force{};              // [N] along the ground, in the world's axes, of the present control step

  template <class AnyState, class Visit>
  static void visit_state(AnyState& state, Visit&& visit) {
    visit(state.number);
    visit(state.begin);
    visit(state.end);
    for (auto& newton : state.force) visit(newton);
  }
};

// The state as an episode begins. key: of the human's episode.
PushState first_push(const PushData& data, const RandomKey& key);

// Brings a state to a control step of the episode, which has to follow the last one; whether the force is another than in
// that one. heading: cosine and sine of the way that the human faces.
bool advance_push(const PushData& data, const RandomKey& key, std::uint32_t step, const std::array<double, 2>& heading,
                  bool planar, PushState& state);

}  // namespace soleus
