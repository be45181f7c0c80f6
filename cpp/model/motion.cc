#include "model/motion.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "base/error.h"

namespace soleus {
namespace {

// a + w (b - a), b's sign taken so that the shorter arc is blended; of unit length.
void blend_quaternions(const double* a, const double* b, double w, double* to) {
  const double sign = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3] < 0 ? -1.0 : 1.0;
  for (int i = 0; i < 4; ++i) to[i] = a[i] + w * (sign * b[i] - a[i]);
  mju_normalize4(to);
}

}  // namespace

MotionData between(const MotionData& one, const MotionData& other, double w, const std::vector<int>& quaternions) {
  require(one.frames == other.frames && one.once == other.once && one.qpos.size() == other.qpos.size(),
          "expected motions with the same number of frames");
  MotionData out = one;
  auto blend = [&](std::vector<double>& to, const std::vector<double>& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += w * (from[i] - to[i]);
  };
  blend(out.qpos, other.qpos);
  blend(out.qvel, other.qvel);
  blend(out.end_effectors, other.end_effectors);
  blend(out.com, other.com);
  blend(out.com_velocity, other.com_velocity);
  const std::size_t nq = one.qpos.size() / one.frames;
  for (std::size_t k = 0; k < one.qpos.size(); k += nq) {
    for (int adr : quaternions) blend_quaternions(one.qpos.data() + k + adr, other.qpos.data() + k + adr, w, out.qpos.data() + k + adr);
  }
  out.duration += w * (other.duration - one.duration);
  out.turn += w * (other.turn - one.turn);
  for (int axis = 0; axis < 3; ++axis) out.displacement[axis] += w * (other.displacement[axis] - one.displacement[axis]);
  return out;
}

Motion::Motion(const HumanModel& human, MotionData data)
    : data_(std::move(data)), nq_(human.mujoco()->nq), nv_(human.mujoco()->nv),
      ne_(static_cast<int>(human.end_effectors.size())) {
  const mjModel* m = human.mujoco();
  const auto frames = static_cast<std::size_t>(data_.frames);
  require(frames >= 2 && data_.duration > 0, "expected a motion of at least 2 frames and a positive duration, got " +
                                                 std::to_string(data_.frames) + " frames, " +
                                                 std::to_string(data_.duration) + " s");
  require(data_.qpos.size() == frames * nq_ && data_.qvel.size() == frames * nv_ &&
              data_.end_effectors.size() == frames * ne_ * 3 && data_.com.size() == frames * 3 &&
              data_.com_velocity.size() == frames * 3,
          "expected a motion's arrays to fit the model");
  for (int j = 0; j < m->njnt; ++j) {
    const int adr = m->jnt_qposadr[j];
    if (m->jnt_type[j] == mjJNT_FREE) quaternions_.push_back(adr + 3);
    if (m->jnt_type[j] == mjJNT_BALL) quaternions_.push_back(adr);
    const bool root = m->jnt_bodyid[j] == human.root_body;
    if (root && m->jnt_type[j] == mjJNT_FREE) {
      free_qpos_ = adr;
      free_dof_ = m->jnt_dofadr[j];
      for (int axis = 0; axis < 3; ++axis) root_[axis] = {adr + axis, free_dof_ + axis};
    }
    if (root && m->jnt_type[j] == mjJNT_SLIDE) {
      const std::array<double, 3> axis = human.standing_axis(j);
      for (int i = 0; i < 3; ++i) {
        if (std::abs(axis[i]) > 0.9) root_[i] = {adr, m->jnt_dofadr[j]};
      }
    }
  }
  require(!data_.once || data_.turn == 0, "expected no turn of the laps of a motion that is played once");
  require(data_.turn == 0 || (free_qpos_ >= 0 && std::isfinite(data_.turn)),
          "expected a motion that turns only with a free root, got a turn of " + std::to_string(data_.turn) +
              " rad a cycle");
  data_.turn = std::remainder(data_.turn, 2 * std::numbers::pi);  // a whole turn is none
}

double Motion::phase(double time) const {
  if (data_.once) return std::min(time / data_.duration, 1 - 1e-9);
  const double cycles = time / data_.duration;
  return cycles - std::floor(cycles);
}

double Motion::lap_length() const { return std::hypot(data_.displacement[0], data_.displacement[1]); }

ReferenceFrame Motion::make_frame() const {
  ReferenceFrame frame;
  frame.qpos.resize(nq_);
  frame.qvel.resize(nv_);
  frame.end_effectors.resize(3 * ne_);
  return frame;
}

double Motion::lap_turn(double time) const { return data_.once ? 0.0 : std::floor(time / data_.duration) * data_.turn; }

std::array<double, 3> Motion::root_place(const ReferenceFrame& frame) const {
  std::array<double, 3> place{};
  for (int axis = 0; axis < 3; ++axis) {
    if (root_[axis].qpos >= 0) place[axis] = frame.qpos[root_[axis].qpos];
  }
  return place;
}

void Motion::sample(double time, ReferenceFrame& out) const {
  const bool over = data_.once && time >= data_.duration;
  const double cycles = data_.once ? 0.0 : std::floor(time / data_.duration);
  const double share = over ? 1.0 : time / data_.duration - cycles;
  const double at = share * (data_.once ? data_.frames - 1 : data_.frames);
  const int first = static_cast<int>(at) % data_.frames;
  const int second = over ? first : (first + 1) % data_.frames;
  const double w = at - std::floor(at);
  auto blend = [&](const std::vector<double>& table, int width, double* to) {
    const double* a = table.data() + static_cast<std::size_t>(first) * width;
    const double* b = table.data() + static_cast<std::size_t>(second) * width;
    for (int i = 0; i < width; ++i) to[i] = a[i] + w * (b[i] - a[i]);
  };
  blend(data_.qpos, nq_, out.qpos.data());
  blend(data_.qvel, nv_, out.qvel.data());
  blend(data_.end_effectors, 3 * ne_, out.end_effectors.data());
  blend(data_.com, 3, out.com.data());
  blend(data_.com_velocity, 3, out.com_velocity.data());
  const double* a = data_.qpos.data() + static_cast<std::size_t>(first) * nq_;
  const double* b = data_.qpos.data() + static_cast<std::size_t>(second) * nq_;
  for (int adr : quaternions_) blend_quaternions(a + adr, b + adr, w, out.qpos.data() + adr);
  if (over) {
    std::fill(out.qvel.begin(), out.qvel.end(), 0.0);
    out.com_velocity = {};
  }
  if (data_.once) return;
  if (data_.turn != 0) {
    place_turned_root(first, second, w, cycles, out);
    return;
  }
  // Between the last frame and the first the root has moved on by one displacement.
  const double moved = cycles + (second < first ? w : 0.0);
  for (int axis = 0; axis < 3; ++axis) {
    if (root_[axis].qpos >= 0) out.qpos[root_[axis].qpos] += moved * data_.displacement[axis];
  }
}

void Motion::place_turned_root(int first, int second, double w, double cycles, ReferenceFrame& out) const {
  // After the last frame comes the first, one lap later.
  const Root a = root(first);
  const Root b = second < first ? moved(root(second), 1.0) : root(second);
  Root between;
  for (int i = 0; i < 3; ++i) {
    between.position[i] = a.position[i] + w * (b.position[i] - a.position[i]);
    between.velocity[i] = a.velocity[i] + w * (b.velocity[i] - a.velocity[i]);
  }
  blend_quaternions(a.quaternion.data(), b.quaternion.data(), w, between.quaternion.data());
  const Root here = moved(between, cycles);
  std::copy(here.position.begin(), here.position.end(), out.qpos.begin() + free_qpos_);
  std::copy(here.quaternion.begin(), here.quaternion.end(), out.qpos.begin() + free_qpos_ + 3);
  std::copy(here.velocity.begin(), here.velocity.end(), out.qvel.begin() + free_dof_);
}

Motion::Root Motion::root(int frame) const {
  const double* q = data_.qpos.data() + static_cast<std::size_t>(frame) * nq_ + free_qpos_;
  const double* v = data_.qvel.data() + static_cast<std::size_t>(frame) * nv_ + free_dof_;
  return {{q[0], q[1], q[2]}, {q[3], q[4], q[5], q[6]}, {v[0], v[1], v[2]}};
}

Motion::Root Motion::moved(const Root& root, double laps) const {
  const double angle = laps * data_.turn, half = 0.5 * data_.turn;
  const double c = std::cos(angle), s = std::sin(angle);
  // n moves shift where the root starts by the sum of R^k d over k < n, a geometric series: d scaled by
  // sin(n turn / 2) / sin(turn / 2) and turned by (n - 1) turn / 2. Unlike the centre of the turn, which lies far off
  // where that is slight, nothing here grows.
  const double scale = std::sin(laps * half) / std::sin(half), aside = (laps - 1) * half;
  const double x = scale * std::cos(aside), y = scale * std::sin(aside);
  const double* start = data_.qpos.data() + free_qpos_;
  const double px = root.position[0] - start[0], py = root.position[1] - start[1];
  const auto& d = data_.displacement;
  Root to;
  to.position = {start[0] + c * px - s * py + x * d[0] - y * d[1], start[1] + s * px + c * py + y * d[0] + x * d[1],
                 root.position[2] + laps * d[2]};
  to.velocity = {c * root.velocity[0] - s * root.velocity[1], s * root.velocity[0] + c * root.velocity[1],
                 root.velocity[2]};
  const double yaw[4] = {std::cos(0.5 * angle), 0, 0, std::sin(0.5 * angle)};
  mju_mulQuat(to.quaternion.data(), yaw, root.quaternion.data());
  return to;
}

}  // namespace soleus
