#include "dynamics/step.h"

#include <algorithm>

#include "base/wide_math.h"
#include "dynamics/constraints.h"
#include "dynamics/inertia.h"
#include "dynamics/kinematics.h"
#include "dynamics/newton.h"
#include "dynamics/wide_ball_limits.h"

namespace soleus {
namespace {

// Lanes in which an array is no number or beyond what MuJoCo calls a bad one (mjMAXVAL).
WideMask runaway(std::span<const Wide> numbers) {
  WideMask fine = every_lane();
  for (Wide x : numbers) fine = fine & (abs(x) < Wide(mjMAXVAL));
  return !fine;
}

// Lanes that ran away are put where they do no harm: at rest.
void watch(DynamicsTile& t) {
  const WideMask bad = runaway(t.qpos) | runaway(t.velocity) | runaway(t.acceleration);
  if (!any(bad)) return;
  with_tables(t, [&](const auto& m) {
    for (std::size_t i = 0; i < t.qpos.size(); ++i) t.qpos[i] = select(bad, Wide(m.rest[i]), t.qpos[i]);
  });
  for (auto* of_coordinates : {&t.velocity, &t.acceleration, &t.applied, &t.constraint}) {
    for (Wide& x : *of_coordinates) x = where(!bad, x);
  }
  t.diverged = t.diverged | bad;
}

// Turns a quaternion by a rate in its own axes over a time.
void turn(Wide* q, const Wide3& rate, double time) {
  const Wide speed = sqrt(dot(rate, rate));
  const WideMask still = speed == Wide(0.0);
  Wide sine, cosine;
  sincos(speed * (0.5 * time), sine, cosine);
  const Wide share = sine / select(still, Wide(1.0), speed);
  const WideQuat now = normalized(WideQuat{q[0], q[1], q[2], q[3]} * WideQuat{cosine, share * rate.x, share * rate.y, share * rate.z});
  q[0] = now.w;
  q[1] = now.x;
  q[2] = now.y;
  q[3] = now.z;
}

void move(DynamicsTile& t) {
  const double time = t.model->timestep();
  const auto& dofs = t.model->dofs();
  for (const auto& joint : t.model->joints()) {
    Wide* q = t.qpos.data() + joint.qpos;
    const Wide* v = t.velocity.data();
    auto rate = [&](int i) { return v[dofs[joint.dof + i].coordinate]; };
    switch (joint.kind) {
      case JointKind::kHinge:
      case JointKind::kSlide:
        if (!dofs[joint.dof].coupled) q[0] += time * rate(0);
        break;
      case JointKind::kBall:
        turn(q, {rate(0), rate(1), rate(2)}, time);
        break;
      case JointKind::kFree:
        for (int i = 0; i < 3; ++i) q[i] += time * rate(i);
        turn(q + 3, {rate(3), rate(4), rate(5)}, time);
        break;
    }
  }
}

// Accelerations under all forces.
void solve(DynamicsTile& t) {
  const int nc = t.model->coordinates();
  push_back_balls(t);
  for (int c = 0; c < nc; ++c) t.smooth[c] = t.applied[c] + t.limit_torque[c] + t.passive[c] - t.bias[c];
  solve_constraints(t);
  for (int c = 0; c < nc; ++c) t.constraint[c] += t.limit_torque[c];  // stable PD takes it for one
  gather_feet(t);
}

// Accelerations that velocities take a step along: with implicit damping of the joints.
template <class Tables>
const Wide* damped_change(DynamicsTile& t, const Tables& m) {
  if (!any(m.damped)) return t.acceleration.data();
  const double time = t.model->timestep();
  std::copy(t.inertia.begin(), t.inertia.end(), t.hessian.begin());
  for (std::size_t i = 0; i < m.dofs.size(); ++i) {
    const auto& d = m.dofs[i];
    if (d.has_damping) t.hessian[t.ldl.diagonal(d.coordinate)] += t.coupling[i] * t.coupling[i] * (time * d.damping);
  }
  t.ldl.factor(t.hessian.data());
  std::copy(t.moved.begin(), t.moved.end(), t.search.begin());
  t.ldl.solve(t.hessian.data(), t.search.data());
  if (!all(m.damped)) {
    for (std::size_t c = 0; c < t.search.size(); ++c) t.search[c] = select(mask_of(m.damped), t.search[c], t.acceleration[c]);
  }
  return t.search.data();
}

}  // namespace

void update_positions(DynamicsTile& t) {
  compute_kinematics(t);
  compute_inertia(t);
  compute_passive(t);
}

void find_forces(DynamicsTile& t, WideMask lanes) {
  auto each = [&](auto&& visit) {
    Wide* kept = t.kept.data();
    for (auto* numbers : {&t.acceleration, &t.constraint, &t.foot_force}) {
      for (Wide& number : *numbers) visit(number, *kept++);
    }
  };
  each([](Wide number, Wide& kept) { kept = number; });
  solve(t);
  each([&](Wide& number, Wide kept) { number = select(lanes, number, kept); });
}

void step(DynamicsTile& t) {
  const int nc = t.model->coordinates();
  const double time = t.model->timestep();
  solve(t);
  const Wide* change = with_tables(t, [&](const auto& m) { return damped_change(t, m); });
  for (int c = 0; c < nc; ++c) t.velocity[c] += time * change[c];
  move(t);
  watch(t);
  update_positions(t);
}

}  // namespace soleus
