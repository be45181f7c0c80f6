#include "images/conv.h"

#include <array>

#include "images/tiles.h"

#if SOLEUS_TILES
#include <immintrin.h>
#endif

namespace soleus {

Conv::Conv(const ConvShape& s, const Grid& grid, int origin_row, int origin_column)
    : shape(s), origin(origin_row * grid.pitch() + origin_column) {
  for (int row = 0; row < s.rows; ++row) {
    for (int block = 0; block < s.row_blocks(); ++block) {
      offsets.push_back(row * grid.pitch() * s.inputs + block * kDepth);
    }
  }
}

#if SOLEUS_TILES
SOLEUS_TILES_BEGIN

namespace {

// 32 results: of one pixel, or of two neighbours where there are 16 outputs.
struct Unit {
  __m512 low, high;
};

inline Unit widened(const Bfloat16* p) {
  const auto half = [](const Bfloat16* q) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)q)), 16));
  };
  return {half(p), half(p + 16)};
}

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

template <Finish kFinish>
inline void finish(const Finishing& to, Unit bias, const float* sums, std::size_t at) {
  Unit unit = {_mm512_load_ps(sums), _mm512_load_ps(sums + 16)};
  constexpr bool kMasked = kFinish == Finish::kMask || kFinish == Finish::kMaskAdd;
  constexpr bool kAdded = kFinish == Finish::kAdd || kFinish == Finish::kAddRelu || kFinish == Finish::kMaskAdd;
  unit = kMasked ? where_positive(to.positive + at, unit) : sum(unit, bias);
  if constexpr (kAdded) unit = sum(unit, widened(to.add + at));
  store(to.out + at, kFinish == Finish::kRelu ? relu(unit) : unit);
  if constexpr (kFinish == Finish::kAddRelu) store(to.relu + at, relu(unit));
}

// The compiler does not see that tiles read memory: what was written before has to be there.
inline void settle() { asm volatile("" ::: "memory"); }

// 64 pixels, 16 outputs.
inline void window_block_narrow(const Bfloat16* in, int inputs, const std::vector<int>& offsets, const Bfloat16* weights,
                                float* sums) {
  const long pixel = 2L * inputs;
  const long step = static_cast<long>(kTile) * inputs;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (const int offset : offsets) {
    const Bfloat16* from = in + offset;
    _tile_loadd(6, weights, 64);
    _tile_loadd(4, from, pixel);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(5, from + step, pixel);
    _tile_dpbf16ps(1, 5, 6);
    _tile_loadd(4, from + 2 * step, pixel);
    _tile_dpbf16ps(2, 4, 6);
    _tile_loadd(5, from + 3 * step, pixel);
    _tile_dpbf16ps(3, 5, 6);
    weights += kTile * kDepth;
  }
  _tile_stored(0, sums, 64);
  _tile_stored(1, sums + kTileSize, 64);
  _tile_stored(2, sums + 2 * kTileSize, 64);
  _tile_stored(3, sums + 3 * kTileSize, 64);
}

// 32 pixels, 32 outputs.
inline void window_block_wide(const Bfloat16* in, int inputs, const std::vector<int>& offsets, const Bfloat16* weights,
                              float* sums) {
  const long pixel = 2L * inputs;
  const long step = static_cast<long>(kTile) * inputs;
  const Bfloat16* others = weights + offsets.size() * kTile * kDepth;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (const int offset : offsets) {
    const Bfloat16* from = in + offset;
    _tile_loadd(4, from, pixel);
    _tile_loadd(6, weights, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, others, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, from + step, pixel);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
    weights += kTile * kDepth;
    others += kTile * kDepth;
  }
  _tile_stored(0, sums, 128);
  _tile_stored(1, sums + kTile, 128);
  _tile_stored(2, sums + 2 * kTileSize, 128);
  _tile_stored(3, sums + 2 * kTileSize + kTile, 128);
}

template <Finish kFinish>
void run(const Conv& conv, const Bfloat16* in, const Bfloat16* weights, int pixels, const Finishing& to) {
  alignas(64) float sums[4 * kTileSize];
  const ConvShape& s = conv.shape;
  const Bfloat16* windows = in + static_cast<std::ptrdiff_t>(conv.origin) * s.inputs;
  const std::size_t tile_weights = static_cast<std::size_t>(s.blocks()) * kTile * kDepth;
  const bool wide = s.outputs % 32 == 0;
  const int together = wide ? 32 : 64;
  settle();
  for (int output = 0; output < s.outputs; output += wide ? 32 : 16) {
    Unit bias = {_mm512_setzero_ps(), _mm512_setzero_ps()};
    if (to.bias) bias = {_mm512_loadu_ps(to.bias + output), _mm512_loadu_ps(to.bias + output + (wide ? 16 : 0))};
    const Bfloat16* mine = weights + output / kTile * tile_weights;
    for (int pixel = 0; pixel < pixels; pixel += together) {
      const Bfloat16* from = windows + static_cast<std::ptrdiff_t>(pixel) * s.inputs;
      const std::size_t at = static_cast<std::size_t>(pixel) * s.outputs + output;
      if (wide) {
        window_block_wide(from, s.inputs, conv.offsets, mine, sums);
        for (int i = 0; i < 32; ++i) finish<kFinish>(to, bias, sums + 32 * i, at + static_cast<std::size_t>(i) * s.outputs);
      } else {
        window_block_narrow(from, s.inputs, conv.offsets, mine, sums);
        for (int i = 0; i < 32; ++i) finish<kFinish>(to, bias, sums + 32 * i, at + 32 * i);
      }
    }
  }
}

}  // namespace

void conv_forward(const Conv& conv, const Bfloat16* in, const Bfloat16* weights, int pixels, Finish finish,
                  const Finishing& to) {
  switch (finish) {
    case Finish::kPlain: return run<Finish::kPlain>(conv, in, weights, pixels, to);
    case Finish::kRelu: return run<Finish::kRelu>(conv, in, weights, pixels, to);
    case Finish::kAdd: return run<Finish::kAdd>(conv, in, weights, pixels, to);
    case Finish::kAddRelu: return run<Finish::kAddRelu>(conv, in, weights, pixels, to);
    case Finish::kMask: return run<Finish::kMask>(conv, in, weights, pixels, to);
    case Finish::kMaskAdd: return run<Finish::kMaskAdd>(conv, in, weights, pixels, to);
  }
}

TileSession::TileSession() {
  struct alignas(64) {
    std::uint8_t palette = 1, start = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {kTile, kTile, kTile, kTile, kTile, kTile, kTile, kTile};
  } config;
  settle();
  _tile_loadconfig(&config);
}

TileSession::~TileSession() { _tile_release(); }

SOLEUS_TILES_END
#endif

}  // namespace soleus
