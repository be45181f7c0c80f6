// Of LanePhysics: states in MuJoCo's layout, saved and traced.
#include "rollout/lane_physics.h"

namespace soleus {

// States after a step, with the forces that MuJoCo does not know of by itself: whoever reads a row finds what the body
// does under all of them.
void LanePhysics::trace(int number, int k, const RolloutViews& views, std::size_t t) {
  Tile& tile = *tiles_[number];
  const HumanModel& h = world_.model;
  kept_ = tile.dynamics.applied;
  for (Wide& force : tile.dynamics.applied) force = Wide(0.0);
  if (tile.muscles && h.muscles_apart()) pull_muscles(*tile.muscles, tile.dynamics.applied);
  for (int a : h.direct) {
    if (world_.control.mode == Control::kMuscle) tile.dynamics.applied[h.actuated[a]] += tile.torque[a];
  }
  const std::vector<Device>& devices = world_.control.exoskeleton.devices;
  for (std::size_t d = 0; d < devices.size(); ++d) tile.dynamics.applied[h.actuated[devices[d].actuated]] += tile.device[d];
  const Wide power = tile.muscles ? soleus::metabolic_power(*tile.muscles) : Wide(0.0);
  for (int i = begin(number); i < end(number); ++i) {
    if (diverged(i)) continue;
    double* row = views.trace.at(t * world_.control.substeps + k, first_ + i);
    views_[i].refresh();
    pose_simulation(i);
    for (int c = 0; c < h.num_coordinates(); ++c) {
      const Wide force = tile.dynamics.applied[c] + tile.dynamics.limit_torque[c];
      simulation_->qfrc_applied[h.coordinate_dof[c]] += force[i % kLanes];
    }
    mj_getState(h.mujoco(), simulation_.get(), row, mjSTATE_INTEGRATION);
    write_muscles(views_[i], row + mj_stateSize(h.mujoco(), mjSTATE_INTEGRATION), power[i % kLanes]);
    double* of_devices = row + devices_adr(world_);
    for (Wide torque : tile.device) *of_devices++ = torque[i % kLanes];
    for (Wide torque : tile.beside) *of_devices++ = torque[i % kLanes];
  }
  tile.dynamics.applied = kept_;
}

void LanePhysics::pose_simulation(int index) const {
  const HumanModel& h = world_.model;
  const DynamicsTile& tile = tile_of(index).dynamics;
  const int lane = index % kLanes;
  mjData* d = simulation_.get();
  mj_resetData(h.mujoco(), d);
  d->time = tile_of(index).time[lane];
  std::copy_n(views_[index].qpos().begin(), h.mujoco()->nq, d->qpos);
  std::copy_n(views_[index].qvel().begin(), h.mujoco()->nv, d->qvel);
  for (std::size_t i = 0; i < tile.pushes.size(); ++i) d->xfrc_applied[i] = tile.pushes[i][lane];
  for (int i = 0; i < h.mujoco()->nv; ++i) {
    d->qacc_warmstart[i] = Wide(tile.coupling[i] * tile.acceleration[h.dof_coordinate[i]] + tile.coupling_rate[i])[lane];
  }
  if (!tile_of(index).muscles) {
    const LaneArray<Wide>& torque = tile_of(index).torque;
    for (int a = 0; a < h.num_actuated(); ++a) d->qfrc_applied[h.coordinate_dof[h.actuated[a]]] = torque[a][lane];
    return;
  }
  const LaneMuscles& muscles = *tile_of(index).muscles;
  for (int k = 0; k < h.num_muscles(); ++k) {
    const LaneMuscleModel::Muscle& own = muscles.model->muscles()[k];
    if (own.control >= 0) d->ctrl[own.control] = muscles.excitation[k][lane];
    if (own.activation >= 0) d->act[own.activation] = muscles.activation[k][lane];
  }
}

int LanePhysics::state_size() const {
  const HumanModel& h = world_.model;
  return mj_stateSize(h.mujoco(), mjSTATE_INTEGRATION) + h.num_coordinates() + static_cast<int>(h.feet.size()) +
         (h.muscles_apart() ? h.num_muscles() : 0) + (h.has_hill() ? h.num_muscles() : 0);
}

void LanePhysics::save(int index, double* state) const {
  const HumanModel& h = world_.model;
  const DynamicsTile& tile = tile_of(index).dynamics;
  pose_simulation(index);
  mj_getState(h.mujoco(), simulation_.get(), state, mjSTATE_INTEGRATION);
  state += mj_stateSize(h.mujoco(), mjSTATE_INTEGRATION);
  for (Wide x : tile.constraint) *state++ = x[index % kLanes];
  for (Wide x : tile.foot_force) *state++ = x[index % kLanes];
  for (int k = 0; h.muscles_apart() && k < h.num_muscles(); ++k) *state++ = views_[index].activation(k);
  for (int k = 0; h.has_hill() && k < h.num_muscles(); ++k) {
    *state++ = tile_of(index).muscles ? tile_of(index).muscles->excitation[k][index % kLanes] : 0.0;
  }
}

void LanePhysics::restore(int index, const double* state) {
  const HumanModel& h = world_.model;
  const int lane = index % kLanes, nq = h.mujoco()->nq, nv = h.mujoco()->nv;
  Tile& tile = tile_of(index);
  mjData* d = simulation_.get();
  mj_resetData(h.mujoco(), d);
  mj_setState(h.mujoco(), d, state, mjSTATE_INTEGRATION);
  state += mj_stateSize(h.mujoco(), mjSTATE_INTEGRATION);
  tile.dynamics.set(lane, {d->qpos, static_cast<std::size_t>(nq)}, {d->qvel, static_cast<std::size_t>(nv)});
  tile.time.set(lane, d->time);
  for (int i = 0; i < 6 * h.mujoco()->nbody; ++i) {
    if (d->xfrc_applied[i] != 0 && tile.dynamics.pushes.empty()) tile.dynamics.pushes.assign(6 * h.mujoco()->nbody, Wide(0.0));
    if (!tile.dynamics.pushes.empty()) tile.dynamics.pushes[i].set(lane, d->xfrc_applied[i]);
  }
  for (int c = 0; c < h.num_coordinates(); ++c) {
    tile.dynamics.acceleration[c].set(lane, d->qacc_warmstart[h.coordinate_dof[c]]);
  }
  for (int a = 0; a < h.num_actuated(); ++a) {
    tile.torque[a].set(lane, d->qfrc_applied[h.coordinate_dof[h.actuated[a]]]);
  }
  for (std::size_t k = 0; tile.muscles && k < tile.desired.size(); ++k) {
    const LaneMuscleModel::Muscle& own = tile.muscles->model->muscles()[k];
    if (own.control >= 0) tile.muscles->excitation[k].set(lane, d->ctrl[own.control]);
    if (own.activation >= 0) tile.muscles->activation[k].set(lane, d->act[own.activation]);
  }
  for (Wide& x : tile.dynamics.constraint) x.set(lane, *state++);
  for (Wide& x : tile.dynamics.foot_force) x.set(lane, *state++);
  for (int k = 0; h.muscles_apart() && k < h.num_muscles(); ++k, ++state) {
    if (tile.muscles) (h.has_hill() ? tile.muscles->activation : tile.muscles->excitation)[k].set(lane, *state);
  }
  for (int k = 0; h.has_hill() && k < h.num_muscles(); ++k, ++state) {
    if (tile.muscles) tile.muscles->excitation[k].set(lane, *state);
  }
  update(tile);
  views_[index].refresh();
}

}  // namespace soleus
