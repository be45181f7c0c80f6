#include "dynamics/contacts.h"

#include <algorithm>
#include <cmath>

#include "dynamics/friction_pyramid.h"

namespace soleus {
namespace {

// A sphere about `center` that touches the ground: where, and what it is to do there.
template <class Tables>
void touch(DynamicsTile& t, const Tables& m, const typename Tables::Point& point, PointState& s, WideMask near, Wide distance,
           const Wide3& center) {
  const auto& ground = m.ground;
  const Wide3 normal = wide(ground.normal);
  const LinkState& link = t.links[point.link];
  s.arm = center - t.origin;
  add_scaled(s.arm, Wide(-point.radius) - 0.5 * distance, normal);
  s.first = wide(ground.first);
  s.second = wide(ground.second);
  if (point.lengthwise) {
    Wide3 along = link.axes * wide(point.axis);
    add_scaled(along, -dot(along, normal), normal);
    const Wide length = sqrt(dot(along, along));
    const WideMask upright = length < Wide(mjMINVAL);
    const Wide inverse = Wide(1.0) / select(upright, Wide(1.0), length);
    s.first = select(upright, Wide3{Wide(1.0), Wide(0.0), Wide(0.0)}, inverse * along);
    s.second = cross(normal, s.first);
  }
  const auto& law = point.law;
  const Softness soft = softness(law.impedance, distance - Wide(law.margin), law.invweight);
  s.strength = where(near, soft.strength);
  const Wide3 v = link.velocity.linear + cross(link.velocity.angular, s.arm);
  const auto b = law.impedance.damping;
  s.reference = {soft.pull - dot(normal, v) * b, -(dot(s.first, v) * b), -(dot(s.second, v) * b)};
  if (law.condim > 3) s.turn_reference = Wide(-b) * turning_seen(normal, s, link.velocity);
  if (!t.model->coupled()) return;
  s.reference = s.reference - seen(normal, law, s, link.driven);
  if (law.condim > 3) s.turn_reference = s.turn_reference - turning_seen(normal, s, link.driven);
}

void press(DynamicsTile& t, int link) {
  for (int l = link; l >= 0 && !t.loaded[l]; l = t.model->links()[l].parent) t.loaded[l] = 1;
}

// The points of a sphere, a capsule or a box. Of a box, corners count that lie on the side of its centre that faces the
// ground, at most four: the first.
template <class Tables>
void touch_spheres(DynamicsTile& t, const Tables& m, const typename Tables::GroundGeom& geom, Wide height) {
  const Wide3 normal = wide(m.ground.normal), origin = wide(m.ground.origin);
  const LinkState& link = t.links[geom.link];
  Wide corners(0.0);
  for (int k = geom.points_begin; k < geom.points_end; ++k) {
    const auto& point = m.points[k];
    const Wide3 center = link.place + link.axes * wide(point.place);
    const Wide distance = dot(normal, center - origin) - Wide(point.radius);
    WideMask near = distance < Wide(point.law.margin);
    if (geom.shape == ContactShape::kBox) {
      const WideMask counts = (distance <= height) & (distance <= Wide(point.law.margin + point.law.gap));
      near = near & counts & (corners < Wide(4.0));
      corners += where(counts, Wide(1.0));
    }
    PointState& s = t.points[k];
    s.touched = any(near);
    if (!s.touched) continue;
    touch(t, m, point, s, near, distance, center);
    press(t, geom.link);
  }
}

// Points of the surface of a geom, and how far each is above the ground.
struct Surface {
  Wide3 place[4];
  Wide distance[4];
};

// The lowest point of an ellipsoid.
template <class GroundGeom>
Surface lowest_point(const GroundGeom& geom, const LinkState& link, const Wide3& center, const Wide3& normal, Wide height) {
  Surface out;
  Wide3 reach{Wide(0.0), Wide(0.0), Wide(0.0)};
  Wide square(0.0);
  for (int i = 0; i < 3; ++i) {
    const Wide3 axis = link.axes * wide(geom.axes[i]);
    const Wide down = dot(axis, normal) * -geom.size[i];
    square += down * down;
    add_scaled(reach, down * geom.size[i], axis);
  }
  const Wide inverse = Wide(1.0) / sqrt(max(square, Wide(mjMINVAL * mjMINVAL)));
  out.place[0] = center + inverse * reach;
  out.distance[0] = height + inverse * dot(reach, normal);
  return out;
}

// Of a cylinder: the lowest points of its two rims, and two more of the lower rim, which make a triangle with its lowest.
template <class GroundGeom>
Surface rims(const GroundGeom& geom, const LinkState& link, const Wide3& center, const Wide3& normal, Wide height) {
  Surface out;
  const auto radius = geom.size[0], half = geom.size[1];
  Wide3 axis = link.axes * wide(geom.axes[2]);
  const Wide up = dot(normal, axis);
  axis = select(up > Wide(0.0), -axis, axis);  // it points to the ground
  const Wide along = -abs(up) * half;
  Wide3 down = -normal;
  add_scaled(down, -abs(up), axis);
  const Wide square = dot(down, down);
  const WideMask upright = square < Wide(mjMINVAL * mjMINVAL);
  const Wide inverse = Wide(radius) / sqrt(select(upright, Wide(1.0), square));
  down = select(upright, Wide(radius) * (link.axes * wide(geom.axes[0])), inverse * down);
  const Wide across = dot(down, normal);
  const Wide3 low = center + Wide(half) * axis, high = center + Wide(-half) * axis;
  const Wide3 side = Wide(0.5 * std::sqrt(3.0)) * cross(down, axis);
  out.place[0] = low + down;
  out.place[1] = high + down;
  out.place[2] = low + Wide(-0.5) * down + side;
  out.place[3] = low + Wide(-0.5) * down - side;
  out.distance[0] = height + along + across;
  out.distance[1] = height - along + across;
  out.distance[2] = out.distance[3] = height + along - 0.5 * across;
  return out;
}

// Of a mesh's hull: its lowest vertex and, of the faces that it is a corner of, the one that looks to the ground most.
// Vertices beside the lowest count that lie on the side of the geom's centre that faces the ground.
template <class Tables>
Surface lowest_face(const typename Tables::Hull& hull, const LinkState& link, const Wide3& normal, const Wide3& origin, Wide height) {
  Surface out;
  const Wide3 up{dot(link.axes.column(0), normal), dot(link.axes.column(1), normal), dot(link.axes.column(2), normal)};
  const Wide base = dot(normal, link.place - origin);
  Wide lowest = dot(up, wide(hull.vertices[0])), vertex(0.0);
  for (std::size_t v = 1; v < hull.vertices.size(); ++v) {
    const Wide there = dot(up, wide(hull.vertices[v]));
    const WideMask lower = there < lowest;
    lowest = select(lower, there, lowest);
    vertex = select(lower, Wide(static_cast<double>(v)), vertex);
  }
  Wide3 place[1 + Tables::kBeside];  // in the link's frame
  Wide missing[1 + Tables::kBeside] = {};
  for (int lane = 0; lane < kLanes; ++lane) {
    const int own = static_cast<int>(vertex[lane]);
    const double down[] = {-up.x[lane], -up.y[lane], -up.z[lane]};
    int face = hull.faces_begin[own];
    double most = -2.0;
    for (int f = hull.faces_begin[own]; f < hull.faces_begin[own + 1]; ++f) {
      const auto& n = hull.faces[f].normal;
      const double looks = of_lane(n[0], lane) * down[0] + of_lane(n[1], lane) * down[1] + of_lane(n[2], lane) * down[2];
      if (looks > most) most = looks, face = f;
    }
    for (int k = 0; k <= Tables::kBeside; ++k) {
      const auto& at = hull.vertices[k == 0 ? own : hull.faces[face].beside[k - 1]];
      place[k].x.set(lane, of_lane(at[0], lane));
      place[k].y.set(lane, of_lane(at[1], lane));
      place[k].z.set(lane, of_lane(at[2], lane));
      missing[k].set(lane, k > hull.faces[face].count ? 1.0 : 0.0);
    }
  }
  for (int k = 0; k <= Tables::kBeside; ++k) {
    const Wide distance = base + dot(up, place[k]);
    const WideMask counts = k == 0 ? every_lane() : (distance <= height) & (missing[k] == Wide(0.0));
    out.place[k] = link.place + link.axes * place[k];
    out.distance[k] = select(counts, distance, Wide(mjMAXVAL));
  }
  return out;
}

template <class Tables>
void touch_surface(DynamicsTile& t, const Tables& m, const typename Tables::GroundGeom& geom, const Surface& surface) {
  for (int k = geom.points_begin; k < geom.points_end; ++k) {
    const auto& point = m.points[k];
    PointState& s = t.points[k];
    const Wide distance = surface.distance[k - geom.points_begin];
    const WideMask near = distance < Wide(point.law.margin);
    s.touched = any(near);
    if (!s.touched) continue;
    touch(t, m, point, s, near, distance, surface.place[k - geom.points_begin]);
    press(t, geom.link);
  }
}

template <class Tables>
void touch_ground(DynamicsTile& t, const Tables& m, const typename Tables::GroundGeom& geom, const Wide3& center, Wide height) {
  const Wide3 normal = wide(m.ground.normal);
  const LinkState& link = t.links[geom.link];
  switch (geom.shape) {
    case ContactShape::kSphere:
    case ContactShape::kCapsule:
    case ContactShape::kBox:
      return touch_spheres(t, m, geom, height);
    case ContactShape::kEllipsoid:
      return touch_surface(t, m, geom, lowest_point(geom, link, center, normal, height));
    case ContactShape::kCylinder:
      return touch_surface(t, m, geom, rims(geom, link, center, normal, height));
    case ContactShape::kMesh:
      return touch_surface(t, m, geom, lowest_face<Tables>(m.hulls[geom.hull], link, normal, wide(m.ground.origin), height));
  }
}

template <class Tables>
void find_contacts(DynamicsTile& t, const Tables& m) {
  const Wide3 normal = wide(m.ground.normal), origin = wide(m.ground.origin);
  std::fill(t.loaded.begin(), t.loaded.end(), 0);
  for (const auto& geom : m.geoms) {
    const LinkState& link = t.links[geom.link];
    const Wide3 center = link.place + link.axes * wide(geom.center);
    const Wide height = dot(normal, center - origin);
    if (any(height <= Wide(geom.reach))) {
      touch_ground(t, m, geom, center, height);
    } else {  // far from the ground in every lane
      for (int k = geom.points_begin; k < geom.points_end; ++k) t.points[k].touched = false;
    }
  }
}

}  // namespace

void find_contacts(DynamicsTile& t) {
  with_tables(t, [&](const auto& m) { find_contacts(t, m.contacts); });
}

}  // namespace soleus
