#include "dynamics/inertia.h"

namespace soleus {
namespace {

// Of a link in the world's axes, about the point of reference.
template <class Link>
SpatialInertia inertia_of(const Link& link, const LinkState& s, const Wide3& origin) {
  const auto& i = link.inertia;
  const WideMatrix& r = s.axes;
  // T = R I; then T R'.
  Wide3 t[3];
  for (int a = 0; a < 3; ++a) {
    const Wide3& row = r.rows[a];
    t[a] = {row.x * i[0] + row.y * i[3] + row.z * i[4], row.x * i[3] + row.y * i[1] + row.z * i[5],
            row.x * i[4] + row.y * i[5] + row.z * i[2]};
  }
  const Wide3 c = s.place + r * wide(link.center) - origin;
  const Wide mass(link.mass);
  const Wide3 h = mass * c;
  SpatialInertia out;
  out.mass = mass;
  out.first = h;
  out.xx = dot(t[0], r.rows[0]) + Wide(h.y * c.y + h.z * c.z);
  out.yy = dot(t[1], r.rows[1]) + Wide(h.x * c.x + h.z * c.z);
  out.zz = dot(t[2], r.rows[2]) + Wide(h.x * c.x + h.y * c.y);
  out.xy = dot(t[0], r.rows[1]) - h.x * c.y;
  out.xz = dot(t[0], r.rows[2]) - h.x * c.z;
  out.yz = dot(t[1], r.rows[2]) - h.y * c.z;
  return out;
}

template <class Tables>
void compute_inertia(DynamicsTile& t, const Tables& m) {
  const DynamicsModel& model = *t.model;
  const auto& links = m.links;
  for (std::size_t l = 0; l < links.size(); ++l) {
    LinkState& s = t.links[l];
    s.inertia = inertia_of(links[l], s, t.origin);
    s.force = s.inertia * s.acceleration;
    s.force += cross_force(s.velocity, s.inertia * s.velocity);
  }
  for (Wide& entry : t.inertia) entry = Wide(0.0);
  for (Wide& force : t.bias) force = Wide(0.0);
  for (int l = static_cast<int>(links.size()) - 1; l >= 0; --l) {
    const LinkState& s = t.links[l];
    for (int p = links[l].motions_begin; p < links[l].motions_end; ++p) {
      t.bias[model.motions()[p].coordinate] += dot(t.motions[p], s.force);
      const Spatial momentum = s.inertia * t.motions[p];
      for (int e = model.term_begin(p); e < model.term_begin(p + 1); ++e) {
        const DynamicsModel::InertiaTerm& term = model.terms()[e];
        const Wide product = dot(t.motions[term.motion], momentum);
        t.inertia[term.slot] += term.twice ? product + product : product;
      }
    }
    if (links[l].parent >= 0) {
      t.links[links[l].parent].inertia += s.inertia;
      t.links[links[l].parent].force += s.force;
    }
  }
  for (std::size_t i = 0; i < m.dofs.size(); ++i) {
    const auto& d = m.dofs[i];
    if (!d.has_armature) continue;
    const Wide reflected = t.coupling[i] * d.armature;
    t.inertia[t.ldl.diagonal(d.coordinate)] += t.coupling[i] * reflected;
    if (d.coupled) t.bias[d.coordinate] += t.coupling_rate[i] * reflected;
  }
}

template <class Tables>
void compute_passive(DynamicsTile& t, const Tables& m) {
  for (Wide& force : t.passive) force = Wide(0.0);
  for (std::size_t i = 0; i < m.dofs.size(); ++i) {
    const auto& d = m.dofs[i];
    if (!d.has_damping) continue;
    const Wide g = t.coupling[i];
    t.passive[d.coordinate] -= (g * g * d.damping) * t.velocity[d.coordinate];
  }
  for (const auto& joint : m.joints) {
    if (!joint.has_spring) continue;
    const Wide stretch = t.qpos[joint.qpos] - Wide(joint.spring);
    t.passive[m.dofs[joint.dof].coordinate] -= (t.coupling[joint.dof] * joint.stiffness) * stretch;
  }
}

}  // namespace

void compute_inertia(DynamicsTile& t) {
  with_tables(t, [&](const auto& m) { compute_inertia(t, m); });
}

void compute_passive(DynamicsTile& t) {
  with_tables(t, [&](const auto& m) { compute_passive(t, m); });
}

}  // namespace soleus
