#include "motion.h"

#include <cmath>
#include <string>

#include "error.h"

namespace soleus {

Motion::Motion(const Human& human, MotionData data)
    : data_(std::move(data)), nq_(human.model()->nq), nv_(human.model()->nv),
      ne_(static_cast<int>(human.end_effectors.size())) {
  const mjModel* m = human.model();
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
      root_x_ = adr;
      root_y_ = adr + 1;
      root_z_ = adr + 2;
    }
    if (root && m->jnt_type[j] == mjJNT_SLIDE) {
      if (std::abs(m->jnt_axis[3 * j]) > 0.9) root_x_ = adr;
      if (std::abs(m->jnt_axis[3 * j + 1]) > 0.9) root_y_ = adr;
      if (std::abs(m->jnt_axis[3 * j + 2]) > 0.9) root_z_ = adr;
    }
  }
}

double Motion::phase(double time) const {
  const double cycles = time / data_.duration;
  return cycles - std::floor(cycles);
}

ReferenceFrame Motion::make_frame() const {
  ReferenceFrame frame;
  frame.qpos.resize(nq_);
  frame.qvel.resize(nv_);
  frame.end_effectors.resize(3 * ne_);
  return frame;
}

void Motion::sample(double time, ReferenceFrame& out) const {
  const double cycles = std::floor(time / data_.duration);
  const double at = (time / data_.duration - cycles) * data_.frames;
  const int first = static_cast<int>(at) % data_.frames;
  const int second = (first + 1) % data_.frames;
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
  for (int adr : quaternions_) mju_normalize4(out.qpos.data() + adr);
  // Between the last frame and the first the root has moved on by one displacement.
  const double moved = cycles + (second < first ? w : 0.0);
  const int root[3] = {root_x_, root_y_, root_z_};
  for (int axis = 0; axis < 3; ++axis) {
    if (root[axis] >= 0) out.qpos[root[axis]] += moved * data_.displacement[axis];
  }
}

}  // namespace soleus
