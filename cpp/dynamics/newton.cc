#include "dynamics/newton.h"

#include <algorithm>

#include "dynamics/constraints.h"

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
    std::copy(t.inertia.begin(), t.inertia.end(), t.hessian.begin());
    add_stiffness(t, t.hessian.data());
    running = running & t.ldl.factor(t.hessian.data());
    for (int c = 0; c < nc; ++c) t.search[c] = -t.gradient[c];
    t.ldl.solve(t.hessian.data(), t.search.data());
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
