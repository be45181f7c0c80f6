#include "model/lowest.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace soleus {

double lowest_of_geom(const mjModel* m, const mjData* d, int geom) {
  const mjtNum *size = m->geom_size + 3 * geom, *frame = d->geom_xmat + 9 * geom;
  const double z = d->geom_xpos[3 * geom + 2];
  const double x_axis = std::abs(frame[6]), y_axis = std::abs(frame[7]), z_axis = std::abs(frame[8]);
  switch (m->geom_type[geom]) {
    case mjGEOM_SPHERE:
      return z - size[0];
    case mjGEOM_CAPSULE:
      return z - z_axis * size[1] - size[0];
    case mjGEOM_CYLINDER:
      return z - z_axis * size[1] - size[0] * std::hypot(x_axis, y_axis);
    case mjGEOM_BOX:
      return z - x_axis * size[0] - y_axis * size[1] - z_axis * size[2];
    case mjGEOM_ELLIPSOID:
      return z - std::hypot(x_axis * size[0], y_axis * size[1], z_axis * size[2]);
    case mjGEOM_MESH: {
      double least = std::numeric_limits<double>::infinity();
      const int mesh = m->geom_dataid[geom];
      for (int v = m->mesh_vertadr[mesh]; v < m->mesh_vertadr[mesh] + m->mesh_vertnum[mesh]; ++v) {
        const float* at = m->mesh_vert + 3 * v;
        least = std::min(least, z + frame[6] * at[0] + frame[7] * at[1] + frame[8] * at[2]);
      }
      return least;
    }
    default:
      return std::numeric_limits<double>::infinity();
  }
}

double lowest_of_feet(const HumanModel& human, const mjModel* m, const mjData* d) {
  double least = std::numeric_limits<double>::infinity();
  for (int g = 0; g < m->ngeom; ++g) {
    const bool touches = m->geom_contype[g] != 0 || m->geom_conaffinity[g] != 0;
    if (human.geom_foot()[g] >= 0 && touches) least = std::min(least, lowest_of_geom(m, d, g));
  }
  return least;
}

}  // namespace soleus
