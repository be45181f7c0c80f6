// An exoskeleton: ideal torques of devices at joints of a human, beside what its muscles or stable PD make there.
#pragma once

#include <array>
#include <limits>
#include <vector>

#include "base/names.h"
#include "model/human_model.h"

namespace soleus {

// What the torque of a device follows.
enum class Drive {
  kProfile,     // the gait cycle
  kProportion,  // a torque at the joint, of which it is a share
  kAction,      // an action of the policy
  kCount,
};
inline constexpr std::array<Named<Drive>, static_cast<std::size_t>(Drive::kCount)> kDriveNames{{
    {Drive::kProfile, "profile"},
    {Drive::kProportion, "proportion"},
    {Drive::kAction, "action"},
}};
static_assert(names_all(kDriveNames, Drive::kCount));

// What the devices of one human follow in a control step.
struct Assistance {
  double share = 1;             // of their torques that is given
  double phase = 0, pace = 0;   // of the motion as the step begins, and how much of a cycle a substep is
  std::size_t clip = 0;         // which motion
  std::vector<double> actions;  // of the policy for devices, in [-1, 1]
};

// One device, at one coordinate.
struct Device {
  int actuated = 0;             // index into HumanDescription::actuated
  Drive drive = Drive::kProfile;
  double amount = 0;            // share of the torque; or torque at the action 1 [N m]
  double limit = std::numeric_limits<double>::infinity();  // [N m] either way
  // Cubics over the gait cycle, which come round: of each where it begins, as a share of the cycle, and c_0 to c_3; the
  // torque is c_0 + c_1 x + c_2 x^2 + c_3 x^3 [N m], x since then.
  std::vector<double> profile;
  std::vector<double> strikes;  // phase of each clip at which the gait cycle begins; of a profile
  int action = -1;              // which of the devices' actions
  int mirror_action = -1;       // the same of the mirrored body, with a sign
  double mirror_sign = 1;

  // [N m] at a substep; of: the torque that a proportion is a share of.
  double torque(const Assistance& now, int substep, double of) const;
};

struct Exoskeleton {
  std::vector<Device> devices;

  bool empty() const { return devices.empty(); }
  int count() const { return static_cast<int>(devices.size()); }
  int actions() const;
  // Throws InvalidInput for devices that are none of a human's who follows so many clips.
  void check(const HumanModel& human, std::size_t clips) const;
};

}  // namespace soleus
