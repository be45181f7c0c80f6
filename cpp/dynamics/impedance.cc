#include "dynamics/impedance.h"

#include <algorithm>
#include <cmath>

#include "base/lane_numbers.h"

namespace soleus {
namespace {

// The curve of power 2, and that of any power, from 0 to 1.
template <class Number>
Wide parabolas(const Impedance<Number>& i, Wide x) {
  const Wide rest = Wide(1.0) - x;
  return select(x <= Wide(i.midpoint), Wide(x * x * i.below), Wide(1.0) - rest * rest * i.above);
}

template <class Number>
double power_curve(const Impedance<Number>& i, double x, int lane) {
  const double midpoint = of_lane(i.midpoint, lane), power = of_lane(i.power, lane);
  return x <= midpoint ? std::pow(x, power) / std::pow(midpoint, power - 1)
                       : 1 - std::pow(1 - x, power) / std::pow(1 - midpoint, power - 1);
}

Wide curve(const Impedance<double>& i, Wide x) {
  if (i.power == 1) return x;
  if (i.power == 2) return parabolas(i, x);
  Wide y;
  for (int lane = 0; lane < kLanes; ++lane) y.set(lane, power_curve(i, x[lane], lane));
  return y;
}

Wide curve(const Impedance<Wide>& i, Wide x) {
  const WideMask straight = i.power == Wide(1.0), square = i.power == Wide(2.0);
  Wide y = select(straight, x, parabolas(i, x));
  if (all(straight | square)) return y;
  for (int lane = 0; lane < kLanes; ++lane) {
    if (!(straight | square)[lane]) y.set(lane, power_curve(i, x[lane], lane));
  }
  return y;
}

// d(r) of solimp at a distance from the margin.
Wide impedance_at(const Impedance<double>& i, Wide distance) {
  if (i.least == i.most) return Wide(i.least);
  return Wide(i.least) + curve(i, min(abs(distance) * i.inverse_width, Wide(1.0))) * (i.most - i.least);
}

Wide impedance_at(const Impedance<Wide>& i, Wide distance) {
  return i.least + curve(i, min(abs(distance) * i.inverse_width, Wide(1.0))) * (i.most - i.least);
}

}  // namespace

Impedance<double> impedance_of(const mjModel* m, const mjtNum* solref, const mjtNum* solimp) {
  double ref[2] = {solref[0], solref[1]};
  if ((ref[0] > 0) != (ref[1] > 0)) ref[0] = 0.02, ref[1] = 1.0;
  if (!(m->opt.disableflags & mjDSBL_REFSAFE) && ref[0] > 0) ref[0] = std::max(ref[0], 2 * m->opt.timestep);
  Impedance<double> i;
  i.least = std::clamp(solimp[0], mjMINIMP, mjMAXIMP);
  i.most = std::clamp(solimp[1], mjMINIMP, mjMAXIMP);
  i.midpoint = std::clamp(solimp[3], mjMINIMP, mjMAXIMP);
  i.power = std::max(1.0, solimp[4]);
  i.below = 1 / i.midpoint;
  i.above = 1 / (1 - i.midpoint);
  const double square = i.most * i.most;
  i.stiffness = ref[0] > 0 ? 1 / std::max(mjMINVAL, square * ref[0] * ref[0] * ref[1] * ref[1])
                           : -ref[0] / std::max(mjMINVAL, square);
  i.damping = ref[1] > 0 ? 2 / std::max(mjMINVAL, i.most * ref[0]) : -ref[1] / std::max(mjMINVAL, i.most);
  const double width = std::max(0.0, solimp[2]);
  if (i.least == i.most || width <= mjMINVAL) {
    i.least = i.most = 0.5 * (i.least + i.most);
    i.inverse_width = 0;
  } else {
    i.inverse_width = 1.0 / width;
  }
  return i;
}

template <class Number>
Softness softness(const Impedance<Number>& i, Wide distance, Number invweight) {
  const Wide d = impedance_at(i, distance);
  return {d / max((Wide(1.0) - d) * invweight, Wide(mjMINVAL)), d * distance * -i.stiffness};
}

template Softness softness(const Impedance<double>&, Wide, double);
template Softness softness(const Impedance<Wide>&, Wide, Wide);

}  // namespace soleus
