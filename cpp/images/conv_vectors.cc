// Convolutions by vectors: each number of a window, a pair of neighbours at a time, times as many outputs as a vector has.
#include "images/conv.h"
#include "images/conv_kernels.h"
#include "images/products.h"

#if SOLEUS_PRODUCTS
#include <immintrin.h>

#include "images/products_begin.inc"
// After it: what all kernels end in.
#include "images/finish.h"

namespace soleus {
namespace {

constexpr int kPairs = kDepth / 2;  // of a block of the window
// Sums of eight pixels are computed together, or of eight pairs of them: with the vectors of two blocks of outputs, or of one,
// they fill half of the registers, and every vector of weights meets them all.

inline __m512bh weights_of(const Bfloat16* p) { return (__m512bh)_mm512_loadu_si512(p); }

inline __m512bh pair_of(const Bfloat16* p) {
  int pair;
  __builtin_memcpy(&pair, p, sizeof pair);
  return (__m512bh)_mm512_set1_epi32(pair);
}

// The places of results, pixel after pixel or pair after pair: those that have none are left out.
class Places {
 public:
  Places(const Conv& conv, int images, int step) : conv_(conv), images_(images), step_(step) {}

  bool any() const { return image_ < images_; }
  // Behind the last come places that have no result, and may be written.
  int next() {
    const int place = image_ * conv_.image + row_ * conv_.pitch + column_;
    column_ += step_;
    if (column_ >= conv_.columns && any()) {
      column_ = 0;
      if (++row_ == conv_.rows) {
        row_ = 0;
        ++image_;
      }
    }
    return place;
  }

 private:
  const Conv& conv_;
  int images_, step_;
  int image_ = 0, row_ = 0, column_ = 0;
};

// The next eight places, and where their windows begin: in registers, for a compiler that knows how they come about keeps
// every sum of them in memory.
struct EightWindows {
  EightWindows(Places& places, const Bfloat16* in, std::ptrdiff_t pixel) {
#pragma GCC unroll 8
    for (int p = 0; p < 8; ++p) {
      place[p] = places.next();
      at[p] = in + place[p] * pixel;
      asm("" : "+r"(at[p]));
    }
  }
  int place[8];
  const Bfloat16* at[8];
};

struct WideSums {
  __m512 low[8] = {}, high[8] = {};
};

// Adds the products of pairs kFirst to kLast - 1 of the block at an offset, with the lower or the upper outputs or both.
template <int kFirst, int kLast, bool kLow, bool kHigh>
inline __attribute__((always_inline)) void add_pairs(WideSums& sums, const EightWindows& windows, std::ptrdiff_t offset,
                                                     const Bfloat16* low, const Bfloat16* high) {
#pragma GCC unroll 16
  for (int pair = kFirst; pair < kLast; ++pair) {
    const __m512bh lower = weights_of(low + pair * 32), upper = weights_of(high + pair * 32);
#pragma GCC unroll 8
    for (int p = 0; p < 8; ++p) {
      const __m512bh numbers = pair_of(windows.at[p] + offset + 2 * pair);
      if constexpr (kLow) sums.low[p] = _mm512_dpbf16_ps(sums.low[p], lower, numbers);
      if constexpr (kHigh) sums.high[p] = _mm512_dpbf16_ps(sums.high[p], upper, numbers);
    }
  }
}

// Half a block is a column of 16 channels. Of two pixels that count as one, the second's window begins a column later: where
// the window of the pixel that outputs belong to is not, weights are zero.
template <int kFirst, int kLast>
inline __attribute__((always_inline)) void add_column(WideSums& sums, bool in_low, bool in_high, const EightWindows& windows,
                                                      std::ptrdiff_t offset, const Bfloat16* low, const Bfloat16* high) {
  if (in_low && in_high) {
    add_pairs<kFirst, kLast, true, true>(sums, windows, offset, low, high);
  } else if (in_low) {
    add_pairs<kFirst, kLast, true, false>(sums, windows, offset, low, high);
  } else if (in_high) {
    add_pairs<kFirst, kLast, false, true>(sums, windows, offset, low, high);
  }
}

template <Finish kFinish, bool kGrouped>
void run_wide(const Conv& conv, const Bfloat16* in, const Bfloat16* weights, int images, const Finishing& to) {
  const ConvShape s = conv.shape.grouped();
  const int blocks = s.blocks(), row_blocks = s.row_blocks();
  const std::size_t outputs = conv.shape.outputs;  // of a pixel, be it one of two
  const auto sees = [&](int column, int output) {
    const int own = column - output / conv.shape.outputs;
    return own >= 0 && own < conv.shape.columns;
  };
  in += static_cast<std::ptrdiff_t>(conv.origin) * conv.shape.inputs;
  for (int output = 0; output < s.outputs; output += 32) {
    const Unit bias = bias_of(to, output, conv.shape.outputs);
    const Bfloat16* low = weights + static_cast<std::size_t>(output / kTile) * blocks * kTile * kDepth;
    const Bfloat16* high = low + static_cast<std::size_t>(blocks) * kTile * kDepth;
    for (Places places(conv, images, kGrouped ? 2 : 1); places.any();) {
      const EightWindows windows(places, in, conv.shape.inputs);
      WideSums sums;
      for (int block = 0; block < blocks; ++block) {
        const std::ptrdiff_t offset = conv.offsets[block];
        const Bfloat16 *lower = low + block * kTile * kDepth, *upper = high + block * kTile * kDepth;
        if constexpr (kGrouped) {
          const int column = 2 * (block % row_blocks);
          add_column<0, kPairs / 2>(sums, sees(column, output), sees(column, output + kTile), windows, offset, lower, upper);
          add_column<kPairs / 2, kPairs>(sums, sees(column + 1, output), sees(column + 1, output + kTile), windows, offset,
                                         lower, upper);
        } else {
          add_pairs<0, kPairs, true, true>(sums, windows, offset, lower, upper);
        }
      }
#pragma GCC unroll 8
      for (int p = 0; p < 8; ++p) {
        finish<kFinish>(to, bias, {sums.low[p], sums.high[p]}, windows.place[p] * outputs + output);
      }
    }
  }
}

template <Finish kFinish>
void run_narrow(const Conv& conv, const Bfloat16* in, const Bfloat16* weights, int images, const Finishing& to) {
  const ConvShape& s = conv.shape;
  const Unit bias = bias_of(to, 0, s.outputs);
  std::ptrdiff_t neighbour = s.inputs;
  asm("" : "+r"(neighbour));
  in += static_cast<std::ptrdiff_t>(conv.origin) * s.inputs;
  for (Places places(conv, images, 2); places.any();) {
    const EightWindows windows(places, in, s.inputs);
    __m512 first[8] = {}, second[8] = {};
    for (int block = 0; block < s.blocks(); ++block) {
      const std::ptrdiff_t offset = conv.offsets[block], next = offset + neighbour;
      const Bfloat16* mine = weights + block * kTile * kDepth;
#pragma GCC unroll 16
      for (int pair = 0; pair < kPairs; ++pair) {
        const __m512bh numbers = weights_of(mine + pair * 32);
#pragma GCC unroll 8
        for (int p = 0; p < 8; ++p) {
          first[p] = _mm512_dpbf16_ps(first[p], numbers, pair_of(windows.at[p] + offset + 2 * pair));
          second[p] = _mm512_dpbf16_ps(second[p], numbers, pair_of(windows.at[p] + next + 2 * pair));
        }
      }
    }
#pragma GCC unroll 8
    for (int p = 0; p < 8; ++p) {
      finish<kFinish>(to, bias, {first[p], second[p]}, static_cast<std::size_t>(windows.place[p]) * kTile);
    }
  }
}

}  // namespace

void forward_by_vectors(const Conv& conv, const Bfloat16* in, const Bfloat16* weights, int images, Finish finish,
                        const Finishing& to) {
  with_finish(finish, [&]<Finish kFinish>() {
    if (conv.shape.group() == 2) return run_wide<kFinish, true>(conv, in, weights, images, to);
    if (conv.shape.outputs % 32 == 0) return run_wide<kFinish, false>(conv, in, weights, images, to);
    run_narrow<kFinish>(conv, in, weights, images, to);
  });
}

}  // namespace soleus

#include "images/products_end.inc"
#endif
