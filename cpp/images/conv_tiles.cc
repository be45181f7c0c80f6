// Convolutions by matrix tiles, 16 by 16 sums each, four of which are computed together.
#include <algorithm>

#include "images/conv.h"
#include "images/conv_kernels.h"
#include "images/products.h"

#if SOLEUS_TILES
#include <immintrin.h>

#include "images/products_begin.inc"
// After it: what all kernels end in.
#include "images/finish.h"

namespace soleus {
namespace {

// The compiler does not see that tiles read memory: what was written before has to be there.
inline void settle() { asm volatile("" ::: "memory"); }

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
  alignas(64) float results[2][4 * kTileSize];
  const ConvShape s = conv.shape.grouped();
  const int group = conv.shape.group();
  const Bfloat16* windows = in + static_cast<std::ptrdiff_t>(conv.origin) * conv.shape.inputs;
  const std::size_t unit_step = kWide ? s.outputs : 32;
  const int together = kWide ? 32 : 64;
  const int share = (kUnits + s.blocks() - 1) / s.blocks();
  settle();
  for (int output = 0; output < s.outputs; output += kWide ? 32 : 16) {
    const Unit bias = bias_of(to, output, conv.shape.outputs);
    const Bfloat16* mine = weights + static_cast<std::size_t>(output / kTile) * s.blocks() * kTile * kDepth;
    int unit = kUnits;  // the next of the block before
    const float* from = nullptr;
    std::size_t at = 0;
    const auto some = [&](int count) __attribute__((always_inline)) {
      for (const int end = std::min(unit + count, kUnits); unit < end; ++unit, at += unit_step) {
        const float* sums = from + 32 * unit;
        finish<kFinish>(to, bias, {_mm512_load_ps(sums), _mm512_load_ps(sums + 16)}, at);
      }
    };
    for (int pixel = 0, turn = 0; pixel * group < pixels; pixel += together, turn ^= 1) {
      const Bfloat16* window = windows + static_cast<std::ptrdiff_t>(pixel) * s.inputs;
      const auto between = [&]() __attribute__((always_inline)) { some(share); };
      if constexpr (kWide) {
        window_wide(window, s.inputs, conv.offsets, mine, results[turn], between);
      } else {
        window_narrow(window, s.inputs, conv.offsets, mine, results[turn], between);
      }
      unit = 0;
      from = results[turn];
      at = static_cast<std::size_t>(pixel) * s.outputs + output;
    }
    some(kUnits);
  }
}

}  // namespace

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

void forward_by_tiles(const Conv& conv, const Bfloat16* in, const Bfloat16* weights, int images, Finish finish,
                      const Finishing& to) {
  const bool wide = conv.shape.grouped().outputs % 32 == 0;
  // All images at once, pixels without results between them, unless that makes more blocks than one after the other. The
  // last block of an image may not reach the next one then: that may be added to.
  const int block = (wide ? 32 : 64) * conv.shape.group();
  const auto blocks = [&](int pixels) { return (pixels + block - 1) / block; };
  const int alone = blocks(conv.span(1));
  const int together = alone * block <= conv.image && images * alone <= blocks(conv.span(images)) ? 1 : images;
  const std::size_t image = conv.image;
  with_finish(finish, [&]<Finish kFinish>() {
    for (int n = 0; n < images; n += together) {
      const Bfloat16* from = in + n * image * conv.shape.inputs;
      const Finishing there = to.after(n * image * conv.shape.outputs);
      wide ? run<kFinish, true>(conv, from, weights, conv.span(together), there)
           : run<kFinish, false>(conv, from, weights, conv.span(together), there);
    }
  });
}

}  // namespace soleus

#include "images/products_end.inc"
#endif
