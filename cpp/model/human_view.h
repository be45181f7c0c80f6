// What an onlooker sees of one human at an instant, whatever engine moves it: terms of tasks, resets, traces.
#pragma once

#include <array>
#include <span>

#include "model/human_model.h"

namespace soleus {

using Vec3 = std::array<double, 3>;

// Means over the substeps of the last control step.
struct Exertion {
  // Sums over the muscles of their activations and of the squares of them; both again by the muscles' masses [kg].
  double activation = 0, squared = 0, by_mass = 0, squared_by_mass = 0;
  double torque = 0;  // sum of the magnitudes of the torques that move joints by themselves [N m]
};

class HumanView {
 public:
  explicit HumanView(const HumanModel& model) : model_(&model) {}
  virtual ~HumanView() = default;

  const HumanModel& model() const { return *model_; }

  virtual std::span<const double> qpos() const = 0;       // (nq) as MuJoCo has it
  virtual std::span<const double> qvel() const = 0;       // (nv)
  virtual std::span<const double> positions() const = 0;  // (nc) coordinates

  // Of a body's frame, in the world's axes: place [m], quaternion, velocity of its origin [m/s] and of its turn [rad/s].
  virtual Vec3 body_place(int body) const = 0;
  virtual std::array<double, 4> body_turn(int body) const = 0;
  virtual Vec3 body_velocity(int body) const = 0;
  virtual Vec3 body_rate(int body) const = 0;
  // Of the person's centre of mass.
  virtual Vec3 com() const = 0;
  virtual Vec3 com_velocity() const = 0;

  virtual double activation(int muscle) const = 0;
  // Force [N] with which a muscle pulls.
  virtual double tension(int muscle) const = 0;
  // Ground force on each foot in the last sensed step, normal to the ground, (feet) [N].
  virtual std::span<const double> foot_forces() const = 0;
  // Metabolic power [W] of all muscles (muscles/metabolism.h).
  virtual double metabolic_power() const = 0;
  virtual const Exertion& exertion() const = 0;

  // Place of the first body of a foot, 0 right, 1 left [m].
  Vec3 foot_place(int side) const { return body_place(model_->feet[side].front()); }

 private:
  const HumanModel* model_;
};

// What a trace says of the muscles behind the state: activations and forces of each, (2 nm), then their metabolic power.
inline void write_muscles(const HumanView& human, double* out, double metabolic_power) {
  const int muscles = human.model().num_muscles();
  for (int m = 0; m < muscles; ++m) {
    out[m] = human.activation(m);
    out[muscles + m] = human.tension(m);
  }
  out[2 * muscles] = metabolic_power;
}

}  // namespace soleus
