// Motions that turn: every lap is the first one, moved.
#include <numbers>

#include "base/error.h"
#include "check.h"
#include "puppet.h"
#include "rollout/human_state.h"
#include "tasks/terms.h"

using namespace soleus;

namespace {

constexpr const char* kXml = R"(
<mujoco>
  <worldbody>
    <body name="pelvis" pos="0 0 1">
      <freejoint name="root"/>
      <geom type="sphere" size="0.15" mass="40" contype="0" conaffinity="0"/>
      <body name="leg" pos="0 0 -0.1">
        <joint name="hip" type="ball"/>
        <geom type="capsule" fromto="0 0 0 0 0 -0.8" size="0.05" mass="10"/>
      </body>
    </body>
  </worldbody>
</mujoco>)";

std::unique_ptr<HumanModel> floating() {
  static const puppet::ModelOwner owner = [] {
    mjVFS vfs;
    mj_defaultVFS(&vfs);
    mj_addBufferVFS(&vfs, "floating.xml", kXml, static_cast<int>(std::char_traits<char>::length(kXml)));
    char error[500] = "";
    puppet::ModelOwner made{mj_loadXML("floating.xml", &vfs, error, sizeof error)};
    mj_deleteVFS(&vfs);
    if (!made.model) std::fprintf(stderr, "%s\n", error);
    return made;
  }();
  HumanDescription h;
  for (int dof = 0; dof < 9; ++dof) {
    h.dof_coordinate.push_back(dof);
    h.coordinate_dof.push_back(dof);
    h.mirror_coordinate.push_back(dof);
  }
  h.dof_coupled.assign(9, false);
  h.dof_polynomial.assign(45, 0.0);
  h.crossing_adr = {0};
  h.root_body = h.head_body = 1;
  h.feet = {{2}, {2}};
  h.mirror_sign.assign(9, 1.0);
  h.qpos_rest.assign(11, 0.0);
  return std::make_unique<HumanModel>(owner.model, h);
}

// Three frames of a lap of 1.5 s that starts at (2, 1, 0.9), goes 0.9 m along x and turns a quarter to the left.
MotionData quarter() {
  MotionData data;
  data.duration = 1.5;
  data.frames = 3;
  data.turn = std::numbers::pi / 2;
  data.displacement = {0.9, 0.0, 0.0};
  data.qpos.assign(3 * 11, 0.0);
  data.qvel.assign(3 * 9, 0.0);
  data.com.assign(9, 0.0);
  data.com_velocity.assign(9, 0.0);
  for (int k = 0; k < 3; ++k) {
    double* q = data.qpos.data() + 11 * k;
    q[0] = 2 + 0.3 * k;
    q[1] = 1 - 0.1 * k;
    q[2] = 0.9 + 0.05 * k;
    const double yaw = data.turn * k / 3;
    q[3] = std::cos(yaw / 2);
    q[6] = std::sin(yaw / 2);
    q[7] = 1.0;
    data.qvel[9 * k] = 0.6;
    data.qvel[9 * k + 1] = -0.2;
    data.qvel[9 * k + 4] = 0.5;
  }
  return data;
}

}  // namespace

TEST(a_lap_that_turns_starts_where_the_last_one_ended) {
  const auto human = floating();
  const Motion motion(*human, quarter());
  ReferenceFrame frame = motion.make_frame();
  const double half = std::sqrt(0.5);
  // Laps start at the corners of a square: (2, 1), (2.9, 1), (2.9, 1.9), (2, 1.9), and the first again.
  const double corners[5][2] = {{2, 1}, {2.9, 1}, {2.9, 1.9}, {2, 1.9}, {2, 1}};
  for (int lap = 0; lap < 5; ++lap) {
    motion.sample(1.5 * lap, frame);
    NEAR(frame.qpos[0], corners[lap][0], 1e-12);
    NEAR(frame.qpos[1], corners[lap][1], 1e-12);
    NEAR(frame.qpos[2], 0.9, 1e-12);
    NEAR(motion.lap_turn(1.5 * lap + 0.7), lap * std::numbers::pi / 2, 1e-12);
  }
  motion.sample(2.0, frame);  // frame 1 of the second lap, a quarter turned: (0.3, -0.1) ahead becomes (0.1, 0.3)
  NEAR(frame.qpos[0], 2.9 + 0.1, 1e-12);
  NEAR(frame.qpos[1], 1 + 0.3, 1e-12);
  NEAR(frame.qpos[2], 0.95, 1e-12);
  NEAR(frame.qpos[3], 0.5, 1e-12);  // yaw of 90 + 30 degrees
  NEAR(frame.qpos[6], std::sqrt(0.75), 1e-12);
  NEAR(frame.qvel[0], 0.2, 1e-12);  // linear velocity turns with the world, angular is the body's own
  NEAR(frame.qvel[1], 0.6, 1e-12);
  NEAR(frame.qvel[4], 0.5, 1e-12);
  motion.sample(1.5 - 1e-9, frame);
  NEAR(frame.qpos[0], 2.9, 1e-8);
  NEAR(frame.qpos[1], 1.0, 1e-8);
  NEAR(frame.qpos[3], half, 1e-8);
  motion.sample(1.25, frame);  // half way from the last frame, (2.6, 0.8), to the next lap's first, (2.9, 1)
  NEAR(frame.qpos[0], 2.75, 1e-12);
  NEAR(frame.qpos[1], 0.9, 1e-12);
  NEAR(frame.qpos[2], 0.95, 1e-12);
  NEAR(frame.qpos[3], std::cos(75 * std::numbers::pi / 360), 1e-12);
  NEAR(frame.qvel[0], 0.4, 1e-12);  // of (0.6, -0.2) and (0.2, 0.6)
  NEAR(frame.qvel[1], 0.2, 1e-12);
}

TEST(slight_and_whole_turns_go_straight) {
  const auto human = floating();
  MotionData data = quarter();
  for (double turn : {0.0, 1e-13, 2 * std::numbers::pi, -4 * std::numbers::pi}) {
    data.turn = turn;
    const Motion motion(*human, data);
    ReferenceFrame frame = motion.make_frame();
    motion.sample(1.5 * 1000, frame);
    NEAR(frame.qpos[0], 2 + 900, 1e-9);
    NEAR(frame.qpos[1], 1.0, 1e-6);
  }
}

TEST(quaternions_blend_over_the_shorter_arc) {
  const auto human = floating();
  MotionData data = quarter();
  data.turn = 0;
  for (int adr : {3, 7}) {
    for (int i = 0; i < 4; ++i) data.qpos[adr + i] = 0;
    data.qpos[adr] = 1;
    for (int i = 0; i < 4; ++i) data.qpos[11 + adr + i] = 0;
    data.qpos[11 + adr] = -std::cos(0.1);  // 0.2 rad about x, the other sign
    data.qpos[11 + adr + 1] = -std::sin(0.1);
  }
  const Motion motion(*human, data);
  ReferenceFrame frame = motion.make_frame();
  motion.sample(0.25, frame);
  for (int adr : {3, 7}) {
    NEAR(frame.qpos[adr], std::cos(0.05), 1e-12);
    NEAR(frame.qpos[adr + 1], std::sin(0.05), 1e-12);
  }
}

TEST(planar_motions_do_not_turn) {
  const auto human = puppet::human();
  MotionData data;
  data.frames = 2;
  data.qpos.assign(14, 0.0);
  data.qvel.assign(14, 0.0);
  data.end_effectors.assign(12, 0.0);
  data.com.assign(6, 0.0);
  data.com_velocity.assign(6, 0.0);
  data.turn = 0.5;
  THROWS(Motion(*human, data), "expected a motion that turns only with a free root, got a turn of 0.5");
}

TEST(heading_is_seen_from_the_lap) {
  const auto human = floating();
  const HumanState body(*human);
  Kinematics now;
  now.heading_cos = std::cos(2.0);
  now.heading_sin = std::sin(2.0);
  Scene scene{body, now};
  for (const auto& kind : observation_catalog()) {
    if (std::string(kind.name) != "heading") continue;
    float seen[2];
    kind.write(scene, nullptr, seen);
    CHECK(seen[0] == static_cast<float>(std::sin(2.0)) && seen[1] == static_cast<float>(std::cos(2.0)));
    scene.lap_turn = 1.5;
    kind.write(scene, nullptr, seen);
    NEAR(seen[0], std::sin(0.5), 1e-6);
    NEAR(seen[1], std::cos(0.5), 1e-6);
  }
}
