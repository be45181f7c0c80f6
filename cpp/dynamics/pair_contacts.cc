#include "dynamics/pair_contacts.h"

#include "dynamics/friction_pyramid.h"

namespace soleus {
namespace {

constexpr double kParallel = 1e-8;  // the square of the sine of the angle between two axes, at most, as MuJoCo has it

// The nearest points of two segments that are not parallel, as distances from their centres: each is kept within its
// segment in turn, as MuJoCo does. between: from the second's centre to the first's.
void nearest(const Wide3& axis1, Wide end1, const Wide3& axis2, Wide end2, const Wide3& between, WideMask parallel,
             Wide& on1, Wide& on2) {
  const Wide cosine = dot(axis1, axis2), u = -dot(axis1, between), v = dot(axis2, between);
  const Wide inverse = Wide(1.0) / select(parallel, Wide(1.0), Wide(1.0) - cosine * cosine);
  on1 = (u + cosine * v) * inverse;
  on2 = (v + cosine * u) * inverse;
  const WideMask beyond1 = abs(on1) > end1;
  on1 = clamp(on1, -end1, end1);
  on2 = select(beyond1, v + cosine * on1, on2);
  const WideMask beyond2 = abs(on2) > end2;
  on2 = clamp(on2, -end2, end2);
  on1 = select(beyond2, clamp(u + cosine * on2, -end1, end1), on1);
}

// Spheres about two places, and how far they are apart.
struct Meeting {
  Wide3 place1, place2;
  Wide distance;
};

template <class Rod>
Meeting meeting_of(const Rod& first, const Rod& second, const Wide3& place1, const Wide3& place2) {
  const Wide3 between = place2 - place1;
  return {place1, place2, sqrt(dot(between, between)) - Wide(first.radius) - Wide(second.radius)};
}

template <class Tables>
void meet(DynamicsTile& t, const Tables& m, const typename Tables::Pair& pair, PairState& s, const Meeting& at, WideMask lanes) {
  const auto &first = m.rods[pair.first], &second = m.rods[pair.second];
  const auto& law = pair.law;
  const WideMask near = lanes & (at.distance < Wide(law.margin));
  s.touched = any(near);
  if (!s.touched) return;
  t.meeting = t.meeting | near;
  const Wide zero(0.0), one(1.0);
  const Wide3 x{one, zero, zero};
  const Wide3 between = at.place2 - at.place1;
  const Wide length = sqrt(dot(between, between));
  const WideMask together = length < Wide(mjMINVAL);
  s.normal = select(together, x, Wide(one / select(together, one, length)) * between);
  if (any(together)) {  // their axes say what is across
    const Wide3 across = cross(t.rods[pair.first].axis, t.rods[pair.second].axis);
    const Wide size = sqrt(dot(across, across));
    const WideMask along = size < Wide(mjMINVAL);
    s.normal = select(together & !along, Wide(one / select(along, one, size)) * across, s.normal);
  }
  const WideMask sideways = abs(s.normal.y) < Wide(0.5);
  s.first = select(sideways, Wide3{zero, one, zero}, Wide3{zero, zero, one});
  add_scaled(s.first, -dot(s.first, s.normal), s.normal);
  s.first = Wide(one / sqrt(dot(s.first, s.first))) * s.first;
  s.second = cross(s.normal, s.first);
  s.arm = at.place1 - t.origin;
  add_scaled(s.arm, Wide(first.radius) + 0.5 * at.distance, s.normal);

  const Softness soft = softness(law.impedance, at.distance - Wide(law.margin), law.invweight);
  s.strength = where(near, soft.strength);
  const LinkState* link1 = first.link >= 0 ? &t.links[first.link] : nullptr;
  const LinkState* link2 = second.link >= 0 ? &t.links[second.link] : nullptr;
  const Spatial velocity = apart(link1 ? &link1->velocity : nullptr, link2 ? &link2->velocity : nullptr);
  const Wide b(-law.impedance.damping);
  s.reference = b * seen(s.normal, law, s, velocity);
  s.reference.x += soft.pull;
  s.turn_reference = b * turning_seen(s.normal, s, velocity);
  if (t.model->coupled()) {
    const Spatial driven = apart(link1 ? &link1->driven : nullptr, link2 ? &link2->driven : nullptr);
    s.reference = s.reference - seen(s.normal, law, s, driven);
    s.turn_reference = s.turn_reference - turning_seen(s.normal, s, driven);
  }
  for (int link : {first.link, second.link}) {
    for (int l = link; l >= 0 && !t.reached[l]; l = t.model->links()[l].parent) t.reached[l] = 1;
  }
}

// Two capsules touch where they are nearest. Where their axes are parallel they touch twice: at the ends of what they
// have alongside one another, which an end of the second is or an end of the first.
template <class Tables>
void meet_capsules(DynamicsTile& t, const Tables& m, const typename Tables::Pair& pair) {
  const auto &first = m.rods[pair.first], &second = m.rods[pair.second];
  const RodState &s1 = t.rods[pair.first], &s2 = t.rods[pair.second];
  const Wide3 between = s1.center - s2.center, across = cross(s1.axis, s2.axis);
  const WideMask parallel = dot(across, across) < Wide(kParallel);
  Wide on1, on2;
  nearest(s1.axis, Wide(first.half), s2.axis, Wide(second.half), between, parallel, on1, on2);
  auto at = [&](Wide along1, Wide along2) {
    Wide3 place1 = s1.center, place2 = s2.center;
    add_scaled(place1, along1, s1.axis);
    add_scaled(place2, along2, s2.axis);
    return meeting_of(first, second, place1, place2);
  };
  auto at_end = [&](Wide end) {
    const Wide there = end * dot(s1.axis, s2.axis) - dot(s1.axis, between);
    const Wide along1 = clamp(there, Wide(-first.half), Wide(first.half));
    const Wide back = clamp(along1 * dot(s1.axis, s2.axis) + dot(s2.axis, between), Wide(-second.half), Wide(second.half));
    return at(along1, select(along1 == there, end, back));
  };
  Meeting one = at(on1, on2);
  if (any(parallel)) {
    const Meeting low = at_end(Wide(-second.half)), high = at_end(Wide(second.half));
    one = {select(parallel, low.place1, one.place1), select(parallel, low.place2, one.place2),
           select(parallel, low.distance, one.distance)};
    meet(t, m, pair, t.pair_points[pair.points_begin + 1], high, parallel);
  } else {
    t.pair_points[pair.points_begin + 1].touched = false;
  }
  meet(t, m, pair, t.pair_points[pair.points_begin], one, every_lane());
}

template <class Tables>
void place_rods(DynamicsTile& t, const Tables& m) {
  for (std::size_t r = 0; r < m.rods.size(); ++r) {
    const auto& rod = m.rods[r];
    if (rod.link < 0) {
      t.rods[r] = {wide(rod.center), wide(rod.axis)};
    } else {
      const LinkState& link = t.links[rod.link];
      t.rods[r] = {link.place + link.axes * wide(rod.center), link.axes * wide(rod.axis)};
    }
  }
}

template <class Tables>
void find_pairs(DynamicsTile& t, const Tables& m) {
  t.meeting = no_lane();
  place_rods(t, m);
  for (const auto& pair : m.pairs) {
    const auto &first = m.rods[pair.first], &second = m.rods[pair.second];
    const RodState &s1 = t.rods[pair.first], &s2 = t.rods[pair.second];
    const Wide3 between = s2.center - s1.center;
    if (!any(dot(between, between) <= Wide(pair.reach * pair.reach))) {  // far apart in every lane
      for (int k = pair.points_begin; k < pair.points_end; ++k) t.pair_points[k].touched = false;
      continue;
    }
    if (pair.kind == PairKind::kCapsules) {
      meet_capsules(t, m, pair);
      continue;
    }
    Wide3 place = s2.center;
    if (pair.kind == PairKind::kSphereAndCapsule) {
      const Wide along = clamp(-dot(between, s2.axis), Wide(-second.half), Wide(second.half));
      add_scaled(place, along, s2.axis);
    }
    meet(t, m, pair, t.pair_points[pair.points_begin], meeting_of(first, second, s1.center, place), every_lane());
  }
}

template <class Tables>
void stiffen_bonds(DynamicsTile& t, const Tables& m) {
  for (const auto& pair : m.pairs) {
    for (int k = pair.points_begin; k < pair.points_end; ++k) {
      const PairState& s = t.pair_points[k];
      if (!s.touched) continue;
      if (!t.bond_touched[pair.bond]) t.bond_stiffness[pair.bond].clear();
      t.bond_touched[pair.bond] = 1;
      add_stiffness_of(pair.law, s, s.normal, t.bond_stiffness[pair.bond]);
    }
  }
}

}  // namespace

void find_pairs(DynamicsTile& t) {
  with_tables(t, [&](const auto& m) { find_pairs(t, m.contacts); });
}

void add_pair_stiffness(DynamicsTile& t, Wide* matrix) {
  const BodyPairs& pairs = t.model->contacts().pairs();
  const auto& bonds = pairs.bonds();
  for (std::size_t b = 0; b < bonds.size(); ++b) t.bond_touched[b] = 0;
  with_tables(t, [&](const auto& m) { stiffen_bonds(t, m.contacts); });
  for (std::size_t b = 0; b < bonds.size(); ++b) {
    if (!t.bond_touched[b]) continue;
    for (int l = bonds[b].levers_begin; l < bonds[b].levers_end; ++l) {
      t.lever_force[l] = t.bond_stiffness[b] * t.motions[pairs.levers()[l].motion];
    }
    for (int e = bonds[b].terms_begin; e < bonds[b].terms_end; ++e) {
      const BodyPairs::Term& term = pairs.terms()[e];
      const BodyPairs::Lever &lever = pairs.levers()[term.lever], &other = pairs.levers()[term.other];
      const Wide product = (lever.way * other.way) * dot(t.motions[other.motion], t.lever_force[term.lever]);
      matrix[term.slot] += term.twice ? product + product : product;
    }
  }
}

}  // namespace soleus
