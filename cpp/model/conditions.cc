#include "model/conditions.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "base/error.h"

namespace soleus {
namespace {

bool any_of(const ConditionData& conditions, std::initializer_list<Effect> effects) {
  return std::any_of(conditions.all.begin(), conditions.all.end(), [&](const Condition& one) {
    return std::find(effects.begin(), effects.end(), one.effect) != effects.end();
  });
}

std::string name_of(Effect effect) { return kEffectNames[static_cast<std::size_t>(effect)].name; }

}  // namespace

int ConditionData::observed() const {
  return static_cast<int>(std::count_if(all.begin(), all.end(), [](const Condition& one) { return one.observed; }));
}

bool ConditionData::change_anatomy() const { return any_of(*this, {Effect::kSize, Effect::kLength, Effect::kTorsion}); }

bool ConditionData::change_bodies() const {
  return change_anatomy() || any_of(*this, {Effect::kMass, Effect::kStiffness, Effect::kDamping, Effect::kRange,
                                            Effect::kFriction, Effect::kSlope, Effect::kLoad});
}

bool ConditionData::change_muscles() const {
  return change_anatomy() || any_of(*this, {Effect::kForce, Effect::kMuscleLength});
}

bool ConditionData::change_strengths_alone() const {
  return any_of(*this, {Effect::kForce}) && !any_of(*this, {Effect::kMuscleLength}) && !change_anatomy();
}

bool ConditionData::change_gait() const {
  return change_anatomy() || any_of(*this, {Effect::kSpeed, Effect::kStride, Effect::kCadence});
}

void ConditionData::check(int bodies, int muscles, int dofs, int joints) const {
  for (const Condition& one : all) {
    const std::string name = "condition " + name_of(one.effect);
    require(std::isfinite(one.low) && std::isfinite(one.high) && one.low <= one.usual && one.usual <= one.high,
            name + ": expected a range that holds its usual value, got " + std::to_string(one.low) + " to " +
                std::to_string(one.high) + " and " + std::to_string(one.usual));
    const bool axial = one.effect == Effect::kLength || one.effect == Effect::kTorsion;
    require_size(one.axes.size(), axial ? 3 * one.elements.size() : 0, "axes of a condition");
    require(one.mirror >= 0 && one.mirror < count(), name + ": expected a mirror image");
    const bool of_muscles = one.effect == Effect::kForce || one.effect == Effect::kMuscleLength;
    const bool of_dofs = one.effect == Effect::kStiffness || one.effect == Effect::kDamping;
    const int bound = of_muscles ? muscles : of_dofs ? dofs : one.effect == Effect::kRange ? joints : bodies;
    for (int element : one.elements) {
      require(element >= 0 && element < bound, name + ": expected elements in [0, " + std::to_string(bound) + "), got " +
                                                   std::to_string(element));
    }
  }
  for (std::size_t i = 0; i < strides.size(); ++i) {
    require(strides[i] > 0 && (i == 0 || strides[i] > strides[i - 1]), "expected factors on the stride that rise from above 0");
  }
}

void draw_conditions(const ConditionData& conditions, Draw draw, std::span<double> values) {
  const bool together = draw.uniform() < 1.0 / kTogether;
  std::array<std::optional<std::array<double, 2>>, kEffectNames.size()> first;
  for (int i = 0; i < conditions.count(); ++i) {
    const Condition& one = conditions.all[i];
    const double low = one.low, high = one.high;
    // Two numbers for each, whatever its distribution, so that none shifts another.
    const std::array<double, 2> own{draw.uniform(), draw.uniform()};
    auto& of_effect = first[static_cast<std::size_t>(one.effect)];
    if (!of_effect) of_effect = own;
    const auto [u, v] = together ? *of_effect : own;
    if (one.distribution == Distribution::kUniform) values[i] = low + u * (high - low);
    if (one.distribution == Distribution::kEnds) values[i] = u < 1.0 / 3 ? low : u < 2.0 / 3 ? one.usual : high;
    if (one.distribution == Distribution::kNormal) {
      const double normal = std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
      values[i] = std::clamp(one.usual + normal * (high - low) / 6, low, high);
    }
  }
}

GaitAsked asked_of_gait(const ConditionData& conditions, std::span<const double> values) {
  GaitAsked asked;
  for (int i = 0; i < conditions.count(); ++i) {
    const Effect effect = conditions.all[i].effect;
    if (effect == Effect::kSpeed) asked.speed = values[i];
    if (effect == Effect::kStride) asked.stride = values[i];
    if (effect == Effect::kCadence) asked.cadence = values[i];
  }
  return asked;
}

Gait gait_of(const GaitAsked& asked, double speed, double legs) {
  Gait gait{asked.stride > 0 ? asked.stride : 1.0, asked.cadence > 0 ? asked.cadence : 1.0};
  if (asked.speed <= 0) return gait;
  const double faster = asked.speed / (speed * std::sqrt(legs));
  if (asked.stride > 0) {
    gait.cadence = faster / gait.stride;
  } else if (asked.cadence > 0) {
    gait.stride = faster / gait.cadence;
  } else {
    gait.stride = gait.cadence = std::sqrt(faster);
  }
  return gait;
}

}  // namespace soleus
