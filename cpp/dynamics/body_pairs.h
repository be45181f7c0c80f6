// Bodies that may touch one another: tables of a model.
//
// A contact of two bodies stiffens the coordinates that move one of them and not the other, each against each: entries
// of the Newton matrix that the mass matrix of a tree does not have. They have a pattern of their own here, with the
// fill-in of eliminating it in the tree's order, for lanes in which bodies touch.
#pragma once

#include <array>
#include <vector>

#include "dynamics/contact_law.h"
#include "model/ldl.h"

namespace soleus {

class DynamicsModel;

class BodyPairs {
 public:
  // Whether a geom may be one of two that touch.
  static bool covers(const mjModel* m, int geom);

  // A geom that another may touch: what is within a radius of a segment; of a sphere its half is 0.
  struct Rod {
    int geom, link;                  // link -1: the world
    std::array<double, 3> center, axis;  // in the link's frame
    double half, radius;
  };
  enum class Kind { kSpheres, kSphereAndCapsule, kCapsules };
  struct Pair {
    Kind kind;
    int first, second;               // rods; the normal points from the first to the second
    int bond;
    int points_begin, points_end;    // capsules that are parallel may touch at two
    ContactLaw law;
    double reach;                    // between their centres, at most, where they touch
    int foot;                        // that presses against what is no body of the person's, or -1
  };
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

  void add(const DynamicsModel& dynamics, const GeomContact& contact);
  // After all are added.
  void build_pattern(const DynamicsModel& dynamics);

  const std::vector<Rod>& rods() const { return rods_; }
  const std::vector<Pair>& pairs() const { return pairs_; }
  int points() const { return pairs_.empty() ? 0 : pairs_.back().points_end; }
  const std::vector<Bond>& bonds() const { return bonds_; }
  const std::vector<Lever>& levers() const { return levers_; }
  const std::vector<Term>& terms() const { return terms_; }
  // Of the Newton matrix where bodies touch; and where an entry of the tree's is in it.
  const SparseLdl& pattern() const { return pattern_; }
  const std::vector<int>& slots_of_tree() const { return slots_of_tree_; }

 private:
  int rod(const DynamicsModel& dynamics, int geom);
  int bond(const DynamicsModel& dynamics, int first, int second);

  std::vector<Rod> rods_;
  std::vector<Pair> pairs_;
  std::vector<Bond> bonds_;
  std::vector<Lever> levers_;
  std::vector<Term> terms_;
  SparseLdl pattern_;
  std::vector<int> slots_of_tree_;
};

}  // namespace soleus
