// Muscles in lanes: lengths, moments, forces and activations of the humans of a tile.
#pragma once

#include <memory>
#include <span>

#include "dynamics/dynamics_tile.h"
#include "dynamics/lane_muscle_model.h"

namespace soleus {

// Of one tile.
struct LaneMuscles {
  explicit LaneMuscles(const LaneMuscleModel& model);

  const LaneMuscleModel* model;
  std::unique_ptr<MuscleTables<Wide>> own;  // numbers of each lane, in place of the model's; null: all have those
  LaneArray<Wide> strength;                 // (nm) factors on the forces that these say; empty: 1
  LaneArray<Wide> activation, excitation;  // (nm) the state
  LaneArray<Wide> length, speed;           // (nm) [m], [m/s]
  LaneArray<Wide> moment;                  // (nnz) over HumanModel::crossing, at unit force [m]
  LaneArray<Wide> gain, bias;              // (nm) force at full activation, and without any [N]; negative: it pulls
  LaneArray<Wide3> sites;                  // (sites) from the tile's point of reference
  LaneArray<Wide> monomials;               // of one group of fitted paths, and their rates
  LaneArray<Wide3> pulls;                  // (stretches) unit force along each, where the model has shares

  bool own_paths = false;                  // whether paths are among these: fitted polynomials are those of the model's

  // Gives a lane the numbers of a variant of the model, its paths among them, as DynamicsTile::give() does; the variant's is
  // the same one.
  void give(int lane, const LaneMuscleModel& variant);
  // Gives a lane the forces alone of a variant of the model.
  void give_forces(int lane, const HumanModel& variant);
  // Gives a lane the strengths of a variant whose muscles differ in nothing else: all lanes keep the tables that they share,
  // which stay in the nearest cache.
  void give_strengths(int lane, const HumanModel& variant);

 private:
  MuscleTables<Wide>& own_tables();
};

// Lengths, moments and forces at the tile's present positions. Lanes with paths of their own follow these: fitted
// polynomials are of one anatomy. Hill-type muscles have those alone: they are of the same anatomy in all lanes.
void update_muscles(LaneMuscles& muscles, const DynamicsTile& tile);
// Torque of each muscle at full activation on each coordinate that it crosses, (nnz) [N m], and the passive torque of all
// muscles together, (na) [N m].
void muscle_torques(const LaneMuscles& muscles, std::span<Wide> moments, std::span<Wide> passive);
// Force [N] with which a muscle pulls at its activation.
Wide tension(const LaneMuscles& muscles, int muscle);
// Adds the torque of all muscles at their activations to forces on the coordinates, (nc).
void pull_muscles(const LaneMuscles& muscles, std::span<Wide> force);
// Sets excitations so that after the next step activations equal `desired`, (nm), as nearly as the activation dynamics
// allow; without dynamics activations are set at once.
void apply_activations(LaneMuscles& muscles, std::span<const Wide> desired, bool dynamics);
// Activations one step on, as MuJoCo's explicit step takes them.
void activate_muscles(LaneMuscles& muscles, double timestep);
// Metabolic power [W] of all muscles (HumanView::metabolic_power).
Wide metabolic_power(const LaneMuscles& muscles);
// What Exertion has of muscles: adds a substep to the sums.
struct WideExertion { Wide activation{0.0}, squared{0.0}, by_mass{0.0}, squared_by_mass{0.0}, torque{0.0}; };
void add_exertion(const LaneMuscles& muscles, WideExertion& sums);

}  // namespace soleus
