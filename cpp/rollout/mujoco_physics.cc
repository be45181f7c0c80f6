#include "rollout/mujoco_physics.h"

#include <algorithm>

#include "rollout/muscle_records.h"

namespace soleus {

MujocoPhysics::MujocoPhysics(const World& world, int first, const Models& models, std::vector<Command>& commands,
                             SectionClock& clock, Sense sense)
    : world_(world), first_(first), commands_(commands), clock_(clock), sense_(std::move(sense)),
      sensed_substep_(world.sensed_substep()) {
  const HumanModel& h = world.model;
  humans_.reserve(commands.size());
  for (const HumanModel* model : models) humans_.emplace_back(*model);
  const int lanes = std::min(count(), Mlp::kTile);
  step_.resize(h.num_muscles());
  trial_.resize(h.num_muscles());
  noisy_.resize(h.num_muscles());
  least_.resize(h.num_actuated());
  moments_.assign(lanes, std::vector<double>(h.num_crossings()));
  for (auto* buffer : {&passive_, &wanted_, &residual_}) buffer->assign(lanes, std::vector<double>(h.num_actuated()));
  device_.assign(models.size(), std::vector<double>(world.control.exoskeleton.count()));
  beside_.resize(h.num_actuated());
  worn_.resize(h.num_crossings());
}

void MujocoPhysics::reserve(const Mlp* muscle) {
  if (!muscle) return;
  input_.assign(static_cast<std::size_t>(muscle->input_stride()) * Mlp::kTile, 0.0f);
  output_.assign(static_cast<std::size_t>(muscle->output_stride()) * Mlp::kTile, 0.0f);
  scratch_.assign(muscle->scratch_size(), 0.0f);
}

void MujocoPhysics::place(int index, std::span<const double> qpos, std::span<const double> qvel) {
  humans_[index].reset(qpos, qvel);
}

void MujocoPhysics::hold(std::span<const int> indices) {
  for (int index : indices) {
    Command& command = commands_[index];
    humans_[index].stable_pd(command.target, command.torque);
    relieve(index, 0);
    muscle_target(index, 0);
    static_optimization(world_.model, moments_[0], wanted_[0], world_.effort, kColdSweeps,
                        command.activation, residual_[0], step_);
    humans_[index].apply_activations(command.activation, false);
  }
}

void MujocoPhysics::run(const RolloutViews& views, std::size_t t, const Mlp* muscle) {
  for (int i = 0; i < count(); ++i) begin(i);
  clock_.mark(Section::kPolicy);
  if (world_.control.mode == Control::kMuscle && world_.control.method == Method::kNetwork) {
    for (int tile = 0; tile < count(); tile += Mlp::kTile) {
      substep_tile(tile, std::min(count(), tile + Mlp::kTile), *muscle, views, t);
    }
  } else {
    for (int i = 0; i < count(); ++i) {
      for (int k = 0; k < world_.control.substeps; ++k) substep(i, k, views, t);
    }
  }
}

void MujocoPhysics::begin(int index) {
  const Command& command = commands_[index];
  humans_[index].apply_motors(command.motors, command.mirrored);
  humans_[index].forget_exertion();
  if (world_.control.mode == Control::kExcitation) excite(index, 0);
}

// Excites muscles by what has arrived by substep k.
void MujocoPhysics::excite(int index, int k) {
  const Command& command = commands_[index];
  humans_[index].apply_excitations(carried_out(index, command.arrived(command.activation, k)));
}

// What muscles carry out of commands to them.
std::span<const double> MujocoPhysics::carried_out(int index, std::span<const double> asked) {
  const std::vector<double>& noise = commands_[index].noise;
  if (noise.empty()) return asked;
  for (std::size_t m = 0; m < asked.size(); ++m) noisy_[m] = disturbed_muscle(asked[m], noise[m]);
  return noisy_;
}

// The torque of stable PD towards the pose that has arrived by substep k, of which devices give a share.
void MujocoPhysics::ask_torque(int index, int k) {
  Command& command = commands_[index];
  humans_[index].stable_pd(command.arrived(command.target, k), command.torque);
  if (world_.control.mode == Control::kMuscle) relieve(index, k);
  if (command.noise.empty()) return;
  for (int i = 0; i < world_.noisy_torques(); ++i) {
    double& torque = command.torque[world_.noisy_torque(i)];
    torque = disturbed(torque, command.noise[world_.noisy_muscles() + i]);
  }
}

// The devices' torques at substep k; `of`, (na), has what proportions are shares of.
void MujocoPhysics::assist(int index, int k, bool proportions, std::span<const double> of) {
  const std::vector<Device>& devices = world_.control.exoskeleton.devices;
  for (std::size_t d = 0; d < devices.size(); ++d) {
    if (devices[d].drive == Drive::kProportion && !proportions) continue;
    device_[index][d] = devices[d].torque(commands_[index].assistance, k, of[devices[d].actuated]);
  }
}

// Takes off the torque of stable PD what devices give of it.
void MujocoPhysics::relieve(int index, int k) {
  Command& command = commands_[index];
  assist(index, k, true, command.torque);
  const std::vector<Device>& devices = world_.control.exoskeleton.devices;
  for (std::size_t d = 0; d < devices.size(); ++d) command.torque[devices[d].actuated] -= device_[index][d];
}

// Applies the devices' torques beside those of the human. tracing: beside_ becomes the latter.
void MujocoPhysics::wear(int index, int k, bool tracing) {
  const ControlData& control = world_.control;
  const std::vector<int>& direct = world_.model.direct;
  HumanState& human = humans_[index];
  const Command& command = commands_[index];
  if (control.exoskeleton.empty()) return;
  const bool relieved = control.mode == Control::kMuscle, torques = control.mode == Control::kTorque;
  auto by_torque = [&](int a) {
    return torques || (relieved && std::binary_search(direct.begin(), direct.end(), a)) ? command.torque[a] : 0.0;
  };
  if (tracing || !relieved) {
    if (!torques) human.own_torques(worn_, beside_);
    for (const Device& d : control.exoskeleton.devices) {
      beside_[d.actuated] = (torques ? 0.0 : beside_[d.actuated]) + by_torque(d.actuated);
    }
  }
  // Where muscles were relieved of it the share of the wanted torque is known, and stays until they are asked again.
  if (!relieved || k % control.interval != 0) assist(index, k, !relieved, beside_);
  for (int d = 0; d < control.exoskeleton.count(); ++d) {
    const int a = control.exoskeleton.devices[d].actuated;
    human.apply_device(a, by_torque(a), device_[index][d]);
  }
}

void MujocoPhysics::muscle_target(int index, int slot) {
  humans_[index].muscle_torques(moments_[slot], passive_[slot]);
  const auto& torque = commands_[index].torque;
  for (std::size_t c = 0; c < torque.size(); ++c) wanted_[slot][c] = torque[c] - passive_[slot][c];
  for (int k : world_.model.direct) wanted_[slot][k] = 0;
  for (int s : world_.model.direct_crossings()) moments_[slot][s] = 0;
}

void MujocoPhysics::substep(int index, int k, const RolloutViews& views, std::size_t t) {
  HumanState& human = humans_[index];
  Command& command = commands_[index];
  if (human.diverged()) return;
  const ControlData& control = world_.control;
  const bool coordinated = control.mode == Control::kMuscle && k % control.interval == 0;
  if (control.mode == Control::kTorque || coordinated) {
    ask_torque(index, k);
    clock_.mark(Section::kTorque);
  }
  if (control.mode == Control::kExcitation && k > 0 && k == command.arrival) excite(index, k);
  if (control.mode == Control::kTorque) human.apply_torque(command.torque);
  if (coordinated) {
    muscle_target(index, 0);
    clock_.mark(Section::kMuscles);
    static_optimization(world_.model, moments_[0], wanted_[0], world_.effort, control.sweeps, command.activation,
                        residual_[0], step_);
    human.apply_activations(carried_out(index, command.activation), control.activation_dynamics);
    if (k == command.sampled_substep) record(index, 0, views, t);
    clock_.mark(Section::kCoordination);
  }
  advance(index, k, views, t);
}

void MujocoPhysics::advance(int index, int k, const RolloutViews& views, std::size_t t) {
  HumanState& human = humans_[index];
  if (world_.control.mode != Control::kTorque) {
    human.pull_muscles();
    const bool muscle = world_.control.mode == Control::kMuscle;
    if (muscle) human.apply_direct(commands_[index].torque);
    human.add_exertion(1.0 / world_.control.substeps, muscle ? std::span<const double>(commands_[index].torque)
                                                             : std::span<const double>());
    clock_.mark(Section::kMuscles);
  }
  wear(index, k, static_cast<bool>(views.trace));
  human.advance(k + 1 == world_.control.substeps || k == sensed_substep_);
  clock_.mark(Section::kPhysics);
  if (views.trace && !human.diverged()) {
    double* row = views.trace.at(t * world_.control.substeps + k, first_ + index);
    human.write_trace(row);
    double* of_devices = std::copy(device_[index].begin(), device_[index].end(), row + devices_adr(world_));
    for (const Device& device : world_.control.exoskeleton.devices) *of_devices++ = beside_[device.actuated];
  }
  if (k == sensed_substep_) {
    sense_(index);
    clock_.mark(Section::kTerms);
  }
}

void MujocoPhysics::ask_network(int index, int k, int lane, const Mlp& muscle) {
  HumanState& human = humans_[index];
  Command& command = commands_[index];
  if (human.diverged()) return;
  ask_torque(index, k);
  clock_.mark(Section::kTorque);
  muscle_target(index, lane);
  clock_.mark(Section::kMuscles);
  write_network_input(world_.model, moments_[lane], wanted_[lane], command.mirrored,
                      input_.data() + static_cast<std::size_t>(lane) * muscle.input_stride());
  clock_.mark(Section::kCoordination);
}

// All substeps of a tile in lockstep. A human's data is visited once a substep: what the next one asks of the network is
// written while its kinematics are still in the cache.
void MujocoPhysics::substep_tile(int begin, int end, const Mlp& muscle, const RolloutViews& views, std::size_t t) {
  const ControlData& control = world_.control;
  for (int i = begin; i < end; ++i) ask_network(i, 0, i - begin, muscle);
  for (int k = 0; k < control.substeps; k += control.interval) {
    const int next = std::min(k + control.interval, control.substeps);
    muscle.forward(input_.data(), output_.data(), scratch_.data());
    clock_.mark(Section::kCoordination);
    for (int i = begin; i < end; ++i) {
      const int lane = i - begin;
      if (humans_[i].diverged()) continue;
      follow_network(i, lane, muscle, k == commands_[i].sampled_substep, views, t);
      // Until the network is asked again a human goes on alone: its simulation stays in the caches.
      for (int held = k; held < next && !humans_[i].diverged(); ++held) advance(i, held, views, t);
      if (next < control.substeps) ask_network(i, next, lane, muscle);
    }
  }
}

void MujocoPhysics::record(int index, int slot, const RolloutViews& views, std::size_t t) {
  const Command& command = commands_[index];
  const auto& residual = residual_[slot];
  const bool network = world_.control.method == Method::kNetwork;
  if (views.residual_sums && network) {
    trial_ = command.activation;
    static_optimization(world_.model, moments_[slot], wanted_[slot], world_.effort, kLeastResidualSweeps,
                        trial_, least_, step_);
  }
  record_muscles(world_.model, command.mirrored,
                 {moments_[slot], command.torque, passive_[slot], wanted_[slot], residual, network ? least_ : residual},
                 views, t, first_ + index);
}

void MujocoPhysics::follow_network(int index, int lane, const Mlp& muscle, bool sampled, const RolloutViews& views,
                                   std::size_t t) {
  Command& command = commands_[index];
  const float* answer = output_.data() + static_cast<std::size_t>(lane) * muscle.output_stride();
  read_network_output(world_.model, answer, command.mirrored, command.activation);
  humans_[index].apply_activations(carried_out(index, command.activation), world_.control.activation_dynamics);
  if (sampled) {
    torque_residual(world_.model, moments_[lane], wanted_[lane], command.activation, residual_[lane]);
    record(index, lane, views, t);
  }
  clock_.mark(Section::kCoordination);
}

}  // namespace soleus
