#include "dynamics/constraints.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/wide_rotations.h"

namespace soleus {
namespace {

using Point = DynamicsModel::Point;


// d(r) of solimp at a distance from the margin.
Wide impedance_at(const Impedance& i, Wide distance) {
  if (i.least == i.most || i.width <= mjMINVAL) return Wide(0.5 * (i.least + i.most));
  const Wide x = min(abs(distance) * (1.0 / i.width), Wide(1.0));
  Wide y;
  if (i.power == 1) {
    y = x;
  } else if (i.power == 2) {
    const Wide rest = Wide(1.0) - x;
    y = select(x <= Wide(i.midpoint), Wide(x * x * (1 / i.midpoint)), Wide(1.0) - rest * rest * (1 / (1 - i.midpoint)));
  } else {
    for (int lane = 0; lane < kLanes; ++lane) {
      const double at = x[lane];
      y.set(lane, at <= i.midpoint ? std::pow(at, i.power) / std::pow(i.midpoint, i.power - 1)
                                   : 1 - std::pow(1 - at, i.power) / std::pow(1 - i.midpoint, i.power - 1));
    }
  }
  return Wide(i.least) + y * (i.most - i.least);
}

// D of a constraint whose inverse inertia is about `invweight`, and its reference acceleration's share of the distance.
struct Softness { Wide strength, pull; };

Softness softness(const Impedance& i, Wide distance, double invweight) {
  const Wide d = impedance_at(i, distance);
  return {d / max((Wide(1.0) - d) * invweight, Wide(mjMINVAL)), d * distance * -i.stiffness};
}

void find_limits(DynamicsTile& t) {
  const auto& limits = t.model->limits();
  for (std::size_t k = 0; k < limits.size(); ++k) {
    const DynamicsModel::Limit& limit = limits[k];
    LimitState& s = t.limits[k];
    const DynamicsModel::Dof& d = t.model->dofs()[limit.dof];
    const Wide q = t.qpos[d.qpos];
    const Wide below = q - Wide(limit.low), above = Wide(limit.high) - q;
    const WideMask low = below < above;
    const Wide distance = select(low, below, above) - Wide(limit.margin);
    const WideMask near = distance < Wide(0.0);
    s.touched = any(near);
    if (!s.touched) continue;
    const Softness soft = softness(limit.impedance, distance, limit.invweight);
    s.jacobian = select(low, t.coupling[limit.dof], -t.coupling[limit.dof]);
    s.strength = where(near, soft.strength);
    const Wide driven = select(low, t.coupling_rate[limit.dof], -t.coupling_rate[limit.dof]);
    s.reference = soft.pull - s.jacobian * t.velocity[d.coordinate] * limit.impedance.damping - driven;
  }
}

void find_ball_limits(DynamicsTile& t) {
  for (std::size_t k = 0; k < t.balls.size(); ++k) {
    const DynamicsModel::Ball& ball = t.model->balls()[k];
    BallState& s = t.balls[k];
    const Wide* q = t.qpos.data() + ball.qpos;
    const Wide3 turn = exponential_map({q[0], q[1], q[2], q[3]});
    const Wide angle = sqrt(dot(turn, turn));
    const Wide distance = Wide(ball.most - ball.margin) - angle;
    const WideMask near = distance < Wide(0.0);
    s.touched = any(near);
    if (!s.touched) continue;
    const Softness soft = softness(ball.impedance, distance, ball.invweight);
    s.jacobian = Wide(Wide(-1.0) / select(near, angle, Wide(1.0))) * turn;
    s.strength = where(near, soft.strength);
    const Wide* v = t.velocity.data() + ball.coordinate;
    s.reference = soft.pull - dot(s.jacobian, {v[0], v[1], v[2]}) * ball.impedance.damping;
  }
}

// What a point sees of its link's acceleration: along the normal and the directions of friction.
Wide3 seen(const Wide3& normal, const Point& point, const PointState& s, const Spatial& link) {
  const Wide3 a = link.linear + cross(link.angular, s.arm);
  if (point.condim == 1) return {dot(normal, a), Wide(0.0), Wide(0.0)};
  return {dot(normal, a), dot(s.first, a), dot(s.second, a)};
}

void touch(DynamicsTile& t, const Point& point, PointState& s, WideMask near, Wide distance, const Wide3& center) {
  const DynamicsModel::Ground& ground = t.model->ground();
  const Wide3 normal = wide(ground.normal);
  const LinkState& link = t.links[point.link];
  s.arm = center - t.origin;
  add_scaled(s.arm, Wide(-point.radius) - 0.5 * distance, normal);
  s.first = wide(ground.first);
  s.second = wide(ground.second);
  const Wide3 axis = wide(point.axis);
  if (point.axis[0] != 0 || point.axis[1] != 0 || point.axis[2] != 0) {
    Wide3 along = link.axes * axis;
    add_scaled(along, -dot(along, normal), normal);
    const Wide length = sqrt(dot(along, along));
    const WideMask upright = length < Wide(mjMINVAL);
    const Wide inverse = Wide(1.0) / select(upright, Wide(1.0), length);
    s.first = select(upright, Wide3{Wide(1.0), Wide(0.0), Wide(0.0)}, inverse * along);
    s.second = cross(normal, s.first);
  }
  const Softness soft = softness(point.impedance, distance - Wide(point.margin), point.invweight);
  s.strength = where(near, soft.strength);
  const Wide3 v = link.velocity.linear + cross(link.velocity.angular, s.arm);
  const double b = point.impedance.damping;
  s.reference = {soft.pull - dot(normal, v) * b, -(dot(s.first, v) * b), -(dot(s.second, v) * b)};
  if (t.model->coupled()) s.reference = s.reference - seen(normal, point, s, link.driven);
}

void find_contacts(DynamicsTile& t) {
  const auto& points = t.model->points();
  const DynamicsModel::Ground& ground = t.model->ground();
  const Wide3 normal = wide(ground.normal), origin = wide(ground.origin);
  std::fill(t.loaded.begin(), t.loaded.end(), 0);
  Wide corners(0.0);  // of the box at hand that touch
  int box = -1;
  for (std::size_t k = 0; k < points.size(); ++k) {
    const Point& point = points[k];
    const LinkState& link = t.links[point.link];
    const bool leads = k == 0 || points[k - 1].siblings == 0;
    if (leads && point.siblings > 0) {
      // A geom that is far from the ground in every lane is passed over.
      const Wide height = dot(normal, link.place + link.axes * wide(point.center) - origin);
      if (!any(height <= Wide(point.reach + point.margin))) {
        for (int i = 0; i <= point.siblings; ++i) t.points[k + i].touched = false;
        k += point.siblings;
        continue;
      }
    }
    const Wide3 center = link.place + link.axes * wide(point.place);
    const Wide distance = dot(normal, center - origin) - Wide(point.radius);
    WideMask near = distance <= Wide(point.margin);
    if (point.box >= 0) {
      if (point.box != box) corners = Wide(0.0);
      box = point.box;
      near = near & (corners < Wide(4.0));
      corners += where(near, Wide(1.0));
    }
    PointState& s = t.points[k];
    s.touched = any(near);
    if (!s.touched) continue;
    touch(t, point, s, near, distance, center);
    for (int l = point.link; l >= 0 && !t.loaded[l]; l = t.model->links()[l].parent) t.loaded[l] = 1;
  }
}

// Accelerations of the links that are loaded, of those of the coordinates alone.
void accelerate_links(DynamicsTile& t, const Wide* coordinates) {
  const auto& links = t.model->links();
  const Wide zero(0.0);
  for (int l : t.model->supporting()) {
    if (!t.loaded[l]) continue;
    Spatial& a = t.link_change[l];
    a = links[l].parent >= 0 ? t.link_change[links[l].parent] : Spatial{{zero, zero, zero}, {zero, zero, zero}};
    for (int p = links[l].motions_begin; p < links[l].motions_end; ++p) {
      add_scaled(a, coordinates[t.model->motions()[p].coordinate], t.motions[p]);
    }
  }
}

// The edges of a point's pyramid: normal acceleration plus and minus friction times the one along the ground.
struct Edges {
  Wide y[4];
  int count;
};

Edges edges_of(const Point& point, const Wide3& x) {
  if (point.condim == 1) return {{x.x}, 1};
  const double mu = point.friction;
  return {{x.x + mu * x.y, x.x - mu * x.y, x.x + mu * x.z, x.x - mu * x.z}, 4};
}

// A symmetric matrix of two wrenches: out += a b', of which a sum over all such is symmetric.
void add_outer(ContactStiffness& out, const Spatial& a, const Spatial& b) {
  const Wide aw[] = {a.angular.x, a.angular.y, a.angular.z}, bw[] = {b.angular.x, b.angular.y, b.angular.z};
  const Wide av[] = {a.linear.x, a.linear.y, a.linear.z}, bv[] = {b.linear.x, b.linear.y, b.linear.z};
  constexpr int kRow[] = {0, 1, 2, 0, 0, 1}, kColumn[] = {0, 1, 2, 1, 2, 2};
  for (int k = 0; k < 6; ++k) {
    out.angular[k] += aw[kRow[k]] * bw[kColumn[k]];
    out.linear[k] += av[kRow[k]] * bv[kColumn[k]];
  }
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) out.mixed[3 * i + j] += aw[i] * bv[j];
  }
}

Spatial times(const ContactStiffness& m, const Spatial& v) {
  const Wide3 &w = v.angular, &u = v.linear;
  const Wide *a = m.angular, *b = m.mixed, *c = m.linear;
  return {{a[0] * w.x + a[3] * w.y + a[4] * w.z + b[0] * u.x + b[1] * u.y + b[2] * u.z,
           a[3] * w.x + a[1] * w.y + a[5] * w.z + b[3] * u.x + b[4] * u.y + b[5] * u.z,
           a[4] * w.x + a[5] * w.y + a[2] * w.z + b[6] * u.x + b[7] * u.y + b[8] * u.z},
          {b[0] * w.x + b[3] * w.y + b[6] * w.z + c[0] * u.x + c[3] * u.y + c[4] * u.z,
           b[1] * w.x + b[4] * w.y + b[7] * w.z + c[3] * u.x + c[1] * u.y + c[5] * u.z,
           b[2] * w.x + b[5] * w.y + b[8] * w.z + c[4] * u.x + c[5] * u.y + c[2] * u.z}};
}

Spatial wrench(const Wide3& arm, const Wide3& direction) { return {cross(arm, direction), direction}; }

// Adds a point's D times the squares of its active edges, as a 3 x 3 weight on what the point sees.
void add_point(ContactStiffness& out, const Point& point, const PointState& s, const Wide3& normal) {
  const Edges edges = edges_of(point, s.now);
  Wide active[4];
  for (int e = 0; e < edges.count; ++e) active[e] = where(edges.y[e] < Wide(0.0), s.strength);
  const Spatial n = wrench(s.arm, normal);
  if (point.condim == 1) {
    add_outer(out, n, {active[0] * n.angular, active[0] * n.linear});
    return;
  }
  const double mu = point.friction;
  const Wide first = active[0] + active[1], second = active[2] + active[3];
  const Wide nn = first + second, n1 = (active[0] - active[1]) * mu, n2 = (active[2] - active[3]) * mu;
  const Wide f1 = first * (mu * mu), f2 = second * (mu * mu);
  const Spatial a = wrench(s.arm, s.first), b = wrench(s.arm, s.second);
  Spatial qn{nn * n.angular, nn * n.linear}, qa{n1 * n.angular, n1 * n.linear}, qb{n2 * n.angular, n2 * n.linear};
  add_scaled(qn, n1, a);
  add_scaled(qn, n2, b);
  add_scaled(qa, f1, a);
  add_scaled(qb, f2, b);
  add_outer(out, n, qn);
  add_outer(out, a, qa);
  add_outer(out, b, qb);
}

}  // namespace

void find_constraints(DynamicsTile& t) {
  find_limits(t);
  find_ball_limits(t);
  find_contacts(t);
}

void measure_constraints(DynamicsTile& t, const Wide* acceleration) {
  const auto& points = t.model->points();
  const Wide3 normal = wide(t.model->ground().normal);
  accelerate_links(t, acceleration);
  for (std::size_t k = 0; k < points.size(); ++k) {
    PointState& s = t.points[k];
    if (s.touched) s.now = seen(normal, points[k], s, t.link_change[points[k].link]) - s.reference;
  }
  for (std::size_t k = 0; k < t.limits.size(); ++k) {
    LimitState& s = t.limits[k];
    const int c = t.model->dofs()[t.model->limits()[k].dof].coordinate;
    if (s.touched) s.now = s.jacobian * acceleration[c] - s.reference;
  }
  for (std::size_t k = 0; k < t.balls.size(); ++k) {
    BallState& s = t.balls[k];
    const Wide* a = acceleration + t.model->balls()[k].coordinate;
    if (s.touched) s.now = dot(s.jacobian, {a[0], a[1], a[2]}) - s.reference;
  }
}

void measure_change(DynamicsTile& t, const Wide* direction) {
  const auto& points = t.model->points();
  const Wide3 normal = wide(t.model->ground().normal);
  accelerate_links(t, direction);
  for (std::size_t k = 0; k < points.size(); ++k) {
    PointState& s = t.points[k];
    if (s.touched) s.change = seen(normal, points[k], s, t.link_change[points[k].link]);
  }
  for (std::size_t k = 0; k < t.limits.size(); ++k) {
    LimitState& s = t.limits[k];
    const int c = t.model->dofs()[t.model->limits()[k].dof].coordinate;
    if (s.touched) s.change = s.jacobian * direction[c];
  }
  for (std::size_t k = 0; k < t.balls.size(); ++k) {
    BallState& s = t.balls[k];
    const Wide* a = direction + t.model->balls()[k].coordinate;
    if (s.touched) s.change = dot(s.jacobian, {a[0], a[1], a[2]});
  }
}

void subtract_force(DynamicsTile& t, Wide* gradient) {
  const DynamicsModel& model = *t.model;
  const auto& points = model.points();
  const auto& links = model.links();
  const Wide3 normal = wide(model.ground().normal);
  const Wide zero(0.0);
  const auto& supporting = model.supporting();
  for (int l : supporting) {
    if (t.loaded[l]) t.link_change[l] = {{zero, zero, zero}, {zero, zero, zero}};  // forces, from here on
  }
  for (std::size_t k = 0; k < points.size(); ++k) {
    const PointState& s = t.points[k];
    if (!s.touched) continue;
    const Edges edges = edges_of(points[k], s.now);
    Wide force[4];
    for (int e = 0; e < edges.count; ++e) force[e] = -(s.strength * min(edges.y[e], zero));
    Wide3 f = edges.count == 1 ? force[0] * normal : (force[0] + force[1] + force[2] + force[3]) * normal;
    if (edges.count == 4) {
      const double mu = points[k].friction;
      add_scaled(f, (force[0] - force[1]) * mu, s.first);
      add_scaled(f, (force[2] - force[3]) * mu, s.second);
    }
    t.link_change[points[k].link] += wrench(s.arm, f);
  }
  for (auto l = supporting.rbegin(); l != supporting.rend(); ++l) {
    if (!t.loaded[*l]) continue;
    for (int p = links[*l].motions_begin; p < links[*l].motions_end; ++p) {
      gradient[model.motions()[p].coordinate] -= dot(t.motions[p], t.link_change[*l]);
    }
    if (links[*l].parent >= 0) t.link_change[links[*l].parent] += t.link_change[*l];
  }
  for (std::size_t k = 0; k < t.limits.size(); ++k) {
    const LimitState& s = t.limits[k];
    if (s.touched) gradient[model.dofs()[model.limits()[k].dof].coordinate] += s.jacobian * (s.strength * min(s.now, zero));
  }
  for (std::size_t k = 0; k < t.balls.size(); ++k) {
    const BallState& s = t.balls[k];
    if (!s.touched) continue;
    Wide* g = gradient + model.balls()[k].coordinate;
    const Wide pull = s.strength * min(s.now, zero);
    g[0] += s.jacobian.x * pull;
    g[1] += s.jacobian.y * pull;
    g[2] += s.jacobian.z * pull;
  }
}

void add_stiffness(DynamicsTile& t, Wide* inertia) {
  const DynamicsModel& model = *t.model;
  const auto& points = model.points();
  const auto& links = model.links();
  const Wide3 normal = wide(model.ground().normal);
  const auto& supporting = model.supporting();
  for (int l : supporting) {
    if (!t.loaded[l]) continue;
    ContactStiffness& s = t.stiffness[l];
    for (Wide& x : s.angular) x = Wide(0.0);
    for (Wide& x : s.mixed) x = Wide(0.0);
    for (Wide& x : s.linear) x = Wide(0.0);
  }
  for (std::size_t k = 0; k < points.size(); ++k) {
    if (t.points[k].touched) add_point(t.stiffness[points[k].link], points[k], t.points[k], normal);
  }
  for (auto l = supporting.rbegin(); l != supporting.rend(); ++l) {
    if (!t.loaded[*l]) continue;
    const ContactStiffness& s = t.stiffness[*l];
    for (int p = links[*l].motions_begin; p < links[*l].motions_end; ++p) {
      const Spatial force = times(s, t.motions[p]);
      for (int e = model.term_begin(p); e < model.term_begin(p + 1); ++e) {
        const DynamicsModel::InertiaTerm& term = model.terms()[e];
        const Wide product = dot(t.motions[term.motion], force);
        inertia[term.slot] += term.twice ? product + product : product;
      }
    }
    if (links[*l].parent < 0) continue;
    ContactStiffness& above = t.stiffness[links[*l].parent];
    for (int i = 0; i < 6; ++i) above.angular[i] += s.angular[i];
    for (int i = 0; i < 9; ++i) above.mixed[i] += s.mixed[i];
    for (int i = 0; i < 6; ++i) above.linear[i] += s.linear[i];
  }
  for (std::size_t k = 0; k < t.limits.size(); ++k) {
    const LimitState& s = t.limits[k];
    if (!s.touched) continue;
    const int c = model.dofs()[model.limits()[k].dof].coordinate;
    inertia[t.ldl.diagonal(c)] += s.jacobian * s.jacobian * where(s.now < Wide(0.0), s.strength);
  }
  for (std::size_t k = 0; k < t.balls.size(); ++k) {
    const BallState& s = t.balls[k];
    if (!s.touched) continue;
    const int c = model.balls()[k].coordinate;
    const Wide strength = where(s.now < Wide(0.0), s.strength);
    const Wide j[] = {s.jacobian.x, s.jacobian.y, s.jacobian.z};
    for (int a = 0; a < 3; ++a) {
      const Wide pull = j[a] * strength;
      for (int b = 0; b <= a; ++b) inertia[model.pattern().slot(c + a, c + b)] += pull * j[b];
    }
  }
}

Slope slope_at(const DynamicsTile& t, Wide step) {
  const auto& points = t.model->points();
  const Wide zero(0.0);
  Slope out{zero, zero, every_lane()};
  auto add = [&](Wide y, Wide change, Wide strength) {
    const Wide there = y + step * change;
    const WideMask active = there < zero;
    const Wide pull = where(active, strength) * change;
    out.slope += pull * there;
    out.curvature += pull * change;
    out.same = out.same & !((active ^ (y < zero)) & (strength > zero));
  };
  for (std::size_t k = 0; k < points.size(); ++k) {
    const PointState& s = t.points[k];
    if (!s.touched) continue;
    const Edges now = edges_of(points[k], s.now), change = edges_of(points[k], s.change);
    for (int e = 0; e < now.count; ++e) add(now.y[e], change.y[e], s.strength);
  }
  for (const LimitState& s : t.limits) {
    if (s.touched) add(s.now, s.change, s.strength);
  }
  for (const BallState& s : t.balls) {
    if (s.touched) add(s.now, s.change, s.strength);
  }
  return out;
}

void move_constraints(DynamicsTile& t, Wide step) {
  for (PointState& s : t.points) {
    if (!s.touched) continue;
    add_scaled(s.now, step, s.change);
  }
  for (LimitState& s : t.limits) {
    if (s.touched) s.now += step * s.change;
  }
  for (BallState& s : t.balls) {
    if (s.touched) s.now += step * s.change;
  }
}

void gather_feet(DynamicsTile& t) {
  const auto& points = t.model->points();
  const Wide zero(0.0);
  for (Wide& force : t.foot_force) force = zero;
  for (std::size_t k = 0; k < points.size(); ++k) {
    const PointState& s = t.points[k];
    if (!s.touched || points[k].foot < 0) continue;
    const Edges edges = edges_of(points[k], s.now);
    for (int e = 0; e < edges.count; ++e) t.foot_force[points[k].foot] -= s.strength * min(edges.y[e], zero);
  }
}

}  // namespace soleus
