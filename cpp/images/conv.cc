#include "images/conv.h"

#include <algorithm>

#include "images/tiles.h"

#if SOLEUS_TILES
#include <immintrin.h>
#endif

namespace soleus {

Conv::Conv(const ConvShape& s, const Grid& grid, int origin_row, int origin_column)
    : shape(s), pitch(grid.pitch()), origin(origin_row * grid.pitch() + origin_column) {
  for (int row = 0; row < s.rows; ++row) {
    for (int block = 0; block < s.grouped().row_blocks(); ++block) {
      offsets.push_back(row * pitch * s.inputs + block * kDepth);
    }
  }
}

#if SOLEUS_TILES
#include "images/tiles_begin.inc"

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

void set_tiles_up() {
  struct alignas(64) {
    std::uint8_t palette = 1, start = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {kTile, kTile, kTile, kTile, kTile, kTile, kTile, kTile};
  } config;
  settle();
  _tile_loadconfig(&config);
}

void release_tiles() { _tile_release(); }

// Sums of 64 pixels and 16 outputs. between(step) is called after each block of the window, for work that does not wait.
template <class Between>
inline void window_narrow(const Bfloat16* in, int inputs, const std::vector<int>& offsets, const Bfloat16* weights,
                          float* sums, Between&& between) {
  const long pixel = 2L * inputs;
  const long step = static_cast<long>(kTile) * inputs;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (std::size_t block = 0; block < offsets.size(); ++block) {
    const Bfloat16* from = in + offsets[block];
    _tile_loadd(6, weights + block * kTile * kDepth, 64);
    _tile_loadd(4, from, pixel);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(5, from + step, pixel);
    _tile_dpbf16ps(1, 5, 6);
    _tile_loadd(4, from + 2 * step, pixel);
    _tile_dpbf16ps(2, 4, 6);
    _tile_loadd(5, from + 3 * step, pixel);
    _tile_dpbf16ps(3, 5, 6);
    between();
  }
  _tile_stored(0, sums, 64);
  _tile_stored(1, sums + kTileSize, 64);
  _tile_stored(2, sums + 2 * kTileSize, 64);
  _tile_stored(3, sums + 3 * kTileSize, 64);
}

// The same of 32 pixels and 32 outputs.
template <class Between>
inline void window_wide(const Bfloat16* in, int inputs, const std::vector<int>& offsets, const Bfloat16* weights,
                        float* sums, Between&& between) {
  const long pixel = 2L * inputs;
  const long step = static_cast<long>(kTile) * inputs;
  const Bfloat16* others = weights + offsets.size() * kTile * kDepth;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (std::size_t block = 0; block < offsets.size(); ++block) {
    const Bfloat16* from = in + offsets[block];
    _tile_loadd(4, from, pixel);
    _tile_loadd(6, weights + block * kTile * kDepth, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, others + block * kTile * kDepth, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, from + step, pixel);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
    between();
  }
  _tile_stored(0, sums, 128);
  _tile_stored(1, sums + kTile, 128);
  _tile_stored(2, sums + 2 * kTileSize, 128);
  _tile_stored(3, sums + 2 * kTileSize + kTile, 128);
}

// Sums become results in units of 32 while the next block's are computed: neither waits for the other.
template <Finish kFinish, bool kWide>
void run(const Conv& conv, const Bfloat16* in, const Bfloat16* weights, int pixels, const Finishing& to) {
  constexpr int kUnits = 4 * kTileSize / 32;
  alignas(64) float sums[2][4 * kTileSize];
  const ConvShape s = conv.shape.grouped();
  const int group = conv.shape.group();
  const Bfloat16* windows = in + static_cast<std::ptrdiff_t>(conv.origin) * conv.shape.inputs;
  const std::size_t unit_step = kWide ? s.outputs : 32;
  const int together = kWide ? 32 : 64;
  const int share = (kUnits + s.blocks() - 1) / s.blocks();
  settle();
  for (int output = 0; output < s.outputs; output += kWide ? 32 : 16) {
    Unit bias = {_mm512_setzero_ps(), _mm512_setzero_ps()};
    if (to.bias) {
      const int channels = conv.shape.outputs;
      bias = {_mm512_loadu_ps(to.bias + output % channels), _mm512_loadu_ps(to.bias + (output + 16) % channels)};
    }
    const Bfloat16* mine = weights + static_cast<std::size_t>(output / kTile) * s.blocks() * kTile * kDepth;
    int unit = kUnits;  // the next of the block before
    const float* from = nullptr;
    std::size_t at = 0;
    const auto some = [&](int count) __attribute__((always_inline)) {
      for (const int end = std::min(unit + count, kUnits); unit < end; ++unit, at += unit_step) {
        finish<kFinish>(to, bias, from + 32 * unit, at);
      }
    };
    for (int pixel = 0, turn = 0; pixel * group < pixels; pixel += together, turn ^= 1) {
      const Bfloat16* window = windows + static_cast<std::ptrdiff_t>(pixel) * s.inputs;
      const auto between = [&]() __attribute__((always_inline)) { some(share); };
      if constexpr (kWide) {
        window_wide(window, s.inputs, conv.offsets, mine, sums[turn], between);
      } else {
        window_narrow(window, s.inputs, conv.offsets, mine, sums[turn], between);
      }
      unit = 0;
      from = sums[turn];
      at = static_cast<std::size_t>(pixel) * s.outputs + output;
    }
    some(kUnits);
  }
}

template <Finish kFinish>
void run(const Conv& conv, const Bfloat16* in, const Bfloat16* weights, int pixels, const Finishing& to) {
  conv.shape.grouped().outputs % 32 == 0 ? run<kFinish, true>(conv, in, weights, pixels, to)
                               : run<kFinish, false>(conv, in, weights, pixels, to);
}

}  // namespace

void pack_weights(const float* weights, float scale, const std::vector<int>& order, Bfloat16* to) {
  for (std::size_t i = 0; i < order.size(); i += kTile) {
    const __m512i from = _mm512_loadu_si512(order.data() + i);
    const __mmask16 there = _mm512_cmpge_epi32_mask(from, _mm512_setzero_si512());
    const __m512 values = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), there, from, weights, 4);
    _mm256_storeu_si256((__m256i*)(to + i), (__m256i)_mm512_cvtneps_pbh(_mm512_mul_ps(values, _mm512_set1_ps(scale))));
  }
}

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

#include "images/tiles_end.inc"

TileSession::TileSession() { set_tiles_up(); }

TileSession::~TileSession() { release_tiles(); }
#endif

}  // namespace soleus
