#include "rollout/rollout.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>

#include "base/error.h"
#include "control/coordination.h"
#include "model/variants.h"
#include "rollout/start.h"

namespace soleus {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::vector<const Motion*> pointers(const std::vector<std::unique_ptr<Motion>>& clips) {
  std::vector<const Motion*> result;
  for (const auto& clip : clips) result.push_back(clip.get());
  return result;
}

}  // namespace

Rollout::Rollout(std::unique_ptr<HumanModel> model, std::vector<std::unique_ptr<Motion>> clips, TaskData task,
                 ControlData control, const RolloutData& data, VariantData variants, ConditionedData conditions)
    : data_(data), model_(std::move(model)),
      lanes_(control.engine == Engine::kLanes ? std::make_unique<LaneModel>(*model_, control.mode != Control::kTorque) : nullptr),
      clips_(std::move(clips)), task_(*model_, std::move(task), !clips_.empty(), conditions.conditions.observed()),
      world_{*model_, lanes_.get(), pointers(clips_), task_, control, data.seed, data.first,
             effort_weights(*model_, control.regularization, control.effort_by_volume)},
      pool_(data.threads, data.cpus) {
  require(data.humans > 0, "expected at least one human, got " + std::to_string(data.humans));
  require(data.first >= 0, "expected the first human to be 0 or later, got " + std::to_string(data.first));
  require(data.threads > 0, "expected at least one thread, got " + std::to_string(data.threads));
  require(control.substeps > 0, "expected at least one substep, got " + std::to_string(control.substeps));
  require(control.interval > 0, "expected at least one substep a coordination, got " + std::to_string(control.interval));
  require(control.mode != Control::kMuscle || model_->num_muscles() > 0,
          "expected a model with muscles for muscle control, got none");
  require(world_.action_size() > 0, "expected joints, muscles or motors to act on, got none");
  require(!control.mirror || model_->mirror_crossing().size() == model_->crossing.size(),
          "expected muscles that pair up left and right for mirror symmetry (or policy.mirror false)");
  world_.control.exoskeleton.check(*model_, clips_.size());
  task_.data().pushes.check(static_cast<int>(model_->mujoco()->nbody), model_->planar());
  task_.data().noise.check();
  const NoiseData& noise = task_.data().noise;
  require(control.mode != Control::kExcitation || model_->num_muscles() > 0 || (noise.motor == 0 && noise.motor_delay == 0),
          "expected muscles for noise and delay of excitations, got motors alone");
  add_conditions(std::move(conditions));
  check_start(world_);
  add_variants(std::move(variants));
  const int size = shard_size();
  const int count = (data.humans + size - 1) / size;
  shards_.resize(count);
  // Simulations are built in parallel; an error is carried out of its thread.
  std::vector<std::exception_ptr> errors(pool_.threads());
  std::atomic<int> next{0};
  pool_.run([&](int thread) {
    try {
      for (int i = next++; i < count; i = next++) {
        shards_[i] = std::make_unique<Shard>(world_, i * size, std::min(size, data.humans - i * size));
      }
    } catch (...) {
      errors[thread] = std::current_exception();
    }
  });
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
  progress_.resize(count);
}

void Rollout::add_variants(VariantData variants) {
  const int count = static_cast<int>(variants.models.size()), given = static_cast<int>(variants.of_humans.size());
  const int wanted = count > 0 ? data_.humans : 0;
  require(given == wanted,
          "expected a variant of each of " + std::to_string(wanted) + " humans, got " + std::to_string(given));
  for (int variant : variants.of_humans) {
    require(variant >= 0 && variant < count,
            "expected variants from 0 to " + std::to_string(count - 1) + ", got " + std::to_string(variant));
  }
  variant_models_ = std::move(variants.models);
  for (const auto& model : variant_models_) {
    check_variant(*model_, *model);
    const bool with_muscles = world_.control.mode != Control::kTorque;
    if (lanes_) variant_lanes_.push_back(std::make_unique<LaneModel>(*model, with_muscles));
    world_.variants.push_back({model.get(), lanes_ ? variant_lanes_.back().get() : nullptr});
  }
  world_.variant_of = std::move(variants.of_humans);
}

void Rollout::add_conditions(ConditionedData data) {
  const mjModel* m = model_->mujoco();
  data.conditions.check(static_cast<int>(m->nbody), model_->num_muscles(), static_cast<int>(m->nv), static_cast<int>(m->njnt));
  strides_ = std::move(data.strides);
  require(strides_.empty() || strides_.size() == clips_.size(), "expected motions at strides of all clips");
  for (std::size_t c = 0; c < clips_.size(); ++c) {
    std::vector<const Motion*> of_clip{clips_[c].get()};
    if (!data.conditions.strides.empty()) {
      require(c < strides_.size() && strides_[c].size() == data.conditions.strides.size(),
              "expected a motion for each factor on the stride");
      of_clip = pointers(strides_[c]);
    }
    world_.strides.push_back(std::move(of_clip));
  }
  world_.conditions = std::move(data.conditions);
}

void Rollout::ask(std::vector<double> values) {
  const Exclusive exclusive(*this);
  const int count = world_.conditions.count();
  require(values.empty() || values.size() == static_cast<std::size_t>(humans()) * count,
          "expected values of " + std::to_string(count) + " conditions for each of " + std::to_string(humans()) + " humans, got " +
              std::to_string(values.size()) + " in all");
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Condition& one = world_.conditions.all[i % count];
    require(values[i] >= one.low && values[i] <= one.high, "expected a condition from " + std::to_string(one.low) + " to " +
                                                               std::to_string(one.high) + ", got " + std::to_string(values[i]));
  }
  world_.asked = std::move(values);
}

void Rollout::copy_conditions(MatrixView<double> out) const {
  const Exclusive exclusive(*this);
  require(out.rows == static_cast<std::size_t>(humans()) && out.cols == static_cast<std::size_t>(world_.conditions.count()),
          "expected values of shape (humans, conditions)");
  for (const auto& shard : shards_) {
    for (int i = 0; i < shard->count(); ++i) {
      const auto values = shard->conditions(i);
      std::copy(values.begin(), values.end(), out.row(shard->first() + i).begin());
    }
  }
}

Rollout::Exclusive::Exclusive(const Rollout& rollout) : busy_(rollout.busy_) {
  require(!busy_.exchange(true), "expected one call at a time, but a rollout is in progress in another thread");
}

int Rollout::shard_size() const {
  if (data_.shard_size > 0) return std::min(data_.shard_size, data_.humans);
  // The lanes and the muscle network, which run at every substep, want whole tiles. Otherwise several shards a thread let
  // the threads finish together.
  const bool tiles = lanes_ || needs_muscle();
  const int per_thread = (data_.humans + data_.threads - 1) / data_.threads;
  const int wanted = tiles ? per_thread : (per_thread + 1) / 2;
  return std::clamp(wanted, 1, Mlp::kTile);
}

bool Rollout::needs_muscle() const {
  return world_.control.mode == Control::kMuscle && world_.control.method == Method::kNetwork;
}

void Rollout::set_policy(const NetworkData& network) {
  const Exclusive exclusive(*this);
  Mlp mlp(network.widths, network.activations);
  require(mlp.inputs() == observation_size(), "expected a policy of " + std::to_string(observation_size()) +
                                                        " inputs, got " + std::to_string(mlp.inputs()));
  require(mlp.outputs() == world_.action_size(), "expected a policy of " + std::to_string(world_.action_size()) +
                                                     " outputs, got " + std::to_string(mlp.outputs()));
  policy_.emplace(std::move(mlp));
  for (auto& shard : shards_) shard->reserve(&*policy_, muscle_ ? &*muscle_ : nullptr);
}

void Rollout::set_muscle(const NetworkData& network) {
  const Exclusive exclusive(*this);
  Mlp mlp(network.widths, network.activations);
  const int inputs = static_cast<int>(model_->asked_crossings().size() + model_->asked().size());
  require(mlp.inputs() == inputs && mlp.outputs() == model_->num_muscles(),
          "expected a muscle network of " + std::to_string(inputs) + " inputs and " +
              std::to_string(model_->num_muscles()) + " outputs, got " + std::to_string(mlp.inputs()) + " and " +
              std::to_string(mlp.outputs()));
  muscle_ = std::move(mlp);
  for (auto& shard : shards_) shard->reserve(policy_ ? &*policy_ : nullptr, &*muscle_);
}

void Rollout::load_policy(std::span<const LayerData> layers, std::span<const float> mean, std::span<const float> std,
                          std::span<const float> log_std) {
  const Exclusive exclusive(*this);
  require(policy_.has_value(), "expected set_policy before load_policy");
  policy_->load(layers, mean, std, log_std);
}

void Rollout::load_muscle(std::span<const LayerData> layers) {
  const Exclusive exclusive(*this);
  require(muscle_.has_value(), "expected set_muscle before load_muscle");
  muscle_->load(layers);
}

void Rollout::set_deterministic(bool on) {
  const Exclusive exclusive(*this);
  require(policy_.has_value(), "expected set_policy before set_deterministic");
  policy_->deterministic = on;
}

void Rollout::set_training(bool on) {
  const Exclusive exclusive(*this);
  world_.training = on;
}

void Rollout::set_clip_weights(std::span<const double> weights) {
  const Exclusive exclusive(*this);
  require(weights.size() == clips_.size(), "expected a weight of each of " + std::to_string(clips_.size()) +
                                               " clips, got " + std::to_string(weights.size()));
  double total = 0;
  for (double weight : weights) {
    require(weight >= 0 && std::isfinite(weight), "expected clip weights of 0 or more, got " + std::to_string(weight));
    total += weight;
  }
  require(total > 0, "expected clip weights that are not all 0");
  std::vector<double> shares;
  double sum = 0;
  for (double weight : weights) shares.push_back((sum += weight) / total);
  world_.clip_shares = std::move(shares);
}

void Rollout::set_clips(std::vector<int> of_humans) {
  const Exclusive exclusive(*this);
  require(of_humans.size() == static_cast<std::size_t>(humans()),
          "expected a clip of each of " + std::to_string(humans()) + " humans, got " + std::to_string(of_humans.size()));
  for (int clip : of_humans) {
    require(clip >= 0 && clip < static_cast<int>(clips_.size()),
            "expected clips from 0 to " + std::to_string(static_cast<int>(clips_.size()) - 1) + ", got " +
                std::to_string(clip));
  }
  world_.clip_of = std::move(of_humans);
}

void Rollout::reset(std::uint64_t seed, MatrixView<float> observations) {
  const Exclusive exclusive(*this);
  world_.seed = seed;
  std::atomic<std::size_t> next{0};
  pool_.run([&](int) {
    for (std::size_t i = next++; i < shards_.size(); i = next++) shards_[i]->reset(observations);
  });
}

Shard* Rollout::take(int thread, std::size_t steps, std::size_t& t) {
  std::lock_guard lock(mutex_);
  std::size_t best = shards_.size();
  auto better = [&](std::size_t i) {
    return !progress_[i].taken && progress_[i].next < steps &&
           (best == shards_.size() || progress_[i].next < progress_[best].next);
  };
  for (std::size_t i = thread; i < shards_.size(); i += pool_.threads()) {
    if (better(i)) best = i;
  }
  if (best == shards_.size()) {
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      if (better(i)) best = i;
    }
  }
  if (best == shards_.size()) return nullptr;
  progress_[best].taken = true;
  t = progress_[best].next++;
  return shards_[best].get();
}

void Rollout::give_back(const Shard* shard) {
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (shards_[i].get() == shard) progress_[i].taken = false;
  }
}

template <class Work>
void Rollout::schedule(std::size_t steps, Work&& work) {
  for (auto& p : progress_) p = {};
  const auto start = Clock::now();
  std::vector<double> finished(pool_.threads());
  pool_.run([&](int thread) {
    std::size_t t = 0;
    while (Shard* shard = take(thread, steps, t)) {
      work(*shard, t);
      give_back(shard);
    }
    finished[thread] = seconds_since(start);
  });
  report_.wall = seconds_since(start);
  report_.busy = report_.alone = 0;
  for (double at : finished) {
    report_.busy += at;
    report_.alone += report_.wall - at;
  }
}

// Control step by control step, so that terms outside see all humans at the same instant.
void Rollout::run_outer(const RolloutViews& views, std::size_t steps, const Policy* policy, const Mlp* muscle) {
  auto outside = [&](const std::function<void(std::size_t)>& work, std::size_t t) {
    busy_ = false;  // it may look at the humans: no thread of ours is at work
    work(t);
    require(!busy_.exchange(true), "expected no other call while terms are computed");
  };
  for (std::size_t t = 0; t < steps; ++t) {
    schedule(1, [&](Shard& shard, std::size_t) { shard.advance(views, t, policy, muscle); });
    outside(outer_.judge, t);
    schedule(1, [&](Shard& shard, std::size_t) { shard.conclude(views, t); });
    const auto over = [](std::span<const std::uint8_t> flags) { return std::any_of(flags.begin(), flags.end(), [](auto f) { return f != 0; }); };
    if (over(views.terminated.row(t)) || over(views.truncated.row(t))) outside(outer_.observe, t);
  }
}

int Rollout::sight_size(Sight sight) const {
  const mjModel* m = model_->mujoco();
  switch (sight) {
    case Sight::kQpos: case Sight::kReference: return static_cast<int>(m->nq);
    case Sight::kQvel: return static_cast<int>(m->nv);
    case Sight::kPositions: return model_->num_coordinates();
    case Sight::kActivations: return model_->num_muscles();
    case Sight::kFootForces: return static_cast<int>(model_->feet.size());
    case Sight::kBodies: return 3 * static_cast<int>(m->nbody);
    case Sight::kPhase: case Sight::kTime: return 1;
    default: return 3;
  }
}

void Rollout::look(Sight sight, MatrixView<double> out) const {
  const Exclusive exclusive(*this);
  require(out.rows == static_cast<std::size_t>(humans()) && out.cols == static_cast<std::size_t>(sight_size(sight)),
          "expected an array of shape (" + std::to_string(humans()) + ", " + std::to_string(sight_size(sight)) + ")");
  for (const auto& shard : shards_) {
    for (int i = 0; i < shard->count(); ++i) shard->look(i, sight, out.row(shard->first() + i));
  }
}

void Rollout::run(const RolloutViews& views, std::size_t steps, bool with_policy) {
  const Exclusive exclusive(*this);
  require(!with_policy || policy_.has_value(), "expected set_policy before a rollout");
  require(!needs_muscle() || muscle_.has_value(), "expected set_muscle before a rollout");
  const Policy* policy = with_policy ? &*policy_ : nullptr;
  const Mlp* muscle = muscle_ ? &*muscle_ : nullptr;
  if (outer_) {
    run_outer(views, steps, policy, muscle);
  } else {
    schedule(steps, [&](Shard& shard, std::size_t t) { shard.step(views, t, policy, muscle); });
  }
  report_.sections = {};
  for (auto& shard : shards_) {
    for (std::size_t i = 0; i < report_.sections.size(); ++i) report_.sections[i] += shard->times()[i];
    shard->times() = {};
  }
}

void Rollout::act(const RolloutViews& views) {
  const Exclusive exclusive(*this);
  require(policy_.has_value(), "expected set_policy before act");
  schedule(1, [&](Shard& shard, std::size_t t) { shard.act(*policy_, views, t); });
}

void Rollout::run_substeps(const RolloutViews& views, std::size_t steps) {
  const Exclusive exclusive(*this);
  require(!needs_muscle() || muscle_.has_value(), "expected set_muscle before a rollout");
  const Mlp* muscle = muscle_ ? &*muscle_ : nullptr;
  schedule(steps, [&](Shard& shard, std::size_t t) { shard.substeps(views, t, muscle); });
}

void Rollout::copy_qpos(MatrixView<double> out) const {
  const Exclusive exclusive(*this);
  require(out.rows == static_cast<std::size_t>(humans()) && out.cols == static_cast<std::size_t>(model_->mujoco()->nq),
          "expected positions of shape (humans, nq)");
  for (const auto& shard : shards_) {
    for (int i = 0; i < shard->count(); ++i) {
      std::copy_n(shard->human(i).qpos().data(), out.cols, out.row(shard->first() + i).data());
    }
  }
}

void Rollout::copy_reference(MatrixView<double> qpos, std::span<double> phase) const {
  const Exclusive exclusive(*this);
  require(!clips_.empty(), "expected a motion, got none");
  require(qpos.rows == static_cast<std::size_t>(humans()) &&
              qpos.cols == static_cast<std::size_t>(model_->mujoco()->nq) && phase.size() == qpos.rows,
          "expected poses of shape (humans, nq) and phases of shape (humans)");
  ReferenceFrame frame = clips_.front()->make_frame();
  for (const auto& shard : shards_) {
    for (int i = 0; i < shard->count(); ++i) {
      const double time = shard->motion_time(i);
      shard->motion(i)->sample(time, frame);
      std::copy(frame.qpos.begin(), frame.qpos.end(), qpos.row(shard->first() + i).data());
      phase[shard->first() + i] = shard->motion(i)->phase(time);
    }
  }
}

void Rollout::save(MatrixView<double> states) const {
  const Exclusive exclusive(*this);
  for (const auto& shard : shards_) {
    for (int i = 0; i < shard->count(); ++i) shard->save(i, states.row(shard->first() + i).data());
  }
}

void Rollout::restore(MatrixView<const double> states) {
  const Exclusive exclusive(*this);
  for (auto& shard : shards_) {
    for (int i = 0; i < shard->count(); ++i) shard->restore(i, states.row(shard->first() + i).data());
  }
}

void Rollout::profile(bool on) {
  const Exclusive exclusive(*this);
  for (auto& shard : shards_) shard->profile(on);
}

}  // namespace soleus
