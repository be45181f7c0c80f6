#include "tasks/scene.h"

#include <cmath>

namespace soleus {

double Kinematics::yaw() const { return std::atan2(heading_sin, heading_cos); }

void measure(const HumanView& human, Kinematics& out) {
  const HumanModel& h = human.model();
  out.root = human.body_place(h.root_body);
  mjtNum quat[4];
  mju_mulQuat(quat, human.body_turn(h.root_body).data(), h.root_align.data());
  mju_quat2Mat(out.frame.data(), quat);
  const double horizontal = std::hypot(out.frame[0], out.frame[3]);
  // Lying on the back or the belly there is no heading; the last one stays.
  if (horizontal > 1e-6) {
    out.heading_cos = out.frame[0] / horizontal;
    out.heading_sin = out.frame[3] / horizontal;
  }
  out.root_velocity = human.body_velocity(h.root_body);
  out.root_rate = human.body_rate(h.root_body);
  out.head = human.body_place(h.head_body);
  out.head_velocity = human.body_velocity(h.head_body);
  out.com = human.com();
  out.com_velocity = human.com_velocity();
}

}  // namespace soleus
