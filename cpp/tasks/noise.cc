#include "tasks/noise.h"

#include <cmath>
#include <string>

#include "base/error.h"

namespace soleus {

void NoiseData::check() const {
  for (double number : {observation, motor, motor_correlation}) {
    require(number >= 0 && std::isfinite(number), "expected noise of 0 or more, got " + std::to_string(number));
  }
  for (int delay : {observation_delay, motor_delay}) {
    require(delay >= 0, "expected delays of 0 or more simulation steps, got " + std::to_string(delay));
  }
}

double kept_share(const NoiseData& data, double control_dt) {
  return data.motor_correlation > 0 ? std::exp(-control_dt / data.motor_correlation) : 0.0;
}

}  // namespace soleus
