#include "dynamics/dynamics_tile.h"

#include "base/error.h"

namespace soleus {

DynamicsTile::DynamicsTile(const DynamicsModel& dynamics) : model(&dynamics), ldl(dynamics.pattern()), meeting(no_lane()),
    pair_ldl(dynamics.contacts().pairs().pattern()), diverged(no_lane()) {
  const mjModel* m = dynamics.human().mujoco();
  const DynamicsModel::Tables& tables = dynamics.tables();
  const std::size_t nc = dynamics.coordinates();
  const Wide zero(0.0);
  qpos.assign(m->nq, zero);
  for (auto* of_dofs : {&coupling, &coupling_rate}) of_dofs->assign(m->nv, zero);
  for (auto* of_coordinates : {&velocity, &acceleration, &applied, &limit_torque, &bias, &passive, &constraint, &smooth, &moved,
                               &gradient, &search, &search_moved}) {
    of_coordinates->assign(nc, zero);
  }
  for (auto* of_entries : {&inertia, &hessian}) of_entries->assign(ldl.entries(), zero);
  foot_force.assign(dynamics.human().feet.size(), zero);
  kept.assign(2 * nc + foot_force.size(), zero);
  const Spatial still{{zero, zero, zero}, {zero, zero, zero}};
  links.resize(dynamics.links().size());
  link_change.assign(links.size(), still);
  stiffness.resize(links.size());
  for (auto* of_links : {&loaded, &reached}) of_links->assign(links.size(), 0);
  motions.assign(dynamics.motions().size(), still);
  dof_motions.assign(m->nv, still);
  points.resize(tables.contacts.points.size());
  const BodyPairs& pairs = dynamics.contacts().pairs();
  rods.resize(tables.contacts.rods.size());
  pair_points.resize(tables.contacts.pairs.empty() ? 0 : tables.contacts.pairs.back().points_end);
  bond_touched.assign(pairs.bonds().size(), 0);
  bond_stiffness.resize(pairs.bonds().size());
  lever_force.assign(pairs.levers().size(), still);
  pair_hessian.assign(pair_ldl.entries(), zero);
  if (!tables.contacts.pairs.empty()) pair_search.assign(nc, zero);
  limits.resize(tables.limits.size());
  frictions.resize(tables.frictions.size());
  balls.resize(tables.balls.size());
  const std::vector<double> rest(m->nv, 0.0);
  for (int lane = 0; lane < kLanes; ++lane) set(lane, dynamics.human().qpos_rest, rest);
}

void DynamicsTile::give(int lane, const DynamicsModel& variant) {
  require(variant.timestep() == model->timestep(), "expected variants of a model with its time step, got others");
  if (!own) {
    own = std::make_unique<DynamicsTables<Wide>>();
    spread_numbers(*own, model->tables());
  }
  load_numbers(*own, lane, variant.tables());
  frictions.resize(own->frictions.size());
}

void DynamicsTile::set(int lane, std::span<const double> positions, std::span<const double> velocities) {
  const HumanModel& h = model->human();
  for (std::size_t i = 0; i < qpos.size(); ++i) qpos[i].set(lane, positions[i]);
  for (int c = 0; c < h.num_coordinates(); ++c) {
    velocity[c].set(lane, velocities[h.coordinate_dof[c]]);
    for (auto* of_coordinates : {&acceleration, &applied, &constraint}) (*of_coordinates)[c].set(lane, 0.0);
  }
  for (Wide& force : foot_force) force.set(lane, 0.0);
  for (Wide& push : pushes) push.set(lane, 0.0);
  diverged = diverged & !one_lane(lane);
}

}  // namespace soleus
