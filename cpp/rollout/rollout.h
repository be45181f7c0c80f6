// Whole rollouts: T control steps of N humans on the pool, into arrays that the caller owns.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/pool.h"
#include "rollout/lane_model.h"
#include "rollout/shard.h"

namespace soleus {

struct RolloutData {
  int humans = 1;
  int threads = 1;
  std::vector<int> cpus;  // to pin threads to; empty: unpinned
  std::uint64_t seed = 0;
  int shard_size = 0;     // 0: chosen
  int first = 0;          // number of the first human among all that share the seed
};

// Variants of the model, and which each human is, (humans); none: all humans have the model's numbers.
struct VariantData {
  std::vector<std::unique_ptr<HumanModel>> models;
  std::vector<int> of_humans;
};

// What varies as episodes begin: the conditions, and for each clip its motions at their factors on the stride, (clips,
// strides), where they have any.
struct ConditionedData {
  ConditionData conditions;
  std::vector<std::vector<std::unique_ptr<Motion>>> strides;
};

// Terms that somebody outside computes between the halves of a control step, for all humans at once.
struct OuterTerms {
  int observations = 0;  // columns behind those of the task's own terms
  int rewards = 0;       // columns of the sums of terms, likewise
  // Judges control step t: observations of row t + 1, rewards and terminations of row t. Then sees the humans whose
  // episodes have begun anew, if any: observations of row t + 1.
  std::function<void(std::size_t t)> judge, observe;
  explicit operator bool() const { return static_cast<bool>(judge); }
};

// Layer widths and activations of a network.
struct NetworkData {
  std::vector<int> widths;
  std::vector<Activation> activations;
};

class Rollout {
 public:
  // clips: reference motions, of which each episode follows one; may be empty.
  Rollout(std::unique_ptr<HumanModel> model, std::vector<std::unique_ptr<Motion>> clips, TaskData task,
          ControlData control, const RolloutData& data, VariantData variants = {}, ConditionedData conditions = {});

  const HumanModel& model() const { return *model_; }
  const World& world() const { return world_; }
  const Task& task() const { return task_; }
  int humans() const { return data_.humans; }
  int threads() const { return pool_.threads(); }
  int shards() const { return static_cast<int>(shards_.size()); }

  // Network shapes are set once; weights are loaded whole, and only between rollouts.
  void set_policy(const NetworkData& network);
  void set_muscle(const NetworkData& network);
  void load_policy(std::span<const LayerData> layers, std::span<const float> mean, std::span<const float> std,
                   std::span<const float> log_std);
  void load_muscle(std::span<const LayerData> layers);
  void set_deterministic(bool on);
  // Whether a policy learns from the rollouts (World::training).
  void set_training(bool on);
  bool needs_muscle() const;
  // How often an episode begins with each clip; between rollouts.
  void set_clip_weights(std::span<const double> weights);
  // The clip that each human follows in all its episodes from the next one on, instead of one that is drawn.
  void set_clips(std::vector<int> of_humans);

  // Values of the conditions that each human has from its next episode on, (N, conditions), in place of drawn ones; empty:
  // drawn again.
  void ask(std::vector<double> values);
  // Terms computed outside, from the next rollout on; before set_policy().
  void set_outer(OuterTerms outer) { outer_ = std::move(outer); }
  int observation_size() const { return task_.observation_size() + outer_.observations; }
  int reward_terms() const { return task_.reward_terms() + outer_.rewards; }
  // Columns of what there is to see of a human; and all humans' rows, (N, columns). Outer terms may look as they judge.
  int sight_size(Sight sight) const;
  void look(Sight sight, MatrixView<double> out) const;
  // Values of the conditions that each human has now, (N, conditions).
  void copy_conditions(MatrixView<double> out) const;

  // Every human starts episode 0 under this seed. observations: (N, D).
  void reset(std::uint64_t seed, MatrixView<float> observations);
  // `steps` control steps from views.observations' first row on. Without `with_policy` the actions are the caller's.
  void run(const RolloutViews& views, std::size_t steps, bool with_policy);

  // The policy's part of a single step: actions and log-densities for observations, all of shape (1, N, ...).
  void act(const RolloutViews& views);

  // The substeps of such a run and nothing else: no terms, no resets. For benchmarks.
  void run_substeps(const RolloutViews& views, std::size_t steps);

  // Copies the generalized positions, (N, nq).
  void copy_qpos(MatrixView<double> out) const;
  // Where the motion is: poses (N, nq), and phases (N) in [0, 1).
  void copy_reference(MatrixView<double> qpos, std::span<double> phase) const;
  int trace_size() const { return Physics::trace_size(world_); }
  int state_size() const { return shards_.front()->state_size(); }
  void save(MatrixView<double> states) const;
  void restore(MatrixView<const double> states);

  // Times of the sections summed over threads, and what the threads did with the last run.
  struct Report {
    SectionTimes sections{};
    double wall = 0;   // [s]
    double busy = 0;   // summed over threads [s]
    double alone = 0;  // in which some threads waited for others, summed over the waiting ones [s]
  };
  void profile(bool on);
  const Report& report() const { return report_; }

 private:
  // Held by whatever reads or writes the humans or the weights: a second caller is refused, not raced with.
  class Exclusive {
   public:
    explicit Exclusive(const Rollout& rollout);
    ~Exclusive() { busy_ = false; }

   private:
    std::atomic<bool>& busy_;
  };

  // Runs work(shard, t) for every shard and control step, in order of time within a shard.
  template <class Work>
  void schedule(std::size_t steps, Work&& work);
  // Takes the next control step of a shard of one's own, else of anybody's; null when none is left to take.
  Shard* take(int thread, std::size_t steps, std::size_t& t);
  void give_back(const Shard* shard);
  int shard_size() const;
  void run_outer(const RolloutViews& views, std::size_t steps, const Policy* policy, const Mlp* muscle);
  void add_variants(VariantData variants);
  void add_conditions(ConditionedData conditions);

  RolloutData data_;
  std::unique_ptr<HumanModel> model_;
  std::unique_ptr<LaneModel> lanes_;  // where they are the engine
  std::vector<std::unique_ptr<HumanModel>> variant_models_;
  std::vector<std::unique_ptr<LaneModel>> variant_lanes_;
  std::vector<std::unique_ptr<Motion>> clips_;
  std::vector<std::vector<std::unique_ptr<Motion>>> strides_;  // of each clip
  Task task_;
  World world_;
  Pool pool_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::optional<Policy> policy_;
  std::optional<Mlp> muscle_;
  Report report_;
  OuterTerms outer_;
  mutable std::atomic<bool> busy_{false};

  struct Progress {
    std::size_t next = 0;  // control step
    bool taken = false;
  };
  std::mutex mutex_;
  std::vector<Progress> progress_;
};

}  // namespace soleus
