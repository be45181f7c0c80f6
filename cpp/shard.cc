#include "shard.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <type_traits>

namespace soleus {

Shard::Shard(const World& world, int first, int count) : world_(world), first_(first) {
  const HumanModel& h = world.model;
  humans_.reserve(count);
  for (int i = 0; i < count; ++i) {
    Episode& s = humans_.emplace_back(h);
    s.target.resize(h.num_coordinates());
    s.torque.resize(h.num_actuated());
    s.activation.resize(h.num_muscles());
  }
  if (world.motion) reference_ = world.motion->make_frame();
  pose_error_.resize(h.num_coordinates());
  noise_.resize(h.mujoco()->nv);
  const int lanes = std::min(count, Mlp::kTile);
  step_.resize(h.num_muscles());
  trial_.resize(h.num_muscles());
  moments_.assign(lanes, std::vector<double>(h.num_crossings()));
  for (auto* buffer : {&passive_, &wanted_, &residual_}) buffer->assign(lanes, std::vector<double>(h.num_actuated()));
}

void Shard::reserve(const Policy* policy, const Mlp* muscle) {
  std::size_t input = 0, output = 0, scratch = 0;
  for (const Mlp* network : {policy ? &policy->network : nullptr, muscle}) {
    if (!network) continue;
    input = std::max(input, static_cast<std::size_t>(network->input_stride()) * Mlp::kTile);
    output = std::max(output, static_cast<std::size_t>(network->output_stride()) * Mlp::kTile);
    scratch = std::max(scratch, network->scratch_size());
  }
  if (input_.size() < input) input_.assign(input, 0.0f);
  if (output_.size() < output) output_.assign(output, 0.0f);
  if (scratch_.size() < scratch) scratch_.assign(scratch, 0.0f);
}

void Shard::mark(Section section) {
  if (!profiling_) return;
  const auto now = std::chrono::steady_clock::now();
  times_[static_cast<std::size_t>(section)] += std::chrono::duration<double>(now - last_).count();
  last_ = now;
}

RandomKey Shard::key(int human) const {
  return {world_.seed, static_cast<std::uint32_t>(world_.first + first_ + human), humans_[human].episode};
}

double Shard::time(const Episode& s) const { return s.start_time + s.step * world_.control_dt(); }

bool Shard::mirrored_at(const Episode& s) const {
  return world_.control.mirror && world_.motion && world_.motion->phase(time(s)) >= 0.5;
}

void Shard::reset(MatrixView<float> observations) {
  for (int i = 0; i < count(); ++i) {
    humans_[i].episode = 0;
    begin_episode(i);
    world_.task.observe(scene(humans_[i]), observations.row(first_ + i).data());
  }
}

void Shard::begin_episode(int human) {
  Episode& s = humans_[human];
  const HumanModel& h = world_.model;
  Draw draw(key(human), Stream::kReset, 0);
  s.step = 0;
  s.total = s.effort = s.metabolic = s.path = 0;
  s.start_time = 0;
  s.state_qpos = h.qpos_rest;
  std::fill(s.state_qvel.begin(), s.state_qvel.end(), 0.0);
  if (!h.qvel_rest.empty()) s.state_qvel = h.qvel_rest;
  const double u = draw.uniform();
  if (world_.motion) s.start_time = u * world_.motion->duration();
  if (world_.motion && world_.task.start_on_reference()) {
    world_.motion->sample(s.start_time, reference_);
    s.state_qpos = reference_.qpos;
    s.state_qvel = reference_.qvel;
  }
  const double noise = world_.task.data().initial_noise;
  for (int c : h.actuated) {
    float pair[2];
    draw.normals(pair);
    noise_[h.coordinate_dof[c]] = noise * pair[0];
    s.state_qvel[h.coordinate_dof[c]] += 10 * noise * pair[1];
  }
  mj_integratePos(h.mujoco(), s.state_qpos.data(), noise_.data(), 1.0);
  s.human.reset(s.state_qpos, s.state_qvel);
  std::fill(s.activation.begin(), s.activation.end(), 0.0);
  if (world_.control.mode == Control::kMuscle) start_activations(s);
  measure(s.human, s.kinematics);
  s.head_velocity = s.kinematics.head_velocity;
  s.last_place = {s.kinematics.root[0], s.kinematics.root[1]};
  s.mirrored = mirrored_at(s);
}

void Shard::start_activations(Episode& s) {
  // A human who appears in mid-stride already holds the muscles that the stride asks for.
  constexpr int kColdSweeps = 50;
  pose_target(s, nullptr);
  s.human.stable_pd(s.target, s.torque);
  muscle_target(s, 0);
  static_optimization(world_.model, moments_[0], wanted_[0], world_.control.regularization, kColdSweeps, s.activation,
                      residual_[0], step_);
  s.human.apply_activations(s.activation, false);
}

Scene Shard::scene(Episode& s) {
  const Motion* motion = world_.motion;
  if (motion) {
    motion->sample(time(s), reference_);
    world_.model.difference(s.human.data()->qpos, reference_.qpos.data(), pose_error_.data());
  }
  return {s.human,
          s.kinematics,
          motion ? &reference_ : nullptr,
          pose_error_,
          motion ? motion->phase(time(s)) : 0.0,
          s.mirrored,
          world_.control_dt(),
          s.head_velocity,
          motion ? motion->lap_turn(time(s)) : 0.0};
}

void Shard::step(const RolloutViews& views, std::size_t t, const Policy* policy, const Mlp* muscle) {
  if (profiling_) last_ = std::chrono::steady_clock::now();
  if (policy) act(*policy, views, t);
  substeps(views, t, muscle);
  for (int i = 0; i < count(); ++i) finish(i, views, t);
  mark(Section::kTerms);
}

void Shard::substeps(const RolloutViews& views, std::size_t t, const Mlp* muscle) {
  for (int i = 0; i < count(); ++i) prepare(i, views, t);
  mark(Section::kPolicy);
  const int last = world_.control.substeps;
  if (world_.control.mode == Control::kMuscle && world_.control.method == Method::kNetwork) {
    for (int tile = 0; tile < count(); tile += Mlp::kTile) {
      substep_tile(tile, std::min(count(), tile + Mlp::kTile), *muscle, views, t);
    }
  } else {
    for (int i = 0; i < count(); ++i) {
      for (int k = 0; k < last; ++k) substep(i, k, views, t);
    }
  }
}

void Shard::act(const Policy& policy, const RolloutViews& views, std::size_t t) {
  const int outputs = policy.network.outputs();
  const double half_log_two_pi = 0.5 * std::log(2 * std::numbers::pi);
  for (int tile = 0; tile < count(); tile += Mlp::kTile) {
    const int lanes = std::min(count() - tile, Mlp::kTile);
    for (int lane = 0; lane < lanes; ++lane) {
      const float* seen = views.observations.at(t, first_ + tile + lane);
      float* row = input_.data() + static_cast<std::size_t>(lane) * policy.network.input_stride();
      policy.normalize(seen, row);
    }
    policy.network.forward(input_.data(), output_.data(), scratch_.data());
    for (int lane = 0; lane < lanes; ++lane) {
      const int i = tile + lane;
      const float* mean = output_.data() + static_cast<std::size_t>(lane) * policy.network.output_stride();
      float* action = views.actions.at(t, first_ + i);
      if (policy.deterministic) {
        for (int a = 0; a < outputs; ++a) action[a] = mean[a];
        continue;
      }
      Draw(key(i), Stream::kAction, humans_[i].step).normals({action, static_cast<std::size_t>(outputs)});
      double log_prob = 0;
      for (int a = 0; a < outputs; ++a) {
        const float z = action[a];
        log_prob -= 0.5 * z * z + policy.log_std[a] + half_log_two_pi;
        action[a] = mean[a] + std::exp(policy.log_std[a]) * z;
      }
      if (views.log_probs) views.log_probs.row(t)[first_ + i] = static_cast<float>(log_prob);
    }
  }
}

void Shard::finish(int human, const RolloutViews& views, std::size_t t) {
  Episode& s = humans_[human];
  const std::size_t n = first_ + human;
  ++s.step;
  bool diverged = s.human.diverged();
  double reward = 0;
  bool terminated = true;
  bool truncated = false;
  float* next = views.observations.at(t + 1, n);
  if (!diverged) {
    measure(s.human, s.kinematics);
    s.mirrored = mirrored_at(s);
    const Scene here = scene(s);
    world_.task.observe(here, next);
    diverged = !std::all_of(next, next + views.observations.cols, [](float x) { return std::isfinite(x); });
    if (!diverged) {
      reward = world_.task.reward(here, views.term_sums.row(n).data());
      diverged = !std::isfinite(reward);
    }
    if (diverged) {
      reward = 0;
    } else {
      terminated = world_.task.terminated(here);
      s.head_velocity = s.kinematics.head_velocity;
      add_path(s);
      add_effort(s);
    }
  }
  s.total += reward;
  if (!terminated) truncated = s.step >= world_.episode_steps();
  views.rewards.row(t)[n] = static_cast<float>(reward);
  views.terminated.row(t)[n] = terminated;
  views.truncated.row(t)[n] = truncated;
  if (views.diverged) views.diverged.row(t)[n] = diverged;
  if (!terminated && !truncated) return;
  const float* last = diverged ? views.observations.at(t, n) : next;
  if (views.final_observations) std::copy_n(last, views.observations.cols, views.final_observations.at(t, n));
  if (views.episodes) summarize(s, views.episodes.at(t, n));
  ++s.episode;
  begin_episode(human);
  world_.task.observe(scene(s), next);
}

void Shard::add_effort(Episode& s) {
  const int muscles = world_.model.num_muscles();
  if (muscles == 0 || world_.control.mode == Control::kTorque) return;
  double sum = 0;
  for (int m = 0; m < muscles; ++m) sum += s.human.activation(m) * s.human.activation(m);
  s.effort += sum / muscles;
  s.metabolic += s.human.metabolic_power();
}

void Shard::add_path(Episode& s) {
  const auto& root = s.kinematics.root;
  s.path += std::hypot(root[0] - s.last_place[0], root[1] - s.last_place[1]);
  s.last_place = {root[0], root[1]};
}

void Shard::summarize(const Episode& s, float* out) const {
  out[kReturn] = static_cast<float>(s.total);
  out[kLength] = static_cast<float>(s.step * world_.control_dt());
  out[kDistance] = static_cast<float>(s.path);
  out[kEffort] = static_cast<float>(s.effort / s.step);
  out[kMetabolic] = static_cast<float>(s.metabolic / s.step / world_.model.mass());
}

// The substeps: torque, coordination, physics.

void Shard::pose_target(Episode& s, const float* action) {
  const HumanModel& h = world_.model;
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
      if (h.coordinate_actuated()[c] < 0) s.target[c] = s.human.positions()[c];
    }
  }
  for (int k = 0; action && k < h.num_actuated(); ++k) {
    const int source = s.mirrored ? h.mirror_actuated()[k] : k;
    const double sign = s.mirrored ? h.mirror_actuated_sign()[k] : 1.0;
    s.target[h.actuated[k]] += world_.control.action_scale * sign * std::clamp(action[source], -1.0f, 1.0f);
  }
}

void Shard::prepare(int human, const RolloutViews& views, std::size_t t) {
  Episode& s = humans_[human];
  // Rows that are not reached, since the human diverges before, are those of no state.
  for (int k = 0; views.trace && k < world_.control.substeps; ++k) {
    std::fill_n(views.trace.at(t * world_.control.substeps + k, first_ + human), views.trace.cols,
                std::numeric_limits<double>::quiet_NaN());
  }
  const float* action = views.actions.at(t, first_ + human);
  const double u = Draw(key(human), Stream::kSubstep, s.step).uniform();
  const int interval = world_.control.interval;
  s.sampled_substep = interval * static_cast<int>(u * ((world_.control.substeps + interval - 1) / interval));
  s.human.apply_motors(action + world_.muscle_actions(), s.mirrored);
  if (world_.control.mode != Control::kExcitation) {
    pose_target(s, action);
    return;
  }
  for (std::size_t m = 0; m < s.activation.size(); ++m) {
    const int source = s.mirrored ? world_.model.mirror_muscle[m] : static_cast<int>(m);
    s.activation[m] = 0.5 * (std::clamp(action[source], -1.0f, 1.0f) + 1.0);
  }
  s.human.apply_excitations(s.activation);
}

void Shard::muscle_target(Episode& s, int slot) {
  s.human.muscle_torques(moments_[slot], passive_[slot]);
  for (std::size_t c = 0; c < s.torque.size(); ++c) wanted_[slot][c] = s.torque[c] - passive_[slot][c];
}

void Shard::substep(int human, int k, const RolloutViews& views, std::size_t t) {
  Episode& s = humans_[human];
  if (s.human.diverged()) return;
  const ControlData& control = world_.control;
  const bool coordinated = control.mode == Control::kMuscle && k % control.interval == 0;
  if (control.mode == Control::kTorque || coordinated) {
    s.human.stable_pd(s.target, s.torque);
    mark(Section::kTorque);
  }
  if (control.mode == Control::kTorque) s.human.apply_torque(s.torque);
  if (coordinated) {
    muscle_target(s, 0);
    mark(Section::kMuscles);
    static_optimization(world_.model, moments_[0], wanted_[0], control.regularization, control.sweeps, s.activation,
                        residual_[0], step_);
    s.human.apply_activations(s.activation, control.activation_dynamics);
    if (k == s.sampled_substep) {
      record_residual(human, 0, views);
      record_sample(human, 0, views, t);
    }
    mark(Section::kCoordination);
  }
  advance(human, k, views, t);
}

void Shard::advance(int human, int k, const RolloutViews& views, std::size_t t) {
  Episode& s = humans_[human];
  if (world_.control.mode != Control::kTorque) {
    s.human.pull_muscles();
    mark(Section::kMuscles);
  }
  s.human.advance(k + 1 == world_.control.substeps);
  mark(Section::kPhysics);
  if (views.trace && !s.human.diverged()) s.human.write_trace(views.trace.at(t * world_.control.substeps + k, first_ + human));
}

void Shard::ask_network(int human, int lane, const Mlp& muscle) {
  Episode& s = humans_[human];
  if (s.human.diverged()) return;
  s.human.stable_pd(s.target, s.torque);
  mark(Section::kTorque);
  muscle_target(s, lane);
  mark(Section::kMuscles);
  write_network_input(world_.model, moments_[lane], wanted_[lane], s.mirrored,
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
      Episode& s = humans_[i];
      if (s.human.diverged()) continue;
      follow_network(i, lane, muscle, k == s.sampled_substep, views, t);
      // Until the network is asked again a human goes on alone: its simulation stays in the caches.
      for (int held = k; held < next && !s.human.diverged(); ++held) advance(i, held, views, t);
      if (next < control.substeps) ask_network(i, lane, muscle);
    }
  }
}

void Shard::follow_network(int human, int lane, const Mlp& muscle, bool sampled, const RolloutViews& views,
                           std::size_t t) {
  Episode& s = humans_[human];
  const float* answer = output_.data() + static_cast<std::size_t>(lane) * muscle.output_stride();
  read_network_output(world_.model, answer, s.mirrored, s.activation);
  s.human.apply_activations(s.activation, world_.control.activation_dynamics);
  if (sampled) {
    torque_residual(world_.model, moments_[lane], wanted_[lane], s.activation, residual_[lane]);
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
    static_optimization(world_.model, moments_[slot], wanted_[slot], world_.control.regularization, kSweeps, trial_, left,
                        step_);
  }
  double sum = 0;
  for (double r : left) sum += r * r;
  return sum;
}

void Shard::record_sample(int human, int slot, const RolloutViews& views, std::size_t t) {
  if (!views.moments) return;
  const Episode& s = humans_[human];
  const std::size_t n = first_ + human;
  const HumanModel& h = world_.model;
  // The network learns from what it acts on: the mirrored body, where the policy sees that one.
  for (std::size_t i = 0; i < moments_[slot].size(); ++i) {
    views.moments.at(t, n)[i] = static_cast<float>(mirrored_moment(h, moments_[slot], i, s.mirrored));
  }
  for (std::size_t c = 0; c < s.torque.size(); ++c) {
    views.desired.at(t, n)[c] = static_cast<float>(mirrored_torque(h, s.torque, c, s.mirrored));
    views.passive.at(t, n)[c] = static_cast<float>(mirrored_torque(h, passive_[slot], c, s.mirrored));
  }
}

template <class AnyEpisode, class Visit>
void Shard::visit_state(AnyEpisode& s, Visit&& visit) {
  visit(s.episode);
  visit(s.step);
  for (auto* number : {&s.start_time, &s.path, &s.total, &s.effort, &s.metabolic}) visit(*number);
  for (auto& number : s.head_velocity) visit(number);
  visit(s.kinematics.heading_cos);
  visit(s.kinematics.heading_sin);
  for (auto& number : s.activation) visit(number);
}

int Shard::state_size() const {
  const Episode& s = humans_.front();
  int size = s.human.state_size();
  visit_state(s, [&](const auto&) { ++size; });
  return size;
}

void Shard::save(int human, double* state) const {
  const Episode& s = humans_[human];
  s.human.save(state);
  state += s.human.state_size();
  visit_state(s, [&](const auto& number) { *state++ = static_cast<double>(number); });
}

void Shard::restore(int human, const double* state) {
  Episode& s = humans_[human];
  s.human.restore(state);
  state += s.human.state_size();
  visit_state(s, [&](auto& number) { number = static_cast<std::remove_reference_t<decltype(number)>>(*state++); });
  s.mirrored = mirrored_at(s);
  measure(s.human, s.kinematics);
  s.last_place = {s.kinematics.root[0], s.kinematics.root[1]};
}

}  // namespace soleus
