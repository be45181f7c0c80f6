#include "muscles/lane_muscles.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/wide_math.h"
#include "error.h"
#include "muscles/muscle_force.h"

namespace soleus {
namespace {

using Muscle = LaneMuscleModel::Muscle;

std::string name_of(const mjModel* m, int actuator) {
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

Wide wide_min_value(Wide x) { return max(x, Wide(mjMINVAL)); }

// Of a muscle's parameters: its greatest force [N], its optimal length [m], and the normal length at length 0.
struct Scales { double force, optimal, offset; };

Scales scales_of(const mjModel* m, int output, const mjtNum* prm) {
  const mjtNum* range = m->actuator_lengthrange + 2 * output;
  const double optimal = (range[1] - range[0]) / std::max(mjMINVAL, prm[1] - prm[0]);
  return {prm[2] >= 0 ? prm[2] : prm[3] / std::max(mjMINVAL, m->actuator_acc0[output]), optimal,
          prm[0] - range[0] / std::max(mjMINVAL, optimal)};
}

// mju_muscleGainLength: two parabolas up, two down.
Wide active_curve(const Muscle& p, Wide length) {
  const double a = 0.5 * (p.least + 1), b = 0.5 * (1 + p.most);
  const Wide one(1.0);
  const Wide up = (length - Wide(p.least)) * (1 / std::max(mjMINVAL, a - p.least));
  const Wide near_up = (one - length) * (1 / std::max(mjMINVAL, 1 - a));
  const Wide near_down = (length - one) * (1 / std::max(mjMINVAL, b - 1));
  const Wide down = (Wide(p.most) - length) * (1 / std::max(mjMINVAL, p.most - b));
  const Wide x = select(length <= Wide(a), up, select(length <= one, near_up, select(length <= Wide(b), near_down, down)));
  const Wide half = 0.5 * Wide(x * x);
  const WideMask middle = (length > Wide(a)) & (length <= Wide(b));
  return where((length >= Wide(p.least)) & (length <= Wide(p.most)), select(middle, one - half, half));
}

// Of a velocity over the greatest one, lengthening positive.
Wide velocity_curve(const Muscle& p, Wide v) {
  const double y = p.lengthening - 1;
  const Wide zero(0.0), one(1.0);
  const Wide shortening = (v + one) * (v + one);
  const Wide rest = Wide(y) - v;
  const Wide longer = Wide(p.lengthening) - rest * rest * (1 / std::max(mjMINVAL, y));
  return select(v <= Wide(-1.0), zero, select(v <= zero, shortening, select(v <= Wide(y), longer, Wide(p.lengthening))));
}

// mju_muscleBias, over the greatest force and with the other sign.
Wide passive_curve(const Muscle& p, Wide length) {
  const double b = 0.5 * (1 + p.passive_most), inverse = 1 / std::max(mjMINVAL, b - 1);
  const Wide near = (length - Wide(1.0)) * inverse, far = (length - Wide(b)) * inverse;
  const Wide curve = select(length <= Wide(b), 0.5 * Wide(near * near), far + Wide(0.5));
  return where(length > Wide(1.0), curve);
}

// phi of Minetti and Alexander 1997, of a shortening velocity over the greatest one.
Wide metabolic_share(Wide velocity) {
  const Wide v = clamp(velocity, Wide(-1.0), Wide(1.0));
  const Wide top = v * (v * 2.46 + Wide(0.506)) + Wide(0.054);
  const Wide bottom = v * (v * (v * -1.64 + Wide(12.8)) + Wide(-1.13)) + Wide(1.0);
  return max(top / bottom, Wide(0.0));
}

}  // namespace

std::vector<std::string> LaneMuscleModel::uncovered(const HumanModel& human) {
  const mjModel* m = human.mujoco();
  std::vector<std::string> out;
  if (m->opt.disableactuator != 0) out.push_back("option actuatorgroupdisable");
  std::vector<bool> is_muscle(m->nactuator, false);
  for (int a : human.muscle_actuator) {
    is_muscle[a] = true;
    const std::string reason = uncovered_actuator(m, a);
    if (!reason.empty()) out.push_back(name_of(m, a) + ": " + reason);
  }
  for (int a = 0; a < m->nactuator; ++a) {
    const char* name = mj_id2name(m, mjOBJ_ACTUATOR, a);
    if (!is_muscle[a]) out.push_back("actuator '" + std::string(name ? name : "") + "': no muscle");
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

LaneMuscleModel::LaneMuscleModel(const DynamicsModel& dynamics) : dynamics_(&dynamics) {
  const HumanModel& h = dynamics.human();
  site_index_.assign(h.mujoco()->nsite, -1);
  for (int k = 0; k < h.num_muscles(); ++k) {
    if (h.has_polylines()) {
      add_polyline(k);
    } else {
      add_muscle(k);
    }
  }
}

// A path through waypoints, as MASS has it. The force at a blended waypoint acts on its first body, or on both by weight.
void LaneMuscleModel::add_polyline(int k) {
  const HumanModel& h = dynamics_->human();
  const PolylineData& data = h.polylines;
  Muscle p{};
  p.mass = true;
  p.dof = p.slot = -1;
  p.control = p.activation = -1;
  p.stretches_begin = static_cast<int>(stretches_.size());
  p.shares_begin = static_cast<int>(shares_.size());
  p.force = data.max_force[k];
  p.rest = h.paths().rest_length(k);
  p.slack = data.slack[k];
  p.optimal_share = data.optimal[k];
  p.optimal = h.paths().optimal_length(k);
  p.fastest = kFastest;
  p.control_low = -std::numeric_limits<double>::infinity();
  p.control_high = std::numeric_limits<double>::infinity();
  auto place_on = [&](int body, const double* local, int& link, std::array<double, 3>& place) {
    const DynamicsModel::Place& at = dynamics_->bodies()[body];
    link = at.link;
    mju_rotVecQuat(place.data(), local, at.turn.data());
    for (int i = 0; i < 3; ++i) place[i] += at.place[i];
  };
  const int first_site = static_cast<int>(sites_.size());
  for (int i = data.adr[k]; i < data.adr[k + 1]; ++i) {
    Site site;
    place_on(data.body[2 * i], data.local.data() + 6 * i, site.link, site.place);
    if (data.body[2 * i + 1] >= 0) {
      place_on(data.body[2 * i + 1], data.local.data() + 6 * i + 3, site.second_link, site.second_place);
      site.weight = data.weight[2 * i];
      site.second_weight = data.weight[2 * i + 1];
    }
    sites_.push_back(site);
  }
  const int count = data.adr[k + 1] - data.adr[k];
  for (int i = 0; i + 1 < count; ++i) {
    const int from = first_site + i;
    Stretch s{from, from + 1, -1, 1.0, static_cast<int>(arms_.size()), 0, 0, 0};
    add_arms(k, sites_[from].link, sites_[from + 1].link);
    s.arms_end = s.after_begin = s.after_end = static_cast<int>(arms_.size());
    stretches_.push_back(s);
  }
  for (int i = 0; data.spread && i < count; ++i) {
    const Site& site = sites_[first_site + i];
    if (site.second_weight == 0 || site.second_link == site.link) continue;
    Share share{first_site + i, i > 0 ? p.stretches_begin + i - 1 : -1, i + 1 < count ? p.stretches_begin + i : -1,
                static_cast<int>(arms_.size()), 0};
    add_arms(k, site.link, site.second_link);
    share.arms_end = static_cast<int>(arms_.size());
    shares_.push_back(share);
  }
  p.stretches_end = static_cast<int>(stretches_.size());
  p.shares_end = static_cast<int>(shares_.size());
  muscles_.push_back(p);
}

void LaneMuscleModel::add_muscle(int k) {
  const HumanModel& h = dynamics_->human();
  const mjModel* m = h.mujoco();
  const int a = h.muscle_actuator[k], out = m->actuator_outadr[a], target = m->actuator_trnid[2 * a];
  const std::string reason = uncovered_actuator(m, a);
  require(reason.empty(), name_of(m, a) + ": " + reason);
  Muscle p{};
  p.stretches_begin = static_cast<int>(stretches_.size());
  muscles_.push_back(p);
  const double gear = m->actuator_gear[6 * a];
  const bool has_path = m->actuator_trntype[a] == mjTRN_TENDON;
  muscles_[k].dof = muscles_[k].slot = -1;
  if (!has_path) add_joint(k, m->jnt_dofadr[target], gear);
  const int adr = has_path ? m->tendon_adr[target] : 0, count = has_path ? m->tendon_num[target] : 0;
  double divisor = 1;
  for (int j = 0; j < count - 1;) {
    const int *type = m->wrap_type + adr + j, *id = m->wrap_objid + adr + j;
    if (type[0] == mjWRAP_PULLEY || type[1] == mjWRAP_PULLEY) {
      if (type[0] == mjWRAP_PULLEY) divisor = m->wrap_prm[adr + j];
      ++j;
    } else if (type[1] == mjWRAP_SPHERE || type[1] == mjWRAP_CYLINDER) {
      const int side = static_cast<int>(std::lround(m->wrap_prm[adr + j + 1]));
      add_stretch(k, id[0], id[2], add_shape(id[1], side), gear / divisor);
      j += 2;
    } else {
      add_stretch(k, id[0], id[1], -1, gear / divisor);
      ++j;
    }
  }
  Muscle& own = muscles_[k];
  own.stretches_end = static_cast<int>(stretches_.size());
  const mjtNum *prm = m->actuator_gainprm + a * mjNGAIN, *passive = m->actuator_biasprm + a * mjNBIAS;
  const Scales active_scales = scales_of(m, out, prm), passive_scales = scales_of(m, out, passive);
  own.force = active_scales.force;
  own.optimal = active_scales.optimal;
  own.offset = active_scales.offset;
  own.least = prm[4];
  own.most = prm[5];
  own.fastest = prm[6];
  own.lengthening = prm[8];
  own.passive_force = passive_scales.force * passive[7];
  own.passive_optimal = passive_scales.optimal;
  own.passive_offset = passive_scales.offset;
  own.passive_most = passive[5];
  const mjtNum* dynamics = m->actuator_dynprm + a * mjNDYN;
  own.activation_time = dynamics[0];
  own.deactivation_time = dynamics[1];
  own.smoothing = dynamics[2];
  own.control = m->actuator_ctrladr[a];
  own.activation = m->actuator_actadr[a];
  own.stateful = own.activation >= 0;
  own.dynamic = own.stateful && m->actuator_dyntype[a] == mjDYN_MUSCLE;
  constexpr double kNone = std::numeric_limits<double>::infinity();
  const bool limited = m->actuator_ctrllimited[own.control];
  own.control_low = limited ? m->actuator_ctrlrange[2 * own.control] : -kNone;
  own.control_high = limited ? m->actuator_ctrlrange[2 * own.control + 1] : kNone;
}

void LaneMuscleModel::add_joint(int k, int dof, double gear) {
  const HumanModel& h = dynamics_->human();
  Muscle& p = muscles_[k];
  p.dof = dof;
  p.gear = gear;
  const int actuated = h.coordinate_actuated()[h.dof_coordinate[dof]];
  for (int s = h.crossing_adr[k]; s < h.crossing_adr[k + 1]; ++s) {
    if (h.crossing[s] == actuated) p.slot = s;
  }
  require(actuated >= 0 && p.slot >= 0, name_of(h.mujoco(), h.muscle_actuator[k]) + ": a joint of the root");
}

void LaneMuscleModel::add_stretch(int k, int from, int to, int wrap, double scale) {
  const mjModel* m = dynamics_->human().mujoco();
  const auto& bodies = dynamics_->bodies();
  const int first = bodies[m->site_bodyid[from]].link, last = bodies[m->site_bodyid[to]].link;
  Stretch s{add_site(from), add_site(to), wrap, scale, 0, 0, 0, 0};
  if (wrap < 0 && first == last) {
    double square = 0;
    for (int i = 0; i < 3; ++i) {
      const double d = sites_[s.to].place[i] - sites_[s.from].place[i];
      square += d * d;
    }
    muscles_[k].fixed_length += scale * std::sqrt(square);
    return;
  }
  s.arms_begin = static_cast<int>(arms_.size());
  add_arms(k, first, wrap < 0 ? last : shapes_[wrap].link);
  s.arms_end = s.after_begin = static_cast<int>(arms_.size());
  if (wrap >= 0) add_arms(k, shapes_[wrap].link, last);
  s.after_end = static_cast<int>(arms_.size());
  stretches_.push_back(s);
}

// Motions that move the one link and not the other.
void LaneMuscleModel::add_arms(int k, int from, int to) {
  const HumanModel& h = dynamics_->human();
  const auto& links = dynamics_->links();
  auto above = [&](int link) {
    std::vector<bool> out(links.size(), false);
    for (; link >= 0; link = links[link].parent) out[link] = true;
    return out;
  };
  const std::vector<bool> of_from = above(from), of_to = above(to);
  for (std::size_t p = 0; p < dynamics_->motions().size(); ++p) {
    const DynamicsModel::Motion& motion = dynamics_->motions()[p];
    if (of_from[motion.link] == of_to[motion.link]) continue;
    const int actuated = h.coordinate_actuated()[motion.coordinate];
    int slot = -1;
    for (int s = h.crossing_adr[k]; s < h.crossing_adr[k + 1]; ++s) {
      if (h.crossing[s] == actuated) slot = s;
    }
    const std::string name = h.has_polylines() ? "muscle number " + std::to_string(k) : name_of(h.mujoco(), h.muscle_actuator[k]);
    require(actuated >= 0 && slot >= 0, name + ": a path to what the person does not move");
    arms_.push_back({static_cast<int>(p), slot, of_to[motion.link] ? 1.0 : -1.0});
  }
}

int LaneMuscleModel::add_site(int site) {
  const mjModel* m = dynamics_->human().mujoco();
  if (site_index_[site] >= 0) return site_index_[site];
  const DynamicsModel::Place& body = dynamics_->bodies()[m->site_bodyid[site]];
  mjtNum place[3];
  mju_rotVecQuat(place, m->site_pos + 3 * site, body.turn.data());
  mju_addTo3(place, body.place.data());
  Site own;
  own.link = body.link;
  own.place = {place[0], place[1], place[2]};
  sites_.push_back(own);
  return site_index_[site] = static_cast<int>(sites_.size()) - 1;
}

int LaneMuscleModel::add_shape(int geom, int side) {
  const mjModel* m = dynamics_->human().mujoco();
  const DynamicsModel::Place& body = dynamics_->bodies()[m->geom_bodyid[geom]];
  Shape s{};
  s.link = body.link;
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
    require(dynamics_->bodies()[m->site_bodyid[side]].link == s.link,
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
  shapes_.push_back(s);
  return static_cast<int>(shapes_.size()) - 1;
}

LaneMuscles::LaneMuscles(const LaneMuscleModel& tables) : model(&tables) {
  const Wide zero(0.0);
  for (auto* of_muscles : {&activation, &excitation, &length, &speed, &gain, &bias}) {
    of_muscles->assign(tables.muscles().size(), zero);
  }
  moment.assign(tables.dynamics().human().num_crossings(), zero);
  sites.assign(tables.sites().size(), {zero, zero, zero});
  if (!tables.shares().empty()) pulls.assign(tables.stretches().size(), {zero, zero, zero});
}

namespace {

Wide3 wide(const std::array<double, 3>& v) { return {Wide(v[0]), Wide(v[1]), Wide(v[2])}; }
WideQuat wide(const std::array<double, 4>& q) { return {Wide(q[0]), Wide(q[1]), Wide(q[2]), Wide(q[3])}; }

// A line between two points: its length, and the unit force along it as a wrench about the point of reference.
struct Line {
  Wide length;
  Spatial pull;
};

Line line(const Wide3& from, const Wide3& to) {
  const Wide3 d = to - from;
  const Wide length = sqrt(dot(d, d));
  const WideMask none = length < Wide(mjMINVAL);
  const Wide inverse = Wide(1.0) / select(none, Wide(1.0), length);
  const Wide3 unit = select(none, {Wide(1.0), Wide(0.0), Wide(0.0)}, inverse * d);  // as mju_normalize3()
  return {length, {cross(from, unit), unit}};
}

void add_moments(LaneMuscles& m, const DynamicsTile& t, int begin, int end, double scale, const Spatial& pull) {
  const auto* arms = m.model->arms().data();
  for (int i = begin; i < end; ++i) {
    m.moment[arms[i].slot] += Wide(scale * arms[i].sign) * dot(t.motions[arms[i].motion], pull);
  }
}

Wide stretch_length(LaneMuscles& m, const DynamicsTile& t, const LaneMuscleModel::Stretch& s) {
  const Wide3 &from = m.sites[s.from], &to = m.sites[s.to];
  if (s.wrap < 0) {
    const Line whole = line(from, to);
    add_moments(m, t, s.arms_begin, s.arms_end, s.scale, whole.pull);
    if (!m.pulls.empty()) m.pulls[&s - m.model->stretches().data()] = whole.pull.linear;
    return whole.length;
  }
  const LaneMuscleModel::Shape& shape = m.model->shapes()[s.wrap];
  Wide3 center = wide(shape.place);
  WideMatrix axes = rotation(wide(shape.turn));
  if (shape.link >= 0) {
    const LinkState& link = t.links[shape.link];
    center = link.place + link.axes * center;
    axes = rotation(link.turn * wide(shape.turn));
  }
  center = center - t.origin;
  auto to_local = [&](const Wide3& p) {
    const Wide3 d = p - center;
    return Wide3{dot(axes.column(0), d), dot(axes.column(1), d), dot(axes.column(2), d)};
  };
  const Wrapping w = wrap(shape.wrap, to_local(from), to_local(to));
  if (!any(w.wraps)) {
    const Line whole = line(from, to);
    add_moments(m, t, s.arms_begin, s.after_end, s.scale, whole.pull);
    return whole.length;
  }
  // Where a lane does not wrap, both parts lie on the line between the ends.
  const Line before = line(from, select(w.wraps, center + axes * w.first, to));
  const Line after = line(select(w.wraps, center + axes * w.second, from), to);
  add_moments(m, t, s.arms_begin, s.arms_end, s.scale, before.pull);
  add_moments(m, t, s.after_begin, s.after_end, s.scale, after.pull);
  return select(w.wraps, before.length + w.length + after.length, before.length);
}

// Where a point that is fixed to a link is, from the tile's point of reference.
Wide3 place_on_link(const DynamicsTile& t, int link, const std::array<double, 3>& place) {
  if (link < 0) return wide(place) - t.origin;
  return t.links[link].place - t.origin + t.links[link].axes * wide(place);
}

void move_sites(LaneMuscles& m, const DynamicsTile& t) {
  const auto& sites = m.model->sites();
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const LaneMuscleModel::Site& site = sites[i];
    m.sites[i] = place_on_link(t, site.link, site.place);
    if (site.second_weight == 0) continue;
    const Wide3 own = Wide(site.weight) * m.sites[i];
    m.sites[i] = own;
    add_scaled(m.sites[i], Wide(site.second_weight), place_on_link(t, site.second_link, site.second_place));
  }
}

}  // namespace

namespace {

// Moves the second link's share of the force at a blended point to it, from the first, which had all of it.
void share_force(LaneMuscles& m, const DynamicsTile& t, const LaneMuscleModel::Share& share) {
  const LaneMuscleModel::Site& site = m.model->sites()[share.site];
  // The length grows as the point goes along the pull of the stretch that ends there, and against that of the next.
  Wide3 along{Wide(0.0), Wide(0.0), Wide(0.0)};
  if (share.before >= 0) along += m.pulls[share.before];
  if (share.behind >= 0) add_scaled(along, Wide(-1.0), m.pulls[share.behind]);
  const Wide3 force = Wide(site.second_weight) * along;
  add_moments(m, t, share.arms_begin, share.arms_end, 1.0,
              {cross(place_on_link(t, site.second_link, site.second_place), force), force});
}

}  // namespace

void update_muscles(LaneMuscles& m, const DynamicsTile& t) {
  const HumanModel& h = m.model->dynamics().human();
  move_sites(m, t);
  for (Wide& moment : m.moment) moment = Wide(0.0);
  const auto& muscles = m.model->muscles();
  for (std::size_t k = 0; k < muscles.size(); ++k) {
    const Muscle& p = muscles[k];
    Wide length(p.fixed_length);
    if (p.dof >= 0) {
      length = t.qpos[t.model->dofs()[p.dof].qpos] * p.gear;
      m.moment[p.slot] = t.coupling[p.dof] * p.gear;
    }
    for (int s = p.stretches_begin; s < p.stretches_end; ++s) {
      const LaneMuscleModel::Stretch& stretch = m.model->stretches()[s];
      length += Wide(stretch.scale) * stretch_length(m, t, stretch);
    }
    for (int s = p.shares_begin; s < p.shares_end; ++s) share_force(m, t, m.model->shares()[s]);
    Wide speed(0.0);
    for (int s = h.crossing_adr[k]; s < h.crossing_adr[k + 1]; ++s) {
      speed += m.moment[s] * t.velocity[h.actuated[h.crossing[s]]];
    }
    m.length[k] = length;
    m.speed[k] = speed;
    if (p.mass) {
      const Wide strain = (length * (1 / p.rest) - Wide(p.slack)) * (1 / p.optimal_share) - Wide(1.0);
      m.gain[k] = -p.force * exp(strain * strain * (-1 / kActiveWidth));
      const Wide curve = (exp(strain * (kPassiveShape / kPassiveStrain)) - Wide(1.0)) * (1 / (std::exp(kPassiveShape) - 1.0));
      m.bias[k] = where(strain > Wide(0.0), -p.force * curve);
      continue;
    }
    const Wide normal = length * (1 / std::max(mjMINVAL, p.optimal)) + Wide(p.offset);
    const Wide fast = speed * (1 / std::max(mjMINVAL, p.optimal * p.fastest));
    m.gain[k] = Wide(-p.force * active_curve(p, normal)) * velocity_curve(p, fast);
    const Wide stretched = length * (1 / std::max(mjMINVAL, p.passive_optimal)) + Wide(p.passive_offset);
    m.bias[k] = -p.passive_force * passive_curve(p, stretched);
  }
}

void muscle_torques(const LaneMuscles& m, std::span<Wide> moments, std::span<Wide> passive) {
  const HumanModel& h = m.model->dynamics().human();
  for (Wide& torque : passive) torque = Wide(0.0);
  for (int k = 0; k < h.num_muscles(); ++k) {
    for (int s = h.crossing_adr[k]; s < h.crossing_adr[k + 1]; ++s) {
      passive[h.crossing[s]] += m.moment[s] * m.bias[k];
      moments[s] = m.moment[s] * m.gain[k];
    }
  }
}

void pull_muscles(const LaneMuscles& m, std::span<Wide> force) {
  const HumanModel& h = m.model->dynamics().human();
  const auto& muscles = m.model->muscles();
  for (int k = 0; k < h.num_muscles(); ++k) {
    const Wide driven = muscles[k].stateful
                            ? m.activation[k]
                            : clamp(m.excitation[k], Wide(muscles[k].control_low), Wide(muscles[k].control_high));
    const Wide pull = m.gain[k] * driven + m.bias[k];
    for (int s = h.crossing_adr[k]; s < h.crossing_adr[k + 1]; ++s) {
      force[h.actuated[h.crossing[s]]] += m.moment[s] * pull;
    }
  }
}

void apply_activations(LaneMuscles& m, std::span<const Wide> desired, bool dynamics, double timestep) {
  const auto& muscles = m.model->muscles();
  const Wide zero(0.0), one(1.0);
  for (std::size_t k = 0; k < muscles.size(); ++k) {
    const Muscle& p = muscles[k];
    if (!dynamics || !p.dynamic) {
      m.excitation[k] = desired[k];
      if (p.stateful) m.activation[k] = desired[k];
      continue;
    }
    // The inverse of one explicit step of the dynamics.
    const Wide now = clamp(m.activation[k], zero, one);
    const Wide shape = now * 1.5 + Wide(0.5);
    const Wide rise = shape * (p.activation_time / timestep), fall = Wide(p.deactivation_time / timestep) / shape;
    const Wide change = desired[k] - now;
    m.excitation[k] = clamp(now + change * select(change > zero, rise, fall), zero, one);
  }
}

void activate_muscles(LaneMuscles& m, double timestep) {
  const auto& muscles = m.model->muscles();
  const Wide zero(0.0), one(1.0);
  for (std::size_t k = 0; k < muscles.size(); ++k) {
    const Muscle& p = muscles[k];
    if (!p.dynamic) continue;  // without dynamics an activation stays where it is put
    const Wide control = clamp(clamp(m.excitation[k], Wide(p.control_low), Wide(p.control_high)), zero, one);
    const Wide shape = clamp(m.activation[k], zero, one) * 1.5 + Wide(0.5);
    const Wide rise = shape * p.activation_time, fall = Wide(p.deactivation_time) / shape;
    const Wide excess = control - m.activation[k];
    Wide time = select(excess > zero, rise, fall);
    if (p.smoothing >= mjMINVAL) {
      const Wide x = clamp(excess * (1 / p.smoothing) + Wide(0.5), zero, one);
      const Wide step = x * x * x * (x * (x * 6.0 - Wide(15.0)) + Wide(10.0));  // mju_sigmoid
      time = fall + (rise - fall) * step;
    }
    m.activation[k] += timestep * Wide(excess / wide_min_value(time));
  }
}

Wide metabolic_power(const LaneMuscles& m) {
  Wide power(0.0);
  const auto& muscles = m.model->muscles();
  for (std::size_t k = 0; k < muscles.size(); ++k) {
    const Muscle& p = muscles[k];
    const double fastest = p.optimal * p.fastest;
    const Wide driven = p.stateful ? m.activation[k] : m.excitation[k];
    power += (driven * (p.force * fastest)) * metabolic_share(m.speed[k] * (-1 / std::max(mjMINVAL, fastest)));
  }
  return power;
}

}  // namespace soleus
