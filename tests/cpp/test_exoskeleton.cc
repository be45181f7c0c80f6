// Devices of an exoskeleton: their torques, and which there cannot be.
#include "check.h"
#include "control/exoskeleton.h"
#include "puppet.h"

using namespace soleus;

namespace {

Device profile(std::vector<double> rows, double strike) {
  Device d;
  d.profile = std::move(rows);
  d.strikes = {strike};
  return d;
}

bool refused(const Device& device, std::size_t clips) {
  const auto human = puppet::human();
  try {
    Exoskeleton{{device}}.check(*human, clips);
  } catch (const InvalidInput&) {
    return true;
  }
  return false;
}

}  // namespace

TEST(a_profile_comes_round) {
  // 1 + x from 0.25 on, 3 from 0.75 on, both since the strike at a phase of 0.5.
  const Device d = profile({0.25, 1, 1, 0, 0, 0.75, 3, 0, 0, 0}, 0.5);
  Assistance now;
  now.pace = 0.25;
  const double expected[] = {3, 1, 1.25, 3};  // at shares 0, 0.25, 0.5 and 0.75 of the cycle
  now.phase = 0.5;
  for (int k = 0; k < 4; ++k) CHECK(d.torque(now, k, 0) == expected[k]);
  now.phase = 0.25;  // before the strike: the end of the cycle before
  CHECK(d.torque(now, 0, 0) == 3);
}

TEST(limits_hold_before_what_is_given_of_them) {
  Device d;
  d.drive = Drive::kProportion;
  d.amount = 0.5;
  d.limit = 4;
  Assistance now;
  CHECK(d.torque(now, 0, 6) == 3);
  CHECK(d.torque(now, 0, -20) == -4);
  now.share = 0.5;
  CHECK(d.torque(now, 0, -20) == -2);
}

TEST(devices_that_cannot_be_are_refused) {
  const Device good = profile({0, 1, 0, 0, 0}, 0);
  CHECK(!refused(good, 1));
  CHECK(refused(good, 0));
  CHECK(refused(good, 2));
  CHECK(refused(profile({}, 0), 1));
  CHECK(refused(profile({0.5, 1, 0, 0, 0, 0.5, 1, 0, 0, 0}, 0), 1));
  Device other = good;
  other.actuated = 2;
  CHECK(refused(other, 1));
  other = good;
  other.limit = -1;
  CHECK(refused(other, 1));
  other = good;
  other.drive = Drive::kAction;
  CHECK(refused(other, 1));
}
