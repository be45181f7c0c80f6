// MuJoCo moves the humans, each a simulation of its own.
#pragma once

#include <vector>

#include "control/coordination.h"
#include "rollout/human_state.h"
#include "rollout/physics.h"

namespace soleus {

class MujocoPhysics : public Physics {
 public:
  MujocoPhysics(const World& world, int first, const Models& models, std::vector<Command>& commands, SectionClock& clock,
                Sense sense);

  const HumanView& human(int index) const override { return humans_[index]; }
  void place(int index, std::span<const double> qpos, std::span<const double> qvel) override;
  void settle(std::span<const int>) override {}
  void hold(std::span<const int> indices) override;
  bool diverged(int index) const override { return humans_[index].diverged(); }
  void reserve(const Mlp* muscle) override;
  void run(const RolloutViews& views, std::size_t t, const Mlp* muscle) override;
  void renumber(int index) override { humans_[index].renumber(); }
  void push(int index, int body, const Vec3& force) override { humans_[index].push(body, force); }
  int state_size() const override { return humans_.front().state_size(); }
  void save(int index, double* state) const override { humans_[index].save(state); }
  void restore(int index, const double* state) override { humans_[index].restore(state); }

 private:
  int count() const { return static_cast<int>(humans_.size()); }
  void begin(int index);
  void excite(int index, int k);
  void ask_torque(int index, int k);
  std::span<const double> carried_out(int index, std::span<const double> asked);
  void muscle_target(int index, int slot);
  void record(int index, int slot, const RolloutViews& views, std::size_t t);
  void substep(int index, int k, const RolloutViews& views, std::size_t t);
  void advance(int index, int k, const RolloutViews& views, std::size_t t);
  void assist(int index, int k, bool proportions, std::span<const double> of);
  void relieve(int index, int k);
  void wear(int index, int k, bool tracing);
  void ask_network(int index, int k, int lane, const Mlp& muscle);
  void follow_network(int index, int lane, const Mlp& muscle, bool sampled, const RolloutViews& views, std::size_t t);
  void substep_tile(int begin, int end, const Mlp& muscle, const RolloutViews& views, std::size_t t);

  const World& world_;
  int first_;
  std::vector<Command>& commands_;
  SectionClock& clock_;
  Sense sense_;
  int sensed_substep_;
  std::vector<HumanState> humans_;
  Floats input_, output_, scratch_;  // of the network
  // Per lane of a tile: moments (nnz), passive, target, residual (na).
  std::vector<std::vector<double>> moments_, passive_, wanted_, residual_;
  std::vector<double> step_, trial_, least_;  // (nm), (na) of coordinate descent
  std::vector<double> noisy_;                 // (nm) what muscles carry out of commands
  std::vector<std::vector<double>> device_;   // (devices) torques of each human [N m]
  std::vector<double> beside_, worn_;         // (na) torques of one human at joints with devices; (nnz) scratch
};

}  // namespace soleus
