// Conditions: numbers that differ from human to human, drawn as an episode begins, and what each does to a body, its
// muscles, its ground and its gait.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "base/names.h"
#include "base/rng.h"

namespace soleus {

// What a condition changes. Factors multiply what the model has; where several conditions change one number, their
// factors do.
enum class Effect {
  kSpeed,         // [m/s] of the reference motion, or that a task asks for
  kStride,        // factor on the length of its strides
  kCadence,       // factor on its steps a minute
  kSize,          // factor on all lengths of bodies
  kLength,        // factor along an axis of bodies
  kTorsion,       // [rad] by which a body is twisted about an axis between the joint above it and those below
  kMass,          // factor on the masses of bodies
  kForce,         // factor on the greatest forces of muscles
  kMuscleLength,  // factor on the lengths of the muscles themselves, not of their paths
  kStiffness,     // factor on the springs of dofs
  kDamping,       // factor on the damping of dofs
  kRange,         // factor on the range of hinges and slides, about its middle
  kFriction,      // sliding friction of the ground
  kSlope,         // [rad] of the ground, which rises ahead of a human that faces along x
  kAssistance,    // factor on the torques of an exoskeleton
  kLoad,          // [kg] carried at the centre of mass of a body
  kHeading,       // [rad] that a task asks for
  kCount,
};
inline constexpr std::array<Named<Effect>, static_cast<std::size_t>(Effect::kCount)> kEffectNames{{
    {Effect::kSpeed, "speed"},
    {Effect::kStride, "stride"},
    {Effect::kCadence, "cadence"},
    {Effect::kSize, "size"},
    {Effect::kLength, "length"},
    {Effect::kTorsion, "torsion"},
    {Effect::kMass, "mass"},
    {Effect::kForce, "strength"},
    {Effect::kMuscleLength, "contracture"},
    {Effect::kStiffness, "stiffness"},
    {Effect::kDamping, "damping"},
    {Effect::kRange, "range"},
    {Effect::kFriction, "friction"},
    {Effect::kSlope, "slope"},
    {Effect::kAssistance, "assistance"},
    {Effect::kLoad, "load"},
    {Effect::kHeading, "heading"},
}};
static_assert(names_all(kEffectNames, Effect::kCount));

enum class Distribution { kUniform, kNormal, kEnds, kCount };
inline constexpr std::array<Named<Distribution>, static_cast<std::size_t>(Distribution::kCount)> kDistributionNames{{
    {Distribution::kUniform, "uniform"},  // over the range
    {Distribution::kNormal, "normal"},    // about the usual value, a sixth of the range its deviation, within the range
    {Distribution::kEnds, "ends"},        // an end of the range, or the usual value
}};
static_assert(names_all(kDistributionNames, Distribution::kCount));

struct Condition {
  Effect effect = Effect::kForce;
  double low = 1, high = 1, usual = 1;
  Distribution distribution = Distribution::kUniform;
  bool observed = true;         // by the policy, where it observes any
  int mirror = -1;              // the condition of the mirrored body's that this one is
  std::vector<int> elements;    // bodies, muscles, dofs or joints
  std::vector<double> axes;     // (elements, 3) of lengths and torsions, in the body's frame, of unit length
};

struct ConditionData {
  std::vector<Condition> all;
  std::vector<double> strides;  // factors on the stride that there are motions for, rising; empty: 1 alone
  double repeat = 0;            // how likely an episode after one that a termination ended keeps that one's values

  bool empty() const { return all.empty(); }
  int count() const { return static_cast<int>(all.size()); }
  int observed() const;
  // Whether any is of effects that change ...
  bool change_bodies() const;   // what moves, touches, and holds: more than muscles
  bool change_anatomy() const;  // ... lengths and masses, so that paths of muscles change
  bool change_muscles() const;  // ... muscles' own numbers, or their paths
  bool change_strengths_alone() const;  // ... of muscles nothing but how strong they are
  bool change_gait() const;     // ... the reference motion, or the legs that it is for
  // Throws InvalidInput where ranges or elements are none of a model's with so many bodies, muscles, dofs and joints.
  void check(int bodies, int muscles, int dofs, int joints) const;
};

// Values of all conditions for one episode, (count). In one of kTogether episodes all conditions of one effect are equally
// far through their ranges: where there are many, an episode in which all muscles are weak would never come otherwise.
inline constexpr int kTogether = 4;
void draw_conditions(const ConditionData& conditions, Draw draw, std::span<double> values);

// How the reference motion is to be walked through.
struct Gait {
  double stride = 1;   // factor on the length of strides
  double cadence = 1;  // factor on steps a minute
};

// What conditions ask of a gait; 0: nothing.
struct GaitAsked {
  double speed = 0;                // [m/s]
  double stride = 0, cadence = 0;  // factors
};
GaitAsked asked_of_gait(const ConditionData& conditions, std::span<const double> values);

// The gait that is asked for, of a motion of a speed [m/s], on legs that are longer by a factor. A speed alone is reached by
// strides and cadence alike, each by the root of the change, as people's nearly do (D. W. Grieve, R. J. Gear, Ergonomics 9,
// 1966); with one of them given, by the other. Strides are in lengths of the legs, and time in the swings of a pendulum as
// long as these (A. L. Hof, "Scaling gait data to body size", Gait & Posture 4, 1996).
Gait gait_of(const GaitAsked& asked, double speed, double legs);

}  // namespace soleus
