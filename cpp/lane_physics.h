// The dynamics in lanes move the humans, kLanes of them to an instruction.
#pragma once

#include <memory>
#include <vector>

#include "dynamics/dynamics_tile.h"
#include "physics.h"

namespace soleus {

class LanePhysics : public Physics {
 public:
  LanePhysics(const World& world, int first, std::vector<Command>& commands, SectionClock& clock);

  const HumanView& human(int index) const override { return views_[index]; }
  void reset(int index, std::span<const double> qpos, std::span<const double> qvel) override;
  void hold(int index) override;
  bool diverged(int index) const override;
  void reserve(const Mlp* muscle) override;
  void run(const RolloutViews& views, std::size_t t, const Mlp* muscle) override;
  int state_size() const override;
  void save(int index, double* state) const override;
  void restore(int index, const double* state) override;

 private:
  struct MujocoDeleter {
    void operator()(mjData* d) const { mj_deleteData(d); }
  };
  // Humans of a tile, and what a control step asks of them.
  struct Tile {
    explicit Tile(const World& world);
    DynamicsTile dynamics;
    LaneArray<Wide> target, torque;  // (nc), (na)
    Wide time{0.0};                  // [s] since an episode's start
    Wide3 com, com_velocity;
  };
  class View : public HumanView {
   public:
    View(const HumanModel& model, const Tile& tile, int lane);
    // Takes the state of its lane over; the rest is read where it is.
    void refresh();

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
    std::span<const double> foot_forces() const override { return foot_forces_; }
    double metabolic_power() const override;

   private:
    const Tile* tile_;
    int lane_;
    std::vector<double> qpos_, qvel_, positions_, foot_forces_;
  };

  Tile& tile_of(int index) { return *tiles_[index / kLanes]; }
  const Tile& tile_of(int index) const { return *tiles_[index / kLanes]; }
  void update(Tile& tile);
  void run_tile(int number, const RolloutViews& views, std::size_t t);
  void load_commands(int number);
  void rest_idle_lanes(int number);
  // MuJoCo's state of a human, in simulation_.
  void pose_simulation(int index) const;

  const World& world_;
  int first_;
  std::vector<Command>& commands_;
  SectionClock& clock_;
  std::vector<std::unique_ptr<Tile>> tiles_;
  std::vector<View> views_;
  std::vector<double> at_rest_;  // (nv) velocities
  std::unique_ptr<mjData, MujocoDeleter> simulation_;  // through which states go to and from MuJoCo's layout
};

}  // namespace soleus
