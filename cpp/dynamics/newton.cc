#include "dynamics/newton.h"

#include <algorithm>

#include "dynamics/constraints.h"
#include "dynamics/pair_contacts.h"

namespace soleus {
namespace {

constexpr int kIterations = 100;       // at most; walking takes 1 to 5, whatever the model allows MuJoCo
constexpr int kLineSearch = 16;        // evaluations, at most
constexpr double kFlat = 1e-10;        // of a slope over the one at no step, where the search ends

// Where the cost is least along the search, of lanes that run; `done`: those whose whole step crosses no edge.
Wide step_length(const DynamicsTile& t, Wide slope0, Wide curvature, WideMask running, WideMask& done) {
  const Wide zero(0.0);
  Wide step(1.0), low(0.0), high(1e10);
  Slope s = slope_at(t, step);
  done = s.same;
  WideMask seeking = running & !done;
  for (int i = 0; i < kLineSearch && any(seeking); ++i) {
    const Wide slope = slope0 + step * curvature + s.slope;
    seeking = seeking & (abs(slope) > abs(slope0) * kFlat);
    low = select(seeking & (slope < zero), step, low);
    high = select(seeking & (slope > zero), step, high);
    Wide next = step - slope / (curvature + s.curvature);
    next = select((next > low) & (next < high), next, 0.5 * (low + high));
    step = select(seeking, next, step);
    if (any(seeking)) s = slope_at(t, step);
  }
  return step;
}

// The Newton step of lanes that run, into tile.search; it returns them, less those whose matrix is not positive. Where
// bodies touch, the matrix has entries that the tree's pattern lacks: such lanes take the step of the pattern that has
// them, and all others that of the tree, so that what a lane does never depends on its neighbours.
WideMask find_search(DynamicsTile& t, WideMask running) {
  std::copy(t.inertia.begin(), t.inertia.end(), t.hessian.begin());
  add_stiffness(t, t.hessian.data());
  const bool pairs = any(running & t.meeting);
  if (pairs) {
    const std::vector<int>& slots = t.model->contacts().pairs().slots_of_tree();
    std::fill(t.pair_hessian.begin(), t.pair_hessian.end(), Wide(0.0));
    for (std::size_t e = 0; e < slots.size(); ++e) t.pair_hessian[slots[e]] = t.hessian[e];
    add_pair_stiffness(t, t.pair_hessian.data());
  }
  WideMask good = t.ldl.factor(t.hessian.data());
  for (std::size_t c = 0; c < t.search.size(); ++c) t.search[c] = -t.gradient[c];
  if (pairs) {
    std::copy(t.search.begin(), t.search.end(), t.pair_search.begin());
    good = (t.meeting & t.pair_ldl.factor(t.pair_hessian.data())) | (!t.meeting & good);
    t.pair_ldl.solve(t.pair_hessian.data(), t.pair_search.data());
  }
  t.ldl.solve(t.hessian.data(), t.search.data());
  for (std::size_t c = 0; pairs && c < t.search.size(); ++c) t.search[c] = select(t.meeting, t.pair_search[c], t.search[c]);
  return running & good;
}

}  // namespace

void solve_constraints(DynamicsTile& t) {
  const int nc = t.model->coordinates();
  const Wide zero(0.0);
  find_constraints(t);
  measure_constraints(t, t.acceleration.data());
  t.ldl.multiply(t.inertia.data(), t.acceleration.data(), t.moved.data());
  WideMask running = every_lane();
  t.iterations = 0;
  while (any(running) && t.iterations < kIterations) {
    ++t.iterations;
    for (int c = 0; c < nc; ++c) t.gradient[c] = t.moved[c] - t.smooth[c];
    subtract_force(t, t.gradient.data());
    running = find_search(t, running);
    t.ldl.multiply(t.inertia.data(), t.search.data(), t.search_moved.data());
    measure_change(t, t.search.data());
    Wide slope(0.0), curvature(0.0);  // of the cost without constraints
    for (int c = 0; c < nc; ++c) {
      slope += t.search[c] * (t.moved[c] - t.smooth[c]);
      curvature += t.search[c] * t.search_moved[c];
    }
    WideMask done;
    const Wide step = where(running, step_length(t, slope, curvature, running, done));
    for (int c = 0; c < nc; ++c) {
      t.acceleration[c] += step * where(running, t.search[c]);
      t.moved[c] += step * where(running, t.search_moved[c]);
    }
    move_constraints(t, step);
    running = running & !done;
  }
  for (int c = 0; c < nc; ++c) t.constraint[c] = t.moved[c] - t.smooth[c];
}

}  // namespace soleus
