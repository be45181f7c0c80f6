#include "dynamics/lane_muscle_model.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "dynamics/parts.h"
#include "muscles/muscle_force.h"

namespace soleus {
namespace {

using Tables = MuscleTables<double>;

std::string muscle_name(const mjModel* m, int actuator) {
  const char* name = mj_id2name(m, mjOBJ_ACTUATOR, actuator);
  return "muscle " + (name && *name ? "'" + std::string(name) + "'" : "number " + std::to_string(actuator));
}

bool any_of(const mjtNum* values, int count) {
  return std::any_of(values, values + count, [](mjtNum x) { return x != 0; });
}

// Of an actuator, what the lanes' muscles do not have; empty: nothing.
std::string uncovered_actuator(const mjModel* m, int a) {
  const int out = m->actuator_outadr[a];
  const int target = m->actuator_trnid[2 * a];
  const bool on_joint = m->actuator_trntype[a] == mjTRN_JOINT || m->actuator_trntype[a] == mjTRN_JOINTINPARENT;
  if (on_joint && m->jnt_type[target] != mjJNT_HINGE && m->jnt_type[target] != mjJNT_SLIDE) return "a joint that turns freely";
  if (!on_joint && m->actuator_trntype[a] != mjTRN_TENDON) return "a transmission other than a tendon or a joint";
  if (m->actuator_gaintype[a] != mjGAIN_MUSCLE || m->actuator_biastype[a] != mjBIAS_MUSCLE) return "a force law other than muscle";
  if (m->actuator_dyntype[a] != mjDYN_MUSCLE && m->actuator_dyntype[a] != mjDYN_NONE) return "dynamics other than muscle";
  if (m->actuator_forcelimited[out]) return "forcelimited";
  if (m->actuator_actearly[a]) return "actearly";
  if (m->actuator_actlimited[a]) return "actlimited";
  if (m->actuator_delay[a] != 0) return "delay";
  if (m->actuator_armature[out] != 0 || m->actuator_damping[out] != 0) return "armature or damping";
  if (any_of(m->actuator_dampingpoly + mjNPOLY * out, mjNPOLY)) return "damping";
  if (!on_joint && m->wrap_type[m->tendon_adr[target]] == mjWRAP_JOINT) return "a fixed tendon";
  return "";
}

// Of a muscle's parameters: its greatest force [N], its optimal length [m], and the normal length at length 0.
struct Scales { double force, optimal, offset; };

Scales scales_of(const mjModel* m, int output, const mjtNum* prm) {
  const mjtNum* range = m->actuator_lengthrange + 2 * output;
  const double optimal = (range[1] - range[0]) / std::max(mjMINVAL, prm[1] - prm[0]);
  return {prm[2] >= 0 ? prm[2] : prm[3] / std::max(mjMINVAL, m->actuator_acc0[output]), optimal,
          prm[0] - range[0] / std::max(mjMINVAL, optimal)};
}

double inverse(double x) { return 1 / std::max(mjMINVAL, x); }

Tables::Force mujoco_force(const mjModel* m, int actuator) {
  const int out = m->actuator_outadr[actuator];
  const mjtNum *prm = m->actuator_gainprm + actuator * mjNGAIN, *passive = m->actuator_biasprm + actuator * mjNBIAS;
  const Scales active_scales = scales_of(m, out, prm), passive_scales = scales_of(m, out, passive);
  const double least = prm[4], most = prm[5], lengthening = prm[8];
  const double rising = 0.5 * (least + 1), falling = 0.5 * (1 + most), bend = 0.5 * (1 + passive[5]);
  Tables::Force f{};
  f.most = active_scales.force;
  f.length = {inverse(active_scales.optimal), active_scales.offset, least, most, rising, falling,
              inverse(rising - least), inverse(1 - rising), inverse(falling - 1), inverse(most - falling)};
  f.velocity = {lengthening, lengthening - 1, inverse(lengthening - 1)};
  f.passive = {inverse(passive_scales.optimal), passive_scales.offset, passive_scales.force * passive[7], bend, inverse(bend - 1)};
  f.inverse_fastest = inverse(active_scales.optimal * prm[6]);
  return f;
}

Tables::Force mass_force(const HumanModel& h, int k) {
  const PolylineData& data = h.polylines;
  const ForceCurves& curves = data.curves;
  Tables::Force f{};
  f.most = data.max_force[k];
  f.mass = {1 / h.paths().rest_length(k), data.slack[k], 1 / data.optimal[k], -1 / curves.width,
            curves.shape / curves.strain, 1 / (std::exp(curves.shape) - 1.0)};
  return f;
}

Tables::Force hill_force(const HumanModel& h, int k) {
  Tables::Force f{};
  f.most = h.hill.max_force[k];
  f.hill = hill_law(h.hill, k);
  f.inverse_fastest = inverse(h.hill.fastest[k] * h.hill.optimal[k]);
  return f;
}

Tables::Activation activation_of(const mjModel* m, int actuator) {
  const mjtNum *prm = m->actuator_dynprm + actuator * mjNDYN, *range = m->actuator_ctrlrange + 2 * m->actuator_ctrladr[actuator];
  const double step = m->opt.timestep;
  const bool smooth = prm[2] >= mjMINVAL;
  return {smooth, prm[0], prm[1], prm[0] / step, prm[1] / step, smooth ? 1 / prm[2] : 0.0, range[0], range[1]};
}

}  // namespace

std::vector<std::string> LaneMuscleModel::uncovered(const HumanModel& human) {
  const mjModel* m = human.mujoco();
  std::vector<std::string> out;
  if (m->opt.disableactuator != 0) out.push_back("option actuatorgroupdisable");
  for (int a : human.muscle_actuator) {
    const std::string reason = uncovered_actuator(m, a);
    if (!reason.empty()) out.push_back(muscle_name(m, a) + ": " + reason);
  }
  if (!out.empty() || !DynamicsModel::uncovered(human).empty()) return out;
  try {
    const DynamicsModel dynamics(human);
    const LaneMuscleModel tried(dynamics);
  } catch (const InvalidInput& error) {
    out.push_back(error.what());
  }
  return out;
}

LaneMuscleModel::Tables::Force LaneMuscleModel::force_of(const HumanModel& h, int k) {
  Tables::Force force = h.has_polylines() ? mass_force(h, k)
                        : h.has_hill()    ? hill_force(h, k)
                                          : mujoco_force(h.mujoco(), h.muscle_actuator[k]);
  force.muscle_mass = h.muscle_mass()[k];
  force.tissue_mass = h.tissue_mass(k);
  return force;
}

LaneMuscleModel::LaneMuscleModel(const DynamicsModel& dynamics) : dynamics_(&dynamics) {
  const HumanModel& h = dynamics.human();
  site_index_.assign(h.mujoco()->nsite, -1);
  is_fitted_.assign(h.num_muscles(), false);
  for (int k = 0; k < h.num_muscles(); ++k) {
    if (h.has_polylines()) {
      add_polyline(k);
    } else if (h.has_hill()) {
      add_hill(k);
    } else {
      add_muscle(k);
    }
  }
  for (int k = 0; k < h.num_muscles(); ++k) {
    structure_.muscles[k].slow = h.slow_fibres(k);
    tables_.forces.push_back(force_of(h, k));
  }
  list_sites();
  mark_fitted();
}

// Where the moment of a muscle on an actuated coordinate goes; -1 where it does not cross that one.
int LaneMuscleModel::slot_of(int k, int actuated) const {
  const HumanModel& h = dynamics_->human();
  for (int s = h.crossing_adr[k]; s < h.crossing_adr[k + 1]; ++s) {
    if (h.crossing[s] == actuated) return s;
  }
  return -1;
}

// The sites of each muscle's path, so that they are moved only for paths that are followed.
void LaneMuscleModel::list_sites() {
  for (Muscle& p : structure_.muscles) {
    p.sites_begin = static_cast<int>(structure_.path_sites.size());
    for (int s = p.stretches_begin; s < p.stretches_end; ++s) {
      for (int site : {structure_.stretches[s].from, structure_.stretches[s].to}) {
        auto& sites = structure_.path_sites;
        if (std::find(sites.begin() + p.sites_begin, sites.end(), site) == sites.end()) sites.push_back(site);
      }
    }
    p.sites_end = static_cast<int>(structure_.path_sites.size());
  }
}

void LaneMuscleModel::mark_fitted() {
  for (const FittedGroup& group : fitted()) {
    for (int k : group.muscles) {
      require(structure_.muscles[k].law == Law::kHill || (!is_fitted_[k] && structure_.muscles[k].dof < 0),
              "expected one fitted path for a muscle that has a path");
      is_fitted_[k] = true;
    }
  }
}

// A muscle of its own law, whose path is polynomials.
void LaneMuscleModel::add_hill(int k) {
  const HumanModel& h = dynamics_->human();
  const HillMuscleData& data = h.hill;
  Muscle p{};
  p.law = Law::kHill;
  p.dof = p.slot = p.control = p.activation = -1;
  p.stateful = p.dynamic = p.limited = true;
  structure_.muscles.push_back(p);
  tables_.activations.push_back({false, data.activation[k], data.deactivation[k], h.activation_steps()[k],
                                 h.deactivation_steps()[k], 0.0, data.control_low[k], data.control_high[k]});
  tables_.fixed.push_back({});
}

// A path through waypoints, as MASS has it. The force at a blended waypoint acts on its first body, or on both by weight.
void LaneMuscleModel::add_polyline(int k) {
  const HumanModel& h = dynamics_->human();
  const PolylineData& data = h.polylines;
  Muscle p{};
  p.law = Law::kMass;
  p.dof = p.slot = -1;
  p.control = p.activation = -1;
  p.stretches_begin = static_cast<int>(structure_.stretches.size());
  p.shares_begin = static_cast<int>(structure_.shares.size());
  tables_.activations.push_back({});
  tables_.fixed.push_back({});
  if (tables_.scales.empty()) tables_.scales.push_back(1.0);
  auto link_of = [&](int body) { return dynamics_->bodies()[body].link; };
  auto place_of = [&](int body, const double* local) {
    const DynamicsModel::Place& at = dynamics_->bodies()[body];
    Vec place = turned(at.turn, vec(local));
    for (int i = 0; i < 3; ++i) place[i] += at.place[i];
    return place;
  };
  const int first_site = static_cast<int>(structure_.sites.size());
  for (int i = data.adr[k]; i < data.adr[k + 1]; ++i) {
    const int first = data.body[2 * i], second = data.body[2 * i + 1];
    const double* weight = data.weight.data() + 2 * i;
    Site site{link_of(first), -1, -1};
    tables_.places.push_back(place_of(first, data.local.data() + 6 * i));
    if (second >= 0 && weight[1] != 0) {
      site.second_link = link_of(second);
      site.blend = static_cast<int>(tables_.blends.size());
      tables_.blends.push_back({place_of(second, data.local.data() + 6 * i + 3), weight[0], weight[1]});
    }
    structure_.sites.push_back(site);
  }
  const int count = data.adr[k + 1] - data.adr[k];
  for (int i = 0; i + 1 < count; ++i) {
    const int from = first_site + i;
    Stretch s{from, from + 1, -1, 0, static_cast<int>(structure_.arms.size()), 0, 0, 0};
    add_arms(k, structure_.sites[from].link, structure_.sites[from + 1].link);
    s.arms_end = s.after_begin = s.after_end = static_cast<int>(structure_.arms.size());
    structure_.stretches.push_back(s);
  }
  for (int i = 0; data.spread && i < count; ++i) {
    const Site& site = structure_.sites[first_site + i];
    if (site.blend < 0 || site.second_link == site.link) continue;
    Share share{first_site + i, i > 0 ? p.stretches_begin + i - 1 : -1, i + 1 < count ? p.stretches_begin + i : -1,
                static_cast<int>(structure_.arms.size()), 0};
    add_arms(k, site.link, site.second_link);
    share.arms_end = static_cast<int>(structure_.arms.size());
    structure_.shares.push_back(share);
  }
  p.stretches_end = static_cast<int>(structure_.stretches.size());
  p.shares_end = static_cast<int>(structure_.shares.size());
  structure_.muscles.push_back(p);
}

void LaneMuscleModel::add_muscle(int k) {
  const HumanModel& h = dynamics_->human();
  const mjModel* m = h.mujoco();
  const int a = h.muscle_actuator[k], target = m->actuator_trnid[2 * a];
  const std::string reason = uncovered_actuator(m, a);
  require(reason.empty(), muscle_name(m, a) + ": " + reason);
  Muscle p{};
  p.stretches_begin = static_cast<int>(structure_.stretches.size());
  p.dof = p.slot = -1;
  p.control = m->actuator_ctrladr[a];
  p.activation = m->actuator_actadr[a];
  p.stateful = p.activation >= 0;
  p.dynamic = p.stateful && m->actuator_dyntype[a] == mjDYN_MUSCLE;
  p.limited = m->actuator_ctrllimited[p.control];
  structure_.muscles.push_back(p);
  const double gear = m->actuator_gear[6 * a];
  const bool has_path = m->actuator_trntype[a] == mjTRN_TENDON;
  tables_.activations.push_back(activation_of(m, a));
  tables_.fixed.push_back({0.0, gear});
  if (!has_path) add_joint(k, m->jnt_dofadr[target]);
  const int adr = has_path ? m->tendon_adr[target] : 0, count = has_path ? m->tendon_num[target] : 0;
  int scale = add_scale(gear);
  for (int j = 0; j < count - 1;) {
    const int *type = m->wrap_type + adr + j, *id = m->wrap_objid + adr + j;
    if (type[0] == mjWRAP_PULLEY || type[1] == mjWRAP_PULLEY) {
      if (type[0] == mjWRAP_PULLEY) scale = add_scale(gear / m->wrap_prm[adr + j]);
      ++j;
    } else if (type[1] == mjWRAP_SPHERE || type[1] == mjWRAP_CYLINDER) {
      const int side = static_cast<int>(std::lround(m->wrap_prm[adr + j + 1]));
      add_stretch(k, id[0], id[2], add_shape(id[1], side), scale);
      j += 2;
    } else {
      add_stretch(k, id[0], id[1], -1, scale);
      ++j;
    }
  }
  structure_.muscles[k].stretches_end = static_cast<int>(structure_.stretches.size());
}

int LaneMuscleModel::add_scale(double scale) {
  tables_.scales.push_back(scale);
  return static_cast<int>(tables_.scales.size()) - 1;
}

void LaneMuscleModel::add_joint(int k, int dof) {
  const HumanModel& h = dynamics_->human();
  Muscle& p = structure_.muscles[k];
  p.dof = dof;
  const int actuated = h.coordinate_actuated()[h.dof_coordinate[dof]];
  p.slot = slot_of(k, actuated);
  require(actuated >= 0 && p.slot >= 0, muscle_name(h.mujoco(), h.muscle_actuator[k]) +
                                            (h.dof_coupled[dof] ? ": a joint that an equality holds" : ": a joint of the root"));
}

void LaneMuscleModel::add_stretch(int k, int from, int to, int wrap, int scale) {
  const mjModel* m = dynamics_->human().mujoco();
  const auto& bodies = dynamics_->bodies();
  const int first = bodies[m->site_bodyid[from]].link, last = bodies[m->site_bodyid[to]].link;
  Stretch s{add_site(from), add_site(to), wrap, scale, 0, 0, 0, 0};
  if (wrap < 0 && first == last) {
    double square = 0;
    for (int i = 0; i < 3; ++i) {
      const double d = tables_.places[s.to][i] - tables_.places[s.from][i];
      square += d * d;
    }
    tables_.fixed[k].length += tables_.scales[scale] * std::sqrt(square);
    return;
  }
  s.arms_begin = static_cast<int>(structure_.arms.size());
  add_arms(k, first, wrap < 0 ? last : structure_.shape_links[wrap]);
  s.arms_end = s.after_begin = static_cast<int>(structure_.arms.size());
  if (wrap >= 0) add_arms(k, structure_.shape_links[wrap], last);
  s.after_end = static_cast<int>(structure_.arms.size());
  structure_.stretches.push_back(s);
}

// Motions that move the one link and not the other.
void LaneMuscleModel::add_arms(int k, int from, int to) {
  const HumanModel& h = dynamics_->human();
  const auto& links = dynamics_->links();
  // Parents come first: on the way to the root from both, the later link is above one of them alone.
  const std::size_t begin = structure_.arms.size();
  while (from != to) {
    const bool of_to = to > from;
    int& link = of_to ? to : from;
    for (int p = links[link].motions_begin; p < links[link].motions_end; ++p) {
      const int actuated = h.coordinate_actuated()[dynamics_->motions()[p].coordinate], slot = slot_of(k, actuated);
      if (actuated < 0 || slot < 0) {
        const std::string name = h.has_polylines() ? "muscle number " + std::to_string(k) : muscle_name(h.mujoco(), h.muscle_actuator[k]);
        throw InvalidInput(name + ": a path to what the person does not move");
      }
      structure_.arms.push_back({p, slot, of_to ? 1.0 : -1.0});
    }
    link = links[link].parent;
  }
  std::sort(structure_.arms.begin() + static_cast<std::ptrdiff_t>(begin), structure_.arms.end(),
            [](const Arm& a, const Arm& b) { return a.motion < b.motion; });
}

int LaneMuscleModel::add_site(int site) {
  const mjModel* m = dynamics_->human().mujoco();
  if (site_index_[site] >= 0) return site_index_[site];
  const DynamicsModel::Place& body = dynamics_->bodies()[m->site_bodyid[site]];
  Vec place = turned(body.turn, vec(m->site_pos + 3 * site));
  mju_addTo3(place.data(), body.place.data());
  structure_.sites.push_back({body.link, -1, -1});
  tables_.places.push_back(place);
  return site_index_[site] = static_cast<int>(structure_.sites.size()) - 1;
}

int LaneMuscleModel::add_shape(int geom, int side) {
  const mjModel* m = dynamics_->human().mujoco();
  const DynamicsModel::Place& body = dynamics_->bodies()[m->geom_bodyid[geom]];
  Tables::Shape s{};
  structure_.shape_links.push_back(body.link);
  mjtNum place[3], turn[4];
  mju_rotVecQuat(place, m->geom_pos + 3 * geom, body.turn.data());
  mju_addTo3(place, body.place.data());
  mju_mulQuat(turn, body.turn.data(), m->geom_quat + 4 * geom);
  std::copy_n(place, 3, s.place.begin());
  std::copy_n(turn, 4, s.turn.begin());
  s.wrap.sphere = m->geom_type[geom] == mjGEOM_SPHERE;
  s.wrap.radius = m->geom_size[3 * geom];
  s.wrap.sided = side >= 0;
  if (side >= 0) {
    const char* name = mj_id2name(m, mjOBJ_SITE, side);
    require(dynamics_->bodies()[m->site_bodyid[side]].link == body.link,
            "side site '" + std::string(name ? name : "") + "': it moves against the shape that it is beside");
    mjtNum own[3], back[4], local[3];
    const DynamicsModel::Place& on = dynamics_->bodies()[m->site_bodyid[side]];
    mju_rotVecQuat(own, m->site_pos + 3 * side, on.turn.data());
    mju_addTo3(own, on.place.data());
    mju_subFrom3(own, place);
    mju_negQuat(back, turn);
    mju_rotVecQuat(local, own, back);
    std::copy_n(local, 3, s.wrap.side.begin());
    s.wrap.inside = mju_norm3(local) < s.wrap.radius;
  }
  tables_.shapes.push_back(s);
  return static_cast<int>(tables_.shapes.size()) - 1;
}

}  // namespace soleus
