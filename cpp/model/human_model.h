// A human: a compiled MuJoCo model plus what MuJoCo does not know about it. Immutable, and shared by all states.
//
// The person is the root body and all that hangs below it. What else is in the model MuJoCo simulates, and nothing here
// drives, weighs or looks at it.
// A *coordinate* is an independent degree of freedom. Joints that an equality drives (the patella of a knee) belong to
// their driver's coordinate: velocities follow qd_i = g_i(q) u_c with g the derivative of the coupling polynomial, or of
// the spline that the lanes follow in its place.
// The three coordinates of a ball joint are the exponential map of its rotation (axis times angle, body axes), those of a
// free joint its shift and the exponential map of its turn from qpos0; their velocities are MuJoCo's.
#pragma once

#include <mujoco/mujoco.h>

#include <array>
#include <memory>
#include <vector>

#include "model/ball_limits.h"
#include "model/ldl.h"
#include "muscles/metabolism.h"
#include "muscles/polyline.h"
#include "muscles/wide_hill_muscles.h"

namespace soleus {

// Polynomials in place of the paths of some muscles, where their coordinates are near enough to a centre; or of Hill-type
// muscles, which have no other paths, everywhere. Muscles that cross the same coordinates make a group.
struct FittedPathData {
  std::vector<int> coordinate_adr;       // (groups + 1)
  std::vector<int> coordinate;           // of each group, hinges or slides
  std::vector<double> centre, half;      // of each: the polynomials hold from centre - half to centre + half
  std::vector<int> muscle_adr;           // (groups + 1)
  std::vector<int> muscle;               // of each group
  std::vector<int> coefficient_adr;      // (fitted muscles + 1)
  std::vector<double> coefficient;       // of each muscle's length [m], as WidePolynomials has them
  // Of Hill-type muscles (FittedGroup):
  std::vector<double> low, high;         // of each coordinate: the group's polynomials speak for low <= q < high
  std::vector<bool> squared;             // of each fitted muscle: a polynomial of the square of its length less the offset
  std::vector<double> offset;            // of each fitted muscle [m]
};

// What the caller says about a model; lengths are checked against the model and each other by HumanModel's constructor.
struct HumanDescription {
  std::vector<int> dof_coordinate;       // (nv); -1: no dof of the person's
  std::vector<bool> dof_coupled;         // (nv)
  std::vector<double> dof_polynomial;    // (nv, 5)
  // Splines that the lanes follow in place of some polynomials: pieces spline_adr[i] to spline_adr[i + 1] are dof i's, each
  // its start s and c_0 to c_3: the dof is at c_0 + c_1 x + c_2 x^2 + c_3 x^3, x = q_driver - s, from s to the next piece's
  // start; the first piece holds before its own start too.
  std::vector<int> spline_adr;           // (nv + 1); empty: no dof follows a spline
  std::vector<double> spline;            // (pieces, 5)
  std::vector<int> coordinate_dof;       // (nc)
  std::vector<int> actuated;             // (na) coordinates under stable PD
  std::vector<double> kp, kd;            // (na) [N m/rad], [N m s/rad]
  std::vector<double> torque_limit;      // (na) [N m]
  // Indices into `actuated` that stable PD's torque moves by itself. Muscles that cross them pull there as everywhere, and
  // are asked for nothing.
  std::vector<int> direct;
  std::vector<double> pose_weight;       // (na) in the squared errors of pose and velocity; empty: all 1
  double root_kp = 0, root_kd = 0;       // of stable PD's prediction; no torque ever acts on the root
  std::vector<int> muscle_actuator;      // (nm); empty where the muscles are polylines or Hill-type muscles
  PolylineData polylines;
  HillMuscleData hill;
  FittedPathData fitted;                 // may be empty; the lanes alone follow it in place of paths
  std::vector<int> crossing_adr;         // (nm + 1)
  std::vector<int> crossing;             // (nnz) index into `actuated`
  int root_body = 0;
  std::array<double, 4> root_align{1, 0, 0, 0};  // body frame -> x forward, y left, z up
  int head_body = 0;
  double root_height = 1.0;              // standing [m]
  double head_height = 1.6;              // standing [m]
  std::vector<int> tracked_bodies;       // (nb)
  std::vector<int> end_effectors;        // (ne)
  std::vector<std::vector<int>> feet;    // bodies of each foot, right then left
  std::vector<int> mirror_coordinate;    // (nc)
  std::vector<double> mirror_sign;       // (nc)
  std::vector<int> mirror_muscle;        // (nm)
  std::vector<double> slow_share;        // (nm) of slow-twitch fibres in each muscle's mass; empty: kSlowShare of each
  std::vector<int> motor_control;        // (nu) addresses in mjData.ctrl of the motors and servos that have actions
  std::vector<double> motor_low, motor_high;  // (nu) controls at the actions -1 and 1
  std::vector<int> mirror_motor;         // (nu) the mirrored action is that of another motor, with a sign
  std::vector<double> mirror_motor_sign; // (nu)
  std::vector<int> mirror_tracked;       // (nb)
  std::vector<double> lower, upper;      // (nc) of coordinates [rad]; those of ball joints bind here, by axis; may be empty
  std::vector<double> qpos_rest;         // (nq)
  std::vector<double> qvel_rest;         // (nv) at an episode's start; empty: none
  std::vector<double> ctrl_rest;         // (number of controls) likewise: what nobody's action moves keeps it
  std::vector<int> tied, tied_to;        // (nt) floating bodies of others, and the person's body that each is tied to
  std::vector<double> tied_pose;         // (nt, 7) place and quaternion in that one's frame, at an episode's start
  double ground_height = 0;              // under the person who stands at rest [m]; other heights are measured from it
  bool muscles_act = true;               // false: a torque-driven body, whose muscles make no force at all
};

// Owns a compiled model; its copy owns a copy.
class OwnedModel {
 public:
  // Throws InvalidInput where there is no memory for it.
  explicit OwnedModel(const mjModel* model);
  OwnedModel(const OwnedModel& other) : OwnedModel(other.get()) {}
  mjModel* get() const { return model_.get(); }
  mjModel* operator->() const { return model_.get(); }

 private:
  struct Deleter {
    void operator()(mjModel* m) const { mj_deleteModel(m); }
  };
  std::unique_ptr<mjModel, Deleter> model_;
};

class HumanModel : public HumanDescription {
 public:
  // Copies the model. Throws InvalidInput when an array does not fit it.
  HumanModel(const mjModel* model, HumanDescription data);

  // Takes the numbers of a model of the same structure; what follows from them is that of before until renumber().
  void restore(const HumanModel& base);
  // Takes the numbers that change(mjModel*, HumanDescription&) sets, and works out what follows from them.
  template <class Change>
  void renumber(Change&& change) {
    change(model_.get(), static_cast<HumanDescription&>(*this));
    follow_numbers();
  }

  const mjModel* mujoco() const { return model_.get(); }
  int num_coordinates() const { return static_cast<int>(coordinate_dof.size()); }
  int num_actuated() const { return static_cast<int>(actuated.size()); }
  int num_muscles() const { return num_muscles_; }
  bool has_polylines() const { return !polylines.adr.empty(); }
  bool has_hill() const { return !hill.max_force.empty(); }
  // Whether the muscles are none of MuJoCo's: their forces and activations are computed beside its simulation.
  bool muscles_apart() const { return has_polylines() || has_hill(); }
  int num_motors() const { return static_cast<int>(motor_control.size()); }
  int num_crossings() const { return static_cast<int>(crossing.size()); }
  bool planar() const { return planar_; }
  double mass() const { return mass_; }      // [kg]
  double weight() const { return weight_; }  // [N]
  bool owns_geom(int geom) const { return own_body_[model_->geom_bodyid[geom]]; }

  // One entry of the model's sparse inertia and where it lands in the reduced one.
  struct InertiaEntry { int adr, row, col, slot; };
  // One entry of the model's sparse moments and the crossing it feeds.
  struct MomentEntry { int adr, dof, slot; };
  // Where a muscle's control, activation (-1: stateless) and force output are; an activation without dynamics of muscles
  // follows at once. Of muscles that are apart from MuJoCo's they are nowhere, -1.
  struct Muscle {
    int control, activation, output;
    bool dynamic;
  };
  // Dofs driven by an equality.
  struct Coupled { int dof, driver_qpos; };

  // Puts the joints that others drive where these leave them, by their polynomials. qpos: (nq).
  void couple(double* qpos) const;
  // Coordinates, (nc), of positions, (nq).
  void positions(const double* qpos, double* coordinates) const;
  // What leads from one pose to another, (nc): of rotations the shortest turn, in the axes of the first one's body.
  void difference(const double* from_qpos, const double* to_qpos, double* coordinates) const;
  // Three coordinates that are a rotation, the first of them; the joint's quaternion in qpos.
  struct Rotation { int coordinate, qpos; };
  // Of ball joints, then of a free root.
  const std::vector<Rotation>& rotations() const { return rotations_; }
  int num_balls() const { return static_cast<int>(rotations_.size()) - (free_root() ? 1 : 0); }
  bool free_root() const { return free_root_; }

  const std::vector<BallLimit>& ball_limits() const { return ball_limits_; }

  const Polylines& paths() const { return paths_; }
  // Polynomials of the muscles' lengths.
  const std::vector<FittedGroup>& fitted_groups() const { return fitted_groups_; }
  const SparseLdl& inertia_pattern() const { return inertia_; }
  const std::vector<InertiaEntry>& inertia_entries() const { return inertia_entries_; }
  const std::vector<MomentEntry>& moment_entries() const { return moment_entries_; }
  const std::vector<Coupled>& coupled() const { return coupled_; }
  const std::vector<Muscle>& muscles() const { return muscles_; }
  // (nm) time constants of activation and deactivation over the time step.
  const std::vector<double>& activation_steps() const { return activation_steps_; }
  const std::vector<double>& deactivation_steps() const { return deactivation_steps_; }
  const std::vector<int>& coordinate_actuated() const { return coordinate_actuated_; }  // (nc) or -1
  // A joint's axis in the world while all joints are at rest (qpos0).
  std::array<double, 3> standing_axis(int joint) const;
  int root_height_qpos() const { return root_height_qpos_; }  // qpos address of the root's height
  // (ngeom) foot that a geom belongs to, or -1
  const std::vector<int>& geom_foot() const { return geom_foot_; }
  const std::vector<double>& muscle_mass() const { return muscle_mass_; }  // (nm) [kg] as the successor of MASS has it
  // Mass of what contracts [kg]: in proportion to the greatest force times the optimal length, so that the muscles of the
  // legs weigh together what people's do (muscles/metabolism.h).
  double tissue_mass(int muscle) const { return mass_per_size_ * muscle_size(muscle); }
  // Share of slow-twitch fibres in it.
  double slow_fibres(int muscle) const { return slow_share.empty() ? kSlowShare : slow_share[muscle]; }
  // Quaternion of the head's body in the world, as the person stands at qpos0 and faces +x.
  const std::array<double, 4>& head_rest() const { return head_rest_; }
  // Order in which coordinate descent visits the muscles: left and right alternate, which keeps its updates independent.
  const std::vector<int>& descent_order() const { return descent_order_; }
  // Indices into `actuated` of the coordinates that muscles are asked for torques of, all but the direct ones; and the
  // entries of `crossing` on them, and on the others.
  const std::vector<int>& asked() const { return asked_; }
  const std::vector<int>& asked_crossings() const { return asked_crossings_; }
  const std::vector<int>& direct_crossings() const { return direct_crossings_; }

  // Mirrored counterparts over actuated coordinates and crossings.
  const std::vector<int>& mirror_actuated() const { return mirror_actuated_; }            // (na)
  const std::vector<double>& mirror_actuated_sign() const { return mirror_actuated_sign_; }  // (na)
  // (nnz): crossing s of the mirrored body is sign * crossing mirror_crossing()[s]; empty when muscles do not pair up.
  const std::vector<int>& mirror_crossing() const { return mirror_crossing_; }

 private:
  void check() const;
  void check_motors() const;
  void check_fitted() const;
  void check_hill() const;
  void check_splines() const;
  void weigh();
  void follow_numbers();
  void rest_muscles();
  void build_coordinates();
  void build_inertia();
  void build_moments();
  void build_paths();
  void build_fitted();
  void build_hill();
  void build_order();
  void build_asked();
  void build_muscle_mass();
  void build_tissue();
  // Greatest isometric force times the optimal length [N m].
  double muscle_size(int muscle) const;
  void build_head();
  void build_mirror();

  OwnedModel model_;
  int num_muscles_ = 0;
  bool planar_ = false;
  bool free_root_ = false;
  std::vector<bool> own_body_;  // (nbody)
  double mass_ = 0;
  double weight_ = 0;
  int root_height_qpos_ = 0;
  SparseLdl inertia_;
  std::vector<InertiaEntry> inertia_entries_;
  std::vector<MomentEntry> moment_entries_;
  std::vector<Coupled> coupled_;
  std::vector<Muscle> muscles_;
  std::vector<double> activation_steps_, deactivation_steps_;
  struct Scalar { int coordinate, qpos; };
  std::vector<Scalar> scalars_;
  std::vector<Rotation> rotations_;
  std::vector<BallLimit> ball_limits_;
  Polylines paths_;
  std::vector<FittedGroup> fitted_groups_;
  std::vector<int> coordinate_actuated_, geom_foot_, descent_order_;
  std::vector<double> muscle_mass_;
  double mass_per_size_ = kMassPerSize;  // [kg/(N m)]
  std::array<double, 4> head_rest_{1, 0, 0, 0};
  std::vector<int> asked_, asked_crossings_, direct_crossings_;
  std::vector<int> mirror_actuated_, mirror_crossing_;
  std::vector<double> mirror_actuated_sign_;
};

}  // namespace soleus
