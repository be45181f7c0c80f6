#include "dynamics/contact_law.h"

#include <algorithm>

#include "dynamics/parts.h"

namespace soleus {
namespace {

bool collides(const mjModel* m, int a, int b) {
  return (m->geom_contype[a] & m->geom_conaffinity[b]) || (m->geom_contype[b] & m->geom_conaffinity[a]);
}

bool is_excluded(const mjModel* m, int body, int other) {
  const int low = std::min(body, other), high = std::max(body, other);
  for (int i = 0; i < m->nexclude; ++i) {
    if (m->exclude_signature[i] == (low << 16) + high) return true;
  }
  return false;
}

// Whether MuJoCo looks for contacts of two geoms that are in no pair of their own.
bool may_touch(const mjModel* m, int a, int b) {
  const int first = m->geom_bodyid[a], second = m->geom_bodyid[b];
  const int weld1 = m->body_weldid[first], weld2 = m->body_weldid[second];
  if (weld1 == weld2 || !collides(m, a, b) || is_excluded(m, first, second)) return false;
  if (m->opt.disableflags & mjDSBL_FILTERPARENT || !weld1 || !weld2) return true;
  return m->body_weldid[m->body_parentid[weld1]] != weld2 && m->body_weldid[m->body_parentid[weld2]] != weld1;
}

bool has_own_pair(const mjModel* m, int a, int b) {
  for (int i = 0; i < m->npair; ++i) {
    const int first = m->pair_geom1[i], second = m->pair_geom2[i];
    if ((first == a && second == b) || (first == b && second == a)) return true;
  }
  return false;
}

bool moves(const mjModel* m, int geom) {
  const mjtNum* velocity = m->geom_surfacevel + 6 * geom;
  return std::any_of(velocity, velocity + 6, [](mjtNum x) { return x != 0; });
}

// What two geoms make of a contact together.
ContactLaw<double> law_of(const mjModel* m, int first, int second) {
  ContactLaw<double> law{};
  law.margin = m->geom_margin[first] + m->geom_margin[second];
  law.gap = m->geom_gap[first] + m->geom_gap[second];
  const int prior = m->geom_priority[first] - m->geom_priority[second];
  const mjtNum *ref1 = m->geom_solref + mjNREF * first, *ref2 = m->geom_solref + mjNREF * second;
  mjtNum ref[mjNREF], imp[mjNIMP], friction[3];
  if (prior != 0) {
    const int chosen = prior > 0 ? first : second;
    law.condim = m->geom_condim[chosen];
    mju_copy(ref, m->geom_solref + mjNREF * chosen, mjNREF);
    mju_copy(imp, m->geom_solimp + mjNIMP * chosen, mjNIMP);
    mju_copy3(friction, m->geom_friction + 3 * chosen);
  } else {
    law.condim = std::max(m->geom_condim[first], m->geom_condim[second]);
    const double mix1 = m->geom_solmix[first], mix2 = m->geom_solmix[second];
    double mix = 0.5;
    if (mix1 >= mjMINVAL && mix2 >= mjMINVAL) mix = mix1 / (mix1 + mix2);
    else if (mix1 >= mjMINVAL || mix2 >= mjMINVAL) mix = mix1 < mjMINVAL ? 0.0 : 1.0;
    for (int i = 0; i < mjNREF; ++i) {
      ref[i] = ref1[0] > 0 && ref2[0] > 0 ? mix * ref1[i] + (1 - mix) * ref2[i] : std::min(ref1[i], ref2[i]);
    }
    for (int i = 0; i < mjNIMP; ++i) {
      imp[i] = mix * m->geom_solimp[mjNIMP * first + i] + (1 - mix) * m->geom_solimp[mjNIMP * second + i];
    }
    for (int i = 0; i < 3; ++i) friction[i] = std::max(m->geom_friction[3 * first + i], m->geom_friction[3 * second + i]);
  }
  law.friction = {friction[0], friction[0], friction[1], friction[2], friction[2]};
  law.impedance = impedance_of(m, ref, imp);
  return law;
}

// What a pair that the model names has for itself.
ContactLaw<double> law_of_pair(const mjModel* m, int pair) {
  ContactLaw<double> law{};
  law.condim = m->pair_dim[pair];
  std::copy_n(m->pair_friction + 5 * pair, 5, law.friction.begin());
  law.impedance = impedance_of(m, m->pair_solref + mjNREF * pair, m->pair_solimp + mjNIMP * pair);
  law.margin = m->pair_margin[pair];
  law.gap = m->pair_gap[pair];
  return law;
}

// The inverse inertia that an edge is taken to have: of all edges the same, as that of an elliptic cone of the same
// impedance (MuJoCo's pyramidal cones).
void weigh(const mjModel* m, GeomContact& contact) {
  ContactLaw<double>& law = contact.law;
  for (double& friction : law.friction) friction = std::max(mjMINMU, friction);
  law.invweight = m->body_invweight0[2 * m->geom_bodyid[contact.second]] + m->body_invweight0[2 * m->geom_bodyid[contact.first]];
  if (law.condim > 1) {
    const double square = law.friction[0] * law.friction[0];
    law.invweight *= (1 + square) * 2 * square / std::max(mjMINVAL, m->opt.impratio);
  }
}

}  // namespace

std::vector<GeomContact> contacts_of(const mjModel* m) {
  std::vector<GeomContact> out;
  auto add = [&](int a, int b, const ContactLaw<double>& law) {
    if (m->geom_type[a] > m->geom_type[b]) std::swap(a, b);
    out.push_back({a, b, law});
    weigh(m, out.back());
  };
  for (int a = 0; a < m->ngeom; ++a) {
    for (int b = a + 1; b < m->ngeom; ++b) {
      if (may_touch(m, a, b) && !has_own_pair(m, a, b)) add(a, b, law_of(m, a, b));
    }
  }
  for (int i = 0; i < m->npair; ++i) {
    const int a = m->pair_geom1[i], b = m->pair_geom2[i];
    const bool apart = m->body_weldid[m->geom_bodyid[a]] != m->body_weldid[m->geom_bodyid[b]];
    if (apart) add(a, b, law_of_pair(m, i));  // else nothing moves by it
  }
  return out;
}

void list_uncovered_surfaces(const mjModel* m, const std::vector<GeomContact>& contacts, std::vector<std::string>& out) {
  std::vector<bool> touches(m->ngeom, false);
  for (const GeomContact& c : contacts) touches[c.first] = touches[c.second] = true;
  for (int geom = 0; geom < m->ngeom; ++geom) {
    if (!touches[geom]) continue;
    if (m->geom_adhesion[geom] != 0) out.push_back("geom " + name_of(m, mjOBJ_GEOM, geom) + ": adhesion");
    if (moves(m, geom)) out.push_back("geom " + name_of(m, mjOBJ_GEOM, geom) + ": surfacevel");
  }
  for (int i = 0; i < m->npair; ++i) {
    if (m->pair_adhesion[i] != 0) out.push_back("contact pair " + name_of(m, mjOBJ_PAIR, i) + ": adhesion");
  }
}

}  // namespace soleus
