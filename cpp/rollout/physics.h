// What moves the humans of a shard through the substeps of a control step.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "model/human_view.h"
#include "nets/mlp.h"
#include "rollout/world.h"

namespace soleus {

// What a control step asks of one human, and what became of it.
struct Command {
  explicit Command(const HumanModel& model)
      : target(model.num_coordinates()), torque(model.num_actuated()), activation(model.num_muscles()) {}
  std::vector<double> target;      // (nc) pose target [rad]
  std::vector<double> torque;      // (na) of stable PD [N m]
  std::vector<double> activation;  // (nm) desired; the warm start of static optimization
  // What `target`, or of excitations `activation`, is before substep `arrival`, where commands arrive late.
  std::vector<double> earlier;
  int arrival = 0;
  std::vector<double> noise;       // (World::noisy_muscles() + noisy_torques()) shares of what is carried out; empty: none
  const float* motors = nullptr;   // actions of the motors in [-1, 1]
  Assistance assistance;           // of the exoskeleton
  bool mirrored = false;           // the policy sees the mirrored body
  int sampled_substep = 0;         // whose muscles are recorded

  // What has arrived by a substep of `target` or `activation`.
  const std::vector<double>& arrived(const std::vector<double>& command, int substep) const {
    return substep < arrival ? earlier : command;
  }
};

// Sweeps of static optimization from no activation at all.
inline constexpr int kColdSweeps = 50;

// Senses a human within a control step; see World::observation_delay().
using Sense = std::function<void(int index)>;

// The humans are those of one shard: `first` is the number of its first in the arrays of a rollout.
class Physics {
 public:
  virtual ~Physics() = default;

  virtual const HumanView& human(int index) const = 0;
  // Puts a human into a state at rest of control; coupled joints are made consistent. qpos: (nq), qvel: (nv). What views
  // show of it is there after settle().
  virtual void place(int index, std::span<const double> qpos, std::span<const double> qvel) = 0;
  // Computes all that follows from the states of humans that were placed.
  virtual void settle(std::span<const int> indices) = 0;
  // Gives humans' muscles the activations that their pose targets ask for, as those who appear in mid-stride hold them.
  virtual void hold(std::span<const int> indices) = 0;
  // True once a human's simulation has met a non-finite or runaway state since its last reset.
  virtual bool diverged(int index) const = 0;

  // Makes room for the network's inputs and outputs, so that steps need not.
  virtual void reserve(const Mlp* muscle) = 0;
  // The substeps of control step t under the commands. `muscle` is needed by network coordination alone.
  virtual void run(const RolloutViews& views, std::size_t t, const Mlp* muscle) = 0;

  // Takes over what the model of a human has become; place() or restore() has to follow.
  virtual void renumber(int index) = 0;

  // Everything that a human's future depends on, as (state_size()) doubles.
  virtual int state_size() const = 0;
  virtual void save(int index, double* state) const = 0;
  virtual void restore(int index, const double* state) = 0;

  // Puts a force [N], world axes, on a body's centre of mass, until another one is put there or the human is placed.
  virtual void push(int index, int body, const Vec3& force) = 0;

  // What an onlooker sees of an instant: MuJoCo's state (mjSTATE_INTEGRATION), then activations and forces [N] of the
  // muscles, and their metabolic power [W]; then of the substep that led there the torques of the exoskeleton's devices,
  // and those that the human had at their joints beside them [N m].
  static int trace_size(const World& world) { return devices_adr(world) + 2 * world.control.exoskeleton.count(); }
  // Where in such a row the devices are.
  static int devices_adr(const World& world) {
    return mj_stateSize(world.model.mujoco(), mjSTATE_INTEGRATION) + 2 * world.model.num_muscles() + 1;
  }
};

// Models of the humans of a shard, each the world's or one of its own with the same structure.
using Models = std::vector<const HumanModel*>;

// The one that the world's control names. sense: called for each human after the substep whose state is seen late.
std::unique_ptr<Physics> make_physics(const World& world, int first, const Models& models, std::vector<Command>& commands,
                                      SectionClock& clock, Sense sense);

}  // namespace soleus
