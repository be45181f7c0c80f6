// Bodies that may touch one another: what their contacts stiffen. Their pairs are in ContactTables.
//
// A contact of two bodies stiffens the coordinates that move one of them and not the other, each against each: entries
// of the Newton matrix that the mass matrix of a tree does not have. They have a pattern of their own here, with the
// fill-in of eliminating it in the tree's order, for lanes in which bodies touch.
#pragma once

#include <vector>

#include "dynamics/contact_tables.h"
#include "model/ldl.h"

namespace soleus {

class DynamicsModel;

class BodyPairs {
 public:
  // Whether a geom may be one of two that touch.
  static bool covers(const mjModel* m, int geom);

  // Two links that may touch one another.
  struct Bond {
    int first, second;
    int levers_begin, levers_end, terms_begin, terms_end;
  };
  // A motion that moves one link of a bond and not the other.
  struct Lever {
    int motion;
    double way;                      // 1: it moves the second, -1: the first
  };
  // One product of a lever's force with a lever's motion, and where it goes.
  struct Term { int lever, other, slot; bool twice; };

  // Adds a pair to the tables, and what it needs here.
  void add(const DynamicsModel& dynamics, const GeomContact& contact, ContactTables<double>& tables);
  // After all pairs are added.
  void build_pattern(const DynamicsModel& dynamics);

  const std::vector<Bond>& bonds() const { return bonds_; }
  const std::vector<Lever>& levers() const { return levers_; }
  const std::vector<Term>& terms() const { return terms_; }
  // Of the Newton matrix where bodies touch; and where an entry of the tree's is in it.
  const SparseLdl& pattern() const { return pattern_; }
  const std::vector<int>& slots_of_tree() const { return slots_of_tree_; }

 private:
  int bond(const DynamicsModel& dynamics, int first, int second);

  std::vector<Bond> bonds_;
  std::vector<Lever> levers_;
  std::vector<Term> terms_;
  SparseLdl pattern_;
  std::vector<int> slots_of_tree_;
};

}  // namespace soleus
