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
#include "dynamics/muscle_tables.h"
#include "muscles/wide_polynomials.h"

namespace soleus {

// What the muscles of a model are, as tables: made once, shared by all tiles.
class LaneMuscleModel {
 public:
  // Why the lanes do not cover a model's muscles, an element each; empty: they do.
  static std::vector<std::string> uncovered(const HumanModel& human);

  // Throws InvalidInput for muscles that are not covered.
  explicit LaneMuscleModel(const DynamicsModel& dynamics);

  using Tables = MuscleTables<double>;
  using Site = Tables::Site;
  using Stretch = Tables::Stretch;
  using Muscle = Tables::Muscle;

  // One product of a stretch's wrench with a motion: the moment that it goes to, and on which side the motion is.
  struct Arm { int motion, slot; double sign; };
  // A blended point whose second link takes its share of the force: that of the stretches before and behind it, or -1.
  struct Share { int site, before, behind, arms_begin, arms_end; };
  // Muscles whose lengths are polynomials of the same coordinates.
  struct Fitted {
    // A coordinate, and the box of it where the polynomials hold.
    struct Variable { int qpos; double centre, inverse_half; };
    std::vector<Variable> variables;
    WidePolynomials polynomials;
    std::vector<int> muscles;
    std::vector<int> slots;         // (muscles, variables) where the moments go
  };
  // The muscles' numbers.
  const Tables& tables() const { return tables_; }
  const std::vector<Muscle>& muscles() const { return tables_.muscles; }
  const std::vector<int>& path_sites() const { return path_sites_; }
  // Polynomials are of one anatomy: lanes with numbers of their own follow their paths (update_muscles).
  const std::vector<Fitted>& fitted() const { return fitted_; }
  // Whether a polynomial stands for a muscle's path, where that holds.
  bool is_fitted(int muscle) const { return is_fitted_[muscle]; }
  const std::vector<Arm>& arms() const { return arms_; }
  const std::vector<Share>& shares() const { return shares_; }
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
  Tables tables_{};
  std::vector<bool> is_fitted_;     // (nm)
  std::vector<int> site_index_;     // (nsite) or -1
  std::vector<int> path_sites_;
  std::vector<Fitted> fitted_;
  std::vector<Arm> arms_;
  std::vector<Share> shares_;
};

}  // namespace soleus
