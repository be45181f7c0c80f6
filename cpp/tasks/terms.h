// The catalog of terms that tasks are composed of. Each is a small named function with named parameters.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tasks/scene.h"

namespace soleus {

struct Parameter {
  const char* name;
  double value;  // default
  const char* meaning;
};

struct ObservationKind {
  const char* name;
  const char* meaning;
  std::vector<Parameter> parameters;
  bool needs_motion;
  int (*size)(const HumanModel&);  // null: as many as there are conditions
  void (*write)(const Scene&, const double* p, float* out);
};

struct RewardKind {
  const char* name;
  const char* meaning;
  std::vector<Parameter> parameters;
  bool needs_motion;
  double (*value)(const Scene&, const double* p);
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
