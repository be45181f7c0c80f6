// A reference motion: evenly sampled frames of one cycle, or of a clip that is played once, read between frames.
#pragma once

#include <array>
#include <cmath>
#include <vector>

#include "model/human_model.h"

namespace soleus {

struct MotionData {
  double duration = 1.0;                  // of one cycle [s]
  bool once = false;                      // it ends after its duration, instead of beginning again
  int frames = 0;                         // K, over [0, duration), or over [0, duration] of one that is played once
  std::vector<double> qpos;               // (K, nq)
  std::vector<double> qvel;               // (K, nv)
  std::array<double, 3> displacement{};   // of the root over the first cycle, world [m]
  double turn = 0.0;                      // about the vertical over one cycle [rad], to the left
  std::vector<double> end_effectors;      // (K, ne, 3) minus the centre of mass, heading frame [m]
  std::vector<double> com;                // (K, 3) minus the root, heading frame [m]
  std::vector<double> com_velocity;       // (K, 3) heading frame [m/s]
};

struct ReferenceFrame {
  std::vector<double> qpos, qvel, end_effectors;
  std::array<double, 3> com{}, com_velocity{};
};

// What lies between two motions of one person and equal numbers of frames: (1 - w) of one, w of the other.
MotionData between(const MotionData& one, const MotionData& other, double w, const std::vector<int>& quaternions);

class Motion {
 public:
  // Throws InvalidInput when an array does not fit the human.
  Motion(const HumanModel& human, MotionData data);

  const MotionData& data() const { return data_; }
  double duration() const { return data_.duration; }
  // Mean speed along the ground [m/s].
  double speed() const { return std::hypot(data_.displacement[0], data_.displacement[1]) / data_.duration; }
  bool once() const { return data_.once; }
  // How far the root moves along the ground in a cycle [m].
  double lap_length() const;
  // Phase in [0, 1) at a time since the cycle's start [s].
  double phase(double time) const;
  ReferenceFrame make_frame() const;
  // Every lap is the first one after as many moves as whole cycles lie in `time`: a move turns about the vertical
  // through where the root starts, then shifts by `displacement`. A clip that is played once stands still at its end.
  void sample(double time, ReferenceFrame& out) const;
  // Where a frame has the root, as far as it moves [m].
  std::array<double, 3> root_place(const ReferenceFrame& frame) const;
  // Addresses in qpos and qvel of the root's shift along an axis; -1 where it has none.
  struct Slot { int qpos = -1, dof = -1; };
  Slot root_slot(int axis) const { return root_[axis]; }
  // qpos addresses of quaternions.
  const std::vector<int>& quaternions() const { return quaternions_; }
  // What the laps before a time turned in all [rad].
  double lap_turn(double time) const;

 private:
  // What a lap moves of a free root, as a free joint has it: linear velocity in world axes, angular in its own.
  struct Root {
    std::array<double, 3> position;
    std::array<double, 4> quaternion;
    std::array<double, 3> velocity;
  };
  Root root(int frame) const;
  Root moved(const Root& root, double laps) const;
  void place_turned_root(int first, int second, double w, double cycles, ReferenceFrame& out) const;

  MotionData data_;
  int nq_, nv_, ne_;
  std::vector<int> quaternions_;  // qpos addresses
  std::array<Slot, 3> root_;      // the root's shift
  int free_qpos_ = -1, free_dof_ = -1;           // addresses of a free root; -1: planar
};

}  // namespace soleus
