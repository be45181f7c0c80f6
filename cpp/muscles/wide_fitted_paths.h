// Lengths of muscles as polynomials of coordinates, in lanes, for muscles that have no other path.
//
// A muscle's polynomials are of cells that the range of its coordinates is cut into, where its path jumps: conditional points,
// a string that comes off what it was wrapped round. A group are the muscles that share coordinates and a cell.
//
// A polynomial is one of the length, or of the square of what the length exceeds an offset by: the square of the distance
// of two points is a smooth function of the coordinates where the distance is not, near where it vanishes.
//
// Beyond the box that it was fitted in a length goes on linearly, from the nearest point of the box and along its gradient
// there: smoothly, and no faster than it went. Moments are the exact gradient everywhere.
#pragma once

#include <limits>
#include <vector>

#include "muscles/wide_polynomials.h"

namespace soleus {

struct FittedGroup {
  static constexpr double kNone = std::numeric_limits<double>::infinity();

  // A coordinate, the box of it where the polynomials hold, and the cell that they speak for: low <= q < high.
  struct Variable { int qpos; double centre, inverse_half, low, high; };
  std::vector<Variable> variables;
  WidePolynomials polynomials;
  std::vector<int> muscles;
  std::vector<int> slots;         // (muscles, variables) where the moments go
  std::vector<bool> squared;      // (muscles) whether the polynomial is of a square
  std::vector<double> offsets;    // (muscles) [m] of those
};

// Sets the lengths [m] and the gradients [m/rad] of a group's muscles in the lanes whose coordinates are in its cell; what
// a muscle crosses in other groups alone becomes 0 there. qpos: (nq); monomials: scratch of twice as many as the group has;
// length: (nm), gradient: (nnz) over crossing_adr.
void follow_everywhere(const FittedGroup& group, const Wide* qpos, const int* crossing_adr, Wide* monomials, Wide* length,
                       Wide* gradient);

}  // namespace soleus
