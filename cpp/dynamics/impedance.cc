#include "dynamics/impedance.h"

#include <algorithm>
#include <cmath>

namespace soleus {
namespace {

// d(r) of solimp at a distance from the margin.
Wide impedance_at(const Impedance& i, Wide distance) {
  if (i.least == i.most || i.width <= mjMINVAL) return Wide(0.5 * (i.least + i.most));
  const Wide x = min(abs(distance) * (1.0 / i.width), Wide(1.0));
  Wide y;
  if (i.power == 1) {
    y = x;
  } else if (i.power == 2) {
    const Wide rest = Wide(1.0) - x;
    y = select(x <= Wide(i.midpoint), Wide(x * x * (1 / i.midpoint)), Wide(1.0) - rest * rest * (1 / (1 - i.midpoint)));
  } else {
    for (int lane = 0; lane < kLanes; ++lane) {
      const double at = x[lane];
      y.set(lane, at <= i.midpoint ? std::pow(at, i.power) / std::pow(i.midpoint, i.power - 1)
                                   : 1 - std::pow(1 - at, i.power) / std::pow(1 - i.midpoint, i.power - 1));
    }
  }
  return Wide(i.least) + y * (i.most - i.least);
}

}  // namespace

Impedance impedance_of(const mjModel* m, const mjtNum* solref, const mjtNum* solimp) {
  double ref[2] = {solref[0], solref[1]};
  if ((ref[0] > 0) != (ref[1] > 0)) ref[0] = 0.02, ref[1] = 1.0;
  if (!(m->opt.disableflags & mjDSBL_REFSAFE) && ref[0] > 0) ref[0] = std::max(ref[0], 2 * m->opt.timestep);
  Impedance i;
  i.least = std::clamp(solimp[0], mjMINIMP, mjMAXIMP);
  i.most = std::clamp(solimp[1], mjMINIMP, mjMAXIMP);
  i.width = std::max(0.0, solimp[2]);
  i.midpoint = std::clamp(solimp[3], mjMINIMP, mjMAXIMP);
  i.power = std::max(1.0, solimp[4]);
  const double square = i.most * i.most;
  i.stiffness = ref[0] > 0 ? 1 / std::max(mjMINVAL, square * ref[0] * ref[0] * ref[1] * ref[1])
                           : -ref[0] / std::max(mjMINVAL, square);
  i.damping = ref[1] > 0 ? 2 / std::max(mjMINVAL, i.most * ref[0]) : -ref[1] / std::max(mjMINVAL, i.most);
  return i;
}

Softness softness(const Impedance& i, Wide distance, double invweight) {
  const Wide d = impedance_at(i, distance);
  return {d / max((Wide(1.0) - d) * invweight, Wide(mjMINVAL)), d * distance * -i.stiffness};
}

}  // namespace soleus
