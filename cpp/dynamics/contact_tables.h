// What may touch what, and how, as tables of a Number: double where all humans share the model's numbers, Wide where each
// lane has its own. ContactModel makes them.
#pragma once

#include <array>
#include <vector>

#include "dynamics/contact_law.h"

namespace soleus {

enum class ContactShape { kSphere, kCapsule, kBox, kEllipsoid, kCylinder, kMesh };
enum class PairKind { kSpheres, kSphereAndCapsule, kCapsules };

template <class Number>
struct ContactTables {
  using Triple = std::array<Number, 3>;

  // A geom that may touch the ground, and the points by which it may.
  struct GroundGeom {
    ContactShape shape;
    int link, points_begin, points_end;
    int hull;                        // of meshes
    Triple center;                   // in the link's frame
    Number reach;                    // how far it reaches from there, its margin and its gap included [m]
    Triple size;                     // as MuJoCo has it
    std::array<Triple, 3> axes;      // of the geom, in the link's frame
  };
  // A place where a geom may touch the ground. Spheres, capsules and boxes have theirs in the link's frame, with a sphere
  // round it: the geom, an end of it, or a corner (radius 0). Those of other shapes are found as they touch.
  struct Point {
    int link;
    int foot;                        // or -1
    bool lengthwise;                 // whether the first direction of friction follows an axis: that of its capsule
    Triple place;                    // in the link's frame
    Number radius;
    ContactLaw<Number> law;
    Triple axis;
  };
  // A mesh's convex hull, in its link's frame. Of a face at a vertex: its normal, and the vertices beside this one that
  // may touch with it, in order; the last is repeated where there are fewer.
  static constexpr int kBeside = 3;
  struct Face { Triple normal; std::array<int, kBeside> beside; int count; };
  struct Hull {
    std::vector<Triple> vertices;
    std::vector<int> faces_begin;    // of each vertex, in `faces`, and the end
    std::vector<Face> faces;
  };
  // The ground: a point of it, its normal, and two directions along it.
  struct Ground { Triple origin, normal, first, second; };

  // A geom that another may touch: what is within a radius of a segment; of a sphere its half is 0.
  struct Rod {
    int geom, link;                  // link -1: the world
    Triple center, axis;             // in the link's frame
    Number half, radius;
  };
  struct Pair {
    PairKind kind;
    int first, second;               // rods; the normal points from the first to the second
    int bond;                        // of BodyPairs
    int points_begin, points_end;    // capsules that are parallel may touch at two
    int foot;                        // that presses against what is no body of the person's, or -1
    Number reach;                    // between their centres, at most, where they touch
    ContactLaw<Number> law;
  };

  static constexpr std::array kParts{"geoms that may touch the ground", "points that may touch the ground", "meshes", "ground",
                                     "geoms that may touch others", "pairs of geoms"};
  std::vector<GroundGeom> geoms;
  std::vector<Point> points;
  std::vector<Hull> hulls;
  Ground ground{};
  std::vector<Rod> rods;
  std::vector<Pair> pairs;
};

}  // namespace soleus
