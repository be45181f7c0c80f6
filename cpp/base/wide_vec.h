// Vectors, quaternions and rotations of wide numbers. Quaternions have their scalar part first, as MuJoCo's.
#pragma once

#include <array>

#include "base/wide.h"

namespace soleus {

struct Wide3 {
  Wide x, y, z;

  friend Wide3 operator+(const Wide3& a, const Wide3& b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
  friend Wide3 operator-(const Wide3& a, const Wide3& b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
  friend Wide3 operator-(const Wide3& a) { return {-a.x, -a.y, -a.z}; }
  friend Wide3 operator*(Wide s, const Wide3& a) { return {s * a.x, s * a.y, s * a.z}; }
  Wide3& operator+=(const Wide3& b) {
    x += b.x;
    y += b.y;
    z += b.z;
    return *this;
  }
};

inline Wide dot(const Wide3& a, const Wide3& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline Wide3 cross(const Wide3& a, const Wide3& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
// out += s a
inline void add_scaled(Wide3& out, Wide s, const Wide3& a) {
  out.x += s * a.x;
  out.y += s * a.y;
  out.z += s * a.z;
}
inline Wide3 select(WideMask m, const Wide3& yes, const Wide3& no) {
  return {select(m, yes.x, no.x), select(m, yes.y, no.y), select(m, yes.z, no.z)};
}

struct WideQuat {
  Wide w, x, y, z;
};

inline WideQuat operator*(const WideQuat& a, const WideQuat& b) {
  return {a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z, a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
          a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x, a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w};
}
// A unit quaternion; the one of no turn where all are 0.
inline WideQuat normalized(const WideQuat& q) {
  const Wide square = q.w * q.w + q.x * q.x + q.y * q.y + q.z * q.z;
  const WideMask none = square == Wide(0.0);
  const Wide inverse = Wide(1.0) / sqrt(select(none, Wide(1.0), square));
  return {select(none, Wide(1.0), q.w * inverse), q.x * inverse, q.y * inverse, q.z * inverse};
}
inline WideQuat conjugate(const WideQuat& q) { return {q.w, -q.x, -q.y, -q.z}; }

// Of numbers that are the same in every lane (double), or each lane's own (Wide).
template <class Number>
inline Wide3 wide(const std::array<Number, 3>& v) { return {Wide(v[0]), Wide(v[1]), Wide(v[2])}; }
template <class Number>
inline WideQuat wide(const std::array<Number, 4>& q) { return {Wide(q[0]), Wide(q[1]), Wide(q[2]), Wide(q[3])}; }

// Row-major.
struct WideMatrix {
  Wide3 rows[3];

  Wide3 column(int i) const {
    if (i == 0) return {rows[0].x, rows[1].x, rows[2].x};
    if (i == 1) return {rows[0].y, rows[1].y, rows[2].y};
    return {rows[0].z, rows[1].z, rows[2].z};
  }
  friend Wide3 operator*(const WideMatrix& m, const Wide3& v) {
    return {dot(m.rows[0], v), dot(m.rows[1], v), dot(m.rows[2], v)};
  }
};

inline WideMatrix rotation(const WideQuat& q) {
  const Wide two(2.0), one(1.0);
  const Wide xx = q.x * q.x, yy = q.y * q.y, zz = q.z * q.z;
  const Wide xy = q.x * q.y, xz = q.x * q.z, yz = q.y * q.z, wx = q.w * q.x, wy = q.w * q.y, wz = q.w * q.z;
  return {{{one - two * (yy + zz), two * (xy - wz), two * (xz + wy)},
           {two * (xy + wz), one - two * (xx + zz), two * (yz - wx)},
           {two * (xz - wy), two * (yz + wx), one - two * (xx + yy)}}};
}
// The vector turned by a unit quaternion.
inline Wide3 turned(const WideQuat& q, const Wide3& v) {
  const Wide3 u{q.x, q.y, q.z};
  Wide3 t = cross(u, v);
  t += t;
  Wide3 out = v;
  add_scaled(out, q.w, t);
  return out + cross(u, t);
}

// A spatial vector about a point that all of a tile's bodies share: angular part, linear part; of a force, moment and force.
// (R. Featherstone, Rigid Body Dynamics Algorithms, 2008, chapter 2.)
struct Spatial {
  Wide3 angular, linear;

  Spatial& operator+=(const Spatial& b) {
    angular += b.angular;
    linear += b.linear;
    return *this;
  }
};

inline Wide dot(const Spatial& motion, const Spatial& force) {
  return motion.angular.x * force.angular.x + motion.angular.y * force.angular.y + motion.angular.z * force.angular.z +
         motion.linear.x * force.linear.x + motion.linear.y * force.linear.y + motion.linear.z * force.linear.z;
}
inline void add_scaled(Spatial& out, Wide s, const Spatial& a) {
  add_scaled(out.angular, s, a.angular);
  add_scaled(out.linear, s, a.linear);
}
// The rate at which a motion vector that is carried along at velocity v changes.
inline Spatial cross_motion(const Spatial& v, const Spatial& m) {
  return {cross(v.angular, m.angular), cross(v.angular, m.linear) + cross(v.linear, m.angular)};
}
inline Spatial cross_force(const Spatial& v, const Spatial& f) {
  return {cross(v.angular, f.angular) + cross(v.linear, f.linear), cross(v.angular, f.linear)};
}

// Inertia of a rigid body about that point: mass, mass times place of its centre, second moments about the point.
struct SpatialInertia {
  Wide mass;
  Wide3 first;
  Wide xx, yy, zz, xy, xz, yz;

  friend Spatial operator*(const SpatialInertia& i, const Spatial& v) {
    const Wide3 &w = v.angular, &u = v.linear, &h = i.first;
    return {{i.xx * w.x + i.xy * w.y + i.xz * w.z + h.y * u.z - h.z * u.y,
             i.xy * w.x + i.yy * w.y + i.yz * w.z + h.z * u.x - h.x * u.z,
             i.xz * w.x + i.yz * w.y + i.zz * w.z + h.x * u.y - h.y * u.x},
            {i.mass * u.x + w.y * h.z - w.z * h.y, i.mass * u.y + w.z * h.x - w.x * h.z,
             i.mass * u.z + w.x * h.y - w.y * h.x}};
  }
  SpatialInertia& operator+=(const SpatialInertia& b) {
    mass += b.mass;
    first += b.first;
    xx += b.xx;
    yy += b.yy;
    zz += b.zz;
    xy += b.xy;
    xz += b.xz;
    yz += b.yz;
    return *this;
  }
};

}  // namespace soleus
