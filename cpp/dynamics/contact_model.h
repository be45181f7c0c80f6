// What may touch what, and how: tables of a model, made once, shared by all tiles.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "dynamics/body_pairs.h"
#include "dynamics/contact_law.h"

namespace soleus {

class DynamicsModel;
class HumanModel;

class ContactModel {
 public:
  // Contacts that the lanes do not cover, each by the names of its geoms, are added to `out`.
  static void list_uncovered(const mjModel* m, std::vector<std::string>& out);

  // Of a covered model whose links are known.
  explicit ContactModel(const DynamicsModel& dynamics);

  enum class Shape { kSphere, kCapsule, kBox, kEllipsoid, kCylinder, kMesh };
  // A geom that may touch the ground, and the points by which it may.
  struct GroundGeom {
    Shape shape;
    int link, points_begin, points_end;
    std::array<double, 3> center;    // in the link's frame
    double reach;                    // how far it reaches from there, its margin and its gap included [m]
    std::array<double, 3> size;      // as MuJoCo has it
    std::array<std::array<double, 3>, 3> axes;  // of the geom, in the link's frame
    int hull;                        // of meshes
  };
  // A place where a geom may touch the ground. Spheres, capsules and boxes have theirs in the link's frame, with a sphere
  // round it: the geom, an end of it, or a corner (radius 0). Those of other shapes are found as they touch.
  struct Point {
    int link;
    ContactLaw law;
    int foot;                        // or -1
    std::array<double, 3> place;     // in the link's frame
    std::array<double, 3> axis;      // of the capsule: the first direction of friction follows it; 0: none
    double radius;
  };
  // A mesh's convex hull, in its link's frame. Of a face at a vertex: its normal, and the vertices beside this one that
  // may touch with it, in order; the last is repeated where there are fewer.
  static constexpr int kBeside = 3;
  struct Face { std::array<double, 3> normal; std::array<int, kBeside> beside; int count; };
  struct Hull {
    std::vector<std::array<double, 3>> vertices;
    std::vector<int> faces_begin;    // of each vertex, in `faces`, and the end
    std::vector<Face> faces;
  };
  const std::vector<GroundGeom>& geoms() const { return geoms_; }
  const std::vector<Hull>& hulls() const { return hulls_; }
  const std::vector<Point>& points() const { return points_; }
  const BodyPairs& pairs() const { return pairs_; }
  // Links that carry points or that other bodies may touch, and all links between them and the world: in order from the root.
  const std::vector<int>& supporting() const { return supporting_; }
  // The ground: a point of it, its normal, and two directions along it.
  struct Ground { std::array<double, 3> origin, normal, first, second; };
  const Ground& ground() const { return ground_; }

 private:
  void place_ground(const mjModel* m, int plane);
  void add_geom(const DynamicsModel& dynamics, const GeomContact& contact);

  std::vector<GroundGeom> geoms_;
  std::vector<Point> points_;
  std::vector<Hull> hulls_;
  BodyPairs pairs_;
  std::vector<int> supporting_;
  Ground ground_{};
};

}  // namespace soleus
