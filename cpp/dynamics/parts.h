// Places, turns and names of a compiled model's parts.
#pragma once

#include <mujoco/mujoco.h>

#include <array>
#include <string>

namespace soleus {

using Vec = std::array<double, 3>;
using Quat = std::array<double, 4>;

inline Vec vec(const mjtNum* p) { return {p[0], p[1], p[2]}; }
inline Quat quat(const mjtNum* p) { return {p[0], p[1], p[2], p[3]}; }
inline bool is_zero(const Vec& v) { return v[0] == 0 && v[1] == 0 && v[2] == 0; }
inline bool is_identity(const Quat& q) { return q[0] == 1 && q[1] == 0 && q[2] == 0 && q[3] == 0; }
inline Vec plus(const Vec& a, const Vec& b) { return {a[0] + b[0], a[1] + b[1], a[2] + b[2]}; }
inline Vec turned(const Quat& q, const Vec& v) {
  Vec out;
  mju_rotVecQuat(out.data(), v.data(), q.data());
  return out;
}
inline Quat times(const Quat& a, const Quat& b) {
  Quat out;
  mju_mulQuat(out.data(), a.data(), b.data());
  return out;
}

// In quotes, as messages have it.
inline std::string name_of(const mjModel* m, int kind, int id) {
  const char* name = mj_id2name(m, kind, id);
  return name && *name ? "'" + std::string(name) + "'" : "number " + std::to_string(id);
}

}  // namespace soleus
