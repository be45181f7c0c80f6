#include "rollout/shard.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>
#include <type_traits>

#include "base/error.h"

namespace soleus {

namespace {

constexpr double kHeldRate = 0.2;  // at which what a human has held follows each episode
constexpr double kSlowest = 2.5;  // of the laps that conditions make of a motion's, those that are remembered whole

double longest_lap(const World& world) {
  double longest = 0;
  for (const Motion* motion : world.clips) longest = std::max(longest, motion->duration());
  return world.conditions.change_gait() ? kSlowest * longest : longest;
}

// Lets the whole body move along x [m/s].
void add_speed(const HumanModel& human, double speed, std::span<double> qvel) {
  const mjModel* m = human.mujoco();
  const int first = m->body_jntadr[human.root_body];
  for (int j = first; j < first + m->body_jntnum[human.root_body]; ++j) {
    if (m->jnt_type[j] == mjJNT_FREE) qvel[m->jnt_dofadr[j]] += speed;
    if (m->jnt_type[j] == mjJNT_SLIDE) qvel[m->jnt_dofadr[j]] += speed * m->jnt_axis[3 * j];
  }
}

Aim aim_of(const ConditionData& conditions, std::span<const double> values) {
  Aim aim;
  for (int i = 0; i < conditions.count(); ++i) {
    if (conditions.all[i].effect == Effect::kSpeed) aim.speed = values[i];
    if (conditions.all[i].effect == Effect::kHeading) aim.heading = values[i];
  }
  return aim;
}

}  // namespace

Shard::Shard(const World& world, int first, int count) : world_(world), first_(first), humans_(count) {
  const HumanModel& h = world.model;
  commands_.assign(count, Command(h));
  for (Command& command : commands_) command.assistance.actions.resize(world.control.exoskeleton.actions());
  people_.resize(count);
  const ConditionData& conditions = world.conditions;
  Models models;
  for (int i = 0; i < count; ++i) {
    for (const Condition& one : conditions.all) people_[i].values.push_back(one.usual);
    if (conditions.change_bodies() || conditions.change_muscles()) people_[i].body = std::make_unique<VariedHuman>(h, conditions);
    models.push_back(&model_of(i));
  }
  if (conditions.change_gait() && !world.clips.empty()) varied_motion_.emplace(h, conditions);
  seen_conditions_.resize(conditions.observed());
  physics_ = make_physics(world, first, models, commands_, clock_, [this](int human) { sense(human); });
  if (!world.clips.empty()) reference_ = ahead_ = world.clips.front()->make_frame();
  pose_error_.resize(h.num_coordinates());
  difference_.resize(h.num_coordinates());
  ended_.reserve(count);
  for (Episode& s : humans_) s.memory = world.task.make_memory(longest_lap(world), world.control_dt());
  for (int i = 0; i < count; ++i) make_nerves(i);
  state_qvel_.resize(h.mujoco()->nv);
  noise_.resize(h.mujoco()->nv);
  lead_.assign(world.control.follow_velocity ? h.mujoco()->nv : 0, 0.0);
  lead_velocity_.resize(lead_.size());
  for (int k = 0; k < h.num_actuated() && world.control.follow_velocity; ++k) {
    if (h.kp[k] > 0) lead_[h.coordinate_dof[h.actuated[k]]] = h.kd[k] / h.kp[k];
  }
}

void Shard::reserve(const Policy* policy, const Mlp* muscle) {
  physics_->reserve(muscle);
  if (!policy) return;
  const Mlp& network = policy->network;
  input_.assign(static_cast<std::size_t>(network.input_stride()) * Mlp::kTile, 0.0f);
  output_.assign(static_cast<std::size_t>(network.output_stride()) * Mlp::kTile, 0.0f);
  scratch_.assign(network.scratch_size(), 0.0f);
}

const HumanModel& Shard::model_of(int human) const {
  const Person& person = people_[human];
  return person.body ? person.body->model() : world_.model_of(first_ + human);
}

const Motion* Shard::motion(const Episode& s) const {
  if (world_.clips.empty()) return nullptr;
  const Person& person = people_[&s - humans_.data()];
  return person.motion ? person.motion.get() : world_.clips[s.clip];
}

RandomKey Shard::key(int human) const {
  return {world_.seed, static_cast<std::uint32_t>(world_.first + first_ + human), humans_[human].episode};
}

double Shard::time(const Episode& s) const { return s.start_time + s.step * world_.control_dt() + s.drift; }

bool Shard::mirrored_at(const Episode& s) const {
  if (!world_.control.mirror) return false;
  if (const Motion* motion = this->motion(s)) return motion->phase(time(s)) >= 0.5;
  // Without a phase, the policy has the right foot ahead.
  const HumanView& human = physics_->human(static_cast<int>(&s - humans_.data()));
  const auto ahead = [&](int side) { return s.kinematics.to_heading(human.foot_place(side))[0]; };
  return ahead(1) > ahead(0);
}

bool Shard::is_over(const Episode& s) const {
  const Motion* motion = this->motion(s);
  return motion && motion->once() && time(s) >= motion->duration() - 0.5 * world_.control_dt();
}

std::uint32_t Shard::drawn_clip(int human) const {
  if (world_.clips.size() < 2) return 0;
  if (!world_.clip_of.empty()) return static_cast<std::uint32_t>(world_.clip_of[first_ + human]);
  const double u = Draw(key(human), Stream::kReset, 1).uniform();
  if (world_.clip_shares.empty()) return static_cast<std::uint32_t>(u * world_.clips.size());
  const auto& shares = world_.clip_shares;
  return static_cast<std::uint32_t>(std::upper_bound(shares.begin(), shares.end() - 1, u) - shares.begin());
}

void Shard::reset(MatrixView<float> observations) {
  ended_.resize(count());
  std::iota(ended_.begin(), ended_.end(), 0);
  for (Episode& s : humans_) {
    s.episode = 0;
    s.failed = false;
    s.held = 0;
  }
  begin_episodes(ended_);
  for (int i = 0; i < count(); ++i) {
    observe(i, scene(i), observations.row(first_ + i).data());
  }
}

void Shard::begin_episodes(std::span<const int> humans) {
  for (int human : humans) {
    humans_[human].step = 0;
    place(human);
  }
  physics_->settle(humans);
  for (int human : humans) pace_devices(human, time(humans_[human]));
  if (world_.control.mode == Control::kMuscle) {
    // Humans who appear in mid-stride already hold the muscles that the stride asks for.
    for (int human : humans) pose_target(human, nullptr);
    physics_->hold(humans);
  }
  for (int human : humans) {
    Episode& s = humans_[human];
    measure(physics_->human(human), s.kinematics);
    s.head_velocity = s.kinematics.head_velocity;
    s.last_place = {s.kinematics.root[0], s.kinematics.root[1]};
    commands_[human].mirrored = mirrored_at(s);
    s.memory.begin(scene(human));
    rest_nerves(human);
  }
}

// Draws who a human is in the episode that begins.
void Shard::draw_person(int human) {
  Person& person = people_[human];
  const ConditionData& conditions = world_.conditions;
  if (conditions.empty()) return;
  if (world_.asked.empty()) {
    // A number of its own, so that what is drawn does not depend on whether the last episode failed.
    const bool again = humans_[human].failed && Draw(key(human), Stream::kReset, 3).uniform() < conditions.repeat;
    if (!again) draw_conditions(conditions, Draw(key(human), Stream::kReset, 2), person.values);
  } else {
    std::copy_n(world_.asked.begin() + (first_ + human) * conditions.count(), conditions.count(), person.values.begin());
  }
  become(human);
}

// Gives a human the body and the motion that its conditions make.
void Shard::become(int human) {
  Person& person = people_[human];
  const std::uint32_t clip = humans_[human].clip;
  if (person.body && person.values != person.built) {
    person.body->vary(person.values);
    physics_->renumber(human);
    person.built = person.values;
  }
  double& share = commands_[human].assistance.share = 1;
  for (int i = 0; i < world_.conditions.count(); ++i) {
    if (world_.conditions.all[i].effect == Effect::kAssistance) share *= person.values[i];
  }
  if (!varied_motion_) return;
  const double height = person.body ? person.body->height() : 1.0;
  const Gait gait = gait_of(asked_of_gait(world_.conditions, person.values), world_.clips[clip]->speed(), height);
  varied_motion_->make(world_.strides[clip], model_of(human), height, gait, person.motion);
}

// Draws where an episode begins.
void Shard::place(int human) {
  Episode& s = humans_[human];
  s.clip = drawn_clip(human);
  draw_person(human);
  const HumanModel& h = model_of(human);
  Draw draw(key(human), Stream::kReset, 0);
  s.total = s.effort = s.metabolic = s.path = s.drift = 0;
  s.start_time = 0;
  s.push = first_push(world_.task.data().pushes, key(human));
  state_qpos_ = h.qpos_rest;
  std::fill(state_qvel_.begin(), state_qvel_.end(), 0.0);
  if (!h.qvel_rest.empty()) state_qvel_ = h.qvel_rest;
  const double u = draw.uniform();
  const Motion* motion = this->motion(s);
  // A clip that is played once begins where at least a control step of it is left.
  if (motion) s.start_time = u * (motion->duration() - (motion->once() ? world_.control_dt() : 0.0));
  if (motion && world_.task.start_on_reference()) {
    motion->sample(s.start_time, reference_);
    state_qpos_ = reference_.qpos;
    state_qvel_ = reference_.qvel;
  }
  const double noise = world_.task.data().initial_noise;
  for (int c : h.actuated) {
    float pair[2];
    draw.normals(pair);
    noise_[h.coordinate_dof[c]] = noise * pair[0];
    state_qvel_[h.coordinate_dof[c]] += 10 * noise * pair[1];
  }
  mj_integratePos(h.mujoco(), state_qpos_.data(), noise_.data(), 1.0);
  if (const auto [low, high] = world_.task.data().initial_speed; low != 0 || high != 0) {
    add_speed(h, low + draw.uniform() * (high - low), state_qvel_);
  }
  physics_->place(human, state_qpos_, state_qvel_);
  std::fill(commands_[human].activation.begin(), commands_[human].activation.end(), 0.0);
  std::fill(commands_[human].assistance.actions.begin(), commands_[human].assistance.actions.end(), 0.0);
}

Scene Shard::scene(int human, const Kinematics& now, double time) {
  const Episode& s = humans_[human];
  const HumanView& view = physics_->human(human);
  const Motion* motion = this->motion(s);
  if (motion) {
    motion->sample(time, reference_);
    world_.model.difference(view.qpos().data(), reference_.qpos.data(), pose_error_.data());
  }
  std::size_t seen = 0;
  for (int i = 0; i < world_.conditions.count(); ++i) {
    const Condition& one = world_.conditions.all[i];
    if (!one.observed) continue;
    const double middle = 0.5 * (one.low + one.high), half = 0.5 * (one.high - one.low);
    const bool mirrored = commands_[human].mirrored;
    const double own = people_[human].values[mirrored ? one.mirror : i];
    const double value = mirrored && one.effect == Effect::kHeading ? -own : own;
    seen_conditions_[seen++] = half > 0 ? (value - middle) / half : 0.0;
  }
  return {view,
          now,
          motion ? &reference_ : nullptr,
          pose_error_,
          motion ? motion->phase(time) : 0.0,
          commands_[human].mirrored,
          world_.control_dt(),
          s.head_velocity,
          motion ? motion->lap_turn(time) : 0.0,
          motion,
          time,
          &ahead_,
          difference_,
          &s.memory,
          seen_conditions_,
          aim_of(world_.conditions, people_[human].values)};
}

void Shard::step(const RolloutViews& views, std::size_t t, const Policy* policy, const Mlp* muscle) {
  advance(views, t, policy, muscle);
  conclude(views, t);
}

void Shard::advance(const RolloutViews& views, std::size_t t, const Policy* policy, const Mlp* muscle) {
  clock_.start();
  if (policy) act(*policy, views, t);
  substeps(views, t, muscle);
  for (int i = 0; i < count(); ++i) judge(i, views, t);
  clock_.mark(Section::kTerms);
}

void Shard::conclude(const RolloutViews& views, std::size_t t) {
  clock_.start();
  ended_.clear();
  for (int i = 0; i < count(); ++i) finish(i, views, t);
  begin_episodes(ended_);
  for (int human : ended_) observe(human, scene(human), views.observations.at(t + 1, first_ + human));
  clock_.mark(Section::kTerms);
}

void Shard::substeps(const RolloutViews& views, std::size_t t, const Mlp* muscle) {
  for (int i = 0; i < count(); ++i) prepare(i, views, t);
  physics_->run(views, t, muscle);
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

void Shard::judge(int human, const RolloutViews& views, std::size_t t) {
  Episode& s = humans_[human];
  const std::size_t n = first_ + human;
  ++s.step;
  bool diverged = physics_->diverged(human);
  double reward = 0;
  bool terminated = true;
  float* next = views.observations.at(t + 1, n);
  if (!diverged) {
    measure(physics_->human(human), s.kinematics);
    commands_[human].mirrored = mirrored_at(s);
    const Scene here = scene(human);
    s.memory.advance(here);
    if (world_.sensed_substep() < 0) keep_sight(human, here);
    observe(human, here, next);
    diverged = !std::all_of(next, next + world_.task.observation_size(), [](float x) { return std::isfinite(x); });
    if (!diverged) {
      const double costs = world_.training && world_.task.data().costs_held ? s.held : 1.0;
      reward = world_.task.reward(here, costs, views.term_sums.row(n).data());
      diverged = !std::isfinite(reward);
    }
    if (diverged) {
      reward = 0;
    } else {
      terminated = world_.task.terminated(here);
      s.head_velocity = s.kinematics.head_velocity;
      add_path(s);
      add_effort(human);
    }
  }
  s.diverged = diverged;
  views.rewards.row(t)[n] = static_cast<float>(reward);
  views.terminated.row(t)[n] = terminated;
  if (views.diverged) views.diverged.row(t)[n] = diverged;
}

void Shard::finish(int human, const RolloutViews& views, std::size_t t) {
  Episode& s = humans_[human];
  const std::size_t n = first_ + human;
  const bool terminated = views.terminated.row(t)[n] != 0;
  const bool truncated = !terminated && (s.step >= world_.episode_steps() || is_over(s));
  s.total += views.rewards.row(t)[n];
  views.truncated.row(t)[n] = truncated;
  if (!terminated && !truncated) return;
  const float* last = s.diverged ? views.observations.at(t, n) : views.observations.at(t + 1, n);
  if (views.final_observations) std::copy_n(last, views.observations.cols, views.final_observations.at(t, n));
  if (views.episodes) summarize(s, physics_->human(human).model().mass(), views.episodes.at(t, n));
  ++s.episode;
  s.failed = terminated;
  s.held += kHeldRate * (static_cast<double>(s.step) / world_.episode_steps() - s.held);
  ended_.push_back(human);
}

void Shard::look(int human, Sight sight, std::span<double> out) const {
  const Episode& s = humans_[human];
  const Motion* motion = this->motion(s);
  if (sight == Sight::kTime) {
    out[0] = s.step * world_.control_dt();
  } else if (sight == Sight::kPhase) {
    out[0] = motion ? motion->phase(time(s)) : 0.0;
  } else if (sight == Sight::kPush) {
    std::copy(s.push.force.begin(), s.push.force.end(), out.begin());
  } else if (sight == Sight::kReference) {
    require(motion != nullptr, "expected a motion, got none");
    ReferenceFrame frame = motion->make_frame();
    motion->sample(time(s), frame);
    std::copy(frame.qpos.begin(), frame.qpos.end(), out.begin());
  } else {
    write_sight(sight, physics_->human(human), s.kinematics, out);
  }
}

void Shard::add_effort(int human) {
  const int muscles = world_.model.num_muscles();
  if (muscles == 0 || world_.control.mode == Control::kTorque) return;
  const HumanView& view = physics_->human(human);
  double sum = 0;
  for (int m = 0; m < muscles; ++m) sum += view.activation(m) * view.activation(m);
  humans_[human].effort += sum / muscles;
  humans_[human].metabolic += view.metabolic_power();
}

void Shard::add_path(Episode& s) {
  const auto& root = s.kinematics.root;
  s.path += std::hypot(root[0] - s.last_place[0], root[1] - s.last_place[1]);
  s.last_place = {root[0], root[1]};
}

void Shard::summarize(const Episode& s, double mass, float* out) const {
  out[kReturn] = static_cast<float>(s.total);
  out[kLength] = static_cast<float>(s.step * world_.control_dt());
  out[kDistance] = static_cast<float>(s.path);
  out[kEffort] = static_cast<float>(s.effort / s.step);
  out[kMetabolic] = static_cast<float>(s.metabolic / s.step / mass);
  out[kClip] = static_cast<float>(s.clip);
}

template <class AnyEpisode, class AnyCommand, class AnyPerson, class Visit>
void Shard::visit_state(const World& world, AnyEpisode& s, AnyCommand& command, AnyPerson& person, Visit&& visit) {
  visit(s.episode);
  visit(s.step);
  for (auto* number : {&s.start_time, &s.path, &s.total, &s.effort, &s.metabolic}) visit(*number);
  for (auto& number : s.head_velocity) visit(number);
  visit(s.kinematics.heading_cos);
  visit(s.kinematics.heading_sin);
  visit(s.drift);
  Memory::visit_state(s.memory, visit);
  visit(s.clip);
  for (auto& number : command.activation) visit(number);
  for (auto& number : person.values) visit(number);
  if (!world.task.data().pushes.empty()) PushState::visit_state(s.push, visit);
  History<float>::visit_state(s.seen, visit);
  History<double>::visit_state(s.asked, visit);
  for (auto& number : s.deviation) visit(number);
  if (world.task.data().costs_held) visit(s.held);
}

int Shard::state_size() const {
  int size = physics_->state_size();
  visit_state(world_, humans_.front(), commands_.front(), people_.front(), [&](const auto&) { ++size; });
  return size;
}

void Shard::save(int human, double* state) const {
  physics_->save(human, state);
  state += physics_->state_size();
  visit_state(world_, humans_[human], commands_[human], people_[human],
              [&](const auto& number) { *state++ = static_cast<double>(number); });
}

void Shard::restore(int human, const double* state) {
  Episode& s = humans_[human];
  const double* of_physics = state;
  state += physics_->state_size();
  visit_state(world_, s, commands_[human], people_[human], [&](auto& number) {
    number = static_cast<std::remove_reference_t<decltype(number)>>(*state++);
  });
  require(s.clip < std::max<std::size_t>(world_.clips.size(), 1),
          "expected a state that follows one of " + std::to_string(world_.clips.size()) + " clips, got clip " +
              std::to_string(s.clip));
  become(human);
  physics_->restore(human, of_physics);
  commands_[human].mirrored = mirrored_at(s);
  measure(physics_->human(human), s.kinematics);
  s.last_place = {s.kinematics.root[0], s.kinematics.root[1]};
}

}  // namespace soleus
