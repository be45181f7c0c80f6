// kLanes humans in motion, a lane each: all that the dynamics in lanes compute with. The algorithms are in files of their
// own: kinematics, inertia, constraints, newton, step.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/lanes.h"
#include "base/wide_vec.h"
#include "dynamics/contact_stiffness.h"
#include "dynamics/dynamics_model.h"
#include "dynamics/wide_ldl.h"

namespace soleus {

template <class T>
using LaneArray = std::vector<T, CacheAligned<T>>;

struct LinkState {
  Wide3 place;                      // of its frame [m]
  WideQuat turn;
  WideMatrix axes;
  Spatial velocity;
  Spatial acceleration;             // without that of the coordinates: gravity, Coriolis, centrifugal
  Spatial driven;                   // the part of it that coupled joints make as their coordinates move on
  SpatialInertia inertia;           // of itself, then of all that hangs on it
  Spatial force;
};

struct PointState {
  Wide3 arm;                        // from the tile's point of reference
  Wide3 first, second;              // directions along the ground
  Wide3 reference;                  // reference acceleration: along the normal, and friction's along the two directions
  Wide3 now, change;                // acceleration less that one; its change along the search
  Wide3 turn_reference, turn_now, turn_change;  // the same about these axes, of condim 4 and 6 alone
  Wide strength;                    // D of its edges; 0 where a lane does not touch
  bool touched;                     // by any lane
};

// Two bodies that touch: the normal points from the first to the second, and accelerations are the second's less the first's.
struct PairState : PointState {
  Wide3 normal;
};

// Where a rod is that others may touch, in the world.
struct RodState {
  Wide3 center, axis;
};

struct LimitState {
  Wide jacobian;                    // of the side that is nearer
  Wide reference, strength, now, change;
  bool touched;
};

struct FrictionState {
  Wide reference, now, change;
};

// MuJoCo's limit of a ball joint: of the angle that it turns by, whatever the axis.
struct BallState {
  Wide3 jacobian;                   // on the joint's three coordinates
  Wide reference, strength, now, change;
  bool touched;
};

struct DynamicsTile {
  explicit DynamicsTile(const DynamicsModel& dynamics);

  const DynamicsModel* model;
  std::unique_ptr<DynamicsTables<Wide>> own;  // numbers of each lane, in place of the model's; null: all have those
  WideLdl ldl;

  // The state.
  LaneArray<Wide> qpos;             // (nq) coupled joints follow their coordinates
  LaneArray<Wide> velocity;         // (nc)
  LaneArray<Wide> acceleration;     // (nc) of the last step; the next one's solver begins there
  LaneArray<Wide> applied;          // (nc) forces of muscles, motors, pushes: the caller's to set before a step
  LaneArray<Wide> pushes;           // (nbody, 6) force and torque at each body's centre of mass, as MuJoCo's xfrc_applied;
                                    // empty: none

  // Computed of it.
  LaneArray<Wide> coupling;         // (nv) velocity of a dof over its coordinate's
  LaneArray<Wide> coupling_rate;    // (nv) acceleration of a dof beside its coordinate's
  LaneArray<Wide> inertia;          // (entries) of the pattern of HumanModel
  LaneArray<Wide> limit_torque;     // (nc) of ball joints' limits by axis, in the last step [N m]
  LaneArray<Wide> bias, passive;    // (nc) Coriolis, centrifugal and gravity; springs and damping
  LaneArray<LinkState> links;
  LaneArray<Spatial> motions;       // velocity of a link at velocity 1 of the coordinate
  Wide3 origin;                     // the point that spatial vectors are about: where the root link is

  // Of the constraints of the last step.
  LaneArray<PointState> points;
  LaneArray<PairState> pair_points;
  WideMask meeting;                 // lanes in which two bodies touch
  LaneArray<LimitState> limits;
  LaneArray<FrictionState> frictions;
  LaneArray<BallState> balls;
  LaneArray<Wide> constraint;       // (nc) force
  LaneArray<Wide> foot_force;       // (feet) normal to the ground [N]
  int iterations = 0;               // in the lane that took most

  // Scratch.
  LaneArray<Spatial> dof_motions;   // (nv)
  LaneArray<ContactStiffness> stiffness;  // of links
  LaneArray<Spatial> link_change;   // acceleration of links along a direction
  std::vector<char> loaded;         // links that what touches the ground lies on or beyond
  std::vector<char> reached;        // and what touches at all
  LaneArray<RodState> rods;
  std::vector<char> bond_touched;
  LaneArray<ContactStiffness> bond_stiffness;
  LaneArray<Spatial> lever_force;
  WideLdl pair_ldl;                 // of lanes in which two bodies touch
  LaneArray<Wide> pair_hessian, pair_search;
  LaneArray<Wide> kept;             // (2 nc + feet)
  LaneArray<Wide> hessian, smooth, moved, gradient, search, search_moved;

  WideMask diverged;                // state that ran away or is no number, since set()

  // Gives a lane the numbers of a variant of the model: what is compiled with other numbers and the same structure. Lanes
  // that are given none keep the model's. Throws InvalidInput for another structure. set() has to follow.
  void give(int lane, const DynamicsModel& variant);
  // Puts the human of a lane into a state at rest of control. qpos: (nq), qvel: (nv). update_positions() has to follow.
  void set(int lane, std::span<const double> qpos, std::span<const double> qvel);
};

// Calls with the numbers of a tile's humans: the tables that all share, or those that have each lane's own.
template <class Work>
decltype(auto) with_tables(const DynamicsTile& tile, Work&& work) {
  if (tile.own) return work(*tile.own);
  return work(tile.model->tables());
}

}  // namespace soleus
