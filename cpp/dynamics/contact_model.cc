#include "dynamics/contact_model.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "dynamics/dynamics_model.h"
#include "dynamics/parts.h"

namespace soleus {
namespace {

bool collides(const mjModel* m, int a, int b) {
  return (m->geom_contype[a] & m->geom_conaffinity[b]) || (m->geom_contype[b] & m->geom_conaffinity[a]);
}

bool is_excluded(const mjModel* m, int body, int other) {
  const int low = std::min(body, other), high = std::max(body, other);
  for (int i = 0; i < m->nexclude; ++i) {
    if (m->exclude_signature[i] == (low << 16) + high) return true;
  }
  return false;
}

// Whether MuJoCo looks for contacts of two geoms that are in no pair of their own.
bool may_touch(const mjModel* m, int a, int b) {
  const int first = m->geom_bodyid[a], second = m->geom_bodyid[b];
  const int weld1 = m->body_weldid[first], weld2 = m->body_weldid[second];
  if (weld1 == weld2 || !collides(m, a, b) || is_excluded(m, first, second)) return false;
  if (m->opt.disableflags & mjDSBL_FILTERPARENT || !weld1 || !weld2) return true;
  return m->body_weldid[m->body_parentid[weld1]] != weld2 && m->body_weldid[m->body_parentid[weld2]] != weld1;
}

// Why a geom that touches another is not covered, whatever it touches; empty: it is.
std::string uncovered_surface(const mjModel* m, int geom) {
  if (m->geom_adhesion[geom] != 0) return "adhesion";
  const mjtNum* velocity = m->geom_surfacevel + 6 * geom;
  if (std::any_of(velocity, velocity + 6, [](mjtNum x) { return x != 0; })) return "surfacevel";
  return "";
}

// What two geoms make of a contact together.
ContactLaw law_of(const mjModel* m, int first, int second) {
  ContactLaw law{};
  law.margin = m->geom_margin[first] + m->geom_margin[second];
  law.gap = m->geom_gap[first] + m->geom_gap[second];
  const int prior = m->geom_priority[first] - m->geom_priority[second];
  const mjtNum *ref1 = m->geom_solref + mjNREF * first, *ref2 = m->geom_solref + mjNREF * second;
  mjtNum ref[mjNREF], imp[mjNIMP], friction[3];
  if (prior != 0) {
    const int chosen = prior > 0 ? first : second;
    law.condim = m->geom_condim[chosen];
    mju_copy(ref, m->geom_solref + mjNREF * chosen, mjNREF);
    mju_copy(imp, m->geom_solimp + mjNIMP * chosen, mjNIMP);
    mju_copy3(friction, m->geom_friction + 3 * chosen);
  } else {
    law.condim = std::max(m->geom_condim[first], m->geom_condim[second]);
    const double mix1 = m->geom_solmix[first], mix2 = m->geom_solmix[second];
    double mix = 0.5;
    if (mix1 >= mjMINVAL && mix2 >= mjMINVAL) mix = mix1 / (mix1 + mix2);
    else if (mix1 >= mjMINVAL || mix2 >= mjMINVAL) mix = mix1 < mjMINVAL ? 0.0 : 1.0;
    for (int i = 0; i < mjNREF; ++i) {
      ref[i] = ref1[0] > 0 && ref2[0] > 0 ? mix * ref1[i] + (1 - mix) * ref2[i] : std::min(ref1[i], ref2[i]);
    }
    for (int i = 0; i < mjNIMP; ++i) {
      imp[i] = mix * m->geom_solimp[mjNIMP * first + i] + (1 - mix) * m->geom_solimp[mjNIMP * second + i];
    }
    for (int i = 0; i < 3; ++i) friction[i] = std::max(m->geom_friction[3 * first + i], m->geom_friction[3 * second + i]);
  }
  law.friction = {friction[0], friction[0], friction[1], friction[2], friction[2]};
  law.impedance = impedance_of(m, ref, imp);
  return law;
}

// The inverse inertia that an edge is taken to have: of all edges the same, as that of an elliptic cone of the same
// impedance (MuJoCo's pyramidal cones).
void weigh(const mjModel* m, int first, int second, ContactLaw& law) {
  for (double& friction : law.friction) friction = std::max(mjMINMU, friction);
  law.invweight = m->body_invweight0[2 * m->geom_bodyid[second]] + m->body_invweight0[2 * m->geom_bodyid[first]];
  if (law.condim > 1) {
    const double square = law.friction[0] * law.friction[0];
    law.invweight *= (1 + square) * 2 * square / std::max(mjMINVAL, m->opt.impratio);
  }
}

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

ContactModel::Hull hull_of(const mjModel* m, int mesh, const Vec& center, const Quat& turn) {
  ContactModel::Hull hull;
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
      ContactModel::Face f{turned(turn, vec(m->mesh_polynormal + 3 * p)), {}, static_cast<int>(corners.size()) - 1};
      for (int k = 0; k < ContactModel::kBeside; ++k) f.beside[k] = corners[std::min(k + 1, f.count)];
      hull.faces.push_back(f);
    }
  }
  hull.faces_begin.push_back(static_cast<int>(hull.faces.size()));
  return hull;
}

// Visits the geoms that may touch, each two once: the plane first, else as MuJoCo orders them.
template <class Visit>
void each_contact(const mjModel* m, Visit&& visit) {
  for (int a = 0; a < m->ngeom; ++a) {
    for (int b = a + 1; b < m->ngeom; ++b) {
      if (may_touch(m, a, b)) m->geom_type[a] <= m->geom_type[b] ? visit(a, b) : visit(b, a);
    }
  }
}

}  // namespace

void ContactModel::list_uncovered(const mjModel* m, std::vector<std::string>& out) {
  if (m->npair) out.push_back("contact pair " + name_of(m, mjOBJ_PAIR, 0));
  int ground = -1;
  each_contact(m, [&](int first, int second) {
    const int type = m->geom_type[second];
    const std::string contact = "contact of " + name_of(m, mjOBJ_GEOM, std::min(first, second)) + " and " +
                                name_of(m, mjOBJ_GEOM, std::max(first, second)) + ": ";
    for (int geom : {first, second}) {
      const std::string surface = uncovered_surface(m, geom);
      if (!surface.empty()) out.push_back("geom " + name_of(m, mjOBJ_GEOM, geom) + ": " + surface);
    }
    if (m->geom_type[first] != mjGEOM_PLANE || m->body_weldid[m->geom_bodyid[first]] != 0 ||
        m->body_weldid[m->geom_bodyid[second]] == 0) {
      out.push_back(contact + "expected the ground, a plane that stands still, and a body");
    } else if (type == mjGEOM_SDF || (type == mjGEOM_MESH && m->mesh_graphadr[m->geom_dataid[second]] < 0)) {
      out.push_back(contact + "expected a shape or a mesh with a convex hull on the ground");
    } else if (ground >= 0 && ground != first) {
      out.push_back(contact + "expected one plane as the ground");
    } else {
      ground = first;
    }
  });
}

ContactModel::ContactModel(const DynamicsModel& dynamics) {
  each_contact(dynamics.human().mujoco(), [&](int plane, int geom) { add_geom(dynamics, plane, geom); });
  const auto& links = dynamics.links();
  std::vector<bool> needed(links.size(), false);
  for (const Point& p : points_) {
    for (int link = p.link; link >= 0; link = links[link].parent) needed[link] = true;
  }
  for (std::size_t l = 0; l < links.size(); ++l) {
    if (needed[l]) supporting_.push_back(static_cast<int>(l));
  }
}

void ContactModel::place_ground(const mjModel* m, int plane) {
  std::unique_ptr<mjData, void (*)(mjData*)> data(mj_makeData(m), mj_deleteData);
  require(data != nullptr, "expected memory for one simulation");
  mj_kinematics(m, data.get());
  const mjtNum* frame = data->geom_xmat + 9 * plane;
  mjtNum directions[9] = {frame[2], frame[5], frame[8]};
  if (std::abs(directions[1]) < 0.5) directions[4] = 1; else directions[5] = 1;  // as MuJoCo chooses directions along a plane
  mju_addToScl3(directions + 3, directions, -mju_dot3(directions + 3, directions));
  mju_normalize3(directions + 3);
  mju_cross(directions + 6, directions, directions + 3);
  ground_ = {vec(data->geom_xpos + 3 * plane), vec(directions), vec(directions + 3), vec(directions + 6)};
}

void ContactModel::add_geom(const DynamicsModel& dynamics, int plane, int geom) {
  const HumanModel& human = dynamics.human();
  const mjModel* m = human.mujoco();
  if (geoms_.empty()) place_ground(m, plane);
  const DynamicsModel::Place& at = dynamics.bodies()[m->geom_bodyid[geom]];
  const Vec center = plus(at.place, turned(at.turn, vec(m->geom_pos + 3 * geom)));
  const Quat turn = times(at.turn, quat(m->geom_quat + 4 * geom));
  const mjtNum* size = m->geom_size + 3 * geom;
  Point p{at.link, law_of(m, plane, geom), human.geom_foot()[geom], center, {}, 0.0};
  weigh(m, plane, geom, p.law);
  GroundGeom g{Shape::kSphere, at.link, static_cast<int>(points_.size()), 0, center,
               m->geom_rbound[geom] + p.law.margin + p.law.gap, vec(size),
               {turned(turn, {1, 0, 0}), turned(turn, {0, 1, 0}), turned(turn, {0, 0, 1})}, -1};
  if (m->geom_type[geom] == mjGEOM_SPHERE) {
    p.radius = size[0];
    points_.push_back(p);
  } else if (m->geom_type[geom] == mjGEOM_CAPSULE) {
    g.shape = Shape::kCapsule;
    p.axis = turned(turn, {0, 0, 1});
    p.radius = size[0];
    for (double way : {size[1], -size[1]}) {
      p.place = plus(center, turned(turn, {0, 0, way}));
      points_.push_back(p);
    }
  } else if (m->geom_type[geom] == mjGEOM_ELLIPSOID) {
    g.shape = Shape::kEllipsoid;
    points_.push_back(p);
  } else if (m->geom_type[geom] == mjGEOM_CYLINDER) {
    g.shape = Shape::kCylinder;
    points_.insert(points_.end(), 4, p);
  } else if (m->geom_type[geom] == mjGEOM_MESH) {
    g.shape = Shape::kMesh;
    g.hull = static_cast<int>(hulls_.size());
    hulls_.push_back(hull_of(m, m->geom_dataid[geom], center, turn));
    points_.insert(points_.end(), 1 + kBeside, p);
  } else {
    g.shape = Shape::kBox;
    for (int corner = 0; corner < 8; ++corner) {
      p.place = plus(center, turned(turn, {corner & 1 ? size[0] : -size[0], corner & 2 ? size[1] : -size[1],
                                           corner & 4 ? size[2] : -size[2]}));
      points_.push_back(p);
    }
  }
  g.points_end = static_cast<int>(points_.size());
  geoms_.push_back(g);
}

}  // namespace soleus
