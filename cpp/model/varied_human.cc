#include "model/varied_human.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/lowest.h"

namespace soleus {
namespace {

constexpr double kForcePower = 1.5;    // of a muscle's length
constexpr double kDampingPower = 2.5;  // of the size

using Matrix = std::array<double, 9>;
constexpr Matrix kIdentity{1, 0, 0, 0, 1, 0, 0, 0, 1};

double determinant(const Matrix& s) {
  return s[0] * (s[4] * s[8] - s[5] * s[7]) - s[1] * (s[3] * s[8] - s[5] * s[6]) + s[2] * (s[3] * s[7] - s[4] * s[6]);
}

void stretch(const Matrix& s, mjtNum* point) {
  mjtNum moved[3];
  mju_mulMatVec3(moved, s.data(), point);
  mju_copy3(point, moved);
}

// How much longer a direction of unit length becomes.
double along(const Matrix& s, const mjtNum* direction) {
  mjtNum moved[3];
  mju_mulMatVec3(moved, s.data(), direction);
  return mju_norm3(moved);
}

}  // namespace

VariedHuman::VariedHuman(const HumanModel& base, const ConditionData& conditions)
    : base_(base), conditions_(conditions), own_(base), data_(mj_makeData(base.mujoco())) {
  require(data_ != nullptr, "expected memory for one more simulation");
  const mjModel* m = base.mujoco();
  mj_resetData(m, data_.get());
  mj_kinematics(m, data_.get());
  for (int k = 0; base.has_polylines() && k < base.num_muscles(); ++k) base_length_.push_back(path_length(base.polylines, k));
  std::copy(base.qpos_rest.begin(), base.qpos_rest.end(), data_->qpos);
  mj_kinematics(m, data_.get());
  base_root_ = data_->xpos[3 * base.root_body + 2];
  base_head_ = data_->xpos[3 * base.head_body + 2];
  base_sole_ = lowest_of_feet(base, m, data_.get());
  bodies_.resize(m->nbody);
  force_.resize(base.num_muscles());
  muscle_length_.resize(base.num_muscles());
  stiffness_.resize(m->nv);
  damping_.resize(m->nv);
  range_.resize(m->njnt);
}

void VariedHuman::gather(std::span<const double> values) {
  std::fill(bodies_.begin(), bodies_.end(), Change{kIdentity, {1, 0, 0, 0}, 1, 0});
  for (auto* factors : {&force_, &muscle_length_, &stiffness_, &damping_, &range_}) std::fill(factors->begin(), factors->end(), 1.0);
  size_ = 1;
  friction_ = -1;
  slope_ = 0;
  for (int i = 0; i < conditions_.count(); ++i) {
    const Condition& one = conditions_.all[i];
    const double value = values[i];
    if (one.effect == Effect::kSize) size_ *= value;
    if (one.effect == Effect::kFriction) friction_ = value;
    if (one.effect == Effect::kSlope) slope_ += value;
    for (std::size_t e = 0; e < one.elements.size(); ++e) {
      const int element = one.elements[e];
      const double* axis = one.axes.empty() ? nullptr : one.axes.data() + 3 * e;
      switch (one.effect) {
        case Effect::kSize:
          mju_scl(bodies_[element].stretch.data(), bodies_[element].stretch.data(), value, 9);
          break;
        case Effect::kLength: {
          Matrix longer = kIdentity, before = bodies_[element].stretch;
          for (int r = 0; r < 3; ++r) {
            for (int c = 0; c < 3; ++c) longer[3 * r + c] += (value - 1) * axis[r] * axis[c];
          }
          mju_mulMatMat(bodies_[element].stretch.data(), longer.data(), before.data(), 3, 3, 3);
          break;
        }
        case Effect::kTorsion: {
          mjtNum turn[4], before[4];
          mju_copy4(before, bodies_[element].torsion.data());
          mju_axisAngle2Quat(turn, axis, value);
          mju_mulQuat(bodies_[element].torsion.data(), turn, before);
          break;
        }
        case Effect::kMass: bodies_[element].mass *= value; break;
        case Effect::kLoad: bodies_[element].load += value; break;
        case Effect::kForce: force_[element] *= value; break;
        case Effect::kMuscleLength: muscle_length_[element] *= value; break;
        case Effect::kStiffness: stiffness_[element] *= value; break;
        case Effect::kDamping: damping_[element] *= value; break;
        case Effect::kRange: range_[element] *= value; break;
        default: break;
      }
    }
  }
}

void VariedHuman::vary(std::span<const double> values) {
  gather(values);
  // Muscles' numbers are set from the model's; of bodies also what MuJoCo made of them changes.
  if (conditions_.change_bodies()) own_.restore(base_);
  own_.renumber([&](mjModel* m, HumanDescription& h) {
    height_ = 1;
    if (conditions_.change_bodies()) change_bodies(m, h);
    if (conditions_.change_muscles()) change_muscles(m, h);
  });
}

void VariedHuman::change_bodies(mjModel* m, HumanDescription& h) {
  if (conditions_.change_anatomy()) {
    for (int b = 1; b < m->nbody; ++b) change_body(m, b);
    for (int g = 0; g < m->ngeom; ++g) change_geom(m, g);
    for (int s = 0; s < m->nsite; ++s) stretch(bodies_[m->site_bodyid[s]].stretch, m->site_pos + 3 * s);
    for (int j = 0; j < m->njnt; ++j) change_slide(m, h, j);
    PolylineData& p = h.polylines;
    for (std::size_t i = 0; i < p.body.size(); ++i) {
      if (p.body[i] >= 0) stretch(bodies_[p.body[i]].stretch, p.local.data() + 3 * i);
    }
    m->opt.disableflags |= mjDSBL_MIDPHASE;  // its boxes are those of the model's shapes
  }
  double mass = 0, base_mass = 0;
  for (int b = 1; b < m->nbody; ++b) {
    m->body_mass[b] *= bodies_[b].mass;
    mju_scl3(m->body_inertia + 3 * b, m->body_inertia + 3 * b, bodies_[b].mass);
    mass += m->body_mass[b];
    base_mass += base_.mujoco()->body_mass[b];
    m->body_mass[b] += bodies_[b].load;
  }
  change_joints(m, h);
  change_ground(m);
  mj_setConst(m, data_.get());
  if (conditions_.change_anatomy()) stand(m, h);
  // Weight times height; a load makes nobody stronger.
  const double stronger = mass / base_mass * height_;
  for (std::size_t k = 0; k < h.kp.size(); ++k) {
    h.kp[k] *= stronger;
    h.kd[k] *= stronger * std::sqrt(height_);
    h.torque_limit[k] *= stronger;
  }
  h.root_kp *= stronger;
  h.root_kd *= stronger * std::sqrt(height_);
}

// Frame of a body on the one above it, and its mass.
void VariedHuman::change_body(mjModel* m, int body) {
  const Change& above = bodies_[m->body_parentid[body]];
  const Change& own = bodies_[body];
  stretch(above.stretch, m->body_pos + 3 * body);
  if (m->body_jntnum[body] > 0 && above.torsion[0] != 1) {
    mjtNum before[4], place[3];
    mju_copy3(place, m->body_pos + 3 * body);
    mju_rotVecQuat(m->body_pos + 3 * body, place, above.torsion.data());
    mju_copy4(before, m->body_quat + 4 * body);
    mju_mulQuat(m->body_quat + 4 * body, above.torsion.data(), before);
  }
  for (int j = m->body_jntadr[body]; j < m->body_jntadr[body] + m->body_jntnum[body]; ++j) stretch(own.stretch, m->jnt_pos + 3 * j);
  if (own.stretch == kIdentity) return;
  // Second moments of mass about the centre, in the body's axes: of the inertia J, trace(J) / 2 - J. A stretch S makes of
  // them S P S^T, at a mass that is det(S) times as much.
  mjtNum axes[9], *inertia = m->body_inertia + 3 * body;
  mju_quat2Mat(axes, m->body_iquat + 4 * body);
  const double half = 0.5 * (inertia[0] + inertia[1] + inertia[2]), denser = determinant(own.stretch);
  mjtNum scaled[9], moments[9], first[9], second[9];
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 3; ++c) scaled[3 * r + c] = axes[3 * r + c] * (half - inertia[c]);
  }
  mju_mulMatMatT(moments, scaled, axes, 3, 3, 3);
  mju_mulMatMat(first, own.stretch.data(), moments, 3, 3, 3);
  mju_mulMatMatT(second, first, own.stretch.data(), 3, 3, 3);
  const double trace = second[0] + second[4] + second[8];
  for (int i = 0; i < 9; ++i) second[i] = denser * ((i % 4 == 0 ? trace : 0.0) - second[i]);
  mju_eig3(inertia, axes, m->body_iquat + 4 * body, second);
  m->body_mass[body] *= denser;
  stretch(own.stretch, m->body_ipos + 3 * body);
  m->body_sameframe[body] = mjSAMEFRAME_NONE;
}

void VariedHuman::change_geom(mjModel* m, int geom) {
  const Matrix& s = bodies_[m->geom_bodyid[geom]].stretch;
  if (s == kIdentity) return;
  stretch(s, m->geom_pos + 3 * geom);
  m->geom_sameframe[geom] = mjSAMEFRAME_NONE;
  mjtNum frame[9], *size = m->geom_size + 3 * geom;
  mju_quat2Mat(frame, m->geom_quat + 4 * geom);
  double longer[3];
  for (int i = 0; i < 3; ++i) {
    const mjtNum axis[3] = {frame[i], frame[3 + i], frame[6 + i]};
    longer[i] = along(s, axis);
  }
  const double whole = determinant(s), across = std::sqrt(whole / longer[2]);
  switch (m->geom_type[geom]) {
    case mjGEOM_SPHERE:
      size[0] *= std::cbrt(whole);
      m->geom_rbound[geom] = size[0];
      break;
    case mjGEOM_CAPSULE:
    case mjGEOM_CYLINDER:
      size[0] *= across;
      size[1] *= longer[2];
      m->geom_rbound[geom] = m->geom_type[geom] == mjGEOM_CAPSULE ? size[0] + size[1] : std::hypot(size[0], size[1]);
      break;
    case mjGEOM_BOX:
    case mjGEOM_ELLIPSOID:
      for (int i = 0; i < 3; ++i) size[i] *= longer[i];
      m->geom_rbound[geom] = m->geom_type[geom] == mjGEOM_BOX ? mju_norm3(size) : std::max({size[0], size[1], size[2]});
      break;
    default:
      break;
  }
}

void VariedHuman::stretch_meshes(mjModel* m) const {
  std::vector<bool> stretched(m->nmesh, false);
  for (int g = 0; g < m->ngeom; ++g) {
    const int mesh = m->geom_dataid[g];
    const Matrix& s = bodies_[m->geom_bodyid[g]].stretch;
    if (m->geom_type[g] != mjGEOM_MESH || s == kIdentity || stretched[mesh]) continue;
    stretched[mesh] = true;
    // In the mesh's own axes, and what turns normals with it: its inverse, transposed, up to their length.
    mjtNum frame[9], half[9], own[9];
    mju_quat2Mat(frame, m->geom_quat + 4 * g);
    mju_mulMatMat(half, s.data(), frame, 3, 3, 3);
    mju_mulMatTMat(own, frame, half, 3, 3, 3);
    mjtNum turning[9];
    for (int r = 0; r < 3; ++r) mju_cross(turning + 3 * r, own + 3 * ((r + 1) % 3), own + 3 * ((r + 2) % 3));
    auto apply = [](const mjtNum* matrix, float* to, bool unit) {
      mjtNum point[3], moved[3];
      mju_f2n(point, to, 3);
      mju_mulMatVec3(moved, matrix, point);
      if (unit) mju_normalize3(moved);
      mju_n2f(to, moved, 3);
    };
    for (int i = 0; i < m->mesh_vertnum[mesh]; ++i) apply(own, m->mesh_vert + 3 * (m->mesh_vertadr[mesh] + i), false);
    for (int i = 0; i < m->mesh_normalnum[mesh]; ++i) apply(turning, m->mesh_normal + 3 * (m->mesh_normaladr[mesh] + i), true);
  }
}

// Slides shift a body on the one above it, by lengths of that one; those of the root stand on the world.
void VariedHuman::change_slide(mjModel* m, HumanDescription& h, int joint) {
  const int body = m->jnt_bodyid[joint];
  if (m->jnt_type[joint] != mjJNT_SLIDE || body == h.root_body) return;
  mjtNum axis[3];
  mju_rotVecQuat(axis, m->jnt_axis + 3 * joint, m->body_quat + 4 * body);
  const double longer = along(bodies_[m->body_parentid[body]].stretch, axis);
  const int adr = m->jnt_qposadr[joint], dof = m->jnt_dofadr[joint];
  for (double* length : {m->jnt_range + 2 * joint, m->jnt_range + 2 * joint + 1, m->qpos0 + adr, m->qpos_spring + adr}) *length *= longer;
  h.qpos_rest[adr] *= longer;
  for (int i = 0; i < 5; ++i) h.dof_polynomial[5 * dof + i] *= longer;
  for (int p = h.spline_adr.empty() ? 0 : h.spline_adr[dof]; p < (h.spline_adr.empty() ? 0 : h.spline_adr[dof + 1]); ++p) {
    for (int i = 1; i < 5; ++i) h.spline[5 * p + i] *= longer;
  }
}

void VariedHuman::change_joints(mjModel* m, HumanDescription& h) {
  const double damping = std::pow(size_, kDampingPower);
  for (int dof = 0; dof < m->nv; ++dof) {
    m->dof_damping[dof] *= damping_[dof] * damping;
    const int joint = m->dof_jntid[dof];
    if (dof == m->jnt_dofadr[joint]) m->jnt_stiffness[joint] *= stiffness_[dof];
  }
  auto widen = [](double& low, double& high, double factor) {
    const double middle = 0.5 * (low + high), half = 0.5 * factor * (high - low);
    if (!std::isfinite(middle)) return;
    low = middle - half;
    high = middle + half;
  };
  for (int j = 0; j < m->njnt; ++j) {
    if (range_[j] == 1) continue;
    widen(m->jnt_range[2 * j], m->jnt_range[2 * j + 1], range_[j]);
    for (std::size_t c = 0; c < h.lower.size(); ++c) {
      if (m->dof_jntid[h.coordinate_dof[c]] == j) widen(h.lower[c], h.upper[c], range_[j]);
    }
  }
}

void VariedHuman::change_ground(mjModel* m) {
  if (friction_ >= 0) {
    for (int g = 0; g < m->ngeom; ++g) m->geom_friction[3 * g] = friction_;
    for (int p = 0; p < m->npair; ++p) m->pair_friction[5 * p] = m->pair_friction[5 * p + 1] = friction_;
  }
  if (slope_ != 0) {
    const double g = mju_norm3(m->opt.gravity);
    m->opt.gravity[0] = -g * std::sin(slope_);
    m->opt.gravity[1] = 0;
    m->opt.gravity[2] = -g * std::cos(slope_);
  }
}

// Puts the pose at rest on the ground, and takes the heights over.
void VariedHuman::stand(mjModel* m, HumanDescription& h) {
  mjData* d = data_.get();
  std::copy(h.qpos_rest.begin(), h.qpos_rest.end(), d->qpos);
  mj_kinematics(m, d);
  const double lift = base_sole_ - lowest_of_feet(base_, m, d);
  h.qpos_rest[base_.root_height_qpos()] += lift;
  const double root = d->xpos[3 * h.root_body + 2] + lift, head = d->xpos[3 * h.head_body + 2] + lift;
  height_ = (h.root_height + root - base_root_) / h.root_height;
  h.root_height += root - base_root_;
  h.head_height += head - base_head_;
}

void VariedHuman::change_muscles(mjModel* m, HumanDescription& h) {
  const bool anatomy = conditions_.change_anatomy();
  if (anatomy && base_.has_polylines()) {
    mju_copy(data_->qpos, m->qpos0, static_cast<int>(m->nq));
    mj_kinematics(m, data_.get());
  }
  if (base_.has_polylines()) h.polylines.own_length.assign(base_.num_muscles(), 1.0);
  for (int k = 0; k < base_.num_muscles(); ++k) {
    if (base_.has_hill()) {
      h.hill.max_force[k] = base_.hill.max_force[k] * force_[k];
      h.hill.optimal[k] = base_.hill.optimal[k] * muscle_length_[k];
      h.hill.slack[k] = base_.hill.slack[k] * muscle_length_[k];
    } else if (base_.has_polylines()) {
      const double longer = anatomy ? path_length(h.polylines, k) / base_length_[k] : 1.0;
      h.polylines.max_force[k] = base_.polylines.max_force[k] * force_[k] * std::pow(longer, kForcePower);
      h.polylines.own_length[k] = muscle_length_[k];
    } else {
      change_actuator(m, k);
    }
  }
}

// A muscle of MuJoCo's. Its lengths are shares of the range of its path.
void VariedHuman::change_actuator(mjModel* m, int muscle) {
  const mjModel* base = base_.mujoco();
  const int a = base_.muscle_actuator[muscle], out = m->actuator_outadr[a];
  const bool path = m->actuator_trntype[a] == mjTRN_TENDON && conditions_.change_anatomy();
  const double longer = path ? m->actuator_length0[out] / base->actuator_length0[out] : 1.0;
  mju_scl(m->actuator_lengthrange + 2 * out, base->actuator_lengthrange + 2 * out, longer * muscle_length_[muscle], 2);
  const double stronger = force_[muscle] * std::pow(longer, kForcePower);
  auto strengthen = [&](mjtNum* own, const mjtNum* prm) {
    // A greatest force below 0 stands for the scale over the acceleration that the muscle makes.
    own[2] = stronger * (prm[2] < 0 ? prm[3] / std::max(mjMINVAL, base->actuator_acc0[out]) : prm[2]);
  };
  strengthen(m->actuator_gainprm + a * mjNGAIN, base->actuator_gainprm + a * mjNGAIN);
  strengthen(m->actuator_biasprm + a * mjNBIAS, base->actuator_biasprm + a * mjNBIAS);
}

// Length at qpos0 [m] of the path of a muscle of waypoints; kinematics must be current.
double VariedHuman::path_length(const PolylineData& p, int muscle) const {
  const mjData* d = data_.get();
  double length = 0;
  mjtNum last[3] = {};
  for (int i = p.adr[muscle]; i < p.adr[muscle + 1]; ++i) {
    mjtNum place[3] = {};
    const bool blended = p.body[2 * i + 1] >= 0;
    for (int end = 0; end < (blended ? 2 : 1); ++end) {
      const int body = p.body[2 * i + end];
      mjtNum there[3];
      mju_mulMatVec3(there, d->xmat + 9 * body, p.local.data() + 6 * i + 3 * end);
      mju_addTo3(there, d->xpos + 3 * body);
      mju_addToScl3(place, there, blended ? p.weight[2 * i + end] : 1.0);
    }
    if (i > p.adr[muscle]) length += mju_dist3(place, last);
    mju_copy3(last, place);
  }
  return length;
}

}  // namespace soleus
