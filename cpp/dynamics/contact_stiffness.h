// What contacts add to the inertia of what they touch.
#pragma once

#include "base/wide_vec.h"

namespace soleus {

// A symmetric 6 x 6 matrix, angular before linear.
struct ContactStiffness {
  Wide angular[6], mixed[9], linear[6];  // xx, yy, zz, xy, xz, yz; row-major

  void clear() {
    for (Wide& x : angular) x = Wide(0.0);
    for (Wide& x : mixed) x = Wide(0.0);
    for (Wide& x : linear) x = Wide(0.0);
  }
  ContactStiffness& operator+=(const ContactStiffness& b) {
    for (int i = 0; i < 6; ++i) angular[i] += b.angular[i];
    for (int i = 0; i < 9; ++i) mixed[i] += b.mixed[i];
    for (int i = 0; i < 6; ++i) linear[i] += b.linear[i];
    return *this;
  }
};

// out += a b', of which a sum over all such is symmetric.
inline void add_outer(ContactStiffness& out, const Spatial& a, const Spatial& b) {
  const Wide aw[] = {a.angular.x, a.angular.y, a.angular.z}, bw[] = {b.angular.x, b.angular.y, b.angular.z};
  const Wide av[] = {a.linear.x, a.linear.y, a.linear.z}, bv[] = {b.linear.x, b.linear.y, b.linear.z};
  constexpr int kRow[] = {0, 1, 2, 0, 0, 1}, kColumn[] = {0, 1, 2, 1, 2, 2};
  for (int k = 0; k < 6; ++k) {
    out.angular[k] += aw[kRow[k]] * bw[kColumn[k]];
    out.linear[k] += av[kRow[k]] * bv[kColumn[k]];
  }
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) out.mixed[3 * i + j] += aw[i] * bv[j];
  }
}

inline Spatial operator*(const ContactStiffness& m, const Spatial& v) {
  const Wide3 &w = v.angular, &u = v.linear;
  const Wide *a = m.angular, *b = m.mixed, *c = m.linear;
  return {{a[0] * w.x + a[3] * w.y + a[4] * w.z + b[0] * u.x + b[1] * u.y + b[2] * u.z,
           a[3] * w.x + a[1] * w.y + a[5] * w.z + b[3] * u.x + b[4] * u.y + b[5] * u.z,
           a[4] * w.x + a[5] * w.y + a[2] * w.z + b[6] * u.x + b[7] * u.y + b[8] * u.z},
          {b[0] * w.x + b[3] * w.y + b[6] * w.z + c[0] * u.x + c[3] * u.y + c[4] * u.z,
           b[1] * w.x + b[4] * w.y + b[7] * w.z + c[3] * u.x + c[1] * u.y + c[5] * u.z,
           b[2] * w.x + b[5] * w.y + b[8] * w.z + c[4] * u.x + c[5] * u.y + c[2] * u.z}};
}

}  // namespace soleus
