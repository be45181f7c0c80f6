// Gradients of a convolution's weights: products over pixels, for which inputs are transposed and gradients come in pairs.
#include <algorithm>

#include "images/conv.h"
#include "images/products.h"

#if SOLEUS_PRODUCTS
#include <immintrin.h>

#include "images/products_begin.inc"

namespace soleus {
namespace {

constexpr int kRange = 384;      // pixels at a time: transposed, with the pairs that they meet, they fit 48 KB
constexpr int kMostProducts = 256;
constexpr int kStride = kRange + kRange / 2 + kDepth;  // of what is transposed

inline __m512i load(const Bfloat16* p) { return _mm512_loadu_si512(p); }

// Word i of the first half beside word i of the second.
inline __m512i interleaved(__m512i halves) {
  alignas(64) static constexpr std::uint16_t kOrder[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                           8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return _mm512_permutexvar_epi16(_mm512_load_si512(kOrder), halves);
}

// One row of 16 channels from each of two pixels.
inline __m512i two_rows(const Bfloat16* first, const Bfloat16* second) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i*)first)),
                            _mm256_loadu_si256((const __m256i*)second), 1);
}

// Sixteen channels of two neighbouring pixels.
inline __m512i pixel_pair(const Bfloat16* p, int channels) {
  return channels == kTile ? load(p) : two_rows(p, p + channels);
}

// In both halves alike, 8 rows of 8 words of 32 bits become 8 columns. Shifts and blends do what they can of it: there is
// one port for shuffles, and two for them.
inline void transpose_halves(__m512i (&r)[8]) {
  const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
  __m512i t[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm512_mask_blend_epi32(0xaaaa, r[i], _mm512_slli_epi64(r[i + 1], 32));
    t[i + 1] = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(r[i], 32), r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    for (int j = i; j < i + 2; ++j) {
      r[j] = _mm512_unpacklo_epi64(t[j], t[j + 2]);
      r[j + 2] = _mm512_unpackhi_epi64(t[j], t[j + 2]);
    }
  }
  for (int j = 0; j < 4; ++j) {
    const __m512i last = r[j + 4];
    r[j + 4] = _mm512_permutex2var_epi64(r[j], high, last);
    r[j] = _mm512_permutex2var_epi64(r[j], low, last);
  }
}

// 16 channels of pixels (a multiple of 32), which have `channels`, to rows of `stride` elements.
void transpose_pixels(const Bfloat16* in, int channels, int pixels, Bfloat16* out, int stride) {
  for (int pixel = 0; pixel < pixels; pixel += kDepth) {
    // Row i: pixels 2 i and 2 i + 1, of the even channels and of the odd ones; in the second half 16 pixels later.
    __m512i even[8], odd[8];
    for (int i = 0; i < 8; ++i) {
      const Bfloat16* from = in + static_cast<std::ptrdiff_t>(pixel + 2 * i) * channels;
      const __m512i first = two_rows(from, from + 16 * channels), second = two_rows(from + channels, from + 17 * channels);
      even[i] = _mm512_mask_blend_epi16(0xaaaaaaaa, first, _mm512_slli_epi32(second, 16));
      odd[i] = _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_srli_epi32(first, 16), second);
    }
    transpose_halves(even);
    transpose_halves(odd);
    for (int i = 0; i < 8; ++i) {
      _mm512_storeu_si512(out + 2 * i * stride + pixel, even[i]);
      _mm512_storeu_si512(out + (2 * i + 1) * stride + pixel, odd[i]);
    }
  }
}

// What follows does, for k < kCount: sums[k] += transposed inputs times pairs[k] over `blocks` blocks of 32 pixels. in: of 16
// channels, each a row of kStride. pair_stride: bytes from a pair of pixels to the next.

constexpr int kMostTiles = 5;    // sums at a time: of eight tiles, one holds inputs, two gradients
constexpr int kMostVectors = 3;  // with half of the channels they fill 24 of 32 vectors

#if SOLEUS_TILES
template <int kCount>
void multiply_tiles(const Bfloat16* in, const Bfloat16* const* pairs, long pair_stride, int blocks, float* const* sums) {
  _tile_loadd(0, sums[0], 64);
  if constexpr (kCount > 1) _tile_loadd(1, sums[1], 64);
  if constexpr (kCount > 2) _tile_loadd(2, sums[2], 64);
  if constexpr (kCount > 3) _tile_loadd(3, sums[3], 64);
  if constexpr (kCount > 4) _tile_loadd(4, sums[4], 64);
  for (int block = 0; block < blocks; ++block) {
    const long at = block * kTile * pair_stride / 2;
    _tile_loadd(5, in + block * kDepth, 2 * kStride);
    _tile_loadd(6, pairs[0] + at, pair_stride);
    _tile_dpbf16ps(0, 5, 6);
    if constexpr (kCount > 1) {
      _tile_loadd(7, pairs[1] + at, pair_stride);
      _tile_dpbf16ps(1, 5, 7);
    }
    if constexpr (kCount > 2) {
      _tile_loadd(6, pairs[2] + at, pair_stride);
      _tile_dpbf16ps(2, 5, 6);
    }
    if constexpr (kCount > 3) {
      _tile_loadd(7, pairs[3] + at, pair_stride);
      _tile_dpbf16ps(3, 5, 7);
    }
    if constexpr (kCount > 4) {
      _tile_loadd(6, pairs[4] + at, pair_stride);
      _tile_dpbf16ps(4, 5, 6);
    }
  }
  _tile_stored(0, sums[0], 64);
  if constexpr (kCount > 1) _tile_stored(1, sums[1], 64);
  if constexpr (kCount > 2) _tile_stored(2, sums[2], 64);
  if constexpr (kCount > 3) _tile_stored(3, sums[3], 64);
  if constexpr (kCount > 4) _tile_stored(4, sums[4], 64);
}
#endif

template <int kCount>
void multiply_vectors(const Bfloat16* in, const Bfloat16* const* pairs, long pair_stride, int blocks, float* const* sums) {
  constexpr int kChannels = kTile / 2;
  for (int half = 0; half < kTile; half += kChannels) {
    __m512 mine[kCount][kChannels];
    for (int k = 0; k < kCount; ++k) {
      for (int i = 0; i < kChannels; ++i) mine[k][i] = _mm512_loadu_ps(sums[k] + (half + i) * kTile);
    }
    const Bfloat16* from = in + half * kStride;
    const long step = pair_stride / 2;
    for (long pair = 0, at = 0; pair < 16L * blocks; ++pair, at += step, from += 2) {
      __m512bh gradients[kCount];
      for (int k = 0; k < kCount; ++k) gradients[k] = (__m512bh)load(pairs[k] + at);
#pragma GCC unroll 8
      for (int i = 0; i < kChannels; ++i) {
        int numbers;
        __builtin_memcpy(&numbers, from + i * kStride, sizeof numbers);
        const __m512bh both = (__m512bh)_mm512_set1_epi32(numbers);
        for (int k = 0; k < kCount; ++k) mine[k][i] = _mm512_dpbf16_ps(mine[k][i], gradients[k], both);
      }
    }
    for (int k = 0; k < kCount; ++k) {
      for (int i = 0; i < kChannels; ++i) _mm512_storeu_ps(sums[k] + (half + i) * kTile, mine[k][i]);
    }
  }
}

using Multiply = void (*)(const Bfloat16* in, const Bfloat16* const* pairs, long pair_stride, int blocks, float* const* sums);

Multiply multiply_of(int count) {
#if SOLEUS_TILES
  static constexpr Multiply kTiles[kMostTiles] = {multiply_tiles<1>, multiply_tiles<2>, multiply_tiles<3>, multiply_tiles<4>,
                                                  multiply_tiles<5>};
  if (products() == Products::kTiles) return kTiles[count - 1];
#endif
  static constexpr Multiply kVectors[kMostVectors] = {multiply_vectors<1>, multiply_vectors<2>, multiply_vectors<3>};
  return kVectors[count - 1];
}

}  // namespace

void make_pairs(const Bfloat16* gradient, int outputs, int pixels, int margin, Bfloat16* pairs, float* bias_gradient) {
  constexpr int kSums = 4;  // at a time, so that none waits for the one before
  const __m512bh ones = (__m512bh)_mm512_set1_epi16(0x3f80);
  for (int output = 0; output < outputs; output += kTile) {
    __m512 sums[kSums] = {};
    for (int pixel = -margin; pixel < pixels + margin + kDepth; pixel += 2 * kSums) {
      for (int k = 0; k < kSums; ++k) {
        const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(pixel + 2 * k) * outputs;
        const __m512i pair = interleaved(pixel_pair(gradient + at + output, outputs));
        sums[k] = _mm512_dpbf16_ps(sums[k], (__m512bh)pair, ones);
        _mm512_storeu_si512(pairs + at + 2 * output, pair);
      }
    }
    const __m512 sum = _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3]));
    _mm512_storeu_ps(bias_gradient + output, _mm512_add_ps(sum, _mm512_loadu_ps(bias_gradient + output)));
  }
}

void conv_weights(const Conv& conv, const Bfloat16* in, int pixels, const Bfloat16* pairs, float* tiles) {
  alignas(64) Bfloat16 transposed[kTile * kStride];
  const ConvShape& s = conv.shape;
  const int results = s.outputs / kTile, channels = s.inputs / kTile;
  // Ranges of nearly kRange, equal: sums are loaded and stored for each. They begin before the first pixel, which taps that
  // reach an odd number of pixels away would miss otherwise: see below.
  constexpr int kStart = -2;
  const int ranges = std::max((pixels - kStart + kRange / 2) / kRange, 1);
  const int range = ((pixels - kStart + ranges - 1) / ranges + kDepth - 1) / kDepth * kDepth;
  for (int channel = 0; channel < channels; ++channel) {
    for (int first = kStart; first < pixels; first += range) {
      const int blocks = (std::min(range, pixels - first) + kDepth - 1) / kDepth;
      const Bfloat16* from = in + static_cast<std::ptrdiff_t>(first) * s.inputs + channel * kTile;
      transpose_pixels(from, s.inputs, blocks * kDepth, transposed, kStride);
      // One pixel more: taps that reach an odd number of pixels away meet whole pairs from the next pixel on.
      for (int k = 0; k < kTile; ++k) transposed[k * kStride + blocks * kDepth] = from[blocks * kDepth * s.inputs + k];
      asm volatile("" ::: "memory");
      for (int odd = 0; odd < 2; ++odd) {
        // The outputs that meet the first input at each tap, and where their products are summed.
        const Bfloat16* gradients[kMostProducts];
        float* sums[kMostProducts];
        int count = 0;
        for (int tap = 0; tap < s.taps(); ++tap) {
          const int reach = conv.origin + tap / s.columns * conv.pitch + tap % s.columns;
          if ((reach & 1) != odd) continue;
          for (int result = 0; result < results; ++result, ++count) {
            gradients[count] = pairs + static_cast<std::ptrdiff_t>(first + odd - reach) * s.outputs + result * kDepth;
            sums[count] = tiles + (static_cast<std::size_t>(tap * channels + channel) * results + result) * kTileSize;
          }
        }
        // In groups as equal as can be: few sums at a time would wait for one another.
        const int together = products() == Products::kTiles ? kMostTiles : kMostVectors;
        const int groups = (count + together - 1) / together;
        for (int group = 0, start = 0; group < groups; ++group) {
          const int next = count * (group + 1) / groups;
          multiply_of(next - start)(transposed + odd, gradients + start, 4L * s.outputs, blocks, sums + start);
          start = next;
        }
      }
    }
  }
}

}  // namespace soleus

#include "images/products_end.inc"
#endif
