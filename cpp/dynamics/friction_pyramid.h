// The friction pyramid of one point of contact: what it sees of motion, and the force and the stiffness of its edges.
//
// An edge is the acceleration along the normal, plus or minus friction times that along a direction of friction; it pushes
// where it is negative (MuJoCo's documentation, "Computation", pyramidal cones). A pyramid of many edges stays a small
// matrix on the motion of its point, and never becomes rows of a Jacobian.
#pragma once

#include "dynamics/contact_model.h"
#include "dynamics/contact_stiffness.h"
#include "dynamics/dynamics_tile.h"

namespace soleus {

// What a point sees of a body's acceleration: along the normal and the directions of friction.
inline Wide3 seen(const Wide3& normal, const ContactLaw& law, const PointState& s, const Spatial& body) {
  const Wide3 a = body.linear + cross(body.angular, s.arm);
  if (law.condim == 1) return {dot(normal, a), Wide(0.0), Wide(0.0)};
  return {dot(normal, a), dot(s.first, a), dot(s.second, a)};
}

struct Edges {
  Wide y[4];
  int count;
};

inline Edges edges_of(const ContactLaw& law, const Wide3& x) {
  if (law.condim == 1) return {{x.x}, 1};
  const double mu = law.friction[0];
  return {{x.x + mu * x.y, x.x - mu * x.y, x.x + mu * x.z, x.x - mu * x.z}, 4};
}

inline Spatial wrench(const Wide3& arm, const Wide3& direction) { return {cross(arm, direction), direction}; }

// The force at `now`, as a wrench about the tile's point of reference.
inline Spatial force_of(const ContactLaw& law, const PointState& s, const Wide3& normal) {
  const Edges edges = edges_of(law, s.now);
  const Wide zero(0.0);
  Wide force[4];
  for (int e = 0; e < edges.count; ++e) force[e] = -(s.strength * min(edges.y[e], zero));
  Wide3 f = edges.count == 1 ? force[0] * normal : (force[0] + force[1] + force[2] + force[3]) * normal;
  if (edges.count == 4) {
    const double mu = law.friction[0];
    add_scaled(f, (force[0] - force[1]) * mu, s.first);
    add_scaled(f, (force[2] - force[3]) * mu, s.second);
  }
  return wrench(s.arm, f);
}

// Adds D times the squares of the edges that are active at `now`, as a 3 x 3 weight on what the point sees.
inline void add_stiffness_of(const ContactLaw& law, const PointState& s, const Wide3& normal, ContactStiffness& out) {
  const Edges edges = edges_of(law, s.now);
  Wide active[4];
  for (int e = 0; e < edges.count; ++e) active[e] = where(edges.y[e] < Wide(0.0), s.strength);
  const Spatial n = wrench(s.arm, normal);
  if (law.condim == 1) {
    add_outer(out, n, {active[0] * n.angular, active[0] * n.linear});
    return;
  }
  const double mu = law.friction[0];
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

}  // namespace soleus
