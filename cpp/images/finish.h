// From a convolution's sums to its results. Included between products_begin.inc and products_end.inc.
#pragma once

#include "images/conv.h"

namespace soleus {
namespace {

// 32 results: of one pixel, or of two neighbours where there are 16 outputs.
struct Unit {
  __m512 low, high;
};

inline __m512 widened_half(const Bfloat16* p) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)p)), 16));
}

inline Unit widened(const Bfloat16* p) { return {widened_half(p), widened_half(p + 16)}; }

inline void store(Bfloat16* p, Unit unit) {
  _mm512_storeu_si512(p, (__m512i)_mm512_cvtne2ps_pbh(unit.high, unit.low));
}

inline Unit relu(Unit unit) {  // what is not a number stays so
  return {_mm512_max_ps(_mm512_setzero_ps(), unit.low), _mm512_max_ps(_mm512_setzero_ps(), unit.high)};
}

inline Unit sum(Unit a, Unit b) { return {_mm512_add_ps(a.low, b.low), _mm512_add_ps(a.high, b.high)}; }

inline Unit where_positive(const Bfloat16* p, Unit unit) {
  const __mmask32 mask = _mm512_cmpgt_epi16_mask(_mm512_loadu_si512(p), _mm512_setzero_si512());
  return {_mm512_maskz_mov_ps(static_cast<__mmask16>(mask), unit.low),
          _mm512_maskz_mov_ps(static_cast<__mmask16>(mask >> 16), unit.high)};
}

// The biases of 32 outputs from one on, or zeros.
inline Unit bias_of(const Finishing& to, int output, int outputs) {
  if (!to.bias) return {_mm512_setzero_ps(), _mm512_setzero_ps()};
  return {_mm512_loadu_ps(to.bias + output % outputs), _mm512_loadu_ps(to.bias + (output + 16) % outputs)};
}

template <Finish kFinish>
inline void finish(const Finishing& to, Unit bias, Unit unit, std::size_t at) {
  constexpr bool kMasked = kFinish == Finish::kMask || kFinish == Finish::kMaskAdd;
  constexpr bool kAdded = kFinish == Finish::kAdd || kFinish == Finish::kAddRelu || kFinish == Finish::kMaskAdd;
  unit = kMasked ? where_positive(to.positive + at, unit) : sum(unit, bias);
  if constexpr (kAdded) unit = sum(unit, widened(to.add + at));
  store(to.out + at, kFinish == Finish::kRelu ? relu(unit) : unit);
  if constexpr (kFinish == Finish::kAddRelu) store(to.relu + at, relu(unit));
}

// Calls run.operator()<finish>().
template <class Run>
inline void with_finish(Finish finish, Run&& run) {
  switch (finish) {
    case Finish::kPlain: return run.template operator()<Finish::kPlain>();
    case Finish::kRelu: return run.template operator()<Finish::kRelu>();
    case Finish::kAdd: return run.template operator()<Finish::kAdd>();
    case Finish::kAddRelu: return run.template operator()<Finish::kAddRelu>();
    case Finish::kMask: return run.template operator()<Finish::kMask>();
    case Finish::kMaskAdd: return run.template operator()<Finish::kMaskAdd>();
  }
}

}  // namespace
}  // namespace soleus
