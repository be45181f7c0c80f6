// The substeps of a shard: torque, coordination, physics.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "shard.h"

namespace soleus {

void Shard::pose_target(State& s, const float* action) {
  const Human& h = world_.human;
  const double* base = h.qpos_rest.data();
  if (world_.motion) {
    // The pose to be reached by the end of this control step.
    world_.motion->sample(time(s) + world_.control_dt(), reference_);
    base = reference_.qpos.data();
  }
  h.positions(base, s.target.data());
  if (!world_.motion) {
    // Nothing says where the root should be, so it is where it should be.
    for (int c = 0; c < h.num_coordinates(); ++c) {
      if (h.coordinate_actuated()[c] < 0) s.target[c] = s.body.positions()[c];
    }
  }
  for (int k = 0; action && k < h.num_actuated(); ++k) {
    const int source = s.mirrored ? h.mirror_actuated()[k] : k;
    const double sign = s.mirrored ? h.mirror_actuated_sign()[k] : 1.0;
    s.target[h.actuated[k]] += world_.control.action_scale * sign * std::clamp(action[source], -1.0f, 1.0f);
  }
}

void Shard::prepare(int human, const RolloutViews& views, std::size_t t) {
  State& s = humans_[human];
  // Rows that are not reached, since the human diverges before, are those of no state.
  for (int k = 0; views.trace && k < world_.control.substeps; ++k) {
    std::fill_n(views.trace.at(t * world_.control.substeps + k, first_ + human), views.trace.cols,
                std::numeric_limits<double>::quiet_NaN());
  }
  const float* action = views.actions.at(t, first_ + human);
  const double u = Draw(key(human), Stream::kSubstep, s.step).uniform();
  const int interval = world_.control.interval;
  s.sampled_substep = interval * static_cast<int>(u * ((world_.control.substeps + interval - 1) / interval));
  s.body.apply_motors(action + world_.muscle_actions(), s.mirrored);
  if (world_.control.mode != Control::kExcitation) {
    pose_target(s, action);
    return;
  }
  for (std::size_t m = 0; m < s.activation.size(); ++m) {
    const int source = s.mirrored ? world_.human.mirror_muscle[m] : static_cast<int>(m);
    s.activation[m] = 0.5 * (std::clamp(action[source], -1.0f, 1.0f) + 1.0);
  }
  s.body.apply_excitations(s.activation);
}

void Shard::muscle_target(State& s, int slot) {
  s.body.muscle_torques(moments_[slot], passive_[slot]);
  for (std::size_t c = 0; c < s.torque.size(); ++c) wanted_[slot][c] = s.torque[c] - passive_[slot][c];
}

void Shard::substep(int human, int k, const RolloutViews& views, std::size_t t) {
  State& s = humans_[human];
  if (s.body.diverged()) return;
  const ControlData& control = world_.control;
  const bool coordinated = control.mode == Control::kMuscle && k % control.interval == 0;
  if (control.mode == Control::kTorque || coordinated) {
    s.body.stable_pd(s.target, s.torque);
    mark(Section::kTorque);
  }
  if (control.mode == Control::kTorque) s.body.apply_torque(s.torque);
  if (coordinated) {
    muscle_target(s, 0);
    mark(Section::kMuscles);
    static_optimization(world_.human, moments_[0], wanted_[0], control.regularization, control.sweeps, s.activation,
                        residual_[0], step_);
    s.body.apply_activations(s.activation, control.activation_dynamics);
    if (k == s.sampled_substep) {
      record_residual(human, 0, views);
      record_sample(human, 0, views, t);
    }
    mark(Section::kCoordination);
  }
  advance(human, k, views, t);
}

void Shard::advance(int human, int k, const RolloutViews& views, std::size_t t) {
  State& s = humans_[human];
  if (world_.control.mode != Control::kTorque) {
    s.body.pull_muscles();
    mark(Section::kMuscles);
  }
  s.body.advance(k + 1 == world_.control.substeps);
  mark(Section::kPhysics);
  if (views.trace && !s.body.diverged()) s.body.write_trace(views.trace.at(t * world_.control.substeps + k, first_ + human));
}

void Shard::ask_network(int human, int lane, const Mlp& muscle) {
  State& s = humans_[human];
  if (s.body.diverged()) return;
  s.body.stable_pd(s.target, s.torque);
  mark(Section::kTorque);
  muscle_target(s, lane);
  mark(Section::kMuscles);
  write_network_input(world_.human, moments_[lane], wanted_[lane], s.mirrored,
                      input_.data() + static_cast<std::size_t>(lane) * muscle.input_stride());
  mark(Section::kCoordination);
}

// All substeps of a tile in lockstep. A human's data is visited once a substep: what the next one asks of the network is
// written while its kinematics are still in the cache.
void Shard::substep_tile(int begin, int end, const Mlp& muscle, const RolloutViews& views, std::size_t t) {
  const ControlData& control = world_.control;
  for (int i = begin; i < end; ++i) ask_network(i, i - begin, muscle);
  for (int k = 0; k < control.substeps; k += control.interval) {
    const int next = std::min(k + control.interval, control.substeps);
    muscle.forward(input_.data(), output_.data(), scratch_.data());
    mark(Section::kCoordination);
    for (int i = begin; i < end; ++i) {
      const int lane = i - begin;
      State& s = humans_[i];
      if (s.body.diverged()) continue;
      follow_network(i, lane, muscle, k == s.sampled_substep, views, t);
      // Until the network is asked again a human goes on alone: its simulation stays in the caches.
      for (int held = k; held < next && !s.body.diverged(); ++held) advance(i, held, views, t);
      if (next < control.substeps) ask_network(i, lane, muscle);
    }
  }
}

void Shard::follow_network(int human, int lane, const Mlp& muscle, bool sampled, const RolloutViews& views,
                           std::size_t t) {
  State& s = humans_[human];
  const float* answer = output_.data() + static_cast<std::size_t>(lane) * muscle.output_stride();
  read_network_output(world_.human, answer, s.mirrored, s.activation);
  s.body.apply_activations(s.activation, world_.control.activation_dynamics);
  if (sampled) {
    torque_residual(world_.human, moments_[lane], wanted_[lane], s.activation, residual_[lane]);
    record_residual(human, lane, views);
    record_sample(human, lane, views, t);
  }
  mark(Section::kCoordination);
}

void Shard::record_residual(int human, int slot, const RolloutViews& views) {
  if (!views.residual_sums) return;
  auto sums = views.residual_sums.row(first_ + human);
  for (std::size_t c = 0; c < wanted_[slot].size(); ++c) {
    sums[0] += residual_[slot][c] * residual_[slot][c];
    sums[1] += wanted_[slot][c] * wanted_[slot][c];
  }
  sums[2] += optimal_residual(human, slot);
}

// What static optimization leaves of a sample: beside the network's residual, the share that no activation can meet.
double Shard::optimal_residual(int human, int slot) {
  constexpr int kSweeps = 30;
  auto& left = residual_[slot];
  if (world_.control.method == Method::kNetwork) {
    trial_ = humans_[human].activation;
    static_optimization(world_.human, moments_[slot], wanted_[slot], world_.control.regularization, kSweeps, trial_, left,
                        step_);
  }
  double sum = 0;
  for (double r : left) sum += r * r;
  return sum;
}

void Shard::record_sample(int human, int slot, const RolloutViews& views, std::size_t t) {
  if (!views.moments) return;
  const State& s = humans_[human];
  const std::size_t n = first_ + human;
  const Human& h = world_.human;
  // The network learns from what it acts on: the mirrored body, where the policy sees that one.
  for (std::size_t i = 0; i < moments_[slot].size(); ++i) {
    views.moments.at(t, n)[i] = static_cast<float>(mirrored_moment(h, moments_[slot], i, s.mirrored));
  }
  for (std::size_t c = 0; c < s.torque.size(); ++c) {
    views.desired.at(t, n)[c] = static_cast<float>(mirrored_torque(h, s.torque, c, s.mirrored));
    views.passive.at(t, n)[c] = static_cast<float>(mirrored_torque(h, passive_[slot], c, s.mirrored));
  }
}

template <class AnyState, class Visit>
void Shard::visit_state(AnyState& s, Visit&& visit) {
  visit(s.episode);
  visit(s.step);
  for (auto* number : {&s.start_time, &s.path, &s.total, &s.effort, &s.metabolic}) visit(*number);
  for (auto& number : s.head_velocity) visit(number);
  visit(s.kinematics.heading_cos);
  visit(s.kinematics.heading_sin);
  for (auto& number : s.activation) visit(number);
}

int Shard::state_size() const {
  const State& s = humans_.front();
  int size = s.body.state_size();
  visit_state(s, [&](const auto&) { ++size; });
  return size;
}

void Shard::save(int human, double* state) const {
  const State& s = humans_[human];
  s.body.save(state);
  state += s.body.state_size();
  visit_state(s, [&](const auto& number) { *state++ = static_cast<double>(number); });
}

void Shard::restore(int human, const double* state) {
  State& s = humans_[human];
  s.body.restore(state);
  state += s.body.state_size();
  visit_state(s, [&](auto& number) { number = static_cast<std::remove_reference_t<decltype(number)>>(*state++); });
  s.mirrored = mirrored_at(s);
  measure(s.body, s.kinematics);
  s.last_place = {s.kinematics.root[0], s.kinematics.root[1]};
}

}  // namespace soleus
