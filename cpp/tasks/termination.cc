// Termination terms: what ends an episode before its time.
#include <cmath>

#include "tasks/terms.h"

namespace soleus {
namespace {

constexpr double kDegree = 0.017453292519943295;

bool fall(const Scene& s, const double* p) {
  const bool low = s.above_ground(s.now.root[2]) < p[0] * s.model().root_height ||
                   s.above_ground(s.now.head[2]) < p[0] * s.model().head_height;
  return low || s.now.frame[8] < std::cos(p[1] * kDegree);
}

bool low_com(const Scene& s, const double* p) { return s.above_ground(s.now.com[2]) < p[0]; }

bool lost_reference(const Scene& s, const double* p) {
  const auto& bodies = s.model().end_effectors;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    const Vec3 here = s.now.to_heading(minus(s.human.body_place(bodies[i]), s.now.com));
    const double* there = s.reference->end_effectors.data() + 3 * i;
    if (squared(minus(here, {there[0], there[1], there[2]})) > p[0] * p[0]) return true;
  }
  return false;
}

}  // namespace

const std::vector<TerminationKind>& termination_catalog() {
  static const std::vector<TerminationKind> catalog = {
      {"fall", "the pelvis or the head is too low, or the trunk too far from upright",
       {{"height", 0.75, "least height, as a share of the standing height"},
        {"tilt", 60.0, "largest angle from upright [degree]"}}, false, fall},
      {"low_com", "the centre of mass is too low", {{"height", 0.6, "least height above the ground [m]"}}, false, low_com},
      {"lost_reference", "an end effector is too far from where the reference has it, relative to the centre of mass",
       {{"distance", 0.5, "largest distance [m]"}}, true, lost_reference},
  };
  return catalog;
}

}  // namespace soleus
