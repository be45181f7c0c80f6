// Of Shard: noise and delay of what is seen and of what is asked of the body.
#include <algorithm>
#include <cmath>

#include "rollout/shard.h"

namespace soleus {

// Makes room for what a human's nerves are on the way with; none without noise and delay.
void Shard::make_nerves(int human) {
  const HumanModel& h = world_.model;
  const NoiseData& noise = world_.task.data().noise;
  Episode& s = humans_[human];
  Command& command = commands_[human];
  if (noise.observation_delay > 0) {
    const std::size_t sides = world_.control.mirror ? 2 : 1;
    s.seen = {world_.observation_delay().steps + 1, sides * world_.task.observation_size()};
  }
  if (noise.motor_delay > 0) {
    const Delay delay = world_.motor_delay();
    const bool excitations = world_.control.mode == Control::kExcitation;
    command.earlier.resize(excitations ? h.num_muscles() : h.num_coordinates());
    command.arrival = delay.substeps;
    s.asked = {delay.steps + (delay.substeps > 0 ? 2 : 1), command.earlier.size()};
  }
  if (noise.motor > 0) {
    s.deviation.assign(world_.noisy_muscles() + world_.noisy_torques(), 0.0);
    command.noise = s.deviation;
  }
  normals_.resize(std::max<std::size_t>(noise.observation > 0 ? world_.task.observation_size() : 0, s.deviation.size()));
}

// As an episode begins: it has looked like this for long, and the pose that it begins with has been asked for.
void Shard::rest_nerves(int human) {
  Episode& s = humans_[human];
  if (world_.task.data().noise.observation_delay > 0) {
    keep_sight(human, scene(human));
    s.seen.fill();
  }
  if (world_.task.data().noise.motor_delay == 0) return;
  const bool excitations = world_.control.mode == Control::kExcitation;
  if (!excitations) pose_target(human, nullptr);
  const std::vector<double>& first = excitations ? commands_[human].activation : commands_[human].target;
  std::copy(first.begin(), first.end(), s.asked.advance().begin());
  s.asked.fill();
}

// Within a control step, so long before its end as what is seen is older than whole control steps.
void Shard::sense(int human) {
  const Episode& s = humans_[human];
  if (physics_->diverged(human)) return;
  Kinematics now = s.kinematics;  // whose heading stays where there is none
  measure(physics_->human(human), now);
  const double before_end = world_.observation_delay().substeps * world_.model.mujoco()->opt.timestep;
  keep_sight(human, scene(human, now, time(s) + world_.control_dt() - before_end));
}

// Keeps what there is to see until it is seen. Which side the policy sees as which is known only then.
void Shard::keep_sight(int human, Scene here) {
  if (world_.task.data().noise.observation_delay == 0) return;
  float* out = humans_[human].seen.advance().data();
  for (bool mirrored : {false, true}) {
    if (mirrored && !world_.control.mirror) break;
    here.mirrored = mirrored;
    world_.task.observe(here, out);
    out += world_.task.observation_size();
  }
}

// Writes what the policy sees: of what nerves sense, what they have brought so far.
void Shard::observe(int human, const Scene& here, float* out) {
  Episode& s = humans_[human];
  const NoiseData& noise = world_.task.data().noise;
  world_.task.observe(here, out);
  if (noise.observation_delay > 0) {
    const int size = world_.task.observation_size();
    const float* then = s.seen.row(world_.observation_delay().steps).data() + (here.mirrored ? size : 0);
    for (int c : world_.task.sensed()) out[c] = then[c];
  }
  if (noise.observation > 0) {
    Draw(key(human), Stream::kObservation, s.step).normals({normals_.data(), world_.task.sensed().size()});
    std::size_t drawn = 0;
    for (int c : world_.task.sensed()) out[c] += static_cast<float>(noise.observation) * normals_[drawn++];
  }
}

// Draws the motor noise of a control step.
void Shard::disturb(int human) {
  Episode& s = humans_[human];
  const NoiseData& noise = world_.task.data().noise;
  const std::span<float> drawn{normals_.data(), s.deviation.size()};
  Draw(key(human), Stream::kMotor, s.step).normals(drawn);
  go_on(s.deviation, drawn, s.step > 0 ? kept_share(noise, world_.control_dt()) : 0.0);
  for (std::size_t i = 0; i < s.deviation.size(); ++i) commands_[human].noise[i] = noise.motor * s.deviation[i];
}

// Puts in place of what a control step asks for what arrives in it. Where nothing moves a coordinate, nothing is asked of it.
void Shard::delay_command(int human) {
  Episode& s = humans_[human];
  Command& command = commands_[human];
  const Delay delay = world_.motor_delay();
  const bool excitations = world_.control.mode == Control::kExcitation;
  std::vector<double>& now = excitations ? command.activation : command.target;
  std::copy(now.begin(), now.end(), s.asked.advance().begin());
  command.earlier = now;
  auto take = [&](std::vector<double>& to, int ago) {
    const auto from = s.asked.row(ago);
    for (std::size_t m = 0; excitations && m < to.size(); ++m) to[m] = from[m];
    for (int c : world_.model.actuated) {
      if (!excitations) to[c] = from[c];
    }
  };
  take(now, delay.steps);
  if (delay.substeps > 0) take(command.earlier, delay.steps + 1);
}

}  // namespace soleus
