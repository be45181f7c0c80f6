#include "images/conv.h"

#include "images/conv_kernels.h"
#include "images/products.h"

#if SOLEUS_PRODUCTS
#include <immintrin.h>
#endif

namespace soleus {

Conv::Conv(const ConvShape& s, const Grid& grid, int origin_row, int origin_column, int result_rows, int result_columns)
    : shape(s),
      rows(result_rows),
      columns(result_columns),
      pitch(grid.pitch()),
      image(grid.image()),
      origin(origin_row * grid.pitch() + origin_column) {
  for (int row = 0; row < s.rows; ++row) {
    for (int block = 0; block < s.grouped().row_blocks(); ++block) {
      offsets.push_back(row * pitch * s.inputs + block * kDepth);
    }
  }
}

#if SOLEUS_PRODUCTS
#include "images/products_begin.inc"

void pack_weights(const float* weights, float scale, const std::vector<int>& order, Bfloat16* to) {
  for (std::size_t i = 0; i < order.size(); i += kTile) {
    const __m512i from = _mm512_loadu_si512(order.data() + i);
    const __mmask16 there = _mm512_cmpge_epi32_mask(from, _mm512_setzero_si512());
    const __m512 values = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), there, from, weights, 4);
    _mm256_storeu_si256((__m256i*)(to + i), (__m256i)_mm512_cvtneps_pbh(_mm512_mul_ps(values, _mm512_set1_ps(scale))));
  }
}

#include "images/products_end.inc"

void conv_forward(const Conv& conv, const Bfloat16* in, const Bfloat16* weights, int images, Finish finish,
                  const Finishing& to) {
#if SOLEUS_TILES
  if (products() == Products::kTiles) return forward_by_tiles(conv, in, weights, images, finish, to);
#endif
  forward_by_vectors(conv, in, weights, images, finish, to);
}

TileSession::TileSession() {
#if SOLEUS_TILES
  if (products() == Products::kTiles) set_tiles_up();
#endif
}

TileSession::~TileSession() {
#if SOLEUS_TILES
  if (products() == Products::kTiles) release_tiles();
#endif
}
#endif

}  // namespace soleus
