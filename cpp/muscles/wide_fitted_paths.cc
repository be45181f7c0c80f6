#include "muscles/wide_fitted_paths.h"

namespace soleus {
namespace {

constexpr int kMost = WidePolynomials::kMostVariables;
constexpr double kLeastSquare = 1e-8;  // [m^2] of the square of a distance

// Where a lane is: in the box, at its nearest point to a lane that is outside, and how far beyond that it is.
struct Place {
  Wide within[kMost], beyond[kMost];
  WideMask out[kMost];              // in which coordinates it is outside
  WideMask here = every_lane(), outside = no_lane();
};

Place place_of(const FittedGroup& group, const Wide* qpos) {
  Place p;
  for (int i = 0; i < group.polynomials.variables(); ++i) {
    const auto& v = group.variables[i];
    const Wide q = qpos[v.qpos];
    p.here = p.here & (q >= Wide(v.low)) & (q < Wide(v.high));
    const Wide x = (q - Wide(v.centre)) * v.inverse_half;
    p.within[i] = clamp(x, Wide(-1.0), Wide(1.0));
    p.beyond[i] = x - p.within[i];
    p.out[i] = p.beyond[i] != Wide(0.0);
    p.outside = p.outside | p.out[i];
  }
  p.outside = p.outside & p.here;
  return p;
}

}  // namespace

void follow_everywhere(const FittedGroup& group, const Wide* qpos, const int* crossing_adr, Wide* monomials, Wide* length,
                       Wide* gradient) {
  const int count = group.polynomials.variables();
  const Place p = place_of(group, qpos);
  if (!any(p.here)) return;
  group.polynomials.raise(p.within, monomials);
  Wide* rates = monomials + group.polynomials.monomials();
  const bool outside = any(p.outside);
  if (outside) group.polynomials.raise_along(p.within, p.beyond, monomials, rates);
  for (std::size_t g = 0; g < group.muscles.size(); ++g) {
    Wide value, slope[kMost], more(0.0), turn[kMost];
    group.polynomials.evaluate(static_cast<int>(g), monomials, value, slope);
    for (int i = 0; i < count; ++i) turn[i] = Wide(0.0);
    if (outside) group.polynomials.evaluate(static_cast<int>(g), rates, more, turn);
    // The length is value + more; in a coordinate that is beyond the box the slope is that at the box.
    for (int i = 0; i < count; ++i) turn[i] = where(!p.out[i], turn[i]);
    if (group.squared[g]) {
      const Wide root = sqrt(max(value, Wide(kLeastSquare)));
      const Wide half = Wide(0.5) / root;
      more = more * half;
      // Of the root's derivative along the way beyond: d(more / 2 root) = (turn - slope more / root) / 2 root.
      for (int i = 0; i < count; ++i) {
        const Wide own = slope[i] * half;
        turn[i] = turn[i] * half - where(!p.out[i], Wide(own * more / root));
        slope[i] = own;
      }
      value = root + Wide(group.offsets[g]);
    }
    const int k = group.muscles[g];
    length[k] = select(p.here, value + more, length[k]);
    for (int s = crossing_adr[k]; s < crossing_adr[k + 1]; ++s) gradient[s] = where(!p.here, gradient[s]);
    for (int i = 0; i < count; ++i) {
      Wide& own = gradient[group.slots[g * count + i]];
      own = select(p.here, slope[i] + turn[i], own);
    }
  }
}

}  // namespace soleus
