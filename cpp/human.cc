#include "human.h"

#include <algorithm>
#include <string>

#include "error.h"

namespace soleus {
namespace {

void require_size(std::size_t got, std::size_t expected, const char* what) {
  require(got == expected, std::string("expected ") + what + " of length " + std::to_string(expected) + ", got " +
                               std::to_string(got));
}

void require_indices(const std::vector<int>& values, int bound, const char* what) {
  for (int v : values) {
    require(v >= 0 && v < bound, std::string("expected ") + what + " in [0, " + std::to_string(bound) + "), got " +
                                     std::to_string(v));
  }
}

int joint_of_dof(const mjModel* m, int dof) { return m->dof_jntid[dof]; }

}  // namespace

Human::Human(const mjModel* model, HumanData data) : HumanData(std::move(data)), model_(mj_copyModel(nullptr, model)) {
  require(model_ != nullptr, "expected a model that can be copied");
  check();
  // Divergence is handled here, by human; sensors are not read.
  model_->opt.disableflags |= mjDSBL_AUTORESET | mjDSBL_SENSOR;
  if (!muscles_act) model_->opt.disableflags |= mjDSBL_ACTUATION;
  const mjModel* m = model_.get();
  for (int c = 0; c < num_coordinates(); ++c) {
    const int joint = joint_of_dof(m, coordinate_dof[c]);
    coordinate_qpos_.push_back(m->jnt_qposadr[joint] + coordinate_dof[c] - m->jnt_dofadr[joint]);
  }
  coordinate_actuated_.assign(num_coordinates(), -1);
  for (int k = 0; k < num_actuated(); ++k) coordinate_actuated_[actuated[k]] = k;
  for (int i = 0; i < m->nv; ++i) {
    if (dof_coupled[i]) coupled_.push_back({i, coordinate_qpos_[dof_coordinate[i]]});
  }
  geom_foot_.assign(m->ngeom, -1);
  for (std::size_t f = 0; f < feet.size(); ++f) {
    for (int body : feet[f]) {
      for (int g = 0; g < m->body_geomnum[body]; ++g) geom_foot_[m->body_geomadr[body] + g] = static_cast<int>(f);
    }
  }
  planar_ = num_coordinates() - num_actuated() == 3;
  mass_ = mj_getTotalmass(m);
  weight_ = mass_ * -m->opt.gravity[2];
  for (int j = m->body_jntadr[root_body]; j < m->body_jntadr[root_body] + m->body_jntnum[root_body]; ++j) {
    if (m->jnt_type[j] == mjJNT_FREE) root_height_qpos_ = m->jnt_qposadr[j] + 2;
    if (m->jnt_type[j] == mjJNT_SLIDE && m->jnt_axis[3 * j + 2] > 0.9) root_height_qpos_ = m->jnt_qposadr[j];
  }
  build_inertia();
  build_moments();
  build_mirror();
}

void Human::check() const {
  const mjModel* m = model_.get();
  require_size(dof_coordinate.size(), m->nv, "dof_coordinate");
  require_size(dof_coupled.size(), m->nv, "dof_coupled");
  require_size(dof_polynomial.size(), 5 * m->nv, "dof_polynomial");
  require_size(qpos_rest.size(), m->nq, "qpos_rest");
  require_indices(dof_coordinate, num_coordinates(), "dof_coordinate");
  require_indices(coordinate_dof, m->nv, "coordinate_dof");
  require_indices(actuated, num_coordinates(), "actuated");
  for (const auto* gains : {&kp, &kd, &torque_limit}) require_size(gains->size(), actuated.size(), "gains");
  require_indices(muscle_actuator, m->nactuator, "muscle_actuator");
  require_size(crossing_adr.size(), muscle_actuator.size() + 1, "crossing_adr");
  require_size(crossing.size(), crossing_adr.back(), "crossing");
  require_indices(crossing, num_actuated(), "crossing");
  require(std::is_sorted(crossing_adr.begin(), crossing_adr.end()) && crossing_adr.front() == 0,
          "expected crossing_adr to rise from 0");
  require_indices(mirror_coordinate, num_coordinates(), "mirror_coordinate");
  require_indices(mirror_muscle, num_muscles(), "mirror_muscle");
  require_indices(mirror_tracked, static_cast<int>(tracked_bodies.size()), "mirror_tracked");
  require_indices({root_body, head_body}, m->nbody, "root_body and head_body");
  require_indices(tracked_bodies, m->nbody, "tracked_bodies");
  require_indices(end_effectors, m->nbody, "end_effectors");
  for (const auto& foot : feet) require_indices(foot, m->nbody, "feet");
  require_size(mirror_coordinate.size(), coordinate_dof.size(), "mirror_coordinate");
  require_size(mirror_sign.size(), coordinate_dof.size(), "mirror_sign");
  require_size(mirror_muscle.size(), muscle_actuator.size(), "mirror_muscle");
  require_size(mirror_tracked.size(), tracked_bodies.size(), "mirror_tracked");
  for (int c : actuated) {
    const int type = m->jnt_type[joint_of_dof(m, coordinate_dof[c])];
    require(type == mjJNT_HINGE || type == mjJNT_SLIDE, "expected actuated coordinates on hinge or slide joints");
  }
  require(m->opt.gravity[2] < 0, "expected gravity along -z, got " + std::to_string(m->opt.gravity[2]) + " m/s^2");
  require(m->opt.integrator != mjINT_RK4, "expected the Euler or an implicit integrator, got RK4");
}

void Human::build_inertia() {
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

void Human::build_moments() {
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
      const int coordinate = coordinate_actuated_[dof_coordinate[dof]];
      for (int s = crossing_adr[k]; s < crossing_adr[k + 1]; ++s) {
        if (crossing[s] == coordinate) moment_entries_.push_back({adr, dof, s});
      }
    }
  }
  descent_order_.reserve(num_muscles());
  std::vector<bool> placed(num_muscles(), false);
  for (int k = 0; k < num_muscles(); ++k) {
    for (int each : {k, mirror_muscle[k]}) {
      if (!placed[each]) descent_order_.push_back(each);
      placed[each] = true;
    }
  }
}

void Human::build_mirror() {
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
