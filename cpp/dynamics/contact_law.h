// Which geoms may touch one another, and by what law.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "dynamics/impedance.h"

namespace soleus {

// How a contact gives way and how it rubs.
template <class Number>
struct ContactLaw {
  int condim;
  std::array<Number, 5> friction;    // along the first and second direction, of spin, of roll about both directions
  Impedance<Number> impedance;
  Number margin, gap;                // [m]; beyond the margin contacts are looked for that press nothing
  Number invweight;                  // inverse inertia that an edge of its friction pyramid is taken to have
};

// Two geoms, in the order in which MuJoCo has them: a normal points from the first to the second.
struct GeomContact {
  int first, second;
  ContactLaw<double> law;
};

// All that may touch: by the rules of contype, conaffinity, exclusion and kinship, and the pairs that a model names.
std::vector<GeomContact> contacts_of(const mjModel* m);

// Surfaces of them that the lanes do not cover are added to `out`, each by the name of its element.
void list_uncovered_surfaces(const mjModel* m, const std::vector<GeomContact>& contacts, std::vector<std::string>& out);

}  // namespace soleus
