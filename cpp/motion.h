// A reference motion: evenly sampled frames of one cycle, read between frames.
#pragma once

#include <array>
#include <vector>

#include "human.h"

namespace soleus {

struct MotionData {
  double duration = 1.0;                  // of one cycle [s]
  int frames = 0;                         // K, over [0, duration)
  std::vector<double> qpos;               // (K, nq)
  std::vector<double> qvel;               // (K, nv)
  std::array<double, 3> displacement{};   // of the root over one cycle, world [m]
  std::vector<double> end_effectors;      // (K, ne, 3) minus the centre of mass, heading frame [m]
  std::vector<double> com;                // (K, 3) minus the root, heading frame [m]
  std::vector<double> com_velocity;       // (K, 3) heading frame [m/s]
};

struct ReferenceFrame {
  std::vector<double> qpos, qvel, end_effectors;
  std::array<double, 3> com{}, com_velocity{};
};

class Motion {
 public:
  // Throws InvalidInput when an array does not fit the human.
  Motion(const Human& human, MotionData data);

  double duration() const { return data_.duration; }
  // Phase in [0, 1) at a time since the cycle's start [s].
  double phase(double time) const;
  ReferenceFrame make_frame() const;
  // The root moves on by `displacement` with every whole cycle of `time`.
  void sample(double time, ReferenceFrame& out) const;

 private:
  MotionData data_;
  int nq_, nv_, ne_;
  std::vector<int> quaternions_;  // qpos addresses
  int root_x_ = -1, root_y_ = -1, root_z_ = -1;  // qpos addresses of the root's translation
};

}  // namespace soleus
