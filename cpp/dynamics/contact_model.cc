#include "dynamics/contact_model.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "dynamics/dynamics_model.h"
#include "dynamics/parts.h"

namespace soleus {
namespace {

// The vertices of a face that touch together, from one of them on: at most four, which span much of its area. A corner
// moves on while the area grows: the last, then the third, then the second, as MuJoCo chooses them.
std::vector<int> spread(const std::vector<Vec>& vertices, const std::vector<int>& face) {
  if (face.size() <= 4) return face;
  auto area = [&](const std::array<std::size_t, 4>& at) {
    Vec one, other, normal;
    mju_sub3(one.data(), vertices[face[at[2]]].data(), vertices[face[at[0]]].data());
    mju_sub3(other.data(), vertices[face[at[3]]].data(), vertices[face[at[1]]].data());
    mju_cross(normal.data(), one.data(), other.data());
    return mju_norm3(normal.data());
  };
  std::array<std::size_t, 4> at{0, 1, 2, 3};
  double most = area(at);
  auto grows = [&](int corner) {
    std::array<std::size_t, 4> next = at;
    next[corner] = (next[corner] + 1) % face.size();
    const double there = area(next);
    if (there <= most) return false;
    most = there;
    at = next;
    return true;
  };
  while (grows(3)) {
    while (grows(2)) {}
    while (grows(1)) {}
  }
  return {face[at[0]], face[at[1]], face[at[2]], face[at[3]]};
}

using Tables = ContactTables<double>;

Tables::Hull hull_of(const mjModel* m, int mesh, const Vec& center, const Quat& turn) {
  Tables::Hull hull;
  const int* graph = m->mesh_graph + m->mesh_graphadr[mesh];
  const int count = graph[0], *global = graph + 2 + count;
  std::vector<int> local(m->mesh_vertnum[mesh], -1);
  for (int v = 0; v < count; ++v) {
    const float* at = m->mesh_vert + 3 * (m->mesh_vertadr[mesh] + global[v]);
    local[global[v]] = v;
    hull.vertices.push_back(plus(center, turned(turn, {at[0], at[1], at[2]})));
  }
  for (int v = 0; v < count; ++v) {
    hull.faces_begin.push_back(static_cast<int>(hull.faces.size()));
    const int of_vertex = m->mesh_vertadr[mesh] + global[v];
    for (int i = 0; i < m->mesh_polymapnum[of_vertex]; ++i) {
      const int p = m->mesh_polyadr[mesh] + m->mesh_polymap[m->mesh_polymapadr[of_vertex] + i];
      std::vector<int> face;
      for (int k = 0; k < m->mesh_polyvertnum[p]; ++k) face.push_back(local[m->mesh_polyvert[m->mesh_polyvertadr[p] + k]]);
      std::rotate(face.begin(), std::find(face.begin(), face.end(), v), face.end());
      const std::vector<int> corners = spread(hull.vertices, face);
      Tables::Face f{turned(turn, vec(m->mesh_polynormal + 3 * p)), {}, static_cast<int>(corners.size()) - 1};
      for (int k = 0; k < Tables::kBeside; ++k) f.beside[k] = corners[std::min(k + 1, f.count)];
      hull.faces.push_back(f);
    }
    if (m->mesh_polymapnum[of_vertex] == 0) hull.faces.push_back({{}, {v, v, v}, 0});  // it touches alone
  }
  hull.faces_begin.push_back(static_cast<int>(hull.faces.size()));
  return hull;
}

// A plane that stands still; what it touches moves.
bool is_ground(const mjModel* m, int geom) {
  return m->geom_type[geom] == mjGEOM_PLANE && m->body_weldid[m->geom_bodyid[geom]] == 0;
}

Tables::Ground ground_of(const DynamicsModel& dynamics, int plane) {
  const mjModel* m = dynamics.human().mujoco();
  const DynamicsModel::Place& at = dynamics.bodies()[m->geom_bodyid[plane]];  // in the world, where it is fixed
  const Vec place = plus(at.place, turned(at.turn, vec(m->geom_pos + 3 * plane)));
  mjtNum frame[9];
  mju_quat2Mat(frame, times(at.turn, quat(m->geom_quat + 4 * plane)).data());
  mjtNum directions[9] = {frame[2], frame[5], frame[8]};
  if (std::abs(directions[1]) < 0.5) directions[4] = 1; else directions[5] = 1;  // as MuJoCo chooses directions along a plane
  mju_addToScl3(directions + 3, directions, -mju_dot3(directions + 3, directions));
  mju_normalize3(directions + 3);
  mju_cross(directions + 6, directions, directions + 3);
  return {place, vec(directions), vec(directions + 3), vec(directions + 6)};
}

void add_geom(const DynamicsModel& dynamics, const GeomContact& contact, Tables& out) {
  const auto& [plane, geom, law] = contact;
  const HumanModel& human = dynamics.human();
  const mjModel* m = human.mujoco();
  if (out.geoms.empty()) out.ground = ground_of(dynamics, plane);
  const DynamicsModel::Place& at = dynamics.bodies()[m->geom_bodyid[geom]];
  const Vec center = plus(at.place, turned(at.turn, vec(m->geom_pos + 3 * geom)));
  const Quat turn = times(at.turn, quat(m->geom_quat + 4 * geom));
  const mjtNum* size = m->geom_size + 3 * geom;
  Tables::Point p{at.link, human.geom_foot()[geom], false, center, 0.0, law, {}};
  Tables::GroundGeom g{ContactShape::kSphere, at.link, static_cast<int>(out.points.size()), 0, -1, center,
               m->geom_rbound[geom] + law.margin + law.gap, vec(size),
               {turned(turn, {1, 0, 0}), turned(turn, {0, 1, 0}), turned(turn, {0, 0, 1})}};
  if (m->geom_type[geom] == mjGEOM_SPHERE) {
    p.radius = size[0];
    out.points.push_back(p);
  } else if (m->geom_type[geom] == mjGEOM_CAPSULE) {
    g.shape = ContactShape::kCapsule;
    p.lengthwise = true;
    p.axis = turned(turn, {0, 0, 1});
    p.radius = size[0];
    for (double way : {size[1], -size[1]}) {
      p.place = plus(center, turned(turn, {0, 0, way}));
      out.points.push_back(p);
    }
  } else if (m->geom_type[geom] == mjGEOM_ELLIPSOID) {
    g.shape = ContactShape::kEllipsoid;
    out.points.push_back(p);
  } else if (m->geom_type[geom] == mjGEOM_CYLINDER) {
    g.shape = ContactShape::kCylinder;
    out.points.insert(out.points.end(), 4, p);
  } else if (m->geom_type[geom] == mjGEOM_MESH) {
    g.shape = ContactShape::kMesh;
    g.hull = static_cast<int>(out.hulls.size());
    out.hulls.push_back(hull_of(m, m->geom_dataid[geom], center, turn));
    out.points.insert(out.points.end(), 1 + Tables::kBeside, p);
  } else {
    g.shape = ContactShape::kBox;
    for (int corner = 0; corner < 8; ++corner) {
      p.place = plus(center, turned(turn, {corner & 1 ? size[0] : -size[0], corner & 2 ? size[1] : -size[1],
                                           corner & 4 ? size[2] : -size[2]}));
      out.points.push_back(p);
    }
  }
  g.points_end = static_cast<int>(out.points.size());
  out.geoms.push_back(g);
}

}  // namespace

void ContactModel::list_uncovered(const mjModel* m, std::vector<std::string>& out) {
  const std::vector<GeomContact> contacts = contacts_of(m);
  list_uncovered_surfaces(m, contacts, out);
  int ground = -1;
  for (const auto& [first, second, law] : contacts) {
    const int type = m->geom_type[second];
    std::string expected;
    if (is_ground(m, first)) {
      if (type == mjGEOM_SDF || (type == mjGEOM_MESH && m->mesh_graphadr[m->geom_dataid[second]] < 0)) {
        expected = "a shape or a mesh with a convex hull on the ground";
      } else if (ground >= 0 && ground != first) {
        expected = "one plane as the ground";
      }
      ground = first;
    } else if (!BodyPairs::covers(m, first) || !BodyPairs::covers(m, second)) {
      expected = "the ground, a plane that stands still, and a body, or two spheres or capsules";
    }
    if (expected.empty()) continue;
    out.push_back("contact of " + name_of(m, mjOBJ_GEOM, std::min(first, second)) + " and " +
                  name_of(m, mjOBJ_GEOM, std::max(first, second)) + ": expected " + expected);
  }
}

ContactModel::ContactModel(const DynamicsModel& dynamics, ContactTables<double>& tables) {
  const mjModel* m = dynamics.human().mujoco();
  for (const GeomContact& contact : contacts_of(m)) {
    is_ground(m, contact.first) ? add_geom(dynamics, contact, tables) : pairs_.add(dynamics, contact, tables);
  }
  pairs_.build_pattern(dynamics);
  const auto& links = dynamics.links();
  std::vector<bool> needed(links.size(), false);
  auto need = [&](int link) {
    for (; link >= 0; link = links[link].parent) needed[link] = true;
  };
  for (const Tables::Point& p : tables.points) need(p.link);
  for (const BodyPairs::Bond& bond : pairs_.bonds()) need(bond.first), need(bond.second);
  for (std::size_t l = 0; l < links.size(); ++l) {
    if (needed[l]) supporting_.push_back(static_cast<int>(l));
  }
}

}  // namespace soleus
