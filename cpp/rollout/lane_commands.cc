// Of LanePhysics: what control steps ask of humans, as they carry it out.
#include "control/wide_stable_pd.h"
#include "rollout/lane_physics.h"

namespace soleus {

void LanePhysics::load_commands(int number) {
  Tile& tile = *tiles_[number];
  for (int i = begin(number); i < end(number); ++i) {
    const int lane = i - begin(number);
    const Command& command = commands_[i];
    for (std::size_t k = 0; k < tile.desired.size(); ++k) tile.desired[k].set(lane, command.activation[k]);
    for (std::size_t k = 0; k < tile.noise.size(); ++k) tile.noise[k].set(lane, command.noise[k]);
  }
  load_arrived(number, 0);
}

// Takes over what has arrived of commands by substep k.
void LanePhysics::load_arrived(int number, int k) {
  Tile& tile = *tiles_[number];
  for (int i = begin(number); i < end(number); ++i) {
    const int lane = i - begin(number);
    const Command& command = commands_[i];
    if (world_.control.mode != Control::kExcitation) {
      const std::vector<double>& target = command.arrived(command.target, k);
      for (std::size_t c = 0; c < tile.target.size(); ++c) tile.target[c].set(lane, target[c]);
      continue;
    }
    const std::vector<double>& asked = command.arrived(command.activation, k);
    for (std::size_t m = 0; m < tile.desired.size(); ++m) {
      tile.muscles->excitation[m].set(lane, command.noise.empty() ? asked[m] : disturbed_muscle(asked[m], command.noise[m]));
    }
  }
}

// The torque of stable PD, of which devices give a share.
void LanePhysics::ask_torque(int number, int k) {
  Tile& tile = *tiles_[number];
  stable_pd(tile.dynamics, tile.target, tile.torque);
  if (world_.control.mode == Control::kMuscle) relieve(number, k);
  if (tile.noise.empty()) return;
  for (int i = 0; i < world_.noisy_torques(); ++i) {
    Wide& torque = tile.torque[world_.noisy_torque(i)];
    torque = torque * (Wide(1.0) + tile.noise[world_.noisy_muscles() + i]);
  }
}

// Gives muscles the activations that they carry out.
void LanePhysics::activate(Tile& tile) {
  const bool dynamics = world_.control.activation_dynamics;
  if (tile.noise.empty()) return apply_activations(*tile.muscles, tile.desired, dynamics);
  for (std::size_t m = 0; m < tile.noisy.size(); ++m) {
    tile.noisy[m] = clamp(tile.desired[m] * (Wide(1.0) + tile.noise[m]), Wide(0.0), Wide(1.0));
  }
  apply_activations(*tile.muscles, tile.noisy, dynamics);
}

}  // namespace soleus
