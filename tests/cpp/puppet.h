// A small planar walker with two muscles and a driven joint, built without Python.
#pragma once

#include <memory>

#include "rollout/rollout.h"

namespace puppet {

inline constexpr const char* kXml = R"(
<mujoco>
  <option timestep="0.002"/>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 1" contype="0" conaffinity="1"/>
    <body name="pelvis" pos="0 0 1">
      <joint name="x" type="slide" axis="1 0 0"/>
      <joint name="z" type="slide" axis="0 0 1"/>
      <joint name="tilt" type="hinge" axis="0 1 0"/>
      <geom type="sphere" size="0.15" mass="40" contype="0" conaffinity="0"/>
      <site name="hip_r" pos="0.06 -0.1 0"/> <site name="hip_l" pos="0.06 0.1 0"/>
      <body name="leg_r" pos="0 -0.1 0">
        <joint name="hip_r" type="hinge" axis="0 1 0" range="-60 60" limited="true"/>
        <geom type="capsule" fromto="0 0 0 0 0 -0.9" size="0.05" mass="10" contype="1" conaffinity="0"/>
        <site name="leg_r" pos="0.06 0 -0.3"/>
        <geom name="ankle_r" type="capsule" fromto="0 0.07 -0.7 0 0.07 -0.8" size="0.05" mass="0" contype="0" conaffinity="0"/>
        <body name="pad_r" pos="0.05 0 -0.4"><joint name="pad_r" type="slide" axis="1 0 0"/>
          <geom type="sphere" size="0.02" mass="0.1" contype="0" conaffinity="0"/></body>
      </body>
      <body name="leg_l" pos="0 0.1 0">
        <joint name="hip_l" type="hinge" axis="0 1 0" range="-60 60" limited="true"/>
        <geom type="capsule" fromto="0 0 0 0 0 -0.9" size="0.05" mass="10" contype="1" conaffinity="0"/>
        <site name="leg_l" pos="0.06 0 -0.3"/>
        <geom name="ankle_l" type="capsule" fromto="0 -0.07 -0.7 0 -0.07 -0.8" size="0.05" mass="0" contype="0" conaffinity="0"/>
        <body name="pad_l" pos="0.05 0 -0.4"><joint name="pad_l" type="slide" axis="1 0 0"/>
          <geom type="sphere" size="0.02" mass="0.1" contype="0" conaffinity="0"/></body>
      </body>
    </body>
  </worldbody>
  <tendon>
    <spatial name="flexor_r"><site site="hip_r"/><site site="leg_r"/></spatial>
    <spatial name="flexor_l"><site site="hip_l"/><site site="leg_l"/></spatial>
  </tendon>
  <actuator>
    <muscle name="flexor_r" tendon="flexor_r" force="800" lengthrange="0.2 0.5"/>
    <muscle name="flexor_l" tendon="flexor_l" force="800" lengthrange="0.2 0.5"/>
  </actuator>
  <contact><pair geom1="ankle_r" geom2="ankle_l" condim="4"/></contact>
  <equality>
    <joint joint1="pad_r" joint2="hip_r" polycoef="0 0.05 0.01 0 0"/>
    <joint joint1="pad_l" joint2="hip_l" polycoef="0 0.05 0.01 0 0"/>
  </equality>
</mujoco>)";

struct ModelOwner {
  mjModel* model;
  ~ModelOwner() { mj_deleteModel(model); }
};

inline const mjModel* model() {
  static const ModelOwner owner = [] {
    mjVFS vfs;
    mj_defaultVFS(&vfs);
    mj_addBufferVFS(&vfs, "puppet.xml", kXml, static_cast<int>(std::char_traits<char>::length(kXml)));
    char error[500] = "";
    ModelOwner made{mj_loadXML("puppet.xml", &vfs, error, sizeof error)};
    mj_deleteVFS(&vfs);
    if (!made.model) std::fprintf(stderr, "%s\n", error);
    return made;
  }();
  return owner.model;
}

// Dofs: x, z, tilt, hip_r, pad_r, hip_l, pad_l. Coordinates: x, z, tilt, hip_r, hip_l.
inline soleus::HumanDescription data() {
  soleus::HumanDescription h;
  h.dof_coordinate = {0, 1, 2, 3, 3, 4, 4};
  h.dof_coupled = {false, false, false, false, true, false, true};
  h.dof_polynomial.assign(7 * 5, 0.0);
  for (int dof : {4, 6}) {
    h.dof_polynomial[5 * dof + 1] = 0.05;
    h.dof_polynomial[5 * dof + 2] = 0.01;
  }
  h.coordinate_dof = {0, 1, 2, 3, 5};
  h.actuated = {3, 4};
  h.kp = {200, 200};
  h.kd = {20, 20};
  h.torque_limit = {150, 150};
  h.muscle_actuator = {0, 1};
  h.crossing_adr = {0, 1, 2};
  h.crossing = {0, 1};
  h.root_body = 1;
  h.head_body = 1;
  h.root_height = 1.0;
  h.head_height = 1.0;
  h.tracked_bodies = {2, 4};
  h.end_effectors = {2, 4};
  h.feet = {{2}, {4}};
  h.mirror_coordinate = {0, 1, 2, 4, 3};
  h.mirror_sign = {1, 1, 1, 1, 1};
  h.mirror_muscle = {1, 0};
  h.mirror_tracked = {1, 0};
  h.qpos_rest.assign(7, 0.0);
  return h;
}

inline std::unique_ptr<soleus::HumanModel> human() { return std::make_unique<soleus::HumanModel>(model(), data()); }

// A muscle of each hip as a polyline: pelvis, a waypoint between pelvis and leg, leg; places as in the tendons above.
inline soleus::PolylineData polylines(bool spread = false) {
  soleus::PolylineData p;
  p.max_force = {800, 800};
  p.optimal = {1.0, 1.0};
  p.slack = {0.2, 0.2};
  p.adr = {0, 3, 6};
  p.body = {1, -1, 2, 1, 2, -1, 1, -1, 4, 1, 4, -1};
  for (double side : {-0.1, 0.1}) {
    p.local.insert(p.local.end(), {0.06, side, 0, 0, 0, 0, 0.08, 0, -0.1, 0.08, side, -0.1, 0.06, 0, -0.3, 0, 0, 0});
    p.weight.insert(p.weight.end(), {1, 0, 0.6, 0.4, 1, 0});
  }
  p.spread = spread;
  return p;
}

inline soleus::TaskData task() {
  soleus::TaskData t;
  t.episode_seconds = 0.4;
  t.start_on_reference = false;
  t.initial_noise = 0.02;
  t.observations = {{"root", {}, 1}, {"joint_positions", {}, 1}, {"joint_velocities", {}, 1}, {"activations", {}, 1},
                    {"contact_forces", {}, 1}, {"body_positions", {}, 1}, {"body_velocities", {}, 1}};
  t.rewards = {{"alive", {}, 1.0}, {"upright", {}, 0.5}};
  t.terminations = {{"fall", {{"height", 0.8}, {"tilt", 30.0}}, 1}};
  return t;
}

// Delays of more than a control step.
inline soleus::NoiseData noise() {
  soleus::NoiseData n;
  n.observation = n.motor = 0.1;
  n.motor_correlation = 0.05;
  n.observation_delay = 14;
  n.motor_delay = 13;
  return n;
}

inline soleus::ControlData control(soleus::Method method = soleus::Method::kStaticOptimization) {
  soleus::ControlData c;
  c.substeps = 10;
  c.method = method;
  return c;
}

}  // namespace puppet
