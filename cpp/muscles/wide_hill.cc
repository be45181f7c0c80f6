#include "muscles/wide_hill.h"

#include <cmath>

#include "base/wide_math.h"

namespace soleus {
namespace {

// Of the active force-length curve: height, centre, and width at length 0 and how it grows with the length.
struct Bell { double height, centre, width, growth; };
constexpr Bell kBells[] = {
    {0.8150671134243542, 1.055033428970575, 0.162384573599574, 0.063303448465465},
    {0.433004984392647, 0.716775413397760, -0.029947116970696, 0.200356847296188},
    {0.1, 1.0, 0.353553390593274, 0.0},
};
constexpr double kPassiveShape = 4.0;    // kPE
constexpr double kPassiveStrain = 0.6;   // e0, at which the passive force equals the maximum isometric force
constexpr double kLeastLength = 0.2;     // of a fibre, over the optimal one
constexpr double kVelocity[] = {-0.3211346127989808, -8.149, -0.374, 0.8825327733249912};  // d1 to d4
constexpr double kLeastAlong = 1e-4;     // [m] of a fibre along its tendon: a shorter path is slack, and pulls no more

Wide active_length_curve(Wide length) {
  Wide sum(0.0);
  for (const Bell& b : kBells) {
    const Wide x = (length - Wide(b.centre)) / (length * b.growth + Wide(b.width));
    sum += b.height * exp(Wide(-0.5 * Wide(x * x)));
  }
  return sum;
}

Wide passive_curve(Wide length) {
  const double least = std::exp(kPassiveShape * (kLeastLength - 1.0) / kPassiveStrain);
  const Wide curve = exp(Wide((length - Wide(1.0)) * (kPassiveShape / kPassiveStrain))) - Wide(least);
  return max(curve * (1.0 / (std::exp(kPassiveShape) - least)), Wide(0.0));
}

// Of a velocity over the greatest one, lengthening positive; no force at all beyond the greatest.
Wide force_velocity_curve(Wide velocity) {
  const Wide x = max(velocity, Wide(-1.0)) * kVelocity[1] + Wide(kVelocity[2]);
  // The inverse hyperbolic sine, of the magnitude: the logarithm cancels for negative numbers.
  const Wide magnitude = max(x, -x);
  const Wide inverse = log(magnitude + sqrt(Wide(magnitude * magnitude) + Wide(1.0)));
  const Wide signed_inverse = select(x < Wide(0.0), -inverse, inverse);
  return max(signed_inverse * kVelocity[0] + Wide(kVelocity[3]), Wide(0.0));
}

Wide along_tendon(Wide slack, Wide length) { return max(length - slack, Wide(kLeastAlong)); }

}  // namespace

Wide hill_fibre(Wide slack, Wide square_height, Wide inverse_optimal, Wide length) {
  const Wide along = along_tendon(slack, length);
  return sqrt(along * along + square_height) * inverse_optimal;
}

WideHillForce hill_force(Wide slack, Wide square_height, Wide inverse_optimal, Wide length, Wide speed) {
  const Wide along = along_tendon(slack, length);
  const Wide fibre = sqrt(along * along + square_height);
  const Wide cosine = along / fibre;
  const Wide normal = fibre * inverse_optimal;
  return {active_length_curve(normal) * force_velocity_curve(speed * cosine) * cosine, passive_curve(normal) * cosine};
}

}  // namespace soleus
