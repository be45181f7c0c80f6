// Humans in lockstep: policy, then substeps of torque, coordination and physics, then terms and resets.
//
// A shard owns its humans and touches nobody else's, so shards need no locks, and every number it makes depends only on
// the human's own state and key: the same at any shard size and any thread count.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <vector>

#include "human_state.h"
#include "coordination.h"
#include "mlp.h"
#include "motion.h"
#include "names.h"
#include "policy.h"
#include "rng.h"
#include "span.h"
#include "task.h"

namespace soleus {

enum class Control { kExcitation, kTorque, kMuscle };
enum class Method { kStaticOptimization, kNetwork };

struct ControlData {
  Control mode = Control::kMuscle;
  Method method = Method::kStaticOptimization;
  int substeps = 16;               // simulation steps a control step
  double action_scale = 0.4;       // [rad] of pose target at action 1
  bool activation_dynamics = true;
  int interval = 1;                // substeps from one coordination to the next
  int sweeps = 6;                  // of coordinate descent
  double regularization = 30.0;    // lambda [(N m)^2]
  bool mirror = false;             // mirror the body in the second half of the cycle
};

// Everything shards share, none of it written during a rollout.
struct World {
  const HumanModel& model;
  const Motion* motion;  // may be null
  const Task& task;
  ControlData control;
  std::uint64_t seed = 0;
  int first = 0;  // number of the first human among all that share the seed

  double control_dt() const { return control.substeps * model.mujoco()->opt.timestep; }
  std::uint32_t episode_steps() const { return static_cast<std::uint32_t>(task.episode_steps(control_dt())); }
  // Actions before those of the motors: excitations of the muscles, or targets of the joints.
  int muscle_actions() const {
    return control.mode == Control::kExcitation ? model.num_muscles() : model.num_actuated();
  }
  int action_size() const {
    return muscle_actions() + model.num_motors();
  }
};

// Columns of an episode's summary. The distance is the path of the root along the ground, whichever way it leads.
enum EpisodeColumn { kReturn, kLength, kDistance, kEffort, kMetabolic, kEpisodeColumns };
inline constexpr std::array<Named<EpisodeColumn>, kEpisodeColumns> kEpisodeColumnNames{{
    {kReturn, "return"},
    {kLength, "length_s"},
    {kDistance, "distance_m"},
    {kEffort, "effort"},
    {kMetabolic, "metabolic_w_kg"},
}};
static_assert(names_all(kEpisodeColumnNames, kEpisodeColumns));

// Arrays of the caller's, (T, N, ...); null ones are not written.
struct RolloutViews {
  CubeView<float> observations;        // (T + 1, N, D)
  CubeView<float> actions;             // (T, N, A), read when there is no policy
  MatrixView<float> log_probs;         // (T, N)
  MatrixView<float> rewards;
  MatrixView<std::uint8_t> terminated, truncated, diverged;
  CubeView<float> final_observations;  // (T, N, D), written where an episode ended
  CubeView<float> episodes;            // (T, N, kEpisodeColumns), likewise
  CubeView<float> moments;             // (T, N, nnz): the muscle sample
  CubeView<float> desired, passive;    // (T, N, na)
  MatrixView<double> term_sums;        // (N, terms), added to
  // (N, 3), added to: squared torque residual, squared torque wanted of the muscles, and the squared residual that static
  // optimization leaves of the same samples. One sample a control step.
  MatrixView<double> residual_sums;
  // (T * substeps, N, HumanState::trace_size()), after each substep; NaN from the substep on in which a human diverged until
  // its next control step.
  CubeView<double> trace;
};

// Parts of a rollout whose time is told apart.
enum class Section { kPhysics, kMuscles, kCoordination, kPolicy, kTerms, kTorque, kCount };
inline constexpr std::array<Named<Section>, static_cast<std::size_t>(Section::kCount)> kSectionNames{{
    {Section::kPhysics, "physics"},
    {Section::kMuscles, "muscles"},
    {Section::kCoordination, "coordination"},
    {Section::kPolicy, "policy"},
    {Section::kTerms, "terms"},
    {Section::kTorque, "torque"},
}};
static_assert(names_all(kSectionNames, Section::kCount));
using SectionTimes = std::array<double, kSectionNames.size()>;  // [s]

class Shard {
 public:
  Shard(const World& world, int first, int count);

  int first() const { return first_; }
  int count() const { return static_cast<int>(humans_.size()); }

  // Makes room for the networks' inputs and outputs, so that steps need not.
  void reserve(const Policy* policy, const Mlp* muscle);
  // Starts episode 0 of every human and writes its observation. observations: (N, D).
  void reset(MatrixView<float> observations);
  // One control step of every human at time index t. Without a policy the actions are the caller's; `muscle` is needed
  // by network coordination alone.
  void step(const RolloutViews& views, std::size_t t, const Policy* policy, const Mlp* muscle);

  // The substeps of such a step alone, for the caller's actions.
  void substeps(const RolloutViews& views, std::size_t t, const Mlp* muscle);

  int state_size() const;
  void save(int human, double* state) const;
  void restore(int human, const double* state);

  void profile(bool on) { profiling_ = on; }
  SectionTimes& times() { return times_; }

  const HumanState& human(int index) const { return humans_[index].human; }
  // Where the motion is at this instant [s].
  double motion_time(int human) const { return time(humans_[human]); }
  // The termination term that a human meets as it is; null: none.
  const char* ending(int human) { return world_.task.ending(scene(humans_[human])); }

  // The policy's part of step t: actions and their log-densities.
  void act(const Policy& policy, const RolloutViews& views, std::size_t t);

 private:
  struct Episode {
    explicit Episode(const HumanModel& model)
        : human(model), state_qpos(model.mujoco()->nq), state_qvel(model.mujoco()->nv) {}
    HumanState human;
    std::uint32_t episode = 0;
    std::uint32_t step = 0;       // control steps since the episode began
    double start_time = 0;        // of the motion at the episode's start [s]
    double path = 0;  // [m] of the root along the ground, from control step to control step
    std::array<double, 2> last_place{};  // of the root; the last one that was finite
    double total = 0, effort = 0, metabolic = 0;
    Vec3 head_velocity{};
    Kinematics kinematics;
    bool mirrored = false;
    int sampled_substep = 0;
    std::vector<double> target;      // (nc) pose target [rad]
    std::vector<double> torque;      // (na)
    std::vector<double> activation;  // (nm)
    std::vector<double> state_qpos, state_qvel;  // where an episode begins
  };

  // Calls visit(number) for each number besides its body's that the future of a human depends on: the one list that
  // state_size(), save() and restore() follow.
  template <class AnyEpisode, class Visit>
  static void visit_state(AnyEpisode& s, Visit&& visit);

  RandomKey key(int human) const;
  double time(const Episode& s) const;  // of the motion [s]
  bool mirrored_at(const Episode& s) const;
  void begin_episode(int human);
  void start_activations(Episode& s);
  Scene scene(Episode& s);
  void prepare(int human, const RolloutViews& views, std::size_t t);
  void pose_target(Episode& s, const float* action);
  void muscle_target(Episode& s, int slot);
  void substep(int human, int k, const RolloutViews& views, std::size_t t);
  void advance(int human, int k, const RolloutViews& views, std::size_t t);
  void ask_network(int human, int lane, const Mlp& muscle);
  void follow_network(int human, int lane, const Mlp& muscle, bool sampled, const RolloutViews& views, std::size_t t);
  void substep_tile(int begin, int end, const Mlp& muscle, const RolloutViews& views, std::size_t t);
  void record_residual(int human, int slot, const RolloutViews& views);
  double optimal_residual(int human, int slot);
  void record_sample(int human, int slot, const RolloutViews& views, std::size_t t);
  void finish(int human, const RolloutViews& views, std::size_t t);
  void add_effort(Episode& s);
  void add_path(Episode& s);
  void summarize(const Episode& s, float* out) const;

  // Adds the time since the last call to a section, when profiling.
  void mark(Section section);

  const World& world_;
  int first_;
  std::vector<Episode> humans_;
  ReferenceFrame reference_;
  std::vector<double> pose_error_;  // (nc)
  std::vector<double> noise_;       // (nv)
  TileBuffer input_, output_, scratch_;  // of the networks
  // Per lane of a tile: moments (nnz), passive, target, residual (na).
  std::vector<std::vector<double>> moments_, passive_, wanted_, residual_;
  std::vector<double> step_, trial_;  // (nm) of coordinate descent
  bool profiling_ = false;
  std::chrono::steady_clock::time_point last_;
  SectionTimes times_{};
};

}  // namespace soleus
