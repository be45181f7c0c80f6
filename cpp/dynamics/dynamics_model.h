// What the dynamics in lanes need of a model, as tables that say what to do: made once, shared by all tiles.
//
// Bodies that are welded to one another are one *link*. A *motion* is what one coordinate does to one link: where a
// coupling drives several joints of a link, they are one motion together, so that coupled joints are exact and cost no
// constraint. A coordinate may move links on different branches (a knee angle moves tibia and patella).
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dynamics/contact_model.h"
#include "dynamics/impedance.h"
#include "model/human_model.h"
#include "model/ldl.h"

namespace soleus {

class DynamicsModel {
 public:
  // Why the lanes do not cover a model, each element by name; empty: they do.
  static std::vector<std::string> uncovered(const HumanModel& human);

  // Throws InvalidInput for a model that is not covered.
  explicit DynamicsModel(const HumanModel& human);

  enum class JointKind { kFree, kBall, kHinge, kSlide };
  struct Joint {
    JointKind kind;
    int qpos, dof;
    double qpos0;                    // of hinges and slides
    std::array<double, 3> axis, anchor;
    bool anchored;                   // whether the anchor is not the link's origin
    double stiffness, spring;        // of hinges and slides [N m/rad], [rad]
  };
  struct Link {
    int parent;                      // link, or -1: the world
    std::array<double, 3> place;     // of its frame in its parent's, at qpos0
    std::array<double, 4> turn;
    bool turned;                     // whether that is a turn at all
    int joints_begin, joints_end;
    int motions_begin, motions_end;
    double mass;
    std::array<double, 3> center;    // of mass, in its frame [m]
    std::array<double, 6> inertia;   // about it, in the frame's axes: xx, yy, zz, xy, xz, yz [kg m^2]
  };
  struct Motion { int link, coordinate; };
  // What a dof does: it belongs to a coordinate, moves a link as part of a motion, and follows a polynomial if coupled.
  struct Dof {
    int coordinate, motion, qpos;
    bool coupled, scalar;
    double qpos0;
    int driver_qpos;                 // of the coordinate that drives it
    double driver_qpos0;
    std::array<double, 5> polynomial;
    double armature, damping;
  };
  // Where a body is: its link, and its frame in the link's.
  struct Place {
    int link;                        // -1: the world
    std::array<double, 3> place;
    std::array<double, 4> turn;
    bool aligned;                    // the body's frame is the link's
  };
  // One product of a motion's force with an ancestor's motion, and where it goes.
  struct InertiaTerm { int motion, slot; bool twice; };

  // A soft limit of a hinge or slide.
  struct Limit {
    int dof;
    double low, high, margin, invweight;
    Impedance impedance;
  };
  // Friction of a joint's dof: it holds the dof softly, with a force of at most its loss.
  struct Friction {
    int dof;
    double loss;                     // [N m] or [N]
    double strength, damping;        // D and B of the constraint
  };
  // MuJoCo's limit of the angle of a ball joint.
  struct Ball {
    int coordinate, qpos;            // the first of three; of its quaternion
    double most, margin, invweight;
    Impedance impedance;
  };
  const std::vector<Link>& links() const { return links_; }
  const std::vector<Joint>& joints() const { return joints_; }
  const std::vector<Motion>& motions() const { return motions_; }
  const std::vector<Dof>& dofs() const { return dofs_; }
  const std::vector<Place>& bodies() const { return bodies_; }
  const std::vector<Limit>& limits() const { return limits_; }
  const std::vector<Friction>& frictions() const { return frictions_; }
  const std::vector<Ball>& balls() const { return balls_; }
  const ContactModel& contacts() const { return *contacts_; }
  const SparseLdl& pattern() const { return human_->inertia_pattern(); }
  // Of motion p: terms()[term_begin(p)] to terms()[term_begin(p + 1)].
  const std::vector<InertiaTerm>& terms() const { return terms_; }
  int term_begin(int motion) const { return term_begin_[motion]; }
  const HumanModel& human() const { return *human_; }
  int coordinates() const { return human_->num_coordinates(); }
  // Where the position of a coordinate is, of hinges and slides; of rotations the part that its number within them names.
  int coordinate_qpos(int c) const { return coordinate_qpos_[c]; }
  double timestep() const { return human_->mujoco()->opt.timestep; }
  std::array<double, 3> gravity() const { return gravity_; }
  int root_link() const { return root_link_; }
  bool damped() const { return damped_; }
  bool coupled() const { return !human_->coupled().empty(); }

 private:
  void build_links();
  void add_inertia(Link& link, int body, const Place& place);
  void build_dofs();
  void place_coordinates();
  void build_terms();
  void build_limits();
  void build_frictions();

  const HumanModel* human_;
  std::vector<Link> links_;
  std::vector<Joint> joints_;
  std::vector<Motion> motions_;
  std::vector<Dof> dofs_;
  std::vector<Place> bodies_;
  std::vector<InertiaTerm> terms_;
  std::vector<int> term_begin_;
  std::vector<Limit> limits_;
  std::vector<Friction> frictions_;
  std::vector<Ball> balls_;
  std::optional<ContactModel> contacts_;
  std::vector<int> coordinate_qpos_;
  std::array<double, 3> gravity_{};
  int root_link_ = 0;
  bool damped_ = false;
};

}  // namespace soleus
