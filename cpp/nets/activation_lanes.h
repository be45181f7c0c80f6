// Activation functions, a vector of numbers at a time, and their derivatives.
#pragma once

#include "base/lanes.h"
#include "nets/activations.h"

namespace soleus {

inline Lanes splat(float x) { return Lanes{} + x; }

// (e^r - 1) / r by its series, for small r.
inline Lanes growth(Lanes r) {
  Lanes s = splat(1.0f / 720.0f);
  s = s * r + 1.0f / 120.0f;
  s = s * r + 1.0f / 24.0f;
  s = s * r + 1.0f / 6.0f;
  s = s * r + 0.5f;
  return s * r + 1.0f;
}

// e^x for x <= 0: 2^n * e^r with a degree-6 polynomial on |r| <= ln2 / 2 (relative error below 2e-7).
inline Lanes exp_nonpositive(Lanes x) {
  x = x < splat(-87.0f) ? splat(-87.0f) : x;
  const LaneInts n = __builtin_convertvector(x * 1.44269504088896341f - 0.5f, LaneInts);
  const Lanes nf = __builtin_convertvector(n, Lanes);
  const Lanes r = (x - nf * 0.693359375f) + nf * 2.12194440e-4f;
  return (growth(r) * r + 1.0f) * (Lanes)((n + 127) << 23);
}

inline Lanes tanh_lanes(Lanes x) {
  const Lanes a = x < splat(0.0f) ? -x : x;
  const Lanes e = exp_nonpositive(-2.0f * a);
  const Lanes large = (1.0f - e) / (1.0f + e);
  // Near zero the quotient cancels; the odd series to x^13 is exact to float there.
  const Lanes z = x * x;
  Lanes s = splat(21844.0f / 6081075.0f);
  s = s * z - 1382.0f / 155925.0f;
  s = s * z + 62.0f / 2835.0f;
  s = s * z - 17.0f / 315.0f;
  s = s * z + 2.0f / 15.0f;
  s = s * z - 1.0f / 3.0f;
  const Lanes small = x + x * z * s;
  const Lanes outer = x < splat(0.0f) ? -large : large;
  return a < splat(0.4f) ? small : outer;
}

inline Lanes elu_lanes(Lanes x) {
  const Lanes negative = x < splat(0.0f) ? x : splat(0.0f);
  // e^x - 1 loses digits near zero, where the series does not.
  const Lanes small = growth(negative) * negative;
  const Lanes large = exp_nonpositive(negative) - 1.0f;
  const Lanes below = negative > splat(-0.3f) ? small : large;
  return x < splat(0.0f) ? below : x;
}

inline Lanes activate(Lanes x, Activation activation) {
  switch (activation) {
    case Activation::kIdentity: return x;
    case Activation::kTanh: return tanh_lanes(x);
    case Activation::kRelu: return x > splat(0.0f) ? x : splat(0.0f);
    case Activation::kLeakyRelu: return x > splat(0.0f) ? x : kLeakySlope * x;
    case Activation::kElu: return elu_lanes(x);
    case Activation::kReluTanh: {
      const Lanes positive = x > splat(0.0f) ? x : splat(0.0f);
      return tanh_lanes(positive);
    }
  }
  return x;
}

// The derivative of an activation where it gave y: every one of them tells it by what it gives.
inline Lanes slope(Lanes y, Activation activation) {
  const Lanes zero{}, one = splat(1.0f);
  switch (activation) {
    case Activation::kIdentity: return one;
    case Activation::kTanh: return 1.0f - y * y;
    case Activation::kRelu: return y > zero ? one : zero;
    case Activation::kLeakyRelu: return y > zero ? one : splat(kLeakySlope);
    case Activation::kElu: return y > zero ? one : y + 1.0f;
    case Activation::kReluTanh: return y > zero ? 1.0f - y * y : zero;
  }
  return one;
}

}  // namespace soleus
