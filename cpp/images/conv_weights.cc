// Gradients of a convolution's weights: products over pixels, for which inputs are transposed and gradients come in pairs.
#include <algorithm>

#include "images/conv.h"
#include "images/tiles.h"

#if SOLEUS_TILES
#include <immintrin.h>

SOLEUS_TILES_BEGIN

namespace soleus {
namespace {

constexpr int kTransposed = 8192;  // elements that are transposed at a time: with the pairs that they meet, they fit 48 KB
constexpr int kTogether = 5;       // tiles of sums at a time: of eight, one holds inputs, two gradients

inline __m512i load(const Bfloat16* p) { return _mm512_loadu_si512(p); }

// Word i of the first half beside word i of the second.
inline __m512i interleaved(__m512i halves) {
  alignas(64) static constexpr std::uint16_t kOrder[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                           8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return _mm512_permutexvar_epi16(_mm512_load_si512(kOrder), halves);
}

// Sixteen channels of two neighbouring pixels.
inline __m512i pixel_pair(const Bfloat16* p, int channels) {
  if (channels == 16) return load(p);
  const __m256i first = _mm256_loadu_si256((const __m256i*)p), second = _mm256_loadu_si256((const __m256i*)(p + channels));
  return _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
}

// 16 x 16 words of 32 bits.
inline void transpose(__m512i (&r)[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

// Pixels (a multiple of 32) x channels to channels x pixels, rows of `stride` elements.
void transpose_pixels(const Bfloat16* in, int channels, int pixels, Bfloat16* out, int stride) {
  for (int channel = 0; channel < channels; channel += kTile) {
    for (int pixel = 0; pixel < pixels; pixel += kDepth) {
      __m512i rows[16];
      const Bfloat16* from = in + static_cast<std::ptrdiff_t>(pixel) * channels + channel;
      for (int i = 0; i < 16; ++i) rows[i] = interleaved(pixel_pair(from + 2 * i * channels, channels));
      transpose(rows);
      for (int i = 0; i < 16; ++i) _mm512_storeu_si512(out + static_cast<std::ptrdiff_t>(channel + i) * stride + pixel, rows[i]);
    }
  }
}

// sums[k] += transposed inputs times pairs[k] over `blocks` blocks of 32 pixels.
template <int kCount>
void multiply(const Bfloat16* in, long in_stride, const Bfloat16* const* pairs, long pair_stride, int blocks,
              float* const* sums) {
  _tile_loadd(0, sums[0], 64);
  if constexpr (kCount > 1) _tile_loadd(1, sums[1], 64);
  if constexpr (kCount > 2) _tile_loadd(2, sums[2], 64);
  if constexpr (kCount > 3) _tile_loadd(3, sums[3], 64);
  if constexpr (kCount > 4) _tile_loadd(4, sums[4], 64);
  for (int block = 0; block < blocks; ++block) {
    const long at = block * kTile * pair_stride / 2;
    _tile_loadd(5, in + block * kDepth, in_stride);
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

void multiply(int count, const Bfloat16* in, long in_stride, const Bfloat16* const* pairs, long pair_stride, int blocks,
              float* const* sums) {
  switch (count) {
    case 1: return multiply<1>(in, in_stride, pairs, pair_stride, blocks, sums);
    case 2: return multiply<2>(in, in_stride, pairs, pair_stride, blocks, sums);
    case 3: return multiply<3>(in, in_stride, pairs, pair_stride, blocks, sums);
    case 4: return multiply<4>(in, in_stride, pairs, pair_stride, blocks, sums);
    default: return multiply<5>(in, in_stride, pairs, pair_stride, blocks, sums);
  }
}

}  // namespace

void make_pairs(const Bfloat16* gradient, int outputs, int pixels, int margin, const Pairs& pairs, float* bias_gradient) {
  const __m512bh ones = (__m512bh)_mm512_set1_epi16(0x3f80);
  for (int output = 0; output < outputs; output += kTile) {
    __m512 sum = _mm512_setzero_ps();
    for (int pixel = -margin; pixel < pixels + margin + kDepth; pixel += 2) {
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(pixel) * outputs;
      const __m512i even = interleaved(pixel_pair(gradient + at + output, outputs));
      const __m512i odd = interleaved(pixel_pair(gradient + at + outputs + output, outputs));
      sum = _mm512_dpbf16_ps(sum, (__m512bh)even, ones);
      _mm512_storeu_si512(pairs.even + at + 2 * output, even);
      _mm512_storeu_si512(pairs.odd + at + 2 * output, odd);
    }
    _mm512_storeu_ps(bias_gradient + output, _mm512_add_ps(sum, _mm512_loadu_ps(bias_gradient + output)));
  }
}

void conv_weights(const Conv& conv, int pitch, const Bfloat16* in, int pixels, const Pairs& pairs, float* tiles) {
  alignas(64) Bfloat16 transposed[kTransposed + kTransposed / 2];
  const ConvShape& s = conv.shape;
  const int range = std::max(kTransposed / s.inputs / kDepth, 1) * kDepth;
  const int stride = range + kDepth;
  const int results = s.outputs / kTile, products = s.taps() * results;
  for (int first = 0; first < pixels; first += range) {
    const int blocks = (std::min(range, pixels - first) + kDepth - 1) / kDepth;
    transpose_pixels(in + static_cast<std::ptrdiff_t>(first) * s.inputs, s.inputs, blocks * kDepth, transposed, stride);
    asm volatile("" ::: "memory");
    for (int channel = 0; channel < s.inputs / kTile; ++channel) {
      for (int start = 0, next = 0; start < products; start = next) {
        // In groups as equal as can be.
        const int groups = (products - start + kTogether - 1) / kTogether;
        next = start + (products - start + groups - 1) / groups;
        const Bfloat16* gradients[kTogether];
        float* sums[kTogether];
        for (int k = start; k < next; ++k) {
          const int tap = k / results, result = k % results;
          // The pixel of the output that meets pixel `first` of the input at this tap.
          const int pixel = first - (conv.origin + tap / s.columns * pitch + tap % s.columns);
          const Bfloat16* from = pixel % 2 ? pairs.odd - s.outputs : pairs.even;
          gradients[k - start] = from + static_cast<std::ptrdiff_t>(pixel) * s.outputs + result * kDepth;
          sums[k - start] = tiles + (static_cast<std::size_t>(tap * (s.inputs / kTile) + channel) * results + result) * kTileSize;
        }
        multiply(next - start, transposed + channel * kTile * stride, 2L * stride, gradients, 4L * s.outputs, blocks, sums);
      }
    }
  }
}

}  // namespace soleus

SOLEUS_TILES_END
#endif
