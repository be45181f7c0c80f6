// The dynamics in lanes move the humans, kLanes of them to an instruction.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "rollout/lane_model.h"
#include "rollout/muscle_records.h"
#include "rollout/physics.h"

namespace soleus {

class LanePhysics : public Physics {
 public:
  LanePhysics(const World& world, int first, const Models& models, std::vector<Command>& commands, SectionClock& clock,
              Sense sense);

  const HumanView& human(int index) const override { return views_[index]; }
  void place(int index, std::span<const double> qpos, std::span<const double> qvel) override;
  void settle(std::span<const int> indices) override;
  void hold(std::span<const int> indices) override;
  bool diverged(int index) const override { return tile_of(index).dynamics.diverged[index % kLanes]; }
  void reserve(const Mlp* muscle) override;
  void run(const RolloutViews& views, std::size_t t, const Mlp* muscle) override;
  void renumber(int index) override;
  void push(int index, int body, const Vec3& force) override;
  int state_size() const override;
  void save(int index, double* state) const override;
  void restore(int index, const double* state) override;

 private:
  struct MujocoDeleter {
    void operator()(mjData* d) const { mj_deleteData(d); }
  };
  // The humans of a tile, and what moves their muscles.
  struct Tile {
    explicit Tile(const World& world);
    DynamicsTile dynamics;
    std::optional<LaneMuscles> muscles;
    Wide time{0.0};                                      // [s] since an episode's start
    LaneArray<Wide> target, torque;                      // (nc), (na)
    LaneArray<Wide> moments, passive, wanted, residual;  // (nnz), (na) of the coordination
    LaneArray<Wide> desired, step;                       // (nm) activations; scratch of the descent
    LaneArray<Wide> noise, noisy;                        // shares (Command::noise); (nm) what muscles carry out
    LaneArray<Wide> device, beside;                      // (devices) their torques, and the human's at their joints [N m]
    // Of each human at its sampled substep.
    struct Sample { LaneArray<Wide> moments, torque, passive, wanted, residual, least, activation; } sample;
    Wide3 com, com_velocity;
    Wide metabolic{0.0};
    WideExertion exertion;                               // of the control step so far
  };
  class View : public HumanView {
   public:
    View(const HumanModel& model, const Tile& tile, int lane);
    // Takes the state of its lane over; the rest is read where it is.
    void refresh();
    // The means over a control step that is over; share: of a substep.
    void exert(double share);

    std::span<const double> qpos() const override { return qpos_; }
    std::span<const double> qvel() const override { return qvel_; }
    std::span<const double> positions() const override { return positions_; }
    Vec3 body_place(int body) const override;
    std::array<double, 4> body_turn(int body) const override;
    Vec3 body_velocity(int body) const override;
    Vec3 body_rate(int body) const override;
    Vec3 com() const override;
    Vec3 com_velocity() const override;
    double activation(int muscle) const override;
    double tension(int muscle) const override;
    std::span<const double> foot_forces() const override { return foot_forces_; }
    double metabolic_power() const override { return tile_->metabolic[lane_]; }
    const Exertion& exertion() const override { return exertion_; }

   private:
    const Tile* tile_;
    int lane_;
    std::vector<double> qpos_, qvel_, positions_, foot_forces_;
    Exertion exertion_;
  };

  Tile& tile_of(int index) { return *tiles_[index / kLanes]; }
  const Tile& tile_of(int index) const { return *tiles_[index / kLanes]; }
  // The humans of tile `number`.
  int begin(int number) const { return number * kLanes; }
  int end(int number) const { return std::min<int>(begin(number) + kLanes, static_cast<int>(commands_.size())); }

  // All that follows from states that were set; what views show beside a state.
  void update(Tile& tile);
  void measure(Tile& tile);
  void load_commands(int number);
  void load_arrived(int number, int k);
  void ask_torque(int number, int k);
  void activate(Tile& tile);
  void rest_idle_lanes(int number);
  void run_tile(int number, const RolloutViews& views, std::size_t t);
  void run_group(int first, int last, const RolloutViews& views, std::size_t t, const Mlp& muscle);
  void find_wanted(Tile& tile);
  template <class Torque>
  void assist(int number, int k, bool proportions, Torque&& of);
  void relieve(int number, int k);
  void wear(int number, int k);
  void ask_network(int number, int k, int row, const Mlp& muscle);
  void follow_network(int number, int row, const Mlp& muscle);
  void take_samples(int number, int k);
  void record(int number, const RolloutViews& views, std::size_t t);
  void advance(int number, int k, const RolloutViews& views, std::size_t t);
  void show(int number);
  void trace(int number, int k, const RolloutViews& views, std::size_t t);
  void store(int number);
  // The lanes of a tile that humans are in, of some.
  WideMask lanes_of(int number, std::span<const int> indices) const;
  // Those whose humans the policy sees mirrored.
  WideMask mirrored_lanes(int number) const;
  // MuJoCo's state of a human, in simulation_.
  void pose_simulation(int index) const;

  const World& world_;
  int first_;
  Models models_;
  std::vector<Command>& commands_;
  SectionClock& clock_;
  Sense sense_;
  int sensed_substep_, arrival_;  // World::sensed_substep(), Command::arrival
  std::vector<std::unique_ptr<Tile>> tiles_;
  std::vector<View> views_;
  std::vector<double> at_rest_;  // (nv) velocities
  LaneArray<Wide> kept_;         // (nc) scratch
  std::vector<double> moments_, torque_, passive_, wanted_, residual_, least_;  // of one human
  Floats input_, output_, scratch_;  // of the network
  std::unique_ptr<mjData, MujocoDeleter> simulation_;  // through which states go to and from MuJoCo's layout
};

}  // namespace soleus
