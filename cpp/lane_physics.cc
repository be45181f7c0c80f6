#include "lane_physics.h"

#include <algorithm>

#include "dynamics/kinematics.h"
#include "dynamics/stable_pd.h"
#include "dynamics/step.h"
#include "error.h"

namespace soleus {

LanePhysics::Tile::Tile(const World& world)
    : dynamics(*world.dynamics), target(world.model.num_coordinates(), Wide(0.0)),
      torque(world.model.num_actuated(), Wide(0.0)) {}

LanePhysics::LanePhysics(const World& world, int first, std::vector<Command>& commands, SectionClock& clock)
    : world_(world), first_(first), commands_(commands), clock_(clock),
      at_rest_(world.model.mujoco()->nv, 0.0), simulation_(mj_makeData(world.model.mujoco())) {
  require(simulation_ != nullptr, "expected memory for one more simulation");
  const int count = static_cast<int>(commands.size());
  for (int i = 0; i < count; i += kLanes) {
    tiles_.push_back(std::make_unique<Tile>(world));
    update(*tiles_.back());
  }
  views_.reserve(count);
  for (int i = 0; i < count; ++i) views_.emplace_back(world.model, *tiles_[i / kLanes], i % kLanes);
}

void LanePhysics::reserve(const Mlp*) {}

bool LanePhysics::diverged(int index) const { return tile_of(index).dynamics.diverged[index % kLanes]; }

// Positions of a tile whose states were set, and what its views show beside them.
void LanePhysics::update(Tile& tile) {
  update_positions(tile.dynamics);
  const auto [com, velocity] = center_of_mass(tile.dynamics);
  tile.com = com;
  tile.com_velocity = velocity;
}

void LanePhysics::reset(int index, std::span<const double> qpos, std::span<const double> qvel) {
  Tile& tile = tile_of(index);
  tile.dynamics.set(index % kLanes, qpos, qvel);
  tile.time.set(index % kLanes, 0.0);
  update(tile);
  views_[index].refresh();
}

void LanePhysics::hold(int) {}

void LanePhysics::load_commands(int number) {
  Tile& tile = *tiles_[number];
  const int begin = number * kLanes, end = std::min<int>(begin + kLanes, static_cast<int>(commands_.size()));
  for (int i = begin; i < end; ++i) {
    for (std::size_t c = 0; c < tile.target.size(); ++c) tile.target[c].set(i - begin, commands_[i].target[c]);
  }
}

// Lanes without a human stand still: what falls for long runs through more contacts than anybody.
void LanePhysics::rest_idle_lanes(int number) {
  DynamicsTile& tile = tiles_[number]->dynamics;
  const int used = static_cast<int>(commands_.size()) - number * kLanes;
  for (int lane = std::max(used, 0); lane < kLanes; ++lane) {
    tile.set(lane, world_.model.qpos_rest, at_rest_);
  }
}

void LanePhysics::run(const RolloutViews& views, std::size_t t, const Mlp*) {
  clock_.mark(Section::kPolicy);
  for (int number = 0; number < static_cast<int>(tiles_.size()); ++number) run_tile(number, views, t);
}

void LanePhysics::run_tile(int number, const RolloutViews& views, std::size_t t) {
  Tile& tile = *tiles_[number];
  DynamicsTile& dynamics = tile.dynamics;
  const HumanModel& h = world_.model;
  const int begin = number * kLanes, end = std::min<int>(begin + kLanes, static_cast<int>(commands_.size()));
  load_commands(number);
  for (int k = 0; k < world_.control.substeps; ++k) {
    if (world_.control.mode == Control::kTorque) {
      stable_pd(dynamics, tile.target, tile.torque);
      for (int a = 0; a < h.num_actuated(); ++a) dynamics.applied[h.actuated[a]] = tile.torque[a];
      clock_.mark(Section::kTorque);
    }
    step(dynamics);
    tile.time += Wide(world_.dynamics->timestep());
    clock_.mark(Section::kPhysics);
    for (int i = begin; views.trace && i < end; ++i) {
      if (diverged(i)) continue;
      double* row = views.trace.at(t * world_.control.substeps + k, first_ + i);
      views_[i].refresh();
      pose_simulation(i);
      mj_getState(h.mujoco(), simulation_.get(), row, mjSTATE_INTEGRATION);
      row += mj_stateSize(h.mujoco(), mjSTATE_INTEGRATION);
      for (int m = 0; m < h.num_muscles(); ++m) row[m] = views_[i].activation(m);
    }
  }
  rest_idle_lanes(number);
  update(tile);
  for (int i = begin; i < end; ++i) views_[i].refresh();
}

// States, in MuJoCo's layout.

void LanePhysics::pose_simulation(int index) const {
  const HumanModel& h = world_.model;
  const DynamicsTile& tile = tile_of(index).dynamics;
  const int lane = index % kLanes;
  mjData* d = simulation_.get();
  mj_resetData(h.mujoco(), d);
  d->time = tile_of(index).time[lane];
  std::copy_n(views_[index].qpos().begin(), h.mujoco()->nq, d->qpos);
  std::copy_n(views_[index].qvel().begin(), h.mujoco()->nv, d->qvel);
  for (int i = 0; i < h.mujoco()->nv; ++i) {
    d->qacc_warmstart[i] = Wide(tile.coupling[i] * tile.acceleration[h.dof_coordinate[i]] + tile.coupling_rate[i])[lane];
  }
  for (int c = 0; c < h.num_coordinates(); ++c) d->qfrc_applied[h.coordinate_dof[c]] = tile.applied[c][lane];
}

int LanePhysics::state_size() const {
  const HumanModel& h = world_.model;
  return mj_stateSize(h.mujoco(), mjSTATE_INTEGRATION) + h.num_coordinates() + static_cast<int>(h.feet.size());
}

void LanePhysics::save(int index, double* state) const {
  const HumanModel& h = world_.model;
  const DynamicsTile& tile = tile_of(index).dynamics;
  pose_simulation(index);
  mj_getState(h.mujoco(), simulation_.get(), state, mjSTATE_INTEGRATION);
  state += mj_stateSize(h.mujoco(), mjSTATE_INTEGRATION);
  for (Wide x : tile.constraint) *state++ = x[index % kLanes];
  for (Wide x : tile.foot_force) *state++ = x[index % kLanes];
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
  for (int c = 0; c < h.num_coordinates(); ++c) {
    tile.dynamics.acceleration[c].set(lane, d->qacc_warmstart[h.coordinate_dof[c]]);
    tile.dynamics.applied[c].set(lane, d->qfrc_applied[h.coordinate_dof[c]]);
  }
  for (Wide& x : tile.dynamics.constraint) x.set(lane, *state++);
  for (Wide& x : tile.dynamics.foot_force) x.set(lane, *state++);
  update(tile);
  views_[index].refresh();
}

// What terms see.

LanePhysics::View::View(const HumanModel& model, const Tile& tile, int lane)
    : HumanView(model), tile_(&tile), lane_(lane), qpos_(model.mujoco()->nq), qvel_(model.mujoco()->nv),
      positions_(model.num_coordinates()), foot_forces_(model.feet.size()) {
  refresh();
}

void LanePhysics::View::refresh() {
  const DynamicsTile& t = tile_->dynamics;
  for (std::size_t i = 0; i < qpos_.size(); ++i) qpos_[i] = t.qpos[i][lane_];
  for (std::size_t i = 0; i < qvel_.size(); ++i) {
    qvel_[i] = Wide(t.coupling[i] * t.velocity[model().dof_coordinate[i]])[lane_];
  }
  for (std::size_t f = 0; f < foot_forces_.size(); ++f) foot_forces_[f] = t.foot_force[f][lane_];
  model().positions(qpos_.data(), positions_.data());
}

namespace {

Vec3 of_lane(const Wide3& v, int lane) { return {v.x[lane], v.y[lane], v.z[lane]}; }

}  // namespace

Vec3 LanePhysics::View::body_place(int body) const { return of_lane(soleus::body_place(tile_->dynamics, body), lane_); }
std::array<double, 4> LanePhysics::View::body_turn(int body) const {
  const WideQuat q = soleus::body_turn(tile_->dynamics, body);
  return {q.w[lane_], q.x[lane_], q.y[lane_], q.z[lane_]};
}
Vec3 LanePhysics::View::body_velocity(int body) const { return of_lane(soleus::body_velocity(tile_->dynamics, body), lane_); }
Vec3 LanePhysics::View::body_rate(int body) const { return of_lane(soleus::body_rate(tile_->dynamics, body), lane_); }
Vec3 LanePhysics::View::com() const { return of_lane(tile_->com, lane_); }
Vec3 LanePhysics::View::com_velocity() const { return of_lane(tile_->com_velocity, lane_); }
double LanePhysics::View::activation(int) const { return 0.0; }
double LanePhysics::View::metabolic_power() const { return 0.0; }

}  // namespace soleus
