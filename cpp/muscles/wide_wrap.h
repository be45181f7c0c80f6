// Where a taut string runs round a sphere or a cylinder, in lanes: as MuJoCo's tendons do (its documentation, "Spatial
// tendons": the shorter way, or the one by a side site; from within where the side site is inside).
#pragma once

#include <array>

#include "base/wide_vec.h"

namespace soleus {

struct WrapShape {
  bool sphere;                  // else a cylinder along z
  double radius;                // [m]
  bool sided, inside;           // whether there is a side site, and whether it is within
  std::array<double, 3> side;   // in the shape's frame
};

struct Wrapping {
  WideMask wraps;
  Wide length;                  // of the part on the surface [m]
  Wide3 first, second;          // where it begins and ends, in the shape's frame; those of lanes that wrap alone
};

// From one point to another, both in the shape's frame.
Wrapping wrap(const WrapShape& shape, const Wide3& from, const Wide3& to);

}  // namespace soleus
