// Of Shard: what a control step asks of its humans.
#include <algorithm>
#include <cmath>
#include <limits>

#include "rollout/shard.h"

namespace soleus {

// Makes the motion faster or slower in this control step; a lap begins when it would without any such action.
void Shard::shift_phase(Episode& s, float action) const {
  const double dt = world_.control_dt(), steady = s.start_time + (s.step + 1) * dt;
  s.drift += world_.control.phase_scale * std::clamp(action, -1.0f, 1.0f) * dt;
  const double lap = motion(s)->duration(), begin = std::floor(steady / lap) * lap;
  s.drift = std::clamp(s.drift, begin - steady, std::nextafter(begin + lap, begin) - steady);
}

// kp (target - q) + kd (velocity - v) = kp (target + kd / kp velocity - q) - kd v: a pose that leads the motion damps
// towards its velocity.
void Shard::lead(ReferenceFrame& frame) {
  for (std::size_t d = 0; d < lead_.size(); ++d) lead_velocity_[d] = lead_[d] * frame.qvel[d];
  mj_integratePos(world_.model.mujoco(), frame.qpos.data(), lead_velocity_.data(), 1.0);
}

void Shard::pose_target(int human, const float* action) {
  const HumanModel& h = model_of(human);
  Command& command = commands_[human];
  const double* base = h.qpos_rest.data();
  const Motion* motion = this->motion(human);
  if (motion) {
    // The pose to be reached by the end of this control step.
    motion->sample(time(humans_[human]) + world_.control_dt(), reference_);
    if (world_.control.follow_velocity) lead(reference_);
    base = reference_.qpos.data();
  }
  h.positions(base, command.target.data());
  if (!motion) {
    // Nothing says where the root should be, so it is where it should be.
    const auto positions = physics_->human(human).positions();
    for (int c = 0; c < h.num_coordinates(); ++c) {
      if (h.coordinate_actuated()[c] < 0) command.target[c] = positions[c];
    }
  }
  for (int k = 0; action && k < h.num_actuated(); ++k) {
    const int source = command.mirrored ? h.mirror_actuated()[k] : k;
    const double sign = command.mirrored ? h.mirror_actuated_sign()[k] : 1.0;
    command.target[h.actuated[k]] += world_.control.action_scale * sign * std::clamp(action[source], -1.0f, 1.0f);
  }
}

void Shard::prepare(int human, const RolloutViews& views, std::size_t t) {
  Episode& s = humans_[human];
  Command& command = commands_[human];
  // Rows that are not reached, since the human diverges before, are those of no state.
  for (int k = 0; views.trace && k < world_.control.substeps; ++k) {
    std::fill_n(views.trace.at(t * world_.control.substeps + k, first_ + human), views.trace.cols,
                std::numeric_limits<double>::quiet_NaN());
  }
  const float* action = views.actions.at(t, first_ + human);
  const double u = Draw(key(human), Stream::kSubstep, s.step).uniform();
  const int interval = world_.control.interval;
  command.sampled_substep = interval * static_cast<int>(u * ((world_.control.substeps + interval - 1) / interval));
  command.motors = action + world_.muscle_actions();
  const double begin = time(s);
  if (world_.control.phase_scale > 0) shift_phase(s, action[world_.action_size() - 1]);
  ask_devices(command, action + world_.device_actions_adr());
  pace_devices(human, begin);
  if (!world_.task.data().pushes.empty()) push(human);
  if (world_.control.mode != Control::kExcitation) pose_target(human, action);
  for (std::size_t m = 0; m < command.activation.size() && world_.control.mode == Control::kExcitation; ++m) {
    const int source = command.mirrored ? world_.model.mirror_muscle[m] : static_cast<int>(m);
    command.activation[m] = 0.5 * (std::clamp(action[source], -1.0f, 1.0f) + 1.0);
  }
  if (world_.task.data().noise.motor_delay > 0) delay_command(human);
  if (world_.task.data().noise.motor > 0) disturb(human);
}

// Begins and ends pushes.
void Shard::push(int human) {
  Episode& s = humans_[human];
  const std::array<double, 2> heading{s.kinematics.heading_cos, s.kinematics.heading_sin};
  if (!advance_push(world_.task.data().pushes, key(human), s.step, heading, world_.model.planar(), s.push)) return;
  physics_->push(human, world_.task.data().pushes.body, {s.push.force[0], s.push.force[1], 0});
}

void Shard::ask_devices(Command& command, const float* action) const {
  for (const Device& device : world_.control.exoskeleton.devices) {
    if (device.drive != Drive::kAction) continue;
    const double sign = command.mirrored ? device.mirror_sign : 1.0;
    const int source = command.mirrored ? device.mirror_action : device.action;
    command.assistance.actions[device.action] = sign * std::clamp(action[source], -1.0f, 1.0f);
  }
}

// Tells devices where in the gait cycle a control step begins, and how fast it goes on. begin: the motion's time then [s],
// before an action made it faster or slower in this step.
void Shard::pace_devices(int human, double begin) {
  const Episode& s = humans_[human];
  const Motion* motion = this->motion(s);
  if (!motion || world_.control.exoskeleton.empty()) return;
  Assistance& assistance = commands_[human].assistance;
  assistance.clip = s.clip;
  assistance.phase = motion->phase(begin);
  assistance.pace = (time(s) + world_.control_dt() - begin) / motion->duration() / world_.control.substeps;
}

}  // namespace soleus
