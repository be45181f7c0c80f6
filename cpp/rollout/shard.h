// Humans in lockstep: policy, then substeps of torque, coordination and physics, then terms and resets.
//
// A shard owns its humans and touches nobody else's, so shards need no locks, and every number it makes depends only on
// the human's own state and key: the same at any shard size and any thread count.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/rng.h"
#include "model/varied_human.h"
#include "model/varied_motion.h"
#include "nets/policy.h"
#include "rollout/physics.h"
#include "rollout/sight.h"
#include "rollout/world.h"

namespace soleus {

class Shard {
 public:
  Shard(const World& world, int first, int count);

  int first() const { return first_; }
  int count() const { return static_cast<int>(humans_.size()); }

  // Makes room for the networks' inputs and outputs, so that steps need not.
  void reserve(const Policy* policy, const Mlp* muscle);
  // Starts episode 0 of every human and writes its observation. observations: (N, D).
  void reset(MatrixView<float> observations);
  // One control step of every human at time index t: advance(), then conclude().
  void step(const RolloutViews& views, std::size_t t, const Policy* policy, const Mlp* muscle);
  // Moves the humans, and writes what they see and are rewarded with, and whether they are lost. Without a policy the
  // actions are the caller's; `muscle` is needed by network coordination alone.
  void advance(const RolloutViews& views, std::size_t t, const Policy* policy, const Mlp* muscle);
  // Ends episodes by what the views say of the step, and begins others.
  void conclude(const RolloutViews& views, std::size_t t);

  // The substeps of such a step alone, for the caller's actions.
  void substeps(const RolloutViews& views, std::size_t t, const Mlp* muscle);

  int state_size() const;
  void save(int human, double* state) const;
  void restore(int human, const double* state);

  void profile(bool on) { clock_.enable(on); }
  SectionTimes& times() { return clock_.times(); }

  const HumanView& human(int index) const { return physics_->human(index); }
  // Writes what there is to see of a human.
  void look(int human, Sight sight, std::span<double> out) const;
  // Values of a human's conditions, (conditions).
  std::span<const double> conditions(int human) const { return people_[human].values; }
  // Where the motion is at this instant [s].
  double motion_time(int human) const { return time(humans_[human]); }
  // The motion that a human follows; null where there is none.
  const Motion* motion(int human) const { return motion(humans_[human]); }
  // The termination term that a human meets as it is; null: none.
  const char* ending(int human) { return world_.task.ending(scene(human)); }

  // The policy's part of step t: actions and their log-densities.
  void act(const Policy& policy, const RolloutViews& views, std::size_t t);

 private:
  struct Episode {
    std::uint32_t episode = 0;
    std::uint32_t step = 0;       // control steps since the episode began
    std::uint32_t clip = 0;       // whose motion the episode follows
    double start_time = 0;        // of the motion at the episode's start [s]
    double path = 0;  // [m] of the root along the ground, from control step to control step
    std::array<double, 2> last_place{};  // of the root; the last one that was finite
    double total = 0, effort = 0, metabolic = 0;
    bool diverged = false;        // in the last control step
    double held = 0;              // share of an episode's time that its latest ones lasted, each counting less than the next
    bool failed = false;          // whether a termination ended the episode before this one
    Vec3 head_velocity{};
    Kinematics kinematics;
    double drift = 0;             // of the motion's time, by actions that speed it up or slow it down [s]
    PushState push;
    History<float> seen;          // late: observations, and behind each that of the mirrored body where policies are mirrored
    History<double> asked;        // late: pose targets or excitations
    std::vector<double> deviation;  // (Command::noise) standard normal, of motor noise
    Memory memory;
  };

  // Who a human is in this episode: what its conditions make of it. What they leave alone is the world's: null.
  struct Person {
    std::vector<double> values;         // (conditions)
    std::vector<double> built;          // those that the body was made with
    std::unique_ptr<VariedHuman> body;
    std::unique_ptr<Motion> motion;
  };

  // Calls visit(number) for each number besides its body's that the future of a human depends on: the one list that
  // state_size(), save() and restore() follow.
  template <class AnyEpisode, class AnyCommand, class AnyPerson, class Visit>
  static void visit_state(const World& world, AnyEpisode& s, AnyCommand& command, AnyPerson& person, Visit&& visit);

  RandomKey key(int human) const;
  const HumanModel& model_of(int human) const;
  double time(const Episode& s) const;  // of the motion [s]
  void shift_phase(Episode& s, float action) const;
  const Motion* motion(const Episode& s) const;
  std::uint32_t drawn_clip(int human) const;
  bool is_over(const Episode& s) const;  // its clip, which is played once
  bool mirrored_at(const Episode& s) const;
  void begin_episodes(std::span<const int> humans);
  void place(int human);
  void draw_person(int human);
  void become(int human);
  Scene scene(int human) { return scene(human, humans_[human].kinematics, time(humans_[human])); }
  // now, time: of an instant within a control step [s].
  Scene scene(int human, const Kinematics& now, double time);
  void make_nerves(int human);
  void rest_nerves(int human);
  void sense(int human);
  void keep_sight(int human, Scene here);
  void observe(int human, const Scene& here, float* out);
  void disturb(int human);
  void delay_command(int human);
  void prepare(int human, const RolloutViews& views, std::size_t t);
  void push(int human);
  void lead(ReferenceFrame& frame);
  void pose_target(int human, const float* action);
  void ask_devices(Command& command, const float* action) const;
  void pace_devices(int human, double begin);
  void judge(int human, const RolloutViews& views, std::size_t t);
  void finish(int human, const RolloutViews& views, std::size_t t);
  void add_effort(int human);
  void add_path(Episode& s);
  void summarize(const Episode& s, double mass, float* out) const;

  const World& world_;
  int first_;
  std::vector<Episode> humans_;
  std::vector<Person> people_;
  std::optional<VariedMotion> varied_motion_;  // where conditions change the gait
  std::vector<double> seen_conditions_;        // (observed conditions) scratch
  std::vector<Command> commands_;
  SectionClock clock_;
  std::unique_ptr<Physics> physics_;
  ReferenceFrame reference_, ahead_;
  std::vector<double> state_qpos_, state_qvel_;  // where an episode begins
  std::vector<int> ended_;          // humans whose episodes ended in this control step
  std::vector<double> pose_error_, difference_;  // (nc)
  std::vector<double> lead_, lead_velocity_;     // (nv) kd / kp [s] of what is actuated; empty: targets do not lead
  std::vector<double> noise_;       // (nv)
  std::vector<float> normals_;      // of observations and motors
  Floats input_, output_, scratch_;  // of the policy
};

}  // namespace soleus
