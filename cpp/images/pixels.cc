#include "images/pixels.h"

#include <algorithm>

#include "images/products.h"

#if SOLEUS_PRODUCTS
#include <immintrin.h>

#include "images/products_begin.inc"

namespace soleus {

void convert_pixels(const ImageView& images, std::size_t from, int count, Bfloat16* to) {
  for (int i = 0; i < count; i += 32) {
    const __mmask32 here = count - i >= 32 ? ~0u : (1u << (count - i)) - 1;
    __m512 low, high;
    if (images.bytes) {
      const __m256i bytes = _mm256_maskz_loadu_epi8(here, images.bytes + from + i);
      low = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm256_castsi256_si128(bytes)));
      high = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm256_extracti128_si256(bytes, 1)));
    } else {
      low = _mm512_maskz_loadu_ps(static_cast<__mmask16>(here), images.floats + from + i);
      high = _mm512_maskz_loadu_ps(static_cast<__mmask16>(here >> 16), images.floats + from + i + 16);
    }
    _mm512_storeu_si512(to + i, (__m512i)_mm512_cvtne2ps_pbh(high, low));
  }
}

void spread_windows(const Bfloat16* line, int count, int step, int window, int stride, Bfloat16* to) {
  for (int block = 0; block < window; block += 16) {
    const __mmask16 here = static_cast<__mmask16>((1u << std::min(window - block, 16)) - 1);
    const Bfloat16* from = line + block;
    Bfloat16* place = to + block;
    for (int i = 0; i < count; ++i, from += step, place += stride) {
      _mm256_mask_storeu_epi16(place, here, _mm256_maskz_loadu_epi16(here, from));
    }
  }
}

}  // namespace soleus

#include "images/products_end.inc"
#endif
