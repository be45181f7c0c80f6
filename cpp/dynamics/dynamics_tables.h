// A model's numbers as the dynamics in lanes read them, with the structure that they are numbers of: tables of a Number,
// double where all humans share the numbers, Wide where each lane has its own. DynamicsModel makes the first kind and says
// what is the same in both: the tree, its motions, the patterns of matrices.
//
// The time step is no number of a human: it is shared by all. Gravity is one, since its direction is the ground's slope.
//
// A Wide is a cache line. Structs begin with their structure, and what may be 0 has a flag there, so that tables of each
// lane's numbers touch few lines.
#pragma once

#include <array>
#include <limits>
#include <vector>

#include "base/lane_numbers.h"
#include "dynamics/contact_tables.h"
#include "dynamics/impedance.h"

namespace soleus {

enum class JointKind { kFree, kBall, kHinge, kSlide };

template <class Number>
struct DynamicsTables {
  using Triple = std::array<Number, 3>;
  using Turn = std::array<Number, 4>;  // quaternion

  struct Joint {
    JointKind kind;
    int qpos, dof;
    Needed anchored;                 // whether the anchor is not the link's origin
    Needed has_spring;
    Number qpos0;                    // of hinges and slides
    Triple axis, anchor;
    Number stiffness, spring;        // of hinges and slides [N m/rad], [rad]
  };
  struct Link {
    int parent;                      // link, or -1: the world
    int joints_begin, joints_end;
    int motions_begin, motions_end;
    Needed turned;                   // whether its frame is turned in its parent's
    Triple place;                    // of its frame in its parent's, at qpos0
    Turn turn;
    Number mass;
    Triple center;                   // of mass, in its frame [m]
    std::array<Number, 6> inertia;   // about it, in the frame's axes: xx, yy, zz, xy, xz, yz [kg m^2]
  };
  // What a dof does: it belongs to a coordinate, moves a link as part of a motion, and if coupled follows a polynomial, or
  // a spline where it has pieces of one.
  struct Dof {
    int coordinate, motion, qpos;
    int driver_qpos;                 // of the coordinate that drives it
    int pieces_begin, pieces_end;
    bool coupled, scalar;
    Needed has_armature, has_damping;
    Number qpos0, driver_qpos0;
    std::array<Number, 5> polynomial;
    Number armature, damping;
  };
  // A cubic of the driver's position less `start`: from there on, up to the next piece's start.
  struct Piece {
    Number start;
    std::array<Number, 4> cubic;
  };
  // Where a body is: its link, its frame in the link's, and its centre of mass in its frame.
  struct Place {
    int link;                        // -1: the world
    Needed apart;                    // whether the body's frame is not the link's
    Triple place;
    Turn turn;
    Triple center;
  };
  // A soft limit of a hinge or slide.
  struct Limit {
    int dof;
    Number low, high, margin, invweight;
    Impedance<Number> impedance;
  };
  // Friction of a joint's dof: it holds the dof softly, with a force of at most its loss.
  struct Friction {
    int dof;
    Number loss;                     // [N m] or [N]
    Number strength, damping;        // D and B of the constraint
    Number edge;                     // from where on it slips: the loss over the strength
    int key() const { return dof; }
    void clear(int lane) {
      for (Wide* x : {&loss, &strength, &damping}) x->set(lane, 0.0);
      edge.set(lane, std::numeric_limits<double>::infinity());
    }
  };
  // MuJoCo's limit of the angle of a ball joint.
  struct Ball {
    int coordinate, qpos;            // the first of three; of its quaternion
    Number most, margin, invweight;
    Impedance<Number> impedance;
  };
  // A ball joint's limits by axis (BallLimit).
  struct AxisLimit {
    int coordinate, rotation;        // the first of three; of `rotations`
    Triple low, high, stiffness, damping;
    int key() const { return coordinate; }
    void clear(int lane) {
      for (int i = 0; i < 3; ++i) {
        low[i].set(lane, -std::numeric_limits<double>::infinity());
        high[i].set(lane, std::numeric_limits<double>::infinity());
        stiffness[i].set(lane, 0.0);
        damping[i].set(lane, 0.0);
      }
    }
  };
  // A ball or free joint's turn: its coordinates are those of the turn from qpos0.
  struct Rotation {
    int coordinate, qpos;
    Turn back;                       // the inverse of that at qpos0
  };
  // Of stable PD, of an actuated coordinate.
  struct Gain { Number kp, kd, torque_limit; };
  struct RootGain { Needed driven; Number kp, kd; };

  static constexpr std::array kParts{"links", "joints", "degrees of freedom", "pieces of splines", "bodies", "limits",
                                     "friction of joints", "limits of ball joints", "damping", "contacts", "rotations", "limits by axis", "gains",
                                     "gains of the root", "pose at rest", "gravity"};
  std::vector<Link> links;
  std::vector<Joint> joints;
  std::vector<Dof> dofs;
  std::vector<Piece> pieces;
  std::vector<Place> bodies;
  std::vector<Limit> limits;
  std::vector<Friction> frictions;
  std::vector<Ball> balls;
  Flag<Number> damped;               // whether any joint is, so that steps are implicit
  ContactTables<Number> contacts;
  std::vector<Rotation> rotations;   // as HumanModel's
  std::vector<AxisLimit> axis_limits;
  std::vector<Gain> gains;           // (na)
  RootGain root_gain;
  std::vector<Number> rest;          // (nq) where a lane that ran away is put
  Triple gravity;                    // [m/s^2]
};

}  // namespace soleus
