// The catalog of terms that tasks are composed of. Each is a small named function with named parameters.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tasks/memory.h"

namespace soleus {

struct Parameter {
  const char* name;
  double value;  // default
  const char* meaning;
};

// What a term remembers: where the centre of mass was as many laps ago as its first parameter says; or steps, the right foot
// standing from the phase of its first parameter to that of its second; or how long the ground has carried each foot, or not.
enum class Remembered { kNothing, kPlaces, kSteps, kLoads };

struct ObservationKind {
  const char* name;
  const char* meaning;
  std::vector<Parameter> parameters;
  bool needs_motion;
  int (*size)(const HumanModel&);  // null: as many as there are conditions
  void (*write)(const Scene&, const double* p, float* out);
  Remembered remembered = Remembered::kNothing;
  bool sensed = true;  // by nerves, which noise and delay concern; else the policy knows it by itself
};

struct RewardKind {
  const char* name;
  const char* meaning;
  std::vector<Parameter> parameters;
  bool needs_motion;
  double (*value)(const Scene&, const double* p);
  Remembered remembered = Remembered::kNothing;
};

struct TerminationKind {
  const char* name;
  const char* meaning;
  std::vector<Parameter> parameters;
  bool needs_motion;
  bool (*met)(const Scene&, const double* p);
};

const std::vector<ObservationKind>& observation_catalog();
const std::vector<RewardKind>& reward_catalog();
const std::vector<TerminationKind>& termination_catalog();

}  // namespace soleus
