// What the muscles of a model are, as tables for the lanes: paths along sites, spheres and cylinders, and force laws.
//
// A stretch of a path between two links pulls along one line, so that one wrench, the same at both ends, gives the moment
// of every coordinate between them: the unit force along the line, times the coordinate's motion.
//
// In place of its path a muscle may have a polynomial of its coordinates, which holds in a box of them. Hill-type muscles
// have polynomials alone, which hold everywhere.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "dynamics/dynamics_model.h"
#include "dynamics/muscle_tables.h"
#include "muscles/wide_fitted_paths.h"

namespace soleus {

// Made once, shared by all tiles.
class LaneMuscleModel {
 public:
  // Why the lanes do not cover a model's muscles, an element each; empty: they do.
  static std::vector<std::string> uncovered(const HumanModel& human);

  // Throws InvalidInput for muscles that are not covered.
  explicit LaneMuscleModel(const DynamicsModel& dynamics);

  using Tables = MuscleTables<double>;
  // What a muscle of a human pulls with.
  static Tables::Force force_of(const HumanModel& human, int muscle);

  // A point of a path: fixed to a link, or the weighted mean of its places on two.
  struct Site { int link, second_link, blend; };  // blend: of MuscleTables; -1: it is fixed
  // One product of a stretch's wrench with a motion: the moment that it goes to, and on which side the motion is.
  struct Arm { int motion, slot; double sign; };
  struct Stretch {
    int from, to;                   // sites
    int wrap;                       // shape between them, or -1
    int scale;                      // of MuscleTables
    int arms_begin, arms_end;       // of all of it, or of the part before the shape
    int after_begin, after_end;     // of the part behind the shape
  };
  // A blended point whose second link takes its share of the force: that of the stretches before and behind it, or -1.
  struct Share { int site, before, behind, arms_begin, arms_end; };
  enum class Law { kMujoco, kMass, kHill };
  struct Muscle {
    int sites_begin, sites_end;     // of path_sites
    int stretches_begin, stretches_end, shares_begin, shares_end;
    int dof, slot;                  // of the joint that it acts on directly; -1: it has a path
    Law law;                        // by which it pulls
    bool stateful, dynamic;         // whether it has an activation; and one that follows the excitation
    bool limited;                   // whether its control is
    int control, activation;        // addresses in mjData; -1: it is apart from MuJoCo's
    double slow;                    // share of slow-twitch fibres
  };
  // What variants of a model have in common.
  struct Structure {
    static constexpr std::array kParts{"sites", "sites of paths", "moments", "stretches of paths", "blended sites",
                                       "shapes that muscles wrap", "muscles"};
    std::vector<Site> sites;
    std::vector<int> path_sites;
    std::vector<Arm> arms;
    std::vector<Stretch> stretches;
    std::vector<Share> shares;
    std::vector<int> shape_links;   // of the tables' shapes
    std::vector<Muscle> muscles;
  };
  const Structure& structure() const { return structure_; }
  const std::vector<Muscle>& muscles() const { return structure_.muscles; }
  // The muscles' numbers.
  const Tables& tables() const { return tables_; }
  // Polynomials are of one anatomy: lanes with numbers of their own follow their paths (update_muscles).
  const std::vector<FittedGroup>& fitted() const { return dynamics_->human().fitted_groups(); }
  // Whether a polynomial stands for a muscle's path, where that holds.
  bool is_fitted(int muscle) const { return is_fitted_[muscle]; }
  const DynamicsModel& dynamics() const { return *dynamics_; }

 private:
  void add_muscle(int k);
  void add_polyline(int k);
  void add_hill(int k);
  void add_joint(int k, int dof);
  void add_stretch(int k, int from, int to, int wrap, int scale);
  int add_scale(double scale);
  int slot_of(int k, int actuated) const;
  void list_sites();
  void mark_fitted();
  void add_arms(int k, int from_link, int to_link);
  int add_site(int site);
  int add_shape(int geom, int side);

  const DynamicsModel* dynamics_;
  Structure structure_;
  Tables tables_;
  std::vector<bool> is_fitted_;     // (nm)
  std::vector<int> site_index_;     // (nsite) or -1
};

}  // namespace soleus
