// The friction pyramid of one point of contact: what it sees of motion, and the force and the stiffness of its edges.
//
// An edge is the acceleration along the normal, plus or minus friction times that along a direction of friction; it pushes
// where it is negative (MuJoCo's documentation, "Computation", pyramidal cones). A pyramid of many edges stays a small
// matrix on the motion of its point, and never becomes rows of a Jacobian.
#pragma once

#include <type_traits>

#include "dynamics/contact_stiffness.h"
#include "dynamics/contact_tables.h"
#include "dynamics/dynamics_tile.h"

namespace soleus {

// What a point sees of a body's acceleration: along the normal and the directions of friction.
template <class Number>
inline Wide3 seen(const Wide3& normal, const ContactLaw<Number>& law, const PointState& s, const Spatial& body) {
  const Wide3 a = body.linear + cross(body.angular, s.arm);
  if (law.condim == 1) return {dot(normal, a), Wide(0.0), Wide(0.0)};
  return {dot(normal, a), dot(s.first, a), dot(s.second, a)};
}
// And of its turning, about them.
inline Wide3 turning_seen(const Wide3& normal, const PointState& s, const Spatial& body) {
  return {dot(normal, body.angular), dot(s.first, body.angular), dot(s.second, body.angular)};
}

// Calls with the number of directions of friction as a constant: what most points do in every iteration knows its edges.
template <class Number, class Call>
inline auto with_directions(const ContactLaw<Number>& law, Call&& call) {
  switch (law.condim) {
    case 1: return call(std::integral_constant<int, 0>());
    case 3: return call(std::integral_constant<int, 2>());
    case 4: return call(std::integral_constant<int, 3>());
    default: return call(std::integral_constant<int, 5>());
  }
}

// Of each direction of friction the edge with it and the one against it; of none, the normal alone.
template <int kDirections>
struct Edges {
  static constexpr int kCount = kDirections == 0 ? 1 : 2 * kDirections;
  Wide y[kCount];
};

template <int kDirections, class Number>
inline Edges<kDirections> edges_of(const ContactLaw<Number>& law, const Wide3& x, const Wide3& turn) {
  Edges<kDirections> edges;
  if constexpr (kDirections == 0) {
    edges.y[0] = x.x;
  } else {
    const Wide along[] = {x.y, x.z, turn.x, turn.y, turn.z};
    for (int i = 0; i < kDirections; ++i) {
      edges.y[2 * i] = x.x + law.friction[i] * along[i];
      edges.y[2 * i + 1] = x.x - law.friction[i] * along[i];
    }
  }
  return edges;
}
template <int kDirections, class Number>
inline Edges<kDirections> edges_now(const ContactLaw<Number>& law, const PointState& s) {
  return edges_of<kDirections>(law, s.now, s.turn_now);
}
template <int kDirections, class Number>
inline Edges<kDirections> edges_changing(const ContactLaw<Number>& law, const PointState& s) {
  return edges_of<kDirections>(law, s.change, s.turn_change);
}

// Calls with the law and the state of every point that touches, of the ground and of pairs.
template <class Tile, class Number, class Visit>
inline void each_touched(Tile& t, const ContactTables<Number>& m, Visit&& visit) {
  for (std::size_t k = 0; k < t.points.size(); ++k) {
    if (t.points[k].touched) visit(m.points[k].law, t.points[k]);
  }
  for (const auto& pair : m.pairs) {
    for (int k = pair.points_begin; k < pair.points_end; ++k) {
      if (t.pair_points[k].touched) visit(pair.law, t.pair_points[k]);
    }
  }
}

inline Spatial wrench(const Wide3& arm, const Wide3& direction) { return {cross(arm, direction), direction}; }

// Where a direction of friction is: a force along the ground, or a moment about the point's own axes.
inline Spatial direction_of(int i, const PointState& s, const Wide3& normal) {
  const Wide zero(0.0);
  if (i < 2) return wrench(s.arm, i == 0 ? s.first : s.second);
  return {i == 2 ? normal : i == 3 ? s.first : s.second, {zero, zero, zero}};
}

template <int kDirections>
inline Wide pressure_of(const Edges<kDirections>& edges, const PointState& s, Wide* force) {
  Wide sum(0.0);
  for (int e = 0; e < edges.kCount; ++e) {
    force[e] = -(s.strength * min(edges.y[e], Wide(0.0)));
    sum = e == 0 ? force[e] : sum + force[e];
  }
  return sum;
}

// How hard a point is pressed at `now` [N].
template <class Number>
inline Wide pressure(const ContactLaw<Number>& law, const PointState& s) {
  return with_directions(law, [&](auto directions) {
    Wide force[decltype(edges_now<directions>(law, s))::kCount];
    return pressure_of(edges_now<directions>(law, s), s, force);
  });
}

// The force at `now`, as a wrench about the tile's point of reference.
template <class Number>
inline Spatial force_of(const ContactLaw<Number>& law, const PointState& s, const Wide3& normal) {
  return with_directions(law, [&](auto directions) {
    const auto edges = edges_now<directions>(law, s);
    Wide force[edges.kCount];
    Wide3 f = pressure_of(edges, s, force) * normal;
    if constexpr (directions > 0) {
      add_scaled(f, (force[0] - force[1]) * law.friction[0], s.first);
      add_scaled(f, (force[2] - force[3]) * law.friction[1], s.second);
    }
    Spatial out = wrench(s.arm, f);
    for (int i = 2; i < directions; ++i) {
      add_scaled(out.angular, (force[2 * i] - force[2 * i + 1]) * law.friction[i], direction_of(i, s, normal).angular);
    }
    return out;
  });
}

// Adds D times the squares of the edges that are active at `now`, as a weight on what the point sees: on the normal, on
// each direction of friction, and on the two together.
template <class Number>
inline void add_stiffness_of(const ContactLaw<Number>& law, const PointState& s, const Wide3& normal, ContactStiffness& out) {
  with_directions(law, [&](auto directions) {
    const auto edges = edges_now<directions>(law, s);
    Wide active[edges.kCount];
    for (int e = 0; e < edges.kCount; ++e) active[e] = where(edges.y[e] < Wide(0.0), s.strength);
    const Spatial n = wrench(s.arm, normal);
    Wide all = active[0];
    for (int e = 1; e < edges.kCount; ++e) all += active[e];
    Spatial pull{all * n.angular, all * n.linear};
    for (int i = 0; i < directions; ++i) {
      const Number mu = law.friction[i];
      const Spatial along = direction_of(i, s, normal);
      const Wide together = (active[2 * i] - active[2 * i + 1]) * mu, alone = (active[2 * i] + active[2 * i + 1]) * (mu * mu);
      Spatial q{together * n.angular, together * n.linear};
      add_scaled(q, alone, along);
      add_scaled(pull, together, along);
      add_outer(out, along, q);
    }
    add_outer(out, n, pull);
  });
}

}  // namespace soleus
