#include "model/human_model.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "muscles/muscle_force.h"

namespace soleus {
namespace {

void require_indices(const std::vector<int>& values, int bound, const char* what) {
  for (int v : values) {
    require(v >= 0 && v < bound, std::string("expected ") + what + " in [0, " + std::to_string(bound) + "), got " +
                                     std::to_string(v));
  }
}

constexpr int kRestingGroup = 30;  // of actuators: the last that can be disabled

int joint_of_dof(const mjModel* m, int dof) { return m->dof_jntid[dof]; }

}  // namespace

OwnedModel::OwnedModel(const mjModel* model) : model_(mj_copyModel(nullptr, model)) {
  require(model_ != nullptr, "expected a model that can be copied");
}

HumanModel::HumanModel(const mjModel* model, HumanDescription data) : HumanDescription(std::move(data)), model_(model) {
  num_muscles_ = static_cast<int>(has_polylines() ? polylines.adr.size() - 1
                                  : has_hill()    ? hill.max_force.size()
                                                  : muscle_actuator.size());
  check();
  // Divergence is handled here, by human; sensors are not read.
  model_->opt.disableflags |= mjDSBL_AUTORESET | mjDSBL_SENSOR;
  if (!muscles_act) rest_muscles();
  const mjModel* m = model_.get();
  build_coordinates();
  geom_foot_.assign(m->ngeom, -1);
  for (std::size_t f = 0; f < feet.size(); ++f) {
    for (int body : feet[f]) {
      for (int g = 0; g < m->body_geomnum[body]; ++g) geom_foot_[m->body_geomadr[body] + g] = static_cast<int>(f);
    }
  }
  planar_ = num_coordinates() - num_actuated() == 3;
  weigh();
  for (int j = m->body_jntadr[root_body]; j < m->body_jntadr[root_body] + m->body_jntnum[root_body]; ++j) {
    if (m->jnt_type[j] == mjJNT_FREE) root_height_qpos_ = m->jnt_qposadr[j] + 2;
    if (m->jnt_type[j] == mjJNT_SLIDE && standing_axis(j)[2] > 0.9) root_height_qpos_ = m->jnt_qposadr[j];
  }
  build_inertia();
  if (has_polylines()) {
    build_paths();
  } else if (has_hill()) {
    build_hill();
  } else {
    build_moments();
  }
  build_fitted();
  build_order();
  build_asked();
  build_muscle_mass();
  build_tissue();
  build_head();
  ball_limits_ = make_ball_limits(*this);
  build_mirror();
}

std::array<double, 3> HumanModel::standing_axis(int joint) const {
  const mjModel* m = model_.get();
  std::array<double, 3> axis;
  std::copy_n(m->jnt_axis + 3 * joint, 3, axis.begin());
  for (int body = m->jnt_bodyid[joint]; body > 0; body = m->body_parentid[body]) {
    mjtNum turned[3];
    mju_rotVecQuat(turned, axis.data(), m->body_quat + 4 * body);
    std::copy_n(turned, 3, axis.begin());
  }
  return axis;
}

void HumanModel::restore(const HumanModel& base) {
  mj_copyModel(model_.get(), base.mujoco());
  static_cast<HumanDescription&>(*this) = base;
}

void HumanModel::follow_numbers() {
  weigh();
  if (has_polylines()) build_paths();
  if (!ball_limits_.empty()) ball_limits_ = make_ball_limits(*this);
}

void HumanModel::weigh() {
  const mjModel* m = model_.get();
  mass_ = 0;
  own_body_.assign(m->nbody, false);
  own_body_[root_body] = true;
  for (int body = 1; body < m->nbody; ++body) {  // parents come first
    if (own_body_[m->body_parentid[body]]) own_body_[body] = true;
    if (own_body_[body]) mass_ += m->body_mass[body];
  }
  weight_ = mass_ * -m->opt.gravity[2];
}

void HumanModel::rest_muscles() {
  mjModel* m = model_.get();
  if (static_cast<int>(muscle_actuator.size()) == m->nactuator) {  // there is nothing else to be driven
    m->opt.disableflags |= mjDSBL_ACTUATION;
    return;
  }
  for (int a : muscle_actuator) m->actuator_group[a] = kRestingGroup;
  m->opt.disableactuator |= 1 << kRestingGroup;
}

void HumanModel::check_motors() const {
  const std::size_t count = motor_control.size();
  require_indices(motor_control, static_cast<int>(model_->nu), "motor_control");
  for (const auto* range : {&motor_low, &motor_high}) require_size(range->size(), count, "motor_low and motor_high");
  require_size(mirror_motor.size(), count, "mirror_motor");
  require_size(mirror_motor_sign.size(), count, "mirror_motor_sign");
  require_indices(mirror_motor, static_cast<int>(count), "mirror_motor");
}

void HumanModel::check() const {
  const mjModel* m = model_.get();
  require_size(dof_coordinate.size(), m->nv, "dof_coordinate");
  require_size(dof_coupled.size(), m->nv, "dof_coupled");
  require_size(dof_polynomial.size(), 5 * m->nv, "dof_polynomial");
  require_size(qpos_rest.size(), m->nq, "qpos_rest");
  for (int i = 0; i < m->nv; ++i) {
    require(dof_coordinate[i] >= -1 && dof_coordinate[i] < num_coordinates(), "expected dof_coordinate in range");
    require(dof_coordinate[i] >= 0 || !dof_coupled[i], "expected coupled joints of the person alone");
  }
  require(qvel_rest.empty() || qvel_rest.size() == static_cast<std::size_t>(m->nv), "expected qvel_rest to fit the model");
  require(ctrl_rest.empty() || ctrl_rest.size() == static_cast<std::size_t>(m->nu), "expected ctrl_rest to fit the model");
  check_motors();
  require_indices(tied, m->nbody, "tied");
  require_indices(tied_to, m->nbody, "tied_to");
  require_size(tied_to.size(), tied.size(), "tied_to");
  require_size(tied_pose.size(), 7 * tied.size(), "tied_pose");
  for (int body : tied) {
    require(m->body_jntnum[body] == 1 && m->jnt_type[m->body_jntadr[body]] == mjJNT_FREE, "expected tied bodies that float");
  }
  require_indices(coordinate_dof, m->nv, "coordinate_dof");
  require_indices(actuated, num_coordinates(), "actuated");
  for (const auto* gains : {&kp, &kd, &torque_limit}) require_size(gains->size(), actuated.size(), "gains");
  if (!pose_weight.empty()) require_size(pose_weight.size(), actuated.size(), "pose_weight");
  require_indices(direct, num_actuated(), "direct");
  require_indices(muscle_actuator, m->nactuator, "muscle_actuator");
  require(!muscles_apart() || muscle_actuator.empty(), "expected muscles that are all of one kind");
  require(!has_polylines() || !has_hill(), "expected muscles that are all of one kind");
  const std::size_t nm = num_muscles();
  require_size(crossing_adr.size(), nm + 1, "crossing_adr");
  require_size(crossing.size(), crossing_adr.back(), "crossing");
  require_indices(crossing, num_actuated(), "crossing");
  require(std::is_sorted(crossing_adr.begin(), crossing_adr.end()) && crossing_adr.front() == 0,
          "expected crossing_adr to rise from 0");
  require_indices(mirror_coordinate, num_coordinates(), "mirror_coordinate");
  require_indices(mirror_muscle, static_cast<int>(nm), "mirror_muscle");
  require_indices(mirror_tracked, static_cast<int>(tracked_bodies.size()), "mirror_tracked");
  require_indices({root_body, head_body}, m->nbody, "root_body and head_body");
  require_indices(tracked_bodies, m->nbody, "tracked_bodies");
  require_indices(end_effectors, m->nbody, "end_effectors");
  for (const auto& foot : feet) require_indices(foot, m->nbody, "feet");
  require_size(mirror_coordinate.size(), coordinate_dof.size(), "mirror_coordinate");
  require_size(mirror_sign.size(), coordinate_dof.size(), "mirror_sign");
  require_size(mirror_muscle.size(), nm, "mirror_muscle");
  if (!slow_share.empty()) require_size(slow_share.size(), nm, "slow_share");
  require_size(mirror_tracked.size(), tracked_bodies.size(), "mirror_tracked");
  for (int c : actuated) {
    const int type = m->jnt_type[joint_of_dof(m, coordinate_dof[c])];
    require(type != mjJNT_FREE, "expected actuated coordinates on hinge, slide or ball joints");
  }
  require((root_kp == 0 && root_kd == 0) || m->jnt_type[m->body_jntadr[root_body]] == mjJNT_FREE,
          "expected gains of the root on a free joint alone");
  if (!lower.empty() || !upper.empty()) {
    require_size(lower.size(), coordinate_dof.size(), "lower");
    require_size(upper.size(), coordinate_dof.size(), "upper");
  }
  check_fitted();
  if (has_hill()) check_hill();
  check_splines();
  require(m->opt.gravity[2] < 0, "expected gravity along -z, got " + std::to_string(m->opt.gravity[2]) + " m/s^2");
  require(m->opt.integrator != mjINT_RK4, "expected the Euler or an implicit integrator, got RK4");
}

void HumanModel::check_splines() const {
  if (spline_adr.empty() && spline.empty()) return;
  require_size(spline_adr.size(), model_->nv + 1, "spline_adr");
  require(spline_adr.front() == 0 && std::is_sorted(spline_adr.begin(), spline_adr.end()), "expected spline_adr to rise from 0");
  require_size(spline.size(), 5 * static_cast<std::size_t>(spline_adr.back()), "spline");
  for (int i = 0; i < model_->nv; ++i) {
    const int begin = spline_adr[i], end = spline_adr[i + 1];
    require(begin == end || dof_coupled[i], "expected splines of coupled joints alone");
    for (int k = begin + 1; k < end; ++k) {
      require(spline[5 * (k - 1)] < spline[5 * k], "expected pieces of a spline whose starts rise");
    }
  }
}

void HumanModel::build_coordinates() {
  const mjModel* m = model_.get();
  std::vector<int> coordinate_qpos(num_coordinates(), -1);
  std::vector<Rotation> roots;
  for (int c = 0; c < num_coordinates(); ++c) {
    const int joint = joint_of_dof(m, coordinate_dof[c]);
    const int within = coordinate_dof[c] - m->jnt_dofadr[joint], adr = m->jnt_qposadr[joint];
    const bool free = m->jnt_type[joint] == mjJNT_FREE;
    if (m->jnt_type[joint] == mjJNT_BALL || (free && within >= 3)) {
      if (free && within == 3) roots.push_back({c, adr + 3});
      if (!free && within == 0) rotations_.push_back({c, adr});
      continue;
    }
    coordinate_qpos[c] = adr + within;
    scalars_.push_back({c, adr + within});
  }
  free_root_ = !roots.empty();
  rotations_.insert(rotations_.end(), roots.begin(), roots.end());
  coordinate_actuated_.assign(num_coordinates(), -1);
  for (int k = 0; k < num_actuated(); ++k) coordinate_actuated_[actuated[k]] = k;
  for (int i = 0; i < m->nv; ++i) {
    if (!dof_coupled[i]) continue;
    require(coordinate_qpos[dof_coordinate[i]] >= 0, "expected joints that are driven by hinges or slides");
    coupled_.push_back({i, coordinate_qpos[dof_coordinate[i]]});
  }
}

void HumanModel::couple(double* qpos) const {
  const mjModel* m = model_.get();
  for (const auto& [dof, driver] : coupled_) {
    const int own = m->jnt_qposadr[m->dof_jntid[dof]];
    const double *p = dof_polynomial.data() + 5 * dof, x = qpos[driver] - m->qpos0[driver];
    qpos[own] = m->qpos0[own] + p[0] + x * (p[1] + x * (p[2] + x * (p[3] + x * p[4])));
  }
}

void HumanModel::positions(const double* qpos, double* coordinates) const {
  for (const Scalar& s : scalars_) coordinates[s.coordinate] = qpos[s.qpos];
  for (const Rotation& r : rotations_) {
    mjtNum rest[4], turn[4];
    mju_negQuat(rest, model_->qpos0 + r.qpos);
    mju_mulQuat(turn, rest, qpos + r.qpos);
    mju_quat2Vel(coordinates + r.coordinate, turn, 1.0);
  }
}

void HumanModel::difference(const double* from_qpos, const double* to_qpos, double* coordinates) const {
  for (const Scalar& s : scalars_) coordinates[s.coordinate] = to_qpos[s.qpos] - from_qpos[s.qpos];
  for (const Rotation& r : rotations_) mju_subQuat(coordinates + r.coordinate, to_qpos + r.qpos, from_qpos + r.qpos);
}

void HumanModel::build_inertia() {
  const mjModel* m = model_.get();
  const int nc = num_coordinates();
  std::vector<std::vector<bool>> pattern(nc, std::vector<bool>(nc, false));
  auto each_entry = [&](auto&& visit) {
    for (int i = 0; i < m->nv; ++i) {
      for (int k = 0; k < m->M_rownnz[i]; ++k) {
        const int adr = m->M_rowadr[i] + k;
        const int j = m->M_colind[adr];
        const int ci = dof_coordinate[i];
        const int cj = dof_coordinate[j];
        if (ci < 0 || cj < 0) continue;  // trees share no inertia
        visit(adr, i, j, std::max(ci, cj), std::min(ci, cj));
      }
    }
  };
  each_entry([&](int, int, int, int high, int low) { pattern[high][low] = true; });
  inertia_ = SparseLdl(pattern);
  each_entry([&](int adr, int i, int j, int high, int low) {
    const int slot = inertia_.slot(high, low);
    inertia_entries_.push_back({adr, i, j, slot});
    // An off-diagonal entry folded onto a diagonal stands for itself and its mirror image.
    if (i != j && high == low) inertia_entries_.push_back({adr, i, j, slot});
  });
}

void HumanModel::build_moments() {
  const mjModel* m = model_.get();
  std::unique_ptr<mjData, void (*)(mjData*)> data(mj_makeData(m), mj_deleteData);
  require(data != nullptr, "expected memory for one simulation");
  mj_forward(m, data.get());
  for (int a : muscle_actuator) {
    const bool dynamic = m->actuator_actadr[a] >= 0 && m->actuator_dyntype[a] == mjDYN_MUSCLE;
    muscles_.push_back({m->actuator_ctrladr[a], m->actuator_actadr[a], m->actuator_outadr[a], dynamic});
    activation_steps_.push_back(m->actuator_dynprm[a * mjNDYN] / m->opt.timestep);
    deactivation_steps_.push_back(m->actuator_dynprm[a * mjNDYN + 1] / m->opt.timestep);
  }
  for (int k = 0; k < num_muscles(); ++k) {
    const int out = m->actuator_outadr[muscle_actuator[k]];
    for (int e = 0; e < data->moment_rownnz[out]; ++e) {
      const int adr = data->moment_rowadr[out] + e;
      const int dof = data->moment_colind[adr];
      if (dof_coordinate[dof] < 0) continue;
      const int coordinate = coordinate_actuated_[dof_coordinate[dof]];
      for (int s = crossing_adr[k]; s < crossing_adr[k + 1]; ++s) {
        if (crossing[s] == coordinate) moment_entries_.push_back({adr, dof, s});
      }
    }
  }
}

void HumanModel::build_paths() {
  const mjModel* m = model_.get();
  std::vector<int> dof_actuated(m->nv, -1);
  for (int i = 0; i < m->nv; ++i) {
    if (dof_coordinate[i] < 0) continue;
    const int k = coordinate_actuated_[dof_coordinate[i]];
    require(!dof_coupled[i] || k < 0, "expected a model without coupled joints for muscles that are polylines");
    dof_actuated[i] = k;
  }
  paths_ = Polylines(m, polylines, crossing_adr, crossing, dof_actuated);
}

void HumanModel::build_order() {
  descent_order_.reserve(num_muscles());
  std::vector<bool> placed(num_muscles(), false);
  for (int k = 0; k < num_muscles(); ++k) {
    for (int each : {k, mirror_muscle[k]}) {
      if (!placed[each]) descent_order_.push_back(each);
      placed[each] = true;
    }
  }
}

void HumanModel::build_asked() {
  std::vector<bool> alone(num_actuated(), false);
  for (int k : direct) alone[k] = true;
  for (int k = 0; k < num_actuated(); ++k) {
    if (!alone[k]) asked_.push_back(k);
  }
  for (int s = 0; s < num_crossings(); ++s) (alone[crossing[s]] ? direct_crossings_ : asked_crossings_).push_back(s);
}

// In proportion to force and length of the fibres, as in the successor of MASS.
void HumanModel::build_muscle_mass() {
  for (int k = 0; k < num_muscles(); ++k) {
    if (has_polylines()) {
      muscle_mass_.push_back(kMassPerForce * polylines.max_force[k] * (1 - polylines.slack[k]) * paths_.rest_length(k));
    } else {
      muscle_mass_.push_back(kMassPerForce * muscle_size(k));
    }
  }
}

double HumanModel::muscle_size(int k) const {
  if (has_polylines()) return polylines.max_force[k] * paths_.optimal_length(k);
  if (has_hill()) return hill.max_force[k] * hill.optimal[k];
  const int a = muscle_actuator[k];
  return mujoco_max_force(model_.get(), a) * mujoco_optimal_length(model_.get(), a);
}

// Muscles of the legs cross a joint between the root and a foot.
void HumanModel::build_tissue() {
  const mjModel* m = model_.get();
  std::vector<bool> leg(m->nbody, false);
  for (const auto& foot : feet) {
    for (int body = foot.empty() ? 0 : foot.front(); body > 0 && body != root_body; body = m->body_parentid[body]) leg[body] = true;
  }
  double size = 0;
  for (int k = 0; k < num_muscles(); ++k) {
    const bool moves_leg = std::any_of(crossing.begin() + crossing_adr[k], crossing.begin() + crossing_adr[k + 1], [&](int c) {
      return leg[m->dof_bodyid[coordinate_dof[actuated[c]]]];
    });
    if (moves_leg) size += muscle_size(k);
  }
  if (size > 0) mass_per_size_ = kLegMuscles * mass_ / size;
}

void HumanModel::build_head() {
  mjtNum in_root[4] = {1, 0, 0, 0}, to_forward[4];
  for (int body = head_body; body > 0 && body != root_body; body = model_->body_parentid[body]) {
    mjtNum above[4];
    mju_mulQuat(above, model_->body_quat + 4 * body, in_root);
    std::copy_n(above, 4, in_root);
  }
  mju_negQuat(to_forward, root_align.data());
  mju_mulQuat(head_rest_.data(), to_forward, in_root);
}

void HumanModel::build_mirror() {
  for (int k = 0; k < num_actuated(); ++k) {
    const int mirrored = coordinate_actuated_[mirror_coordinate[actuated[k]]];
    require(mirrored >= 0, "expected actuated coordinates to mirror onto actuated ones");
    mirror_actuated_.push_back(mirrored);
    mirror_actuated_sign_.push_back(mirror_sign[actuated[k]]);
  }
  for (int k = 0; k < num_muscles(); ++k) {
    const int other = mirror_muscle[k];
    for (int s = crossing_adr[k]; s < crossing_adr[k + 1]; ++s) {
      const int coordinate = mirror_actuated_[crossing[s]];
      int found = -1;
      for (int r = crossing_adr[other]; r < crossing_adr[other + 1]; ++r) {
        if (crossing[r] == coordinate) found = r;
      }
      if (found < 0) {
        mirror_crossing_.clear();
        return;
      }
      mirror_crossing_.push_back(found);
    }
  }
}

}  // namespace soleus
