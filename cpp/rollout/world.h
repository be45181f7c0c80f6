// What all humans of a rollout share, and the arrays that a rollout reads and writes.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "base/names.h"
#include "base/span.h"
#include "control/exoskeleton.h"
#include "model/conditions.h"
#include "model/human_model.h"
#include "model/motion.h"
#include "tasks/task.h"

namespace soleus {

enum class Control { kExcitation, kTorque, kMuscle };
enum class Method { kStaticOptimization, kNetwork };
enum class Engine { kMujoco, kLanes };

struct ControlData {
  Control mode = Control::kMuscle;
  Method method = Method::kStaticOptimization;
  Engine engine = Engine::kMujoco;
  int substeps = 16;               // simulation steps a control step
  double action_scale = 0.4;       // [rad] of pose target at action 1
  bool follow_velocity = false;    // stable PD damps towards the reference motion's velocity, not towards rest
  bool activation_dynamics = true;
  int interval = 1;                // substeps from one coordination to the next
  int sweeps = 6;                  // of coordinate descent
  double regularization = 30.0;    // of squared activations, on average [(N m)^2]
  bool effort_by_volume = false;   // in proportion to the muscles' volumes, not alike
  double phase_scale = 0;          // how much faster the motion goes on at action 1, as a share; 0: there is no such action
  bool mirror = false;             // mirror the body in the second half of the cycle
  Exoskeleton exoskeleton{};
};

struct LaneModel;

// A human that has the model's structure and numbers of its own (check_variant).
struct Variant {
  const HumanModel* model;
  const LaneModel* lanes;  // null where MuJoCo is the engine
};

// Everything shards share, none of it written during a rollout.
struct World {
  const HumanModel& model;
  const LaneModel* lanes;  // null where MuJoCo is the engine
  std::vector<const Motion*> clips;  // reference motions, one an episode; may be empty
  const Task& task;
  ControlData control;
  std::uint64_t seed = 0;
  int first = 0;  // number of the first human among all that share the seed
  std::vector<double> effort{};  // (nm) weights of squared activations in static optimization [(N m)^2]
  // Variants of the model, and which each human of the rollout is; none: all humans have the model's numbers. The
  // reference motion, the control's constants and the time step are shared by all.
  std::vector<Variant> variants{};
  std::vector<int> variant_of{};

  // Shares of the episodes that begin with each clip or one before it, rising to 1; empty: alike. `clip_of`: the clip of
  // each human in all its episodes; empty: drawn.
  std::vector<double> clip_shares{};
  std::vector<int> clip_of{};

  // What varies from human to human beside variants, drawn as each episode begins. Motions of each clip, one for each of the
  // conditions' factors on the stride. `asked`: values of the conditions for each human, (humans, conditions), in place of
  // drawn ones; empty: drawn.
  ConditionData conditions{};
  std::vector<std::vector<const Motion*>> strides{};
  std::vector<double> asked{};
  bool training = false;  // a policy learns from the rollouts: costs may count less at first (TaskData::costs_held)

  const HumanModel& model_of(int human) const { return variants.empty() ? model : *variants[variant_of[human]].model; }
  double control_dt() const { return control.substeps * model.mujoco()->opt.timestep; }
  std::uint32_t episode_steps() const { return static_cast<std::uint32_t>(task.episode_steps(control_dt())); }
  Delay observation_delay() const { return {task.data().noise.observation_delay, control.substeps}; }
  // The substep whose end is seen late; -1: none, or that of a control step is.
  int sensed_substep() const {
    const int before_end = observation_delay().substeps;
    return before_end > 0 ? control.substeps - before_end - 1 : -1;
  }
  Delay motor_delay() const { return {task.data().noise.motor_delay, control.substeps}; }
  // What motor noise disturbs: commands to so many muscles, then so many torques that move joints by themselves.
  int noisy_muscles() const { return control.mode == Control::kTorque ? 0 : model.num_muscles(); }
  int noisy_torques() const {
    if (control.mode == Control::kTorque) return model.num_actuated();
    return control.mode == Control::kMuscle ? static_cast<int>(model.direct.size()) : 0;
  }
  // The actuated coordinate of such a torque.
  int noisy_torque(int index) const { return control.mode == Control::kTorque ? index : model.direct[index]; }
  // Actions before those of the motors: excitations of the muscles, or targets of the joints.
  int muscle_actions() const {
    return control.mode == Control::kExcitation ? model.num_muscles() : model.num_actuated();
  }
  // Behind those of the motors, those of the exoskeleton's devices, then the one that shifts the phase.
  int device_actions_adr() const { return muscle_actions() + model.num_motors(); }
  int action_size() const {
    return device_actions_adr() + control.exoskeleton.actions() + (control.phase_scale > 0 ? 1 : 0);
  }
};

// Columns of an episode's summary. The distance is the path of the root along the ground, whichever way it leads.
enum EpisodeColumn { kReturn, kLength, kDistance, kEffort, kMetabolic, kClip, kEpisodeColumns };
inline constexpr std::array<Named<EpisodeColumn>, kEpisodeColumns> kEpisodeColumnNames{{
    {kReturn, "return"},
    {kLength, "length_s"},
    {kDistance, "distance_m"},
    {kEffort, "effort"},
    {kMetabolic, "metabolic_w_kg"},
    {kClip, "clip"},
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
  CubeView<float> moments;             // (T, N, HumanModel::asked_crossings()): the muscle sample
  CubeView<float> desired, passive;    // (T, N, HumanModel::asked())
  MatrixView<double> term_sums;        // (N, terms), added to
  // (N, 3), added to: squared torque residual, squared torque wanted of the muscles, and the squared residual that static
  // optimization leaves of the same samples. One sample a control step.
  MatrixView<double> residual_sums;
  // (T * substeps, N, Physics::trace_size()), after each substep; NaN from the substep on in which a human diverged until
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

// Where the time of a shard goes, when it is asked for.
class SectionClock {
 public:
  void enable(bool on) { on_ = on; }
  void start() {
    if (on_) last_ = std::chrono::steady_clock::now();
  }
  // Adds the time since the last call to a section.
  void mark(Section section) {
    if (!on_) return;
    const auto now = std::chrono::steady_clock::now();
    times_[static_cast<std::size_t>(section)] += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }
  SectionTimes& times() { return times_; }

 private:
  bool on_ = false;
  std::chrono::steady_clock::time_point last_;
  SectionTimes times_{};
};

}  // namespace soleus
