// Sine, cosine, arc tangent, exponential and logarithm of wide numbers, the same bits on every processor.
#pragma once

#include "base/wide.h"

namespace soleus {

// Both of angles up to about 1e6 rad, to 1.5 units in the last place; larger ones lose digits gradually.
// The reduction by pi/2 in three parts is W. Cody's and W. Waite's (Software Manual for the Elementary Functions, 1980);
// the polynomials are those of FreeBSD's msun (k_sin.c, k_cos.c), minimax over [-pi/4, pi/4].
inline void sincos(Wide x, Wide& sine, Wide& cosine) {
  constexpr double kShift = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to a whole number in the low bits
  const Wide scaled = x * 0.63661977236758134308 + Wide(kShift);
  const WideInts quadrant = (WideInts)scaled.v;
  const Wide n = scaled - Wide(kShift);
  Wide r = x - n * 1.57079632673412561417e+00;
  r -= n * 6.07710050630396597660e-11;
  r -= n * 2.02226624879595063154e-21;
  const Wide z = r * r;
  Wide s = z * 1.58969099521155010221e-10 + Wide(-2.50507602534068634195e-08);
  s = z * s + Wide(2.75573137070700676789e-06);
  s = z * s + Wide(-1.98412698298579493134e-04);
  s = z * s + Wide(8.33333333332248946124e-03);
  s = z * s + Wide(-1.66666666666666324348e-01);
  s = (z * r) * s + r;
  Wide c = z * -1.13596475577881948265e-11 + Wide(2.08757232129817482790e-09);
  c = z * c + Wide(-2.75573143513906633035e-07);
  c = z * c + Wide(2.48015872894767294178e-05);
  c = z * c + Wide(-1.38888888888741095749e-03);
  c = z * c + Wide(4.16666666666666019037e-02);
  c = (z * z) * c + (Wide(1.0) - 0.5 * z);
  const WideMask swapped{-(quadrant & 1)};
  const WideInts sine_sign = (quadrant & 2) << 62, cosine_sign = ((quadrant + 1) & 2) << 62;
  sine.v = (WideDoubles)((WideInts)select(swapped, c, s).v ^ sine_sign);
  cosine.v = (WideDoubles)((WideInts)select(swapped, s, c).v ^ cosine_sign);
}

// Angle of (x, y) in [0, pi] for y >= 0 and any x, to about 2 units in the last place; 0 for (0, 0).
// Half-angle steps bring the tangent below tan(pi/16); the rest is the Taylor series to the 25th power.
inline Wide angle_of(Wide x, Wide y) {
  const Wide radius = sqrt(x * x + y * y);
  // tan(a/2) = y / (r + x), or (r - x) / y where x < 0: the one that does not cancel.
  const WideMask left = x < Wide(0.0);
  const Wide top = select(left, radius - x, y);
  const Wide bottom = select(left, y, radius + x);
  const WideMask none = bottom == Wide(0.0);
  // Where y = 0 on the left the half angle is pi/2; its tangent is turned over: t becomes 0 and the angle pi.
  const WideMask steep = top > bottom;
  const Wide t1 = select(steep, bottom, top) / select(steep, top, select(none, Wide(1.0), bottom));  // in [0, 1]
  const Wide t2 = t1 / (Wide(1.0) + sqrt(Wide(1.0) + t1 * t1));  // tan of a quarter, below 0.4143
  const Wide t3 = t2 / (Wide(1.0) + sqrt(Wide(1.0) + t2 * t2));  // below 0.1990
  const Wide z = t3 * t3;
  Wide p(0.0);
  constexpr int kTerms = 12;
  for (int k = kTerms; k >= 1; --k) p = z * p + Wide((k % 2 ? -1.0 : 1.0) / (2 * k + 1));
  const Wide half = 4.0 * (t3 + (t3 * z) * p);
  const Wide whole = 2.0 * half;
  return select(none & !left, Wide(0.0), select(steep, Wide(3.14159265358979323846) - whole, whole));
}

// To about 1 unit in the last place, for arguments between -700 and 700; beyond them that of the nearer end.
// Reduction by ln 2 in two parts, and the Taylor series to the 13th power over [-ln 2 / 2, ln 2 / 2].
inline Wide exp(Wide x) {
  constexpr double kShift = 6755399441055744.0;
  x = clamp(x, Wide(-700.0), Wide(700.0));
  const Wide scaled = x * 1.44269504088896338700 + Wide(kShift);
  const WideInts exponent = (WideInts)scaled.v;
  const Wide n = scaled - Wide(kShift);
  Wide r = x - n * 6.93147180369123816490e-01;
  r -= n * 1.90821492927058770002e-10;
  constexpr double kFactors[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880,
                                 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0};
  Wide p(kFactors[0]);
  for (int i = 1; i < 14; ++i) p = p * r + Wide(kFactors[i]);
  // The power of two goes into the exponent's bits.
  return {(WideDoubles)((WideInts)p.v + (exponent << 52))};
}

// Natural logarithm to about 1 unit in the last place, for normal numbers above 0. The exponent's bits are the power of
// two; of what is left, in [sqrt(1/2), sqrt(2)), the series of the inverse hyperbolic tangent.
inline Wide log(Wide x) {
  constexpr std::int64_t kRootHalf = 0x3fe6a09e667f3bcd;  // the bits of sqrt(1/2)
  constexpr double kShift = 6755399441055744.0;
  const WideInts bits = (WideInts)x.v;
  const WideInts exponent = (bits - kRootHalf) >> 52;
  const Wide m{(WideDoubles)(bits - (exponent << 52))};
  // A whole number becomes a double by its low bits.
  const Wide n = Wide{(WideDoubles)(exponent + (WideInts)Wide(kShift).v)} - Wide(kShift);
  const Wide s = (m - Wide(1.0)) / (m + Wide(1.0));
  const Wide z = s * s;
  Wide p(0.0);
  constexpr int kTerms = 11;
  for (int k = kTerms; k >= 1; --k) p = z * p + Wide(1.0 / (2 * k + 1));
  const Wide tail = 2.0 * Wide(s * z) * p + n * 1.90821492927058770002e-10;
  return n * 6.93147180369123816490e-01 + (2.0 * s + tail);
}

}  // namespace soleus
