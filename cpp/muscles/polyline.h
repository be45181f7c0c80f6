// Muscles as polylines through waypoints on the bodies, in the form of MASS: S. Lee, M. Park, K. Lee, J. Lee, "Scalable
// muscle-actuated human simulation and control", ACM TOG 38(4), 2019.
//
// A rigid waypoint keeps its place on one body; a blended one is the weighted mean of its places on two. A muscle pulls
// with one force along its whole path, which depends on the path's length and on the activation alone.
#pragma once

#include <mujoco/mujoco.h>

#include <span>
#include <vector>

#include "muscles/muscle_force.h"

namespace soleus {

struct PolylineData {
  std::vector<double> max_force;  // (nm) f0, maximum isometric force [N]
  std::vector<double> own_length; // (nm) length of the muscle over that which fits its path; empty: 1
  std::vector<double> optimal;    // (nm) optimal fibre length over the path's length at qpos0
  std::vector<double> slack;      // (nm) tendon slack length over the same
  std::vector<int> adr;           // (nm + 1) waypoints of each muscle
  std::vector<int> body;          // (nw, 2) its bodies, the second -1 for a rigid waypoint
  std::vector<double> local;      // (nw, 2, 3) its place in the frame of each [m]
  std::vector<double> weight;     // (nw, 2) their shares in a blended one's place
  // Where the force at a blended waypoint acts: on its first body, as MASS has it, or on both, by weight, at the place on
  // each, which is the gradient of the path's length and neither makes nor loses energy.
  bool spread = false;
  ForceCurves curves;             // of all of its muscles
};

// What paths are at an instant; filled by Polylines::compute.
struct PathState {
  std::vector<double> length;   // (nm) of the path over that at qpos0
  std::vector<double> active;   // (nm) force at activation 1 without the passive part [N]
  std::vector<double> passive;  // (nm) [N]
  std::vector<double> moment;   // (nnz) torque of each muscle on each coordinate that it crosses, at a tension of 1 N [m]
  std::vector<double> x, y, z;  // (attachments), sorted by body, then of waypoints: world [m]
  std::vector<double> px, py, pz, ux, uy, uz, segment;  // (nw) waypoints, and the way to the next: direction, length
};

class Polylines {
 public:
  Polylines() = default;
  // crossing_adr (nm + 1), crossing (nnz): the actuated coordinates that each muscle crosses; dof_actuated (nv): the one
  // that each dof is, or -1. Throws InvalidInput when an array does not fit.
  Polylines(const mjModel* model, PolylineData data, std::span<const int> crossing_adr, std::span<const int> crossing,
            std::span<const int> dof_actuated);

  int muscles() const { return data_.adr.empty() ? 0 : static_cast<int>(data_.adr.size()) - 1; }
  int waypoints() const { return data_.adr.empty() ? 0 : data_.adr.back(); }
  const std::vector<double>& max_force() const { return data_.max_force; }
  double rest_length(int muscle) const { return rest_length_[muscle]; }  // of the whole path at qpos0 [m]
  double optimal_length(int muscle) const { return data_.optimal[muscle] * rest_length_[muscle]; }  // [m]

  // Length of a muscle's fibre over the optimal one.
  double fibre(int muscle, const PathState& s) const { return (s.length[muscle] - data_.slack[muscle]) / data_.optimal[muscle]; }

  PathState make_state() const;
  // Kinematics must be current. Allocates nothing.
  void compute(const mjData* data, PathState& state) const;

 private:
  // Attachments of one body, which lie side by side.
  struct Place { int body, begin, end; };
  // A joint that a muscle crosses, its first slot among the crossings, and the terms of its torque.
  struct Crossed { int joint, slot, crossing_begin, crossing_end, mixed_begin, mixed_end; };
  // A segment with one end on each side of a joint; sign: +1 where its first end moves with the joint.
  struct Cross { int segment; double sign; };
  // A blended waypoint with one of its bodies on each side of a joint: `attachment` is the one that moves with it.
  struct Mixed { int waypoint, attachment; double weight, first; bool begins, ends; };

  void check(const mjModel* m) const;
  void place_attachments();
  void build_crossings(const mjModel* m, std::span<const int> crossing_adr, std::span<const int> crossing,
                       std::span<const int> dof_actuated);
  void add_crossed(int muscle, const mjModel* m, int joint, int slot);
  void move_points(const mjData* d, PathState& s) const;
  void measure_segments(PathState& s) const;
  void compute_forces(PathState& s) const;
  void compute_moments(const mjData* d, PathState& s) const;

  PolylineData data_;
  std::size_t crossings_ = 0;
  std::vector<double> rest_length_;               // (nm) [m]
  std::vector<Place> places_;
  std::vector<double> lx_, ly_, lz_;              // (attachments) local places, sorted by body
  std::vector<int> first_, second_;               // (nw) attachments; the same one twice for a rigid waypoint
  std::vector<double> first_weight_, second_weight_;  // (nw)
  std::vector<Crossed> crossed_;
  std::vector<Cross> crosses_;
  std::vector<Mixed> mixed_;
  std::vector<int> joint_kind_, joint_body_;      // (njnt)
};

}  // namespace soleus
