// What the muscles of a model are, as tables for the lanes: paths along sites, spheres and cylinders, and force laws.
//
// A stretch of a path between two links pulls along one line, so that one wrench, the same at both ends, gives the moment
// of every coordinate between them: the unit force along the line, times the coordinate's motion.
//
// In place of its path a muscle may have a polynomial of its coordinates, which holds in a box of them.
#pragma once

#include <string>
#include <vector>

#include "dynamics/dynamics_model.h"
#include "muscles/wide_polynomials.h"
#include "muscles/wide_wrap.h"

namespace soleus {

// What the muscles of a model are, as tables: made once, shared by all tiles.
class LaneMuscleModel {
 public:
  // Why the lanes do not cover a model's muscles, an element each; empty: they do.
  static std::vector<std::string> uncovered(const HumanModel& human);

  // Throws InvalidInput for muscles that are not covered.
  explicit LaneMuscleModel(const DynamicsModel& dynamics);

  // A point of a path: fixed to a link, or the weighted mean of its places on two (second_weight > 0).
  struct Site {
    int link;
    std::array<double, 3> place;
    int second_link = -1;
    std::array<double, 3> second_place{};
    double weight = 1, second_weight = 0;
  };
  // One product of a stretch's wrench with a motion: the moment that it goes to, and on which side the motion is.
  struct Arm { int motion, slot; double sign; };
  struct Stretch {
    int from, to;                   // sites
    int wrap;                       // shape between them, or -1
    double scale;                   // gear over the pulley's divisor
    int arms_begin, arms_end;       // of all of it, or of the part before the shape
    int after_begin, after_end;     // of the part behind the shape
  };
  // A blended point whose second link takes its share of the force: that of the stretches before and behind it, or -1.
  struct Share { int site, before, behind, arms_begin, arms_end; };
  struct Shape {
    WrapShape wrap;
    int link;
    std::array<double, 3> place;
    std::array<double, 4> turn;
  };
  // Muscles whose lengths are polynomials of the same coordinates.
  struct Fitted {
    // A coordinate, and the box of it where the polynomials hold.
    struct Variable { int qpos; double centre, inverse_half; };
    std::vector<Variable> variables;
    WidePolynomials polynomials;
    std::vector<int> muscles;
    std::vector<int> slots;         // (muscles, variables) where the moments go
  };
  struct Muscle {
    bool fitted;                    // whether a polynomial stands for its path, where that holds
    int sites_begin, sites_end;     // of path_sites()
    int stretches_begin, stretches_end, shares_begin, shares_end;
    double fixed_length;            // of stretches within one link [m]
    int dof, slot;                  // of the joint that it acts on directly, with this gear; -1: it has a path
    double gear;
    bool mass;                      // the law of MASS, by strain = (length / rest - slack) / optimal_share - 1; else
    double rest, slack, optimal_share;
    // of MuJoCo's law (mju_muscleGain, mju_muscleBias): lengths are normalised as offset + length / optimal.
    double optimal, offset, force, least, most, fastest, lengthening;
    double passive_optimal, passive_offset, passive_force, passive_most;
    double activation_time, deactivation_time;  // [s]
    double smoothing;               // width of the switch between the two, of excitation; 0: none
    double control_low, control_high;
    bool stateful, dynamic;         // whether it has an activation; and one that follows the excitation
    int control, activation;        // addresses in mjData
  };

  const std::vector<Site>& sites() const { return sites_; }
  const std::vector<int>& path_sites() const { return path_sites_; }
  const std::vector<Fitted>& fitted() const { return fitted_; }
  const std::vector<Arm>& arms() const { return arms_; }
  const std::vector<Stretch>& stretches() const { return stretches_; }
  const std::vector<Shape>& shapes() const { return shapes_; }
  const std::vector<Share>& shares() const { return shares_; }
  const std::vector<Muscle>& muscles() const { return muscles_; }
  const DynamicsModel& dynamics() const { return *dynamics_; }

 private:
  void add_muscle(int k);
  void add_polyline(int k);
  void add_joint(int k, int dof, double gear);
  void add_stretch(int k, int from, int to, int wrap, double scale);
  int slot_of(int k, int actuated) const;
  void list_sites();
  void add_fitted();
  void add_arms(int k, int from_link, int to_link);
  int add_site(int site);
  int add_shape(int geom, int side);

  const DynamicsModel* dynamics_;
  std::vector<Site> sites_;
  std::vector<int> site_index_;     // (nsite) or -1
  std::vector<int> path_sites_;
  std::vector<Fitted> fitted_;
  std::vector<Arm> arms_;
  std::vector<Stretch> stretches_;
  std::vector<Shape> shapes_;
  std::vector<Share> shares_;
  std::vector<Muscle> muscles_;
};

}  // namespace soleus
