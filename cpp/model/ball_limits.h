// Limits of ball joints by axis. MuJoCo limits how far a ball joint turns, whatever the axis; models that come with a
// range for each coordinate of its exponential map have a soft limit here: critically damped, scaled by the joint's
// inertia at rest, and as stiff against a steady torque as MuJoCo's default limits, which come back with a time constant
// of 20 ms at an impedance d of 0.95: d / (1 - d) = 19 times the stiffness of that return alone. Explicit steps hold for
// a return of 4 steps and longer: at 600 steps a second that leaves half of the stiffness.
#pragma once

#include <array>
#include <span>
#include <vector>

namespace soleus {

class HumanModel;

struct BallLimit {
  int coordinate;  // the first of three
  std::array<double, 3> stiffness, damping;  // by axis [N m/rad], [N m s/rad]

  // Writes the torque (3) [N m] that pushes the joint back, in its body's axes; false where no axis is beyond its limit.
  // positions: (nc) coordinates; qvel: (nv).
  bool push_back(const HumanModel& model, std::span<const double> positions, const double* qvel, double* torque) const;
};

// Those of the model's ball joints that have any.
std::vector<BallLimit> make_ball_limits(const HumanModel& model);

}  // namespace soleus
