#include "dynamics/dynamics_model.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"

namespace soleus {
namespace {

using Vec = std::array<double, 3>;
using Quat = std::array<double, 4>;

Vec vec(const mjtNum* p) { return {p[0], p[1], p[2]}; }
Quat quat(const mjtNum* p) { return {p[0], p[1], p[2], p[3]}; }
bool is_zero(const Vec& v) { return v[0] == 0 && v[1] == 0 && v[2] == 0; }

Vec turned(const Quat& q, const Vec& v) {
  Vec out;
  mju_rotVecQuat(out.data(), v.data(), q.data());
  return out;
}
Quat times(const Quat& a, const Quat& b) {
  Quat out;
  mju_mulQuat(out.data(), a.data(), b.data());
  return out;
}
Vec plus(const Vec& a, const Vec& b) { return {a[0] + b[0], a[1] + b[1], a[2] + b[2]}; }

std::string name_of(const mjModel* m, int kind, int id) {
  const char* name = mj_id2name(m, kind, id);
  return name && *name ? "'" + std::string(name) + "'" : "number " + std::to_string(id);
}

bool any(const mjtNum* values, int count) {
  return std::any_of(values, values + count, [](mjtNum x) { return x != 0; });
}

// solref and solimp as MuJoCo reads them (its documentation, "Solver parameters").
Impedance impedance_of(const mjModel* m, const mjtNum* solref, const mjtNum* solimp) {
  double ref[2] = {solref[0], solref[1]};
  if ((ref[0] > 0) != (ref[1] > 0)) ref[0] = 0.02, ref[1] = 1.0;
  if (!(m->opt.disableflags & mjDSBL_REFSAFE) && ref[0] > 0) ref[0] = std::max(ref[0], 2 * m->opt.timestep);
  Impedance i;
  i.least = std::clamp(solimp[0], mjMINIMP, mjMAXIMP);
  i.most = std::clamp(solimp[1], mjMINIMP, mjMAXIMP);
  i.width = std::max(0.0, solimp[2]);
  i.midpoint = std::clamp(solimp[3], mjMINIMP, mjMAXIMP);
  i.power = std::max(1.0, solimp[4]);
  const double square = i.most * i.most;
  i.stiffness = ref[0] > 0 ? 1 / std::max(mjMINVAL, square * ref[0] * ref[0] * ref[1] * ref[1])
                           : -ref[0] / std::max(mjMINVAL, square);
  i.damping = ref[1] > 0 ? 2 / std::max(mjMINVAL, i.most * ref[0]) : -ref[1] / std::max(mjMINVAL, i.most);
  return i;
}

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

void uncovered_options(const mjModel* m, std::vector<std::string>& out) {
  const mjOption& o = m->opt;
  if (o.integrator != mjINT_EULER) out.push_back("option integrator: expected Euler");
  if (o.cone != mjCONE_PYRAMIDAL) out.push_back("option cone: expected pyramidal");
  if (o.density != 0 || o.viscosity != 0) out.push_back("option density or viscosity: expected no fluid");
  if (o.noslip_iterations != 0) out.push_back("option noslip_iterations: expected 0");
  if (o.enableflags != 0) out.push_back("option flag: expected none that is enabled");
  const int harmless = mjDSBL_AUTORESET | mjDSBL_SENSOR | mjDSBL_WARMSTART | mjDSBL_ISLAND | mjDSBL_MIDPHASE | mjDSBL_ACTUATION;
  if (o.disableflags & ~harmless) out.push_back("option flag: expected none of the dynamics to be disabled");
  if (m->nflex) out.push_back("flex " + name_of(m, mjOBJ_FLEX, 0));
  if (m->nplugin) out.push_back("plugin " + name_of(m, mjOBJ_PLUGIN, 0));
  if (m->nmocap) out.push_back("mocap bodies");
}

void uncovered_joints(const HumanModel& human, std::vector<std::string>& out) {
  const mjModel* m = human.mujoco();
  for (int i = 0; i < m->nv; ++i) {
    const int joint = m->dof_jntid[i];
    const std::string name = "joint " + name_of(m, mjOBJ_JOINT, joint);
    if (human.dof_coordinate[i] < 0) out.push_back(name + ": expected one of the person's");
    if (m->dof_frictionloss[i] != 0) out.push_back(name + ": frictionloss");
    if (any(m->dof_dampingpoly + mjNPOLY * i, mjNPOLY)) out.push_back(name + ": damping that is a polynomial");
  }
  for (int j = 0; j < m->njnt; ++j) {
    const std::string name = "joint " + name_of(m, mjOBJ_JOINT, j);
    const int type = m->jnt_type[j], body = m->jnt_bodyid[j];
    const bool turns = type == mjJNT_BALL || type == mjJNT_FREE;
    if (any(m->jnt_stiffnesspoly + mjNPOLY * j, mjNPOLY)) out.push_back(name + ": stiffness that is a polynomial");
    if (turns && m->jnt_stiffness[j] != 0) out.push_back(name + ": stiffness of a joint that turns freely");
    if (type == mjJNT_BALL && j + 1 < m->body_jntadr[body] + m->body_jntnum[body]) {
      out.push_back(name + ": a ball joint with another joint of its body after it");
    }
    if (m->jnt_limited[j] && !turns && m->jnt_range[2 * j + 1] - m->jnt_range[2 * j] <= 2 * m->jnt_margin[j]) {
      out.push_back(name + ": a range within its margins");
    }
    if (m->jnt_actgravcomp[j] || m->jnt_actfrclimited[j]) out.push_back(name + ": actuatorfrclimited or actuatorgravcomp");
  }
  for (int e = 0; e < m->neq; ++e) {
    if (m->eq_active0[e] && m->eq_type[e] != mjEQ_JOINT) out.push_back("equality " + name_of(m, mjOBJ_EQUALITY, e) + ": expected one of joints");
  }
  for (int b = 0; b < m->nbody; ++b) {
    if (m->body_gravcomp[b] != 0) out.push_back("body " + name_of(m, mjOBJ_BODY, b) + ": gravcomp");
  }
  for (int t = 0; t < m->ntendon; ++t) {
    const std::string name = "tendon " + name_of(m, mjOBJ_TENDON, t);
    if (m->tendon_limited[t]) out.push_back(name + ": limit");
    if (m->tendon_stiffness[t] != 0 || m->tendon_damping[t] != 0) out.push_back(name + ": stiffness or damping");
    if (m->tendon_frictionloss[t] != 0 || m->tendon_armature[t] != 0) out.push_back(name + ": frictionloss or armature");
  }
}

void uncovered_contacts(const mjModel* m, std::vector<std::string>& out) {
  if (m->npair) out.push_back("contact pair " + name_of(m, mjOBJ_PAIR, 0));
  int ground = -1;
  for (int a = 0; a < m->ngeom; ++a) {
    for (int b = a + 1; b < m->ngeom; ++b) {
      if (!may_touch(m, a, b)) continue;
      const int plane = m->geom_type[a] == mjGEOM_PLANE ? a : b, other = plane == a ? b : a;
      const int type = m->geom_type[other];
      const std::string pair = "contact of " + name_of(m, mjOBJ_GEOM, a) + " and " + name_of(m, mjOBJ_GEOM, b);
      if (m->geom_type[plane] != mjGEOM_PLANE || m->body_weldid[m->geom_bodyid[plane]] != 0 ||
          m->body_weldid[m->geom_bodyid[other]] == 0) {
        out.push_back(pair + ": expected the ground, a plane that stands still, and a body");
      } else if (type != mjGEOM_SPHERE && type != mjGEOM_CAPSULE && type != mjGEOM_BOX) {
        out.push_back(pair + ": expected a sphere, a capsule or a box on the ground");
      } else if (std::max(m->geom_condim[a], m->geom_condim[b]) > 3) {
        out.push_back(pair + ": expected condim 1 or 3");
      } else if (ground >= 0 && ground != plane) {
        out.push_back(pair + ": expected one plane as the ground");
      } else {
        ground = plane;
      }
    }
  }
}

void uncovered_person(const HumanModel& human, std::vector<std::string>& out) {
  const mjModel* m = human.mujoco();
  std::vector<bool> is_muscle(m->nactuator, false);
  for (int a : human.muscle_actuator) is_muscle[a] = true;
  for (int a = 0; a < m->nactuator; ++a) {  // those with no action of their own hold what they are given
    if (!is_muscle[a]) out.push_back("actuator " + name_of(m, mjOBJ_ACTUATOR, a) + ": no muscle");
  }
}

}  // namespace

std::vector<std::string> DynamicsModel::uncovered(const HumanModel& human) {
  std::vector<std::string> out;
  uncovered_options(human.mujoco(), out);
  uncovered_joints(human, out);
  uncovered_contacts(human.mujoco(), out);
  uncovered_person(human, out);
  return out;
}

DynamicsModel::DynamicsModel(const HumanModel& human) : human_(&human) {
  const std::vector<std::string> reasons = uncovered(human);
  require(reasons.empty(), reasons.empty() ? "" : "expected a model that the lanes cover, got " + reasons.front());
  const mjModel* m = human.mujoco();
  gravity_ = vec(m->opt.gravity);
  build_links();
  build_dofs();
  place_coordinates();
  build_terms();
  build_limits();
  build_points();
}

void DynamicsModel::build_links() {
  const mjModel* m = human_->mujoco();
  bodies_.push_back({-1, {}, {1, 0, 0, 0}, true});
  for (int b = 1; b < m->nbody; ++b) {
    const Place& above = bodies_[m->body_parentid[b]];
    Place own{above.link, plus(above.place, turned(above.turn, vec(m->body_pos + 3 * b))),
              times(above.turn, quat(m->body_quat + 4 * b)), false};
    mju_normalize4(own.turn.data());
    if (m->body_jntnum[b] > 0) {
      Link link{};
      link.parent = above.link;
      link.place = own.place;
      link.turn = own.turn;
      link.turned = own.turn[0] != 1.0;
      link.joints_begin = static_cast<int>(joints_.size());
      for (int j = m->body_jntadr[b]; j < m->body_jntadr[b] + m->body_jntnum[b]; ++j) {
        const JointKind kinds[] = {JointKind::kFree, JointKind::kBall, JointKind::kSlide, JointKind::kHinge};
        const Vec anchor = vec(m->jnt_pos + 3 * j);
        joints_.push_back({kinds[m->jnt_type[j]], m->jnt_qposadr[j], m->jnt_dofadr[j], m->qpos0[m->jnt_qposadr[j]],
                           vec(m->jnt_axis + 3 * j), anchor, !is_zero(anchor), m->jnt_stiffness[j],
                           m->qpos_spring[m->jnt_qposadr[j]]});
      }
      link.joints_end = static_cast<int>(joints_.size());
      own = {static_cast<int>(links_.size()), {}, {1, 0, 0, 0}, true};
      links_.push_back(link);
    }
    own.aligned = own.aligned || (is_zero(own.place) && own.turn[0] == 1.0);
    bodies_.push_back(own);
    if (own.link >= 0) add_inertia(links_[own.link], b, own);
  }
  root_link_ = bodies_[human_->root_body].link;
  require(root_link_ >= 0, "expected a person whose root has joints");
}

// Adds a body's mass to its link's, whose centre moves.
void DynamicsModel::add_inertia(Link& link, int body, const Place& place) {
  const mjModel* m = human_->mujoco();
  const double mass = m->body_mass[body];
  const Vec center = plus(place.place, turned(place.turn, vec(m->body_ipos + 3 * body)));
  const Quat axes = times(place.turn, quat(m->body_iquat + 4 * body));
  mjtNum r[9];
  mju_quat2Mat(r, axes.data());
  const double total = link.mass + mass;
  const Vec before = link.center;
  Vec now = before;
  for (int i = 0; total > 0 && i < 3; ++i) now[i] = (link.mass * before[i] + mass * center[i]) / total;
  constexpr int kRow[] = {0, 1, 2, 0, 0, 1}, kColumn[] = {0, 1, 2, 1, 2, 2};
  auto shift = [&](double mass_there, const Vec& from) {  // parallel axes
    const Vec d{from[0] - now[0], from[1] - now[1], from[2] - now[2]};
    const double square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
    for (int k = 0; k < 6; ++k) {
      link.inertia[k] += mass_there * ((kRow[k] == kColumn[k] ? square : 0.0) - d[kRow[k]] * d[kColumn[k]]);
    }
  };
  shift(link.mass, before);
  for (int k = 0; k < 6; ++k) {
    for (int a = 0; a < 3; ++a) {
      link.inertia[k] += r[3 * kRow[k] + a] * r[3 * kColumn[k] + a] * m->body_inertia[3 * body + a];
    }
  }
  shift(mass, center);
  link.mass = total;
  link.center = now;
}

void DynamicsModel::build_dofs() {
  const HumanModel& h = *human_;
  const mjModel* m = h.mujoco();
  dofs_.resize(m->nv);
  for (std::size_t l = 0; l < links_.size(); ++l) {
    Link& link = links_[l];
    link.motions_begin = static_cast<int>(motions_.size());
    for (int j = link.joints_begin; j < link.joints_end; ++j) {
      const Joint& joint = joints_[j];
      const int count = joint.kind == JointKind::kFree ? 6 : joint.kind == JointKind::kBall ? 3 : 1;
      for (int dof = joint.dof; dof < joint.dof + count; ++dof) {
        const int c = h.dof_coordinate[dof];
        int motion = link.motions_begin;
        while (motion < static_cast<int>(motions_.size()) && motions_[motion].coordinate != c) ++motion;
        if (motion == static_cast<int>(motions_.size())) motions_.push_back({static_cast<int>(l), c});
        const int driver = m->jnt_qposadr[m->dof_jntid[h.coordinate_dof[c]]];
        Dof& d = dofs_[dof];
        d = {c, motion, joint.qpos, h.dof_coupled[dof], count == 1, joint.qpos0, driver, m->qpos0[driver], {},
             m->dof_armature[dof], m->dof_damping[dof]};
        std::copy_n(h.dof_polynomial.begin() + 5 * dof, 5, d.polynomial.begin());
        damped_ |= d.damping > 0;
      }
    }
    link.motions_end = static_cast<int>(motions_.size());
  }
}

void DynamicsModel::place_coordinates() {
  const mjModel* m = human_->mujoco();
  for (int dof : human_->coordinate_dof) {
    const int joint = m->dof_jntid[dof];
    coordinate_qpos_.push_back(m->jnt_qposadr[joint] + dof - m->jnt_dofadr[joint]);
  }
}

void DynamicsModel::build_terms() {
  for (std::size_t p = 0; p < motions_.size(); ++p) {
    term_begin_.push_back(static_cast<int>(terms_.size()));
    for (int link = motions_[p].link; link >= 0; link = links_[link].parent) {
      for (int q = links_[link].motions_begin; q < links_[link].motions_end && q <= static_cast<int>(p); ++q) {
        const int high = std::max(motions_[p].coordinate, motions_[q].coordinate);
        const int low = std::min(motions_[p].coordinate, motions_[q].coordinate);
        terms_.push_back({q, pattern().slot(high, low), high == low && q != static_cast<int>(p)});
      }
    }
  }
  term_begin_.push_back(static_cast<int>(terms_.size()));
}

void DynamicsModel::build_limits() {
  const mjModel* m = human_->mujoco();
  for (int j = 0; j < m->njnt; ++j) {
    if (!m->jnt_limited[j]) continue;
    const int dof = m->jnt_dofadr[j];
    const Impedance impedance = impedance_of(m, m->jnt_solref + mjNREF * j, m->jnt_solimp + mjNIMP * j);
    if (m->jnt_type[j] == mjJNT_BALL) {
      balls_.push_back({human_->dof_coordinate[dof], m->jnt_qposadr[j], std::max(m->jnt_range[2 * j], m->jnt_range[2 * j + 1]),
                        m->jnt_margin[j], m->dof_invweight0[dof], impedance});
    }
    if (m->jnt_type[j] != mjJNT_HINGE && m->jnt_type[j] != mjJNT_SLIDE) continue;
    limits_.push_back({dof, m->jnt_range[2 * j], m->jnt_range[2 * j + 1], m->jnt_margin[j], m->dof_invweight0[dof],
                       impedance});
  }
}

void DynamicsModel::build_points() {
  const mjModel* m = human_->mujoco();
  for (int a = 0; a < m->ngeom; ++a) {
    for (int b = a + 1; b < m->ngeom; ++b) {
      if (!may_touch(m, a, b)) continue;
      const int plane = m->geom_type[a] == mjGEOM_PLANE ? a : b;
      add_points(plane, plane == a ? b : a);
    }
  }
  std::vector<bool> needed(links_.size(), false);
  for (const Point& p : points_) {
    for (int link = p.link; link >= 0; link = links_[link].parent) needed[link] = true;
  }
  for (std::size_t l = 0; l < links_.size(); ++l) {
    if (needed[l]) supporting_.push_back(static_cast<int>(l));
  }
}

void DynamicsModel::add_points(int plane, int geom) {
  const mjModel* m = human_->mujoco();
  std::unique_ptr<mjData, void (*)(mjData*)> data(mj_makeData(m), mj_deleteData);
  require(data != nullptr, "expected memory for one simulation");
  mj_kinematics(m, data.get());
  const mjtNum* frame = data->geom_xmat + 9 * plane;
  mjtNum directions[9] = {frame[2], frame[5], frame[8]};
  if (std::abs(directions[1]) < 0.5) directions[4] = 1; else directions[5] = 1;  // as MuJoCo chooses directions along a plane
  mju_addToScl3(directions + 3, directions, -mju_dot3(directions + 3, directions));
  mju_normalize3(directions + 3);
  mju_cross(directions + 6, directions, directions + 3);
  ground_ = {vec(data->geom_xpos + 3 * plane), vec(directions), vec(directions + 3), vec(directions + 6)};

  const int body = m->geom_bodyid[geom], other = m->geom_bodyid[plane];
  const Place& at = bodies_[body];
  Point p{};
  p.link = at.link;
  p.box = -1;
  p.foot = human_->geom_foot()[geom];
  const Vec center = plus(at.place, turned(at.turn, vec(m->geom_pos + 3 * geom)));
  const Quat turn = times(at.turn, quat(m->geom_quat + 4 * geom));
  const mjtNum* size = m->geom_size + 3 * geom;
  // What two geoms make of a contact together.
  p.margin = m->geom_margin[plane] + m->geom_margin[geom];
  const int prior = m->geom_priority[plane] - m->geom_priority[geom];
  const mjtNum *ref1 = m->geom_solref + mjNREF * plane, *ref2 = m->geom_solref + mjNREF * geom;
  mjtNum ref[mjNREF], imp[mjNIMP];
  double friction;
  if (prior != 0) {
    const int chosen = prior > 0 ? plane : geom;
    p.condim = m->geom_condim[chosen];
    mju_copy(ref, m->geom_solref + mjNREF * chosen, mjNREF);
    mju_copy(imp, m->geom_solimp + mjNIMP * chosen, mjNIMP);
    friction = m->geom_friction[3 * chosen];
  } else {
    p.condim = std::max(m->geom_condim[plane], m->geom_condim[geom]);
    const double mix1 = m->geom_solmix[plane], mix2 = m->geom_solmix[geom];
    double mix = 0.5;
    if (mix1 >= mjMINVAL && mix2 >= mjMINVAL) mix = mix1 / (mix1 + mix2);
    else if (mix1 >= mjMINVAL || mix2 >= mjMINVAL) mix = mix1 < mjMINVAL ? 0.0 : 1.0;
    for (int i = 0; i < mjNREF; ++i) {
      ref[i] = ref1[0] > 0 && ref2[0] > 0 ? mix * ref1[i] + (1 - mix) * ref2[i] : std::min(ref1[i], ref2[i]);
    }
    for (int i = 0; i < mjNIMP; ++i) {
      imp[i] = mix * m->geom_solimp[mjNIMP * plane + i] + (1 - mix) * m->geom_solimp[mjNIMP * geom + i];
    }
    friction = std::max(m->geom_friction[3 * plane], m->geom_friction[3 * geom]);
  }
  p.friction = std::max(mjMINMU, friction);
  p.impedance = impedance_of(m, ref, imp);
  p.invweight = m->body_invweight0[2 * body] + m->body_invweight0[2 * other];
  if (p.condim > 1) {
    // An edge is as strong as an elliptic cone of the same impedance makes it (MuJoCo's pyramidal cones).
    const double square = p.friction * p.friction;
    p.invweight *= (1 + square) * 2 * square / std::max(mjMINVAL, m->opt.impratio);
  }

  p.center = center;
  p.reach = m->geom_rbound[geom];
  if (m->geom_type[geom] == mjGEOM_SPHERE) {
    p.place = center;
    p.radius = size[0];
    points_.push_back(p);
  } else if (m->geom_type[geom] == mjGEOM_CAPSULE) {
    p.axis = turned(turn, {0, 0, 1});
    p.radius = size[0];
    for (double way : {size[1], -size[1]}) {
      p.siblings = way > 0;
      p.place = plus(center, turned(turn, {0, 0, way}));
      points_.push_back(p);
    }
  } else {
    p.box = geom;
    for (int corner = 0; corner < 8; ++corner) {
      p.siblings = 7 - corner;
      p.place = plus(center, turned(turn, {corner & 1 ? size[0] : -size[0], corner & 2 ? size[1] : -size[1],
                                           corner & 4 ? size[2] : -size[2]}));
      points_.push_back(p);
    }
  }
}

}  // namespace soleus
