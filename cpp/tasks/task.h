// A task: terms with weights, composed from data.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tasks/noise.h"
#include "tasks/pushes.h"
#include "tasks/terms.h"

namespace soleus {

using TermParameters = std::map<std::string, double>;

struct TermData {
  std::string name;
  TermParameters parameters;
  double weight = 1.0;  // of a reward
};

enum class Combine { kSum, kProduct };

struct TaskData {
  double episode_seconds = 10.0;
  bool start_on_reference = true;  // at a random phase of the motion; else at rest
  double initial_noise = 0.0;      // standard deviation of positions [rad] and, tenfold, velocities [rad/s] at the start
  std::array<double, 2> initial_speed{};  // [m/s] least and most of the whole body along x at the start, beside that of the motion
  std::vector<TermData> observations, rewards, terminations;
  Combine combine = Combine::kSum;
  bool costs_held = false;  // negative weights count by how long a human's episodes lately lasted
  PushData pushes{};
  NoiseData noise{};
};

class Task {
 public:
  // conditions: number of those of a human. Throws InvalidInput for a term or parameter that the catalog does not have, or one that needs a motion without one.
  Task(const HumanModel& human, TaskData data, bool has_motion, int conditions = 0);

  const TaskData& data() const { return data_; }
  int observation_size() const { return observation_size_; }
  // Columns of an observation that noise and delay concern.
  const std::vector<int>& sensed() const { return sensed_; }
  int reward_terms() const { return static_cast<int>(rewards_.size()); }
  bool start_on_reference() const { return data_.start_on_reference; }
  // Control steps of a whole episode, at least one.
  int episode_steps(double control_dt) const;

  // out: (observation_size()).
  void observe(const Scene& scene, float* out) const;
  // The reward, negative weights times `costs`; each term's value, unweighted, is added to `sums`, (reward_terms()), unless
  // the reward is not finite.
  double reward(const Scene& scene, double costs, double* sums) const;
  // The first termination term that is met; null: none.
  const char* ending(const Scene& scene) const;
  bool terminated(const Scene& scene) const { return ending(scene) != nullptr; }
  // For a human whose motion's lap takes so long at most [s].
  Memory make_memory(double lap, double control_dt) const;

 private:
  template <class Kind>
  struct Term {
    const Kind* kind;
    std::vector<double> parameters;
    double weight;
    int size;
  };

  // Adds what terms remember.
  template <class Terms>
  void remember(const Terms& terms);

  static constexpr std::size_t kMaxRewards = 64;
  static constexpr int kMostLaps = 10;  // of which places are remembered

  TaskData data_;
  std::vector<Term<ObservationKind>> observations_;
  std::vector<Term<RewardKind>> rewards_;
  std::vector<Term<TerminationKind>> terminations_;
  int observation_size_ = 0;
  std::vector<int> sensed_;
  double remembered_laps_ = 0;  // of the centre of mass
  Stances stances_;
  bool loads_ = false;  // whether a term looks at how long the ground has carried a foot
};

}  // namespace soleus
