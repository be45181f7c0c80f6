// What the terms of a task may look at: one human at the end of a control step, measured once.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "model/human_view.h"
#include "model/motion.h"

namespace soleus {

// Kinematics of the body in the frames that terms use. World vectors unless said otherwise.
struct Kinematics {
  Vec3 root{};                      // position [m]
  std::array<double, 9> frame{};    // root orientation, row-major; columns: forward, left, up
  double heading_cos = 1, heading_sin = 0;
  Vec3 root_velocity{}, root_rate{};  // [m/s], [rad/s]
  Vec3 com{}, com_velocity{};
  Vec3 head{}, head_velocity{};

  double yaw() const;
  // The vector as seen along the heading: x forward, y left, z up.
  Vec3 to_heading(const Vec3& v) const {
    return {heading_cos * v[0] + heading_sin * v[1], -heading_sin * v[0] + heading_cos * v[1], v[2]};
  }
};

// Reads the human's present state.
void measure(const HumanView& human, Kinematics& out);

class Memory;

// What conditions ask of a task beside its reference motion.
struct Aim {
  std::optional<double> speed;  // [m/s]; none: what a term says
  double heading = 0;           // [rad] from the x axis to the left
};

struct Scene {
  const HumanView& human;
  const Kinematics& now;
  const ReferenceFrame* reference = nullptr;  // of this instant, when the task has a motion
  std::span<const double> pose_error{};       // (nc) from the pose to the reference's (HumanModel::difference)
  double phase = 0;                           // [0, 1)
  bool mirrored = false;                      // the policy sees the mirrored body
  double control_dt = 0;                      // [s]
  Vec3 last_head_velocity{};                  // one control step ago
  double lap_turn = 0;                        // what the motion's laps before this one turned in all [rad]
  const Motion* motion = nullptr;             // of the reference
  double motion_time = 0;                     // where the motion is [s]
  ReferenceFrame* ahead = nullptr;            // scratch, for what the motion has later
  std::span<double> difference{};             // (nc) scratch
  const Memory* memory = nullptr;             // of this episode
  std::span<const double> conditions{};       // of the human, each from -1 to 1 over its range; mirrored with the body
  Aim aim{};

  const HumanModel& model() const { return human.model(); }
  double above_ground(double z) const { return z - model().ground_height; }
  double position(int coordinate) const { return human.positions()[coordinate]; }
  double velocity(int coordinate) const { return human.qvel()[model().coordinate_dof[coordinate]]; }
  // Of the reference motion: how long a lap takes, and how far along the ground it leads.
  double lap_seconds() const { return motion->duration(); }
  double lap_metres() const { return motion->lap_length(); }
  double reference_velocity(int coordinate) const { return reference->qvel[model().coordinate_dof[coordinate]]; }
};

inline Vec3 minus(const Vec3& a, const Vec3& b) { return {a[0] - b[0], a[1] - b[1], a[2] - b[2]}; }
inline double squared(const Vec3& a) { return a[0] * a[0] + a[1] * a[1] + a[2] * a[2]; }

}  // namespace soleus
