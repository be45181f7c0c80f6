#include "rollout/lane_physics.h"

#include "base/error.h"
#include "control/coordination.h"
#include "control/wide_coordination.h"
#include "control/wide_stable_pd.h"
#include "dynamics/kinematics.h"
#include "dynamics/step.h"

namespace soleus {

LanePhysics::Tile::Tile(const World& world) : dynamics(world.lanes->dynamics) {
  const HumanModel& h = world.model;
  const Wide zero(0.0);
  target.assign(h.num_coordinates(), zero);
  for (auto* of_joints : {&torque, &passive, &wanted, &residual}) of_joints->assign(h.num_actuated(), zero);
  for (auto* of_muscles : {&desired, &step}) of_muscles->assign(h.num_muscles(), zero);
  moments.assign(h.num_crossings(), zero);
  if (world.task.data().noise.motor > 0) {
    noise.assign(world.noisy_muscles() + world.noisy_torques(), zero);
    noisy = desired;
  }
  for (auto* of_devices : {&device, &beside}) of_devices->assign(world.control.exoskeleton.count(), zero);
  sample = {moments, torque, torque, torque, torque, torque, desired};
  if (world.lanes->muscles) muscles.emplace(*world.lanes->muscles);
}

LanePhysics::LanePhysics(const World& world, int first, const Models& models, std::vector<Command>& commands,
                         SectionClock& clock, Sense sense)
    : world_(world), first_(first), models_(models), commands_(commands), clock_(clock), sense_(std::move(sense)),
      sensed_substep_(world.sensed_substep()), arrival_(world.motor_delay().substeps),
      simulation_(mj_makeData(world.model.mujoco())) {
  require(simulation_ != nullptr, "expected memory for one more simulation");
  const HumanModel& h = world.model;
  at_rest_.assign(h.mujoco()->nv, 0.0);
  kept_.assign(h.num_coordinates(), Wide(0.0));
  moments_.resize(h.num_crossings());
  for (auto* of_joints : {&torque_, &passive_, &wanted_, &residual_, &least_}) of_joints->resize(h.num_actuated());
  const int count = static_cast<int>(commands.size());
  for (int i = 0; i < count; i += kLanes) {
    tiles_.push_back(std::make_unique<Tile>(world));
  }
  for (int i = 0; i < count && !world.variants.empty(); ++i) {
    const LaneModel& variant = *world.variants[world.variant_of[first + i]].lanes;
    tile_of(i).dynamics.give(i % kLanes, variant.dynamics);
    if (variant.muscles) tile_of(i).muscles->give(i % kLanes, *variant.muscles);
  }
  for (const auto& tile : tiles_) {
    if (!world.task.data().pushes.empty()) tile->dynamics.pushes.assign(6 * h.mujoco()->nbody, Wide(0.0));
    update(*tile);
  }
  views_.reserve(count);
  for (int i = 0; i < count; ++i) views_.emplace_back(*models[i], *tiles_[i / kLanes], i % kLanes);
}

void LanePhysics::renumber(int index) {
  Tile& tile = tile_of(index);
  const ConditionData& conditions = world_.conditions;
  const bool muscles = tile.muscles && conditions.change_muscles();
  if (muscles && conditions.change_strengths_alone()) {
    tile.muscles->give_strengths(index % kLanes, *models_[index]);
  } else if (muscles && !conditions.change_anatomy()) {
    tile.muscles->give_forces(index % kLanes, *models_[index]);
  }
  if (!conditions.change_bodies()) return;
  const LaneModel own(*models_[index], muscles && conditions.change_anatomy());
  tile.dynamics.give(index % kLanes, own.dynamics);
  if (own.muscles) tile.muscles->give(index % kLanes, *own.muscles);
}

void LanePhysics::push(int index, int body, const Vec3& force) {
  LaneArray<Wide>& pushes = tile_of(index).dynamics.pushes;
  for (int i = 0; i < 3; ++i) pushes[6 * body + i].set(index % kLanes, force[i]);
}

void LanePhysics::reserve(const Mlp* muscle) {
  if (!muscle) return;
  input_.assign(static_cast<std::size_t>(muscle->input_stride()) * Mlp::kTile, 0.0f);
  output_.assign(static_cast<std::size_t>(muscle->output_stride()) * Mlp::kTile, 0.0f);
  scratch_.assign(muscle->scratch_size(), 0.0f);
}

void LanePhysics::update(Tile& tile) {
  update_positions(tile.dynamics);
  if (tile.muscles) update_muscles(*tile.muscles, tile.dynamics);
  measure(tile);
}

void LanePhysics::measure(Tile& tile) {
  const auto [com, velocity] = center_of_mass(tile.dynamics);
  tile.com = com;
  tile.com_velocity = velocity;
  if (tile.muscles) tile.metabolic = soleus::metabolic_power(*tile.muscles);
}

void LanePhysics::place(int index, std::span<const double> qpos, std::span<const double> qvel) {
  Tile& tile = tile_of(index);
  const int lane = index % kLanes;
  tile.dynamics.set(lane, qpos, qvel);
  tile.time.set(lane, 0.0);
  if (!tile.muscles) return;
  const auto& rest = views_[index].model().ctrl_rest;
  for (std::size_t k = 0; k < tile.desired.size(); ++k) {
    const int control = tile.muscles->model->muscles()[k].control;
    tile.muscles->activation[k].set(lane, 0.0);
    tile.muscles->excitation[k].set(lane, rest.empty() || control < 0 ? 0.0 : rest[control]);
  }
}

WideMask LanePhysics::lanes_of(int number, std::span<const int> indices) const {
  WideMask lanes = no_lane();
  for (int index : indices) {
    if (index / kLanes == number) lanes = lanes | one_lane(index % kLanes);
  }
  return lanes;
}

void LanePhysics::settle(std::span<const int> indices) {
  for (int number = 0; number < static_cast<int>(tiles_.size()); ++number) {
    const WideMask lanes = lanes_of(number, indices);
    if (!any(lanes)) continue;
    Tile& tile = *tiles_[number];
    update(tile);
    // The forces of others were those of their last step, and stay so.
    kept_ = tile.dynamics.applied;
    for (Wide& force : tile.dynamics.applied) force = Wide(0.0);
    if (tile.muscles) pull_muscles(*tile.muscles, tile.dynamics.applied);
    find_forces(tile.dynamics, lanes);
    tile.dynamics.applied = kept_;
  }
  for (int index : indices) views_[index].refresh();
}

void LanePhysics::hold(std::span<const int> indices) {
  for (int number = 0; number < static_cast<int>(tiles_.size()); ++number) {
    const WideMask lanes = lanes_of(number, indices);
    if (!any(lanes)) continue;
    Tile& tile = *tiles_[number];
    for (int i = begin(number); i < end(number); ++i) {
      if (!lanes[i - begin(number)]) continue;
      for (std::size_t c = 0; c < tile.target.size(); ++c) tile.target[c].set(i - begin(number), commands_[i].target[c]);
    }
    stable_pd(tile.dynamics, tile.target, tile.torque);
    relieve(number, 0);
    find_wanted(tile);
    for (Wide& activation : tile.desired) activation = Wide(0.0);
    static_optimization(world_.model, tile.moments, tile.wanted, world_.effort, kColdSweeps, tile.desired,
                        tile.residual, tile.step);
    const auto& muscles = tile.muscles->model->muscles();
    for (std::size_t k = 0; k < tile.desired.size(); ++k) {
      Wide &excitation = tile.muscles->excitation[k], &activation = tile.muscles->activation[k];
      excitation = select(lanes, tile.desired[k], excitation);
      if (muscles[k].stateful) activation = select(lanes, tile.desired[k], activation);
      for (int i = begin(number); i < end(number); ++i) {
        if (lanes[i - begin(number)]) commands_[i].activation[k] = tile.desired[k][i - begin(number)];
      }
    }
    measure(tile);
  }
}

// Lanes without a human stand still: what falls for long runs through more contacts than anybody.
void LanePhysics::rest_idle_lanes(int number) {
  DynamicsTile& tile = tiles_[number]->dynamics;
  for (int lane = end(number) - begin(number); lane < kLanes; ++lane) tile.set(lane, world_.model.qpos_rest, at_rest_);
}

void LanePhysics::run(const RolloutViews& views, std::size_t t, const Mlp* muscle) {
  const int count = static_cast<int>(tiles_.size());
  for (int number = 0; number < count; ++number) {
    rest_idle_lanes(number);
    load_commands(number);
    tiles_[number]->exertion = {};
  }
  clock_.mark(Section::kPolicy);
  if (world_.control.mode == Control::kMuscle && world_.control.method == Method::kNetwork) {
    constexpr int kGroup = Mlp::kTile / kLanes;
    for (int first = 0; first < count; first += kGroup) run_group(first, std::min(count, first + kGroup), views, t, *muscle);
  } else {
    for (int number = 0; number < count; ++number) run_tile(number, views, t);
  }
  for (int number = 0; number < count; ++number) {
    if (world_.control.mode == Control::kMuscle) record(number, views, t);
    store(number);
  }
}

void LanePhysics::store(int number) {
  Tile& tile = *tiles_[number];
  measure(tile);
  for (int i = begin(number); i < end(number); ++i) {
    views_[i].refresh();
    views_[i].exert(1.0 / world_.control.substeps);
    for (std::size_t k = 0; k < tile.desired.size(); ++k) commands_[i].activation[k] = tile.desired[k][i - begin(number)];
  }
}

void LanePhysics::run_tile(int number, const RolloutViews& views, std::size_t t) {
  Tile& tile = *tiles_[number];
  const ControlData& control = world_.control;
  for (int k = 0; k < control.substeps; ++k) {
    if (k > 0 && k == arrival_) load_arrived(number, k);
    if (control.mode == Control::kTorque) {
      ask_torque(number, k);
      clock_.mark(Section::kTorque);
    } else if (control.mode == Control::kMuscle && k % control.interval == 0) {
      ask_torque(number, k);
      clock_.mark(Section::kTorque);
      find_wanted(tile);
      clock_.mark(Section::kMuscles);
      static_optimization(world_.model, tile.moments, tile.wanted, world_.effort, control.sweeps, tile.desired,
                          tile.residual, tile.step);
      activate(tile);
      take_samples(number, k);
      clock_.mark(Section::kCoordination);
    }
    advance(number, k, views, t);
  }
}

// The devices' torques at substep k; `of`, (na) over the coordinates that are actuated, has what proportions are shares of.
template <class Torque>
void LanePhysics::assist(int number, int k, bool proportions, Torque&& of) {
  const std::vector<Device>& devices = world_.control.exoskeleton.devices;
  LaneArray<Wide>& torque = tiles_[number]->device;
  for (std::size_t d = 0; d < devices.size(); ++d) {
    if (devices[d].drive == Drive::kProportion && !proportions) continue;
    const Wide whole = of(devices[d].actuated);
    for (int i = begin(number); i < end(number); ++i) {
      const int lane = i - begin(number);
      torque[d].set(lane, devices[d].torque(commands_[i].assistance, k, whole[lane]));
    }
  }
}

// Takes off the torque of stable PD what devices give of it.
void LanePhysics::relieve(int number, int k) {
  Tile& tile = *tiles_[number];
  assist(number, k, true, [&](int a) { return tile.torque[a]; });
  const std::vector<Device>& devices = world_.control.exoskeleton.devices;
  for (std::size_t d = 0; d < devices.size(); ++d) tile.torque[devices[d].actuated] -= tile.device[d];
}

// Adds the devices' torques to the forces on the coordinates, which have all others of the human's.
void LanePhysics::wear(int number, int k) {
  Tile& tile = *tiles_[number];
  const HumanModel& h = world_.model;
  const std::vector<Device>& devices = world_.control.exoskeleton.devices;
  LaneArray<Wide>& applied = tile.dynamics.applied;
  // Where muscles were relieved of it the share of the wanted torque is known, and stays until they are asked again.
  const bool relieved = world_.control.mode == Control::kMuscle;
  if (!relieved || k % world_.control.interval != 0) {
    assist(number, k, !relieved, [&](int a) { return applied[h.actuated[a]]; });
  }
  for (std::size_t d = 0; d < devices.size(); ++d) {
    Wide& force = applied[h.actuated[devices[d].actuated]];
    tile.beside[d] = force;
    force += tile.device[d];
  }
}

// What of the torque the muscles have to make beside their passive torque.
void LanePhysics::find_wanted(Tile& tile) {
  muscle_torques(*tile.muscles, tile.moments, tile.passive);
  for (std::size_t c = 0; c < tile.torque.size(); ++c) tile.wanted[c] = tile.torque[c] - tile.passive[c];
  for (int k : world_.model.direct) tile.wanted[k] = Wide(0.0);
  for (int s : world_.model.direct_crossings()) tile.moments[s] = Wide(0.0);
}

// Tiles that are one tile of the network, in lockstep.
void LanePhysics::run_group(int first, int last, const RolloutViews& views, std::size_t t, const Mlp& muscle) {
  const ControlData& control = world_.control;
  for (int k = 0; k < control.substeps; ++k) {
    for (int number = first; number < last && k > 0 && k == arrival_; ++number) load_arrived(number, k);
    if (k % control.interval == 0) {
      for (int number = first; number < last; ++number) ask_network(number, k, (number - first) * kLanes, muscle);
      muscle.forward(input_.data(), output_.data(), scratch_.data());
      for (int number = first; number < last; ++number) {
        follow_network(number, (number - first) * kLanes, muscle);
        take_samples(number, k);
      }
      clock_.mark(Section::kCoordination);
    }
    for (int number = first; number < last; ++number) advance(number, k, views, t);
  }
}

WideMask LanePhysics::mirrored_lanes(int number) const {
  WideMask lanes = no_lane();
  for (int i = begin(number); i < end(number); ++i) {
    if (commands_[i].mirrored) lanes = lanes | one_lane(i - begin(number));
  }
  return lanes;
}

void LanePhysics::ask_network(int number, int k, int row, const Mlp& muscle) {
  Tile& tile = *tiles_[number];
  ask_torque(number, k);
  clock_.mark(Section::kTorque);
  find_wanted(tile);
  clock_.mark(Section::kMuscles);
  write_network_inputs(world_.model, tile.moments, tile.wanted, mirrored_lanes(number), end(number) - begin(number),
                       input_.data() + static_cast<std::size_t>(row) * muscle.input_stride(), muscle.input_stride());
  clock_.mark(Section::kCoordination);
}

void LanePhysics::follow_network(int number, int row, const Mlp& muscle) {
  Tile& tile = *tiles_[number];
  read_network_outputs(world_.model, output_.data() + static_cast<std::size_t>(row) * muscle.output_stride(),
                       muscle.output_stride(), mirrored_lanes(number), end(number) - begin(number), tile.desired);
  activate(tile);
}

// Keeps the muscles of the humans whose sampled substep this is.
void LanePhysics::take_samples(int number, int k) {
  Tile& tile = *tiles_[number];
  WideMask now = no_lane();
  for (int i = begin(number); i < end(number); ++i) {
    if (k == commands_[i].sampled_substep) now = now | one_lane(i - begin(number));
  }
  if (!any(now)) return;
  auto keep = [&](LaneArray<Wide>& kept, const LaneArray<Wide>& values) {
    for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = select(now, values[i], kept[i]);
  };
  keep(tile.sample.moments, tile.moments);
  keep(tile.sample.torque, tile.torque);
  keep(tile.sample.passive, tile.passive);
  keep(tile.sample.wanted, tile.wanted);
  keep(tile.sample.residual, tile.residual);
  keep(tile.sample.activation, tile.desired);
}

void LanePhysics::record(int number, const RolloutViews& views, std::size_t t) {
  if (!views.residual_sums && !views.moments) return;
  Tile& tile = *tiles_[number];
  Tile::Sample& sample = tile.sample;
  const bool network = world_.control.method == Method::kNetwork;
  if (network) {
    torque_residual(world_.model, sample.moments, sample.wanted, sample.activation, sample.residual);
    static_optimization(world_.model, sample.moments, sample.wanted, world_.effort, kLeastResidualSweeps,
                        sample.activation, sample.least, tile.step);
  }
  const LaneArray<Wide>& least = network ? sample.least : sample.residual;
  for (int i = begin(number); i < end(number); ++i) {
    if (diverged(i)) continue;
    const int lane = i - begin(number);
    for (std::size_t s = 0; s < moments_.size(); ++s) moments_[s] = sample.moments[s][lane];
    for (std::size_t c = 0; c < torque_.size(); ++c) {
      torque_[c] = sample.torque[c][lane];
      passive_[c] = sample.passive[c][lane];
      wanted_[c] = sample.wanted[c][lane];
      residual_[c] = sample.residual[c][lane];
      least_[c] = least[c][lane];
    }
    record_muscles(world_.model, commands_[i].mirrored, {moments_, torque_, passive_, wanted_, residual_, least_}, views, t,
                   first_ + i);
  }
  clock_.mark(Section::kCoordination);
}

void LanePhysics::advance(int number, int k, const RolloutViews& views, std::size_t t) {
  Tile& tile = *tiles_[number];
  DynamicsTile& dynamics = tile.dynamics;
  const HumanModel& h = world_.model;
  for (Wide& force : dynamics.applied) force = Wide(0.0);
  if (world_.control.mode == Control::kTorque) {
    for (int a = 0; a < h.num_actuated(); ++a) dynamics.applied[h.actuated[a]] = tile.torque[a];
  } else {
    pull_muscles(*tile.muscles, dynamics.applied);
    add_exertion(*tile.muscles, tile.exertion);
    for (int a : h.direct) {
      if (world_.control.mode != Control::kMuscle) continue;
      dynamics.applied[h.actuated[a]] += tile.torque[a];
      tile.exertion.torque += abs(tile.torque[a]);
    }
    clock_.mark(Section::kMuscles);
  }
  wear(number, k);
  push_bodies(dynamics, dynamics.applied);
  step(dynamics);
  tile.time += Wide(world_.lanes->dynamics.timestep());
  clock_.mark(Section::kPhysics);
  if (tile.muscles) {
    activate_muscles(*tile.muscles, world_.lanes->dynamics.timestep());
    update_muscles(*tile.muscles, dynamics);
    clock_.mark(Section::kMuscles);
  }
  if (views.trace) trace(number, k, views, t);
  if (k == sensed_substep_) show(number);
}

// Lets the state be sensed that a substep has led to.
void LanePhysics::show(int number) {
  measure(*tiles_[number]);
  for (int i = begin(number); i < end(number); ++i) {
    views_[i].refresh();
    sense_(i);
  }
  clock_.mark(Section::kTerms);
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

void LanePhysics::View::exert(double share) {
  const WideExertion& sums = tile_->exertion;
  exertion_ = {share * sums.activation[lane_], share * sums.squared[lane_], share * sums.by_mass[lane_],
               share * sums.squared_by_mass[lane_], share * sums.torque[lane_]};
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

double LanePhysics::View::activation(int muscle) const {
  if (!tile_->muscles) return 0.0;
  const LaneMuscles& m = *tile_->muscles;
  return (m.model->muscles()[muscle].stateful ? m.activation : m.excitation)[muscle][lane_];
}

double LanePhysics::View::tension(int muscle) const {
  return tile_->muscles ? soleus::tension(*tile_->muscles, muscle)[lane_] : 0.0;
}

}  // namespace soleus
