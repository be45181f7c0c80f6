#include "shard.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace soleus {

Shard::Shard(const World& world, int first, int count) : world_(world), first_(first) {
  const Human& h = world.human;
  humans_.reserve(count);
  for (int i = 0; i < count; ++i) {
    State& s = humans_.emplace_back(h);
    s.target.resize(h.num_coordinates());
    s.torque.resize(h.num_actuated());
    s.activation.resize(h.num_muscles());
  }
  if (world.motion) reference_ = world.motion->make_frame();
  pose_error_.resize(h.num_coordinates());
  noise_.resize(h.model()->nv);
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

double Shard::time(const State& s) const { return s.start_time + s.step * world_.control_dt(); }

bool Shard::mirrored_at(const State& s) const {
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
  State& s = humans_[human];
  const Human& h = world_.human;
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
  mj_integratePos(h.model(), s.state_qpos.data(), noise_.data(), 1.0);
  s.body.reset(s.state_qpos, s.state_qvel);
  std::fill(s.activation.begin(), s.activation.end(), 0.0);
  if (world_.control.mode == Control::kMuscle) start_activations(s);
  measure(s.body, s.kinematics);
  s.head_velocity = s.kinematics.head_velocity;
  s.last_place = {s.kinematics.root[0], s.kinematics.root[1]};
  s.mirrored = mirrored_at(s);
}

void Shard::start_activations(State& s) {
  // A human who appears in mid-stride already holds the muscles that the stride asks for.
  constexpr int kColdSweeps = 50;
  pose_target(s, nullptr);
  s.body.stable_pd(s.target, s.torque);
  muscle_target(s, 0);
  static_optimization(world_.human, moments_[0], wanted_[0], world_.control.regularization, kColdSweeps, s.activation,
                      residual_[0], step_);
  s.body.apply_activations(s.activation, false);
}

Scene Shard::scene(State& s) {
  const Motion* motion = world_.motion;
  if (motion) {
    motion->sample(time(s), reference_);
    world_.human.difference(s.body.data()->qpos, reference_.qpos.data(), pose_error_.data());
  }
  return {s.body,
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
  const int inputs = policy.network.inputs();
  const int outputs = policy.network.outputs();
  const double half_log_two_pi = 0.5 * std::log(2 * std::numbers::pi);
  for (int tile = 0; tile < count(); tile += Mlp::kTile) {
    const int lanes = std::min(count() - tile, Mlp::kTile);
    for (int lane = 0; lane < lanes; ++lane) {
      const float* seen = views.observations.at(t, first_ + tile + lane);
      float* row = input_.data() + static_cast<std::size_t>(lane) * policy.network.input_stride();
      for (int d = 0; d < inputs; ++d) {
        const float value = (seen[d] - policy.mean[d]) * policy.inverse_std[d];
        row[d] = std::clamp(value, -kObservationClip, kObservationClip);
      }
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
  State& s = humans_[human];
  const std::size_t n = first_ + human;
  ++s.step;
  bool diverged = s.body.diverged();
  double reward = 0;
  bool terminated = true;
  bool truncated = false;
  float* next = views.observations.at(t + 1, n);
  if (!diverged) {
    measure(s.body, s.kinematics);
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

void Shard::add_effort(State& s) {
  const int muscles = world_.human.num_muscles();
  if (muscles == 0 || world_.control.mode == Control::kTorque) return;
  double sum = 0;
  for (int m = 0; m < muscles; ++m) sum += s.body.activation(m) * s.body.activation(m);
  s.effort += sum / muscles;
  s.metabolic += s.body.metabolic_power();
}

void Shard::add_path(State& s) {
  const auto& root = s.kinematics.root;
  s.path += std::hypot(root[0] - s.last_place[0], root[1] - s.last_place[1]);
  s.last_place = {root[0], root[1]};
}

void Shard::summarize(const State& s, float* out) const {
  out[kReturn] = static_cast<float>(s.total);
  out[kLength] = static_cast<float>(s.step * world_.control_dt());
  out[kDistance] = static_cast<float>(s.path);
  out[kEffort] = static_cast<float>(s.effort / s.step);
  out[kMetabolic] = static_cast<float>(s.metabolic / s.step / world_.human.mass());
}

}  // namespace soleus
