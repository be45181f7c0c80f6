#include "dynamics/contacts.h"

#include <algorithm>

#include "dynamics/friction_pyramid.h"

namespace soleus {
namespace {

using Ground = ContactModel::Ground;
using GroundGeom = ContactModel::GroundGeom;
using Point = ContactModel::Point;

// A sphere about `center` that touches the ground: where, and what it is to do there.
void touch(DynamicsTile& t, const Point& point, PointState& s, WideMask near, Wide distance, const Wide3& center) {
  const Ground& ground = t.model->contacts().ground();
  const Wide3 normal = wide(ground.normal);
  const LinkState& link = t.links[point.link];
  s.arm = center - t.origin;
  add_scaled(s.arm, Wide(-point.radius) - 0.5 * distance, normal);
  s.first = wide(ground.first);
  s.second = wide(ground.second);
  const Wide3 axis = wide(point.axis);
  if (point.axis[0] != 0 || point.axis[1] != 0 || point.axis[2] != 0) {
    Wide3 along = link.axes * axis;
    add_scaled(along, -dot(along, normal), normal);
    const Wide length = sqrt(dot(along, along));
    const WideMask upright = length < Wide(mjMINVAL);
    const Wide inverse = Wide(1.0) / select(upright, Wide(1.0), length);
    s.first = select(upright, Wide3{Wide(1.0), Wide(0.0), Wide(0.0)}, inverse * along);
    s.second = cross(normal, s.first);
  }
  const ContactLaw& law = point.law;
  const Softness soft = softness(law.impedance, distance - Wide(law.margin), law.invweight);
  s.strength = where(near, soft.strength);
  const Wide3 v = link.velocity.linear + cross(link.velocity.angular, s.arm);
  const double b = law.impedance.damping;
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
void touch_spheres(DynamicsTile& t, const GroundGeom& geom, Wide height) {
  const Ground& ground = t.model->contacts().ground();
  const Wide3 normal = wide(ground.normal), origin = wide(ground.origin);
  const LinkState& link = t.links[geom.link];
  Wide corners(0.0);
  for (int k = geom.points_begin; k < geom.points_end; ++k) {
    const Point& point = t.model->contacts().points()[k];
    const Wide3 center = link.place + link.axes * wide(point.place);
    const Wide distance = dot(normal, center - origin) - Wide(point.radius);
    WideMask near = distance < Wide(point.law.margin);
    if (geom.shape == ContactModel::Shape::kBox) {
      const WideMask counts = (distance <= height) & (distance <= Wide(point.law.margin + point.law.gap));
      near = near & counts & (corners < Wide(4.0));
      corners += where(counts, Wide(1.0));
    }
    PointState& s = t.points[k];
    s.touched = any(near);
    if (!s.touched) continue;
    touch(t, point, s, near, distance, center);
    press(t, geom.link);
  }
}

}  // namespace

void find_contacts(DynamicsTile& t) {
  const Ground& ground = t.model->contacts().ground();
  const Wide3 normal = wide(ground.normal), origin = wide(ground.origin);
  std::fill(t.loaded.begin(), t.loaded.end(), 0);
  for (const GroundGeom& geom : t.model->contacts().geoms()) {
    const LinkState& link = t.links[geom.link];
    const Wide height = dot(normal, link.place + link.axes * wide(geom.center) - origin);
    if (any(height <= Wide(geom.reach))) {
      touch_spheres(t, geom, height);
    } else {  // far from the ground in every lane
      for (int k = geom.points_begin; k < geom.points_end; ++k) t.points[k].touched = false;
    }
  }
}

}  // namespace soleus
