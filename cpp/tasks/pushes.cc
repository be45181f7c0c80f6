#include "tasks/pushes.h"

#include <cmath>
#include <numbers>
#include <string>

#include "base/error.h"

namespace soleus {
namespace {

// Sets when the next push begins, if any: after a pause from a control step on.
void await_push(const PushData& data, const RandomKey& key, std::uint32_t from, PushState& state) {
  state.begin = state.end = PushState::kNever;
  if (data.empty() || (data.most > 0 && state.number >= static_cast<std::uint32_t>(data.most))) return;
  const auto [least, most] = data.pause;
  const double u = Draw(key, Stream::kPush, state.number).uniform();
  state.begin = from + static_cast<std::uint32_t>(least + static_cast<int>(u * (most - least + 1)));
  state.end = state.begin + static_cast<std::uint32_t>(data.steps);
}

// Angle from the way that a human faces to that which the force points, to the left [rad]; u: uniform in (0, 1).
double force_angle(Side side, bool planar, double u) {
  constexpr double kPi = std::numbers::pi;
  switch (side) {
    case Side::kFront: return kPi;
    case Side::kBack: return 0;
    case Side::kLeft: return -0.5 * kPi;
    case Side::kRight: return 0.5 * kPi;
    default: return planar ? (u < 0.5 ? 0.0 : kPi) : 2 * kPi * u;
  }
}

}  // namespace

void PushData::check(int bodies, bool planar) const {
  if (empty()) return;
  require(body > 0 && body < bodies, "expected a body to push below " + std::to_string(bodies) + ", got " + std::to_string(body));
  require(steps > 0, "expected pushes of at least one control step, got " + std::to_string(steps));
  require(force[0] >= 0 && force[0] <= force[1] && std::isfinite(force[1]),
          "expected forces of pushes from 0 on that rise, got " + std::to_string(force[0]) + " to " + std::to_string(force[1]));
  require(pause[0] >= 0 && pause[0] <= pause[1],
          "expected pauses between pushes from 0 on that rise, got " + std::to_string(pause[0]) + " to " + std::to_string(pause[1]));
  require(most >= 0, "expected 0 or more pushes in an episode, got " + std::to_string(most));
  require(!planar || (side != Side::kLeft && side != Side::kRight),
          "expected pushes from front, back or any side for a planar human, got " +
              std::string(kSideNames[static_cast<std::size_t>(side)].name));
}

PushState first_push(const PushData& data, const RandomKey& key) {
  PushState state;
  await_push(data, key, 0, state);
  return state;
}

bool advance_push(const PushData& data, const RandomKey& key, std::uint32_t step, const std::array<double, 2>& heading,
                  bool planar, PushState& state) {
  const bool over = step == state.end;
  if (over) {
    state.force = {};
    ++state.number;
    await_push(data, key, step, state);
  }
  if (step != state.begin) return over;
  Draw draw(key, Stream::kPush, state.number);
  draw.uniform();  // which said when
  const double newton = data.force[0] + draw.uniform() * (data.force[1] - data.force[0]);
  const double angle = force_angle(data.side, planar, draw.uniform());
  const double ahead = newton * std::cos(angle), left = newton * std::sin(angle);
  state.force = {heading[0] * ahead - heading[1] * left, heading[1] * ahead + heading[0] * left};
  return true;
}

}  // namespace soleus
