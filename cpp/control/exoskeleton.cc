#include "control/exoskeleton.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"

namespace soleus {
namespace {

constexpr int kRow = 5;  // numbers of a cubic of a profile

// Torque [N m] of a profile at a share of the gait cycle in [0, 1).
double profile_torque(const std::vector<double>& profile, double at) {
  // Before the first of them the last one goes on.
  const double* piece = profile.data() + profile.size() - kRow;
  double x = at + 1 - piece[0];
  for (std::size_t i = 0; i < profile.size() && profile[i] <= at; i += kRow) {
    piece = profile.data() + i;
    x = at - piece[0];
  }
  return piece[1] + x * (piece[2] + x * (piece[3] + x * piece[4]));
}

double cycle_share(double phase) { return phase - std::floor(phase); }

}  // namespace

double Device::torque(const Assistance& now, int substep, double of) const {
  double torque = 0;
  switch (drive) {
    case Drive::kProfile:
      torque = profile_torque(profile, cycle_share(now.phase + substep * now.pace - strikes[now.clip]));
      break;
    case Drive::kProportion: torque = amount * of; break;
    case Drive::kAction: torque = amount * now.actions[action]; break;
    case Drive::kCount: break;
  }
  return now.share * std::clamp(torque, -limit, limit);
}

int Exoskeleton::actions() const {
  return static_cast<int>(std::count_if(devices.begin(), devices.end(), [](const Device& d) { return d.drive == Drive::kAction; }));
}

void Exoskeleton::check(const HumanModel& human, std::size_t clips) const {
  std::vector<bool> worn(human.num_actuated(), false);
  for (const Device& d : devices) {
    require(d.actuated >= 0 && d.actuated < human.num_actuated(),
            "exoskeleton: expected joints in [0, " + std::to_string(human.num_actuated()) + "), got " + std::to_string(d.actuated));
    require(!worn[d.actuated], "exoskeleton: expected one device a joint, got two at joint " + std::to_string(d.actuated));
    worn[d.actuated] = true;
    require(d.limit >= 0 && std::isfinite(d.amount), "exoskeleton: expected a finite amount and a limit of 0 or more");
    if (d.drive == Drive::kAction) {
      const auto known = [&](int action) { return action >= 0 && action < actions(); };
      require(known(d.action) && known(d.mirror_action), "exoskeleton: expected an action, and that of the mirrored body");
    }
    if (d.drive != Drive::kProfile) continue;
    require(clips > 0 && d.strikes.size() == clips, "exoskeleton: expected the start of the gait cycle in each motion");
    require(!d.profile.empty() && d.profile.size() % kRow == 0, "exoskeleton: expected a profile of rows of 5 numbers");
    for (std::size_t i = 0; i < d.profile.size(); i += kRow) {
      require(d.profile[i] >= 0 && d.profile[i] < 1 && (i == 0 || d.profile[i] > d.profile[i - kRow]),
              "exoskeleton: expected a profile whose pieces rise within [0, 1)");
      for (int k = 1; k < kRow; ++k) require(std::isfinite(d.profile[i + k]), "exoskeleton: expected a finite profile");
    }
  }
}

}  // namespace soleus
