#include "images/pooling.h"

#include "images/products.h"

#if SOLEUS_PRODUCTS
#include <immintrin.h>

#include "images/products_begin.inc"

namespace soleus {
namespace {

// Numbers of bfloat16 in the order of their size as signed integers, and back: negative ones have their other bits turned.
inline __m512i ordered(__m512i x) {
  return _mm512_xor_si512(x, _mm512_and_si512(_mm512_srai_epi16(x, 15), _mm512_set1_epi16(0x7fff)));
}

struct Best {
  __m512i value;  // ordered, until it is found
  __m512i which;
};

template <class Load>
inline Best best_of_nine(Load&& load) {
  Best best{ordered(load(0, 0)), _mm512_setzero_si512()};
#pragma GCC unroll 8
  for (int k = 1; k < 9; ++k) {
    const __m512i value = ordered(load(k / 3, k % 3));
    const __mmask32 better = _mm512_cmpgt_epi16_mask(value, best.value);
    best.value = _mm512_max_epi16(best.value, value);
    best.which = _mm512_mask_mov_epi16(best.which, better, _mm512_set1_epi16(static_cast<short>(k)));
  }
  best.value = ordered(best.value);
  return best;
}

inline __m512i relu(__m512i value) {  // what is not a number stays so: above 0xff80 or 0x7f80
  const __mmask32 below = _mm512_cmple_epi16_mask(value, _mm512_set1_epi16(-128));
  return _mm512_maskz_mov_epi16(~below, value);
}

inline __m512 wide(__m256i halves) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16)); }

// A window's winners and gradients in 16 channels.
struct Window {
  __m256i winner;
  __m512 gradient;
  __mmask16 is(int pixel) const { return _mm256_cmpeq_epi16_mask(winner, _mm256_set1_epi16(static_cast<short>(pixel))); }
};

inline __m512 start(const Window& w, int pixel) { return _mm512_maskz_mov_ps(w.is(pixel), w.gradient); }
inline __m512 add(__m512 sum, const Window& w, int pixel) { return _mm512_mask_add_ps(sum, w.is(pixel), sum, w.gradient); }

// Two neighbouring pixels, 16 channels of each.
inline void store(Bfloat16* p, int channels, __m512 first, __m512 second, bool both) {
  const __m512i halves = (__m512i)_mm512_cvtne2ps_pbh(second, first);
  _mm256_storeu_si256((__m256i*)p, _mm512_castsi512_si256(halves));
  if (both) _mm256_storeu_si256((__m256i*)(p + channels), _mm512_extracti64x4_epi64(halves, 1));
}

}  // namespace

void pool_forward(const Grid& full, const Bfloat16* in, const Grid& pooled, Bfloat16* out, Bfloat16* relued,
                  std::uint16_t* winner) {
  const int channels = full.channels;
  const std::ptrdiff_t down = static_cast<std::ptrdiff_t>(full.pitch()) * channels;
  for (int row = 0; row < pooled.rows; ++row) {
    const Bfloat16* corner = in + (2 * row - 1) * down - channels;
    const std::size_t line = pooled.at(0, row, 0);
    std::uint16_t* which = winner + static_cast<std::size_t>(row) * pooled.columns * channels;
    if (channels == 16) {
      for (int column = 0; column < pooled.columns; column += 2) {
        const Best best = best_of_nine([&](int dy, int dx) {
          const Bfloat16* p = corner + 2 * column * channels + dy * down + dx * channels;
          const __m256i next = _mm256_loadu_si256((const __m256i*)(p + 2 * channels));
          return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i*)p)), next, 1);
        });
        // The second of the last pair may lie on the border.
        const __mmask32 valid = column + 1 < pooled.columns ? ~0u : 0xffffu;
        _mm512_mask_storeu_epi16(out + line + column * 16, valid, best.value);
        _mm512_mask_storeu_epi16(relued + line + column * 16, valid, relu(best.value));
        _mm512_mask_storeu_epi16(which + column * 16, valid, best.which);
      }
      continue;
    }
    for (int column = 0; column < pooled.columns; ++column) {
      for (int channel = 0; channel < channels; channel += 32) {
        const Best best = best_of_nine([&](int dy, int dx) {
          return _mm512_loadu_si512(corner + (2 * column + dx) * channels + dy * down + channel);
        });
        const std::size_t at = static_cast<std::size_t>(column) * channels + channel;
        _mm512_storeu_si512(out + line + at, best.value);
        _mm512_storeu_si512(relued + line + at, relu(best.value));
        _mm512_storeu_si512(which + at, best.which);
      }
    }
  }
}

void pool_backward(const Grid& full, Bfloat16* grad_in, const Grid& pooled, const Bfloat16* grad_out,
                   const std::uint16_t* winner) {
  const int channels = full.channels;
  const std::ptrdiff_t down = static_cast<std::ptrdiff_t>(full.pitch()) * channels;
  const Window none{_mm256_set1_epi16(-1), _mm512_setzero_ps()};
  for (int row = 0; row < pooled.rows; ++row) {
    const bool below = 2 * row + 1 < full.rows;
    for (int channel = 0; channel < channels; channel += 16) {
      const auto window = [&](int y, int x) {
        if (y >= pooled.rows || x >= pooled.columns) return none;
        const std::size_t at = (static_cast<std::size_t>(y) * pooled.columns + x) * channels + channel;
        const Bfloat16* gradient = grad_out + pooled.at(0, y, x) + channel;
        return Window{_mm256_loadu_si256((const __m256i*)(winner + at)),
                      wide(_mm256_loadu_si256((const __m256i*)gradient))};
      };
      Window here = window(row, 0), under = window(row + 1, 0);
      Bfloat16* to = grad_in + 2 * row * down + channel;
      for (int column = 0; column < pooled.columns; ++column, to += 2 * channels) {
        const Window next = window(row, column + 1), across = window(row + 1, column + 1);
        const bool right = 2 * column + 1 < full.columns;
        store(to, channels, start(here, 4), add(start(here, 5), next, 3), right);
        if (below) {
          const __m512 left_sum = add(start(here, 7), under, 1);
          const __m512 right_sum = add(add(add(start(here, 8), next, 6), under, 2), across, 0);
          store(to + down, channels, left_sum, right_sum, right);
        }
        here = next;
        under = across;
      }
    }
  }
}

}  // namespace soleus

#include "images/products_end.inc"
#endif
