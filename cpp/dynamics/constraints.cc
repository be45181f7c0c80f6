#include "dynamics/constraints.h"

#include <array>

#include "base/wide_rotations.h"
#include "dynamics/contacts.h"
#include "dynamics/friction_pyramid.h"
#include "dynamics/impedance.h"
#include "dynamics/pair_contacts.h"

namespace soleus {
namespace {

template <class Tables>
void find_limits(DynamicsTile& t, const Tables& m) {
  for (std::size_t k = 0; k < m.limits.size(); ++k) {
    const auto& limit = m.limits[k];
    LimitState& s = t.limits[k];
    const auto& d = m.dofs[limit.dof];
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

template <class Tables>
void find_ball_limits(DynamicsTile& t, const Tables& m) {
  for (std::size_t k = 0; k < t.balls.size(); ++k) {
    const auto& ball = m.balls[k];
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

template <class Tables>
void find_frictions(DynamicsTile& t, const Tables& m) {
  for (std::size_t k = 0; k < t.frictions.size(); ++k) {
    const auto& f = m.frictions[k];
    const Wide rate = t.coupling[f.dof] * t.velocity[m.dofs[f.dof].coordinate];
    t.frictions[k].reference = -(rate * f.damping) - t.coupling_rate[f.dof];
  }
}

// Where friction of a joint is, of what it sees of the acceleration: held, or slipping to one side with all its loss.
struct Grip {
  WideMask low, high;
  Wide slope;                       // of its cost
};

template <class Friction>
Grip grip_of(const Friction& f, Wide y) {
  const Wide edge(f.edge);
  const WideMask low = y <= -edge, high = y >= edge;
  return {low, high, select(low, Wide(-f.loss), select(high, Wide(f.loss), Wide(y * f.strength)))};
}

// Accelerations of the links that are loaded, of those of the coordinates alone.
void accelerate_links(DynamicsTile& t, const Wide* coordinates) {
  const auto& links = t.model->links();
  const Wide zero(0.0);
  for (int l : t.model->contacts().supporting()) {
    if (!t.reached[l]) continue;
    Spatial& a = t.link_change[l];
    a = links[l].parent >= 0 ? t.link_change[links[l].parent] : Spatial{{zero, zero, zero}, {zero, zero, zero}};
    for (int p = links[l].motions_begin; p < links[l].motions_end; ++p) {
      add_scaled(a, coordinates[t.model->motions()[p].coordinate], t.motions[p]);
    }
  }
}

// Calls with what touches, its normal, and the motion of what it touches: of the links' present motions.
template <class Number, class Put>
void see_contacts(DynamicsTile& t, const ContactTables<Number>& m, Put&& put) {
  const Wide3 normal = wide(m.ground.normal);
  for (std::size_t k = 0; k < t.points.size(); ++k) {
    PointState& s = t.points[k];
    if (s.touched) put(m.points[k].law, s, normal, t.link_change[m.points[k].link]);
  }
  for (const auto& pair : m.pairs) {
    for (int k = pair.points_begin; k < pair.points_end; ++k) {
      PairState& s = t.pair_points[k];
      if (!s.touched) continue;
      const BodyPairs::Bond& bond = t.model->contacts().pairs().bonds()[pair.bond];
      auto motion = [&](int link) { return link >= 0 ? &t.link_change[link] : nullptr; };
      put(pair.law, s, s.normal, apart(motion(bond.first), motion(bond.second)));
    }
  }
}

template <class Tables>
void find_constraints(DynamicsTile& t, const Tables& m) {
  find_limits(t, m);
  find_ball_limits(t, m);
  find_frictions(t, m);
  find_contacts(t);
  t.reached = t.loaded;
  if (!t.pair_points.empty()) find_pairs(t);
}

template <class Tables>
void measure_constraints(DynamicsTile& t, const Tables& m, const Wide* acceleration) {
  accelerate_links(t, acceleration);
  see_contacts(t, m.contacts, [](const auto& law, PointState& s, const Wide3& normal, const Spatial& motion) {
    s.now = seen(normal, law, s, motion) - s.reference;
    if (law.condim > 3) s.turn_now = turning_seen(normal, s, motion) - s.turn_reference;
  });
  for (std::size_t k = 0; k < t.limits.size(); ++k) {
    LimitState& s = t.limits[k];
    const int c = m.dofs[m.limits[k].dof].coordinate;
    if (s.touched) s.now = s.jacobian * acceleration[c] - s.reference;
  }
  for (std::size_t k = 0; k < t.balls.size(); ++k) {
    BallState& s = t.balls[k];
    const Wide* a = acceleration + m.balls[k].coordinate;
    if (s.touched) s.now = dot(s.jacobian, {a[0], a[1], a[2]}) - s.reference;
  }
  for (std::size_t k = 0; k < t.frictions.size(); ++k) {
    const int dof = m.frictions[k].dof;
    t.frictions[k].now = t.coupling[dof] * acceleration[m.dofs[dof].coordinate] - t.frictions[k].reference;
  }
}

template <class Tables>
void measure_change(DynamicsTile& t, const Tables& m, const Wide* direction) {
  accelerate_links(t, direction);
  see_contacts(t, m.contacts, [](const auto& law, PointState& s, const Wide3& normal, const Spatial& motion) {
    s.change = seen(normal, law, s, motion);
    if (law.condim > 3) s.turn_change = turning_seen(normal, s, motion);
  });
  for (std::size_t k = 0; k < t.limits.size(); ++k) {
    LimitState& s = t.limits[k];
    const int c = m.dofs[m.limits[k].dof].coordinate;
    if (s.touched) s.change = s.jacobian * direction[c];
  }
  for (std::size_t k = 0; k < t.balls.size(); ++k) {
    BallState& s = t.balls[k];
    const Wide* a = direction + m.balls[k].coordinate;
    if (s.touched) s.change = dot(s.jacobian, {a[0], a[1], a[2]});
  }
  for (std::size_t k = 0; k < t.frictions.size(); ++k) {
    const int dof = m.frictions[k].dof;
    t.frictions[k].change = t.coupling[dof] * direction[m.dofs[dof].coordinate];
  }
}

template <class Tables>
void subtract_force(DynamicsTile& t, const Tables& m, Wide* gradient) {
  const DynamicsModel& model = *t.model;
  const auto& points = m.contacts.points;
  const auto& links = model.links();
  const Wide3 normal = wide(m.contacts.ground.normal);
  const Wide zero(0.0);
  const auto& supporting = model.contacts().supporting();
  for (int l : supporting) {
    if (t.reached[l]) t.link_change[l] = {{zero, zero, zero}, {zero, zero, zero}};  // forces, from here on
  }
  for (std::size_t k = 0; k < points.size(); ++k) {
    const PointState& s = t.points[k];
    if (s.touched) t.link_change[points[k].link] += force_of(points[k].law, s, normal);
  }
  for (const auto& pair : m.contacts.pairs) {
    for (int k = pair.points_begin; k < pair.points_end; ++k) {
      const PairState& s = t.pair_points[k];
      if (!s.touched) continue;
      const Spatial force = force_of(pair.law, s, s.normal);
      const BodyPairs::Bond& bond = model.contacts().pairs().bonds()[pair.bond];
      if (bond.second >= 0) t.link_change[bond.second] += force;
      if (bond.first >= 0) add_scaled(t.link_change[bond.first], Wide(-1.0), force);
    }
  }
  for (auto l = supporting.rbegin(); l != supporting.rend(); ++l) {
    if (!t.reached[*l]) continue;
    for (int p = links[*l].motions_begin; p < links[*l].motions_end; ++p) {
      gradient[model.motions()[p].coordinate] -= dot(t.motions[p], t.link_change[*l]);
    }
    if (links[*l].parent >= 0) t.link_change[links[*l].parent] += t.link_change[*l];
  }
  for (std::size_t k = 0; k < t.limits.size(); ++k) {
    const LimitState& s = t.limits[k];
    if (s.touched) gradient[m.dofs[m.limits[k].dof].coordinate] += s.jacobian * (s.strength * min(s.now, zero));
  }
  for (std::size_t k = 0; k < t.balls.size(); ++k) {
    const BallState& s = t.balls[k];
    if (!s.touched) continue;
    Wide* g = gradient + m.balls[k].coordinate;
    const Wide pull = s.strength * min(s.now, zero);
    g[0] += s.jacobian.x * pull;
    g[1] += s.jacobian.y * pull;
    g[2] += s.jacobian.z * pull;
  }
  for (std::size_t k = 0; k < t.frictions.size(); ++k) {
    const auto& f = m.frictions[k];
    gradient[m.dofs[f.dof].coordinate] += t.coupling[f.dof] * grip_of(f, t.frictions[k].now).slope;
  }
}

template <class Tables>
void add_stiffness(DynamicsTile& t, const Tables& m, Wide* inertia) {
  const DynamicsModel& model = *t.model;
  const auto& points = m.contacts.points;
  const auto& links = model.links();
  const Wide3 normal = wide(m.contacts.ground.normal);
  const auto& supporting = model.contacts().supporting();
  for (int l : supporting) {
    if (t.loaded[l]) t.stiffness[l].clear();
  }
  for (std::size_t k = 0; k < points.size(); ++k) {
    const PointState& s = t.points[k];
    if (s.touched) add_stiffness_of(points[k].law, s, normal, t.stiffness[points[k].link]);
  }
  for (auto l = supporting.rbegin(); l != supporting.rend(); ++l) {
    if (!t.loaded[*l]) continue;
    const ContactStiffness& s = t.stiffness[*l];
    for (int p = links[*l].motions_begin; p < links[*l].motions_end; ++p) {
      const Spatial force = s * t.motions[p];
      for (int e = model.term_begin(p); e < model.term_begin(p + 1); ++e) {
        const DynamicsModel::InertiaTerm& term = model.terms()[e];
        const Wide product = dot(t.motions[term.motion], force);
        inertia[term.slot] += term.twice ? product + product : product;
      }
    }
    if (links[*l].parent >= 0) t.stiffness[links[*l].parent] += s;
  }
  for (std::size_t k = 0; k < t.limits.size(); ++k) {
    const LimitState& s = t.limits[k];
    if (!s.touched) continue;
    const int c = m.dofs[m.limits[k].dof].coordinate;
    inertia[t.ldl.diagonal(c)] += s.jacobian * s.jacobian * where(s.now < Wide(0.0), s.strength);
  }
  for (std::size_t k = 0; k < t.balls.size(); ++k) {
    const BallState& s = t.balls[k];
    if (!s.touched) continue;
    const int c = m.balls[k].coordinate;
    const Wide strength = where(s.now < Wide(0.0), s.strength);
    const Wide j[] = {s.jacobian.x, s.jacobian.y, s.jacobian.z};
    for (int a = 0; a < 3; ++a) {
      const Wide pull = j[a] * strength;
      for (int b = 0; b <= a; ++b) inertia[model.pattern().slot(c + a, c + b)] += pull * j[b];
    }
  }
  for (std::size_t k = 0; k < t.frictions.size(); ++k) {
    const auto& f = m.frictions[k];
    const Grip grip = grip_of(f, t.frictions[k].now);
    const Wide g = t.coupling[f.dof];
    inertia[t.ldl.diagonal(m.dofs[f.dof].coordinate)] += g * g * where(!(grip.low | grip.high), Wide(f.strength));
  }
}

template <class Tables>
Slope slope_at(const DynamicsTile& t, const Tables& m, Wide step) {
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
  each_touched(t, m.contacts, [&](const auto& law, const PointState& s) {
    with_directions(law, [&](auto directions) {
      const auto now = edges_now<directions>(law, s), change = edges_changing<directions>(law, s);
      for (int e = 0; e < now.kCount; ++e) add(now.y[e], change.y[e], s.strength);
    });
  });
  for (const LimitState& s : t.limits) {
    if (s.touched) add(s.now, s.change, s.strength);
  }
  for (const BallState& s : t.balls) {
    if (s.touched) add(s.now, s.change, s.strength);
  }
  for (std::size_t k = 0; k < t.frictions.size(); ++k) {
    const auto& f = m.frictions[k];
    const FrictionState& s = t.frictions[k];
    const Grip now = grip_of(f, s.now), there = grip_of(f, s.now + step * s.change);
    out.slope += there.slope * s.change;
    out.curvature += s.change * s.change * where(!(there.low | there.high), Wide(f.strength));
    out.same = out.same & !(now.low ^ there.low) & !(now.high ^ there.high);
  }
  return out;
}

template <class Tables>
void move_constraints(DynamicsTile& t, const Tables& m, Wide step) {
  each_touched(t, m.contacts, [&](const auto& law, PointState& s) {
    add_scaled(s.now, step, s.change);
    if (law.condim > 3) add_scaled(s.turn_now, step, s.turn_change);
  });
  for (LimitState& s : t.limits) {
    if (s.touched) s.now += step * s.change;
  }
  for (BallState& s : t.balls) {
    if (s.touched) s.now += step * s.change;
  }
  for (FrictionState& s : t.frictions) s.now += step * s.change;
}

template <class Tables>
void gather_feet(DynamicsTile& t, const Tables& m) {
  const auto& points = m.contacts.points;
  for (Wide& force : t.foot_force) force = Wide(0.0);
  for (std::size_t k = 0; k < points.size(); ++k) {
    const PointState& s = t.points[k];
    if (!s.touched || points[k].foot < 0) continue;
    t.foot_force[points[k].foot] += pressure(points[k].law, s);
  }
  for (const auto& pair : m.contacts.pairs) {
    for (int k = pair.points_begin; pair.foot >= 0 && k < pair.points_end; ++k) {
      if (t.pair_points[k].touched) t.foot_force[pair.foot] += pressure(pair.law, t.pair_points[k]);
    }
  }
}

}  // namespace

void find_constraints(DynamicsTile& t) {
  with_tables(t, [&](const auto& m) { find_constraints(t, m); });
}

void measure_constraints(DynamicsTile& t, const Wide* acceleration) {
  with_tables(t, [&](const auto& m) { measure_constraints(t, m, acceleration); });
}

void measure_change(DynamicsTile& t, const Wide* direction) {
  with_tables(t, [&](const auto& m) { measure_change(t, m, direction); });
}

void subtract_force(DynamicsTile& t, Wide* gradient) {
  with_tables(t, [&](const auto& m) { subtract_force(t, m, gradient); });
}

void add_stiffness(DynamicsTile& t, Wide* inertia) {
  with_tables(t, [&](const auto& m) { add_stiffness(t, m, inertia); });
}

Slope slope_at(const DynamicsTile& t, Wide step) {
  return with_tables(t, [&](const auto& m) { return slope_at(t, m, step); });
}

void move_constraints(DynamicsTile& t, Wide step) {
  with_tables(t, [&](const auto& m) { move_constraints(t, m, step); });
}

void gather_feet(DynamicsTile& t) {
  with_tables(t, [&](const auto& m) { gather_feet(t, m); });
}

}  // namespace soleus
