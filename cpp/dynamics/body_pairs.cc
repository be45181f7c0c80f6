#include "dynamics/body_pairs.h"

#include <algorithm>

#include "dynamics/dynamics_model.h"
#include "dynamics/parts.h"

namespace soleus {
namespace {

using Tables = ContactTables<double>;

// The rod of a geom, which is added if it is new.
int rod_of(const DynamicsModel& dynamics, int geom, std::vector<Tables::Rod>& rods) {
  const auto known = std::find_if(rods.begin(), rods.end(), [&](const Tables::Rod& r) { return r.geom == geom; });
  if (known != rods.end()) return static_cast<int>(known - rods.begin());
  const mjModel* m = dynamics.human().mujoco();
  const DynamicsModel::Place& at = dynamics.bodies()[m->geom_bodyid[geom]];
  const Quat turn = times(at.turn, quat(m->geom_quat + 4 * geom));
  const bool sphere = m->geom_type[geom] == mjGEOM_SPHERE;
  rods.push_back({geom, at.link, plus(at.place, turned(at.turn, vec(m->geom_pos + 3 * geom))), turned(turn, {0, 0, 1}),
                   sphere ? 0.0 : m->geom_size[3 * geom + 1], m->geom_size[3 * geom]});
  return static_cast<int>(rods.size()) - 1;
}

}  // namespace

bool BodyPairs::covers(const mjModel* m, int geom) {
  return m->geom_type[geom] == mjGEOM_SPHERE || m->geom_type[geom] == mjGEOM_CAPSULE;
}

int BodyPairs::bond(const DynamicsModel& dynamics, int first, int second) {
  for (std::size_t b = 0; b < bonds_.size(); ++b) {
    if (bonds_[b].first == first && bonds_[b].second == second) return static_cast<int>(b);
  }
  Bond bond{first, second, static_cast<int>(levers_.size()), 0, 0, 0};
  const auto& links = dynamics.links();
  auto carries = [&](int link, int end) {
    while (end >= 0 && end != link) end = links[end].parent;
    return end == link;
  };
  auto add_levers = [&](int link, int other, double way) {
    for (; link >= 0 && !carries(link, other); link = links[link].parent) {
      for (int p = links[link].motions_begin; p < links[link].motions_end; ++p) levers_.push_back({p, way});
    }
  };
  add_levers(first, second, -1.0);
  add_levers(second, first, 1.0);
  bond.levers_end = static_cast<int>(levers_.size());
  bonds_.push_back(bond);
  return static_cast<int>(bonds_.size()) - 1;
}

void BodyPairs::add(const DynamicsModel& dynamics, const GeomContact& contact, ContactTables<double>& tables) {
  const HumanModel& human = dynamics.human();
  const mjModel* m = human.mujoco();
  Tables::Pair p{};
  p.first = rod_of(dynamics, contact.first, tables.rods);
  p.second = rod_of(dynamics, contact.second, tables.rods);
  const Tables::Rod &first = tables.rods[p.first], &second = tables.rods[p.second];
  auto is_capsule = [&](int geom) { return m->geom_type[geom] == mjGEOM_CAPSULE; };
  p.kind = is_capsule(contact.first)    ? PairKind::kCapsules
           : is_capsule(contact.second) ? PairKind::kSphereAndCapsule
                                        : PairKind::kSpheres;
  p.bond = bond(dynamics, first.link, second.link);
  p.points_begin = tables.pairs.empty() ? 0 : tables.pairs.back().points_end;
  p.points_end = p.points_begin + (p.kind == PairKind::kCapsules ? 2 : 1);
  p.law = contact.law;
  p.reach = m->geom_rbound[contact.first] + m->geom_rbound[contact.second] + p.law.margin + p.law.gap;
  p.foot = -1;
  if (first.link < 0) p.foot = human.geom_foot()[contact.second];
  if (second.link < 0) p.foot = human.geom_foot()[contact.first];
  tables.pairs.push_back(p);
}

void BodyPairs::build_pattern(const DynamicsModel& dynamics) {
  if (bonds_.empty()) return;
  const SparseLdl& tree = dynamics.pattern();
  const int nc = tree.size();
  std::vector<std::vector<bool>> pattern(nc, std::vector<bool>(nc, false));
  for (int i = 0; i < nc; ++i) {
    for (int j = 0; j <= i; ++j) pattern[i][j] = tree.slot(i, j) >= 0;
  }
  auto coordinate = [&](int lever) { return dynamics.motions()[levers_[lever].motion].coordinate; };
  auto each_term = [&](const Bond& bond, auto&& visit) {
    for (int l = bond.levers_begin; l < bond.levers_end; ++l) {
      for (int k = bond.levers_begin; k <= l; ++k) {
        visit(l, k, std::max(coordinate(l), coordinate(k)), std::min(coordinate(l), coordinate(k)));
      }
    }
  };
  for (const Bond& bond : bonds_) each_term(bond, [&](int, int, int high, int low) { pattern[high][low] = true; });
  pattern_ = SparseLdl(pattern);
  for (Bond& bond : bonds_) {
    bond.terms_begin = static_cast<int>(terms_.size());
    each_term(bond, [&](int l, int k, int high, int low) {
      terms_.push_back({l, k, pattern_.slot(high, low), high == low && l != k});
    });
    bond.terms_end = static_cast<int>(terms_.size());
  }
  slots_of_tree_.resize(tree.entries());
  for (int i = 0; i < nc; ++i) {
    for (int j = 0; j <= i; ++j) {
      if (tree.slot(i, j) >= 0) slots_of_tree_[tree.slot(i, j)] = pattern_.slot(i, j);
    }
  }
}

}  // namespace soleus
