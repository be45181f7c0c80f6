#include "dynamics/dynamics_model.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "dynamics/parts.h"

namespace soleus {
namespace {

bool any(const mjtNum* values, int count) {
  return std::any_of(values, values + count, [](mjtNum x) { return x != 0; });
}

// A flag as MJCF writes it.
std::string flag_of(const char* word) {
  std::string name;
  for (const char* c = word; *c; ++c) name += static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
  return name;
}

void uncovered_options(const mjModel* m, std::vector<std::string>& out) {
  const mjOption& o = m->opt;
  if (o.integrator != mjINT_EULER) out.push_back("option integrator: expected Euler");
  if (o.cone != mjCONE_PYRAMIDAL) out.push_back("option cone: expected pyramidal");
  if (o.density != 0 || o.viscosity != 0) out.push_back("option density or viscosity: expected no fluid");
  if (o.noslip_iterations != 0) out.push_back("option noslip_iterations: expected 0");
  const int enabled = o.enableflags & ~(mjENBL_ENERGY | mjENBL_FWDINV);
  for (int i = 0; i < mjNENABLE; ++i) {
    if (enabled >> i & 1) out.push_back("option flag " + flag_of(mjENABLESTRING[i]) + ": expected disable");
  }
  const int disabled = o.disableflags & ~(mjDSBL_AUTORESET | mjDSBL_SENSOR | mjDSBL_WARMSTART | mjDSBL_ISLAND | mjDSBL_MIDPHASE |
                                          mjDSBL_NATIVECCD | mjDSBL_ACTUATION);
  for (int i = 0; i < mjNDISABLE; ++i) {
    if (disabled >> i & 1) out.push_back("option flag " + flag_of(mjDISABLESTRING[i]) + ": expected enable");
  }
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
    if (m->tendon_actfrclimited[t]) out.push_back(name + ": actuatorfrclimited");
    if (m->tendon_stiffness[t] != 0 || m->tendon_damping[t] != 0) out.push_back(name + ": stiffness or damping");
    if (m->tendon_frictionloss[t] != 0 || m->tendon_armature[t] != 0) out.push_back(name + ": frictionloss or armature");
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
  ContactModel::list_uncovered(human.mujoco(), out);
  uncovered_person(human, out);
  return out;
}

DynamicsModel::DynamicsModel(const HumanModel& human) : human_(&human) {
  const std::vector<std::string> reasons = uncovered(human);
  require(reasons.empty(), reasons.empty() ? "" : "expected a model that the lanes cover, got " + reasons.front());
  const mjModel* m = human.mujoco();
  tables_.gravity = vec(m->opt.gravity);
  build_links();
  build_dofs();
  place_coordinates();
  build_terms();
  build_limits();
  build_frictions();
  build_control();
  contacts_.emplace(*this, tables_.contacts);
}

void DynamicsModel::build_links() {
  const mjModel* m = human_->mujoco();
  tables_.bodies.push_back({-1, {false}, {}, {1, 0, 0, 0}, {}});
  for (int b = 1; b < m->nbody; ++b) {
    const Place& above = tables_.bodies[m->body_parentid[b]];
    Place own{above.link, {true}, plus(above.place, turned(above.turn, vec(m->body_pos + 3 * b))),
              times(above.turn, quat(m->body_quat + 4 * b)), vec(m->body_ipos + 3 * b)};
    mju_normalize4(own.turn.data());
    if (m->body_jntnum[b] > 0) {
      Link link{};
      link.parent = above.link;
      link.place = own.place;
      link.turn = own.turn;
      link.turned = {!is_identity(own.turn)};
      link.joints_begin = static_cast<int>(tables_.joints.size());
      for (int j = m->body_jntadr[b]; j < m->body_jntadr[b] + m->body_jntnum[b]; ++j) {
        const JointKind kinds[] = {JointKind::kFree, JointKind::kBall, JointKind::kSlide, JointKind::kHinge};
        const Vec anchor = vec(m->jnt_pos + 3 * j);
        tables_.joints.push_back({kinds[m->jnt_type[j]], m->jnt_qposadr[j], m->jnt_dofadr[j],
                                  {!is_zero(anchor)}, {m->jnt_stiffness[j] != 0}, m->qpos0[m->jnt_qposadr[j]],
                                  vec(m->jnt_axis + 3 * j), anchor, m->jnt_stiffness[j], m->qpos_spring[m->jnt_qposadr[j]]});
      }
      link.joints_end = static_cast<int>(tables_.joints.size());
      own = {static_cast<int>(tables_.links.size()), {false}, {}, {1, 0, 0, 0}, own.center};
      tables_.links.push_back(link);
    }
    own.apart = {!is_zero(own.place) || !is_identity(own.turn)};
    tables_.bodies.push_back(own);
    if (own.link >= 0) add_inertia(tables_.links[own.link], b, own);
  }
  root_link_ = tables_.bodies[human_->root_body].link;
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
  tables_.dofs.resize(m->nv);
  for (std::size_t l = 0; l < tables_.links.size(); ++l) {
    Link& link = tables_.links[l];
    link.motions_begin = static_cast<int>(motions_.size());
    for (int j = link.joints_begin; j < link.joints_end; ++j) {
      const Tables::Joint& joint = tables_.joints[j];
      const int count = joint.kind == JointKind::kFree ? 6 : joint.kind == JointKind::kBall ? 3 : 1;
      for (int dof = joint.dof; dof < joint.dof + count; ++dof) {
        const int c = h.dof_coordinate[dof];
        int motion = link.motions_begin;
        while (motion < static_cast<int>(motions_.size()) && motions_[motion].coordinate != c) ++motion;
        if (motion == static_cast<int>(motions_.size())) motions_.push_back({static_cast<int>(l), c});
        const int driver = m->jnt_qposadr[m->dof_jntid[h.coordinate_dof[c]]];
        Tables::Dof& d = tables_.dofs[dof];
        const bool follows = !h.spline_adr.empty();
        d = {c, motion, joint.qpos, driver, follows ? h.spline_adr[dof] : 0, follows ? h.spline_adr[dof + 1] : 0, h.dof_coupled[dof], count == 1, {m->dof_armature[dof] != 0},
             {m->dof_damping[dof] != 0}, joint.qpos0, m->qpos0[driver], {}, m->dof_armature[dof], m->dof_damping[dof]};
        std::copy_n(h.dof_polynomial.begin() + 5 * dof, 5, d.polynomial.begin());
        tables_.damped |= d.damping > 0;
      }
    }
    link.motions_end = static_cast<int>(motions_.size());
  }
  for (std::size_t p = 0; p + 4 < h.spline.size(); p += 5) {
    tables_.pieces.push_back({h.spline[p], {h.spline[p + 1], h.spline[p + 2], h.spline[p + 3], h.spline[p + 4]}});
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
    for (int link = motions_[p].link; link >= 0; link = tables_.links[link].parent) {
      for (int q = tables_.links[link].motions_begin; q < tables_.links[link].motions_end && q <= static_cast<int>(p); ++q) {
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
    const Impedance<double> impedance = impedance_of(m, m->jnt_solref + mjNREF * j, m->jnt_solimp + mjNIMP * j);
    if (m->jnt_type[j] == mjJNT_BALL) {
      tables_.balls.push_back({human_->dof_coordinate[dof], m->jnt_qposadr[j], std::max(m->jnt_range[2 * j], m->jnt_range[2 * j + 1]),
                        m->jnt_margin[j], m->dof_invweight0[dof], impedance});
    }
    if (m->jnt_type[j] != mjJNT_HINGE && m->jnt_type[j] != mjJNT_SLIDE) continue;
    tables_.limits.push_back({dof, m->jnt_range[2 * j], m->jnt_range[2 * j + 1], m->jnt_margin[j], m->dof_invweight0[dof],
                       impedance});
  }
}

void DynamicsModel::build_frictions() {
  const mjModel* m = human_->mujoco();
  for (int dof = 0; dof < m->nv; ++dof) {
    if (m->dof_frictionloss[dof] <= 0) continue;
    const Impedance<double> impedance = impedance_of(m, m->dof_solref + mjNREF * dof, m->dof_solimp + mjNIMP * dof);
    const double loss = m->dof_frictionloss[dof], strength = softness(impedance, Wide(0.0), m->dof_invweight0[dof]).strength[0];
    tables_.frictions.push_back({dof, loss, strength, impedance.damping, loss / strength});
  }
}

// What stable PD and the limits of ball joints by axis read.
void DynamicsModel::build_control() {
  const HumanModel& h = *human_;
  for (const HumanModel::Rotation& r : h.rotations()) {
    const mjtNum* rest = h.mujoco()->qpos0 + r.qpos;
    tables_.rotations.push_back({r.coordinate, r.qpos, {rest[0], -rest[1], -rest[2], -rest[3]}});
  }
  int at = 0;
  for (const BallLimit& limit : h.ball_limits()) {
    while (h.rotations()[at].coordinate != limit.coordinate) ++at;
    const double *low = h.lower.data() + limit.coordinate, *high = h.upper.data() + limit.coordinate;
    tables_.axis_limits.push_back({limit.coordinate, at, {low[0], low[1], low[2]}, {high[0], high[1], high[2]},
                                   limit.stiffness, limit.damping});
  }
  for (int k = 0; k < h.num_actuated(); ++k) tables_.gains.push_back({h.kp[k], h.kd[k], h.torque_limit[k]});
  tables_.root_gain = {{h.root_kp > 0 || h.root_kd > 0}, h.root_kp, h.root_kd};
  tables_.rest = h.qpos_rest;
}

}  // namespace soleus
