// Where a taut string runs round a sphere or a cylinder, in lanes: as MuJoCo's tendons do (its documentation, "Spatial
// tendons": the shorter way, or the one by a side site; from within where the side site is inside).
#pragma once

#include <array>

#include "base/lane_numbers.h"
#include "base/wide_vec.h"

namespace soleus {

// Number: double where all lanes have the same shape, Wide where each has one of its own.
template <class Number>
struct WrapShape {
  bool sphere;                  // else a cylinder along z
  bool sided;                   // whether there is a side site
  Flag<Number> inside;          // and whether it is within
  Number radius;                // [m]
  std::array<Number, 3> side;   // in the shape's frame
};

struct Wrapping {
  WideMask wraps;
  Wide length;                  // of the part on the surface [m]
  Wide3 first, second;          // where it begins and ends, in the shape's frame; those of lanes that wrap alone
};

// From one point to another, both in the shape's frame.
template <class Number>
Wrapping wrap(const WrapShape<Number>& shape, const Wide3& from, const Wide3& to);

}  // namespace soleus
