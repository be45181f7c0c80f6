#include "images/maxpool.h"

#include <algorithm>
#include <cstddef>

#include "base/share_out.h"

namespace soleus {
namespace {

// Calls block(channel, count) for every vector of channels; count is known to the compiler for whole vectors.
template <class Block>
inline void over_channels(int channels, Block&& block) {
  int c = 0;
  for (; c + kVectorWidth <= channels; c += kVectorWidth) block(c, kVectorWidth);
  if (c < channels) block(c, channels - c);
}

// The maximum over one window that reaches from pixel (y, x) of `image`; rows and columns outside are left out.
template <bool kInside, class T>
inline void pool_window(const PoolShape& s, const T* image, int y, int x, T* out, std::uint8_t* winner) {
  const int dy0 = kInside ? 0 : y < 0, dy1 = kInside ? 3 : std::min(3, s.height - y);
  const int dx0 = kInside ? 0 : x < 0, dx1 = kInside ? 3 : std::min(3, s.width - x);
  const T* corner = image + (static_cast<std::ptrdiff_t>(y) * s.width + x) * s.channels;
  over_channels(s.channels, [&](int c, int count) __attribute__((always_inline)) {
    const auto at = [&](int dy, int dx) { return load_lanes(corner + (dy * s.width + dx) * s.channels + c, count); };
    Lanes best = at(dy0, dx0);
    LaneInts which = LaneInts{} + (3 * dy0 + dx0);
    for (int dy = dy0; dy < dy1; ++dy) {
      for (int dx = dx0; dx < dx1; ++dx) {
        const Lanes value = at(dy, dx);
        const LaneInts better = (value > best) | (value != value);
        best = better ? value : best;
        which = better ? LaneInts{} + (3 * dy + dx) : which;
      }
    }
    store_lanes(out + c, best, count);
    store_lanes(winner + c, which, count);
  });
}

// One window's winners and gradients in some channels; a window outside has none.
struct Window {
  LaneInts winner;
  Lanes gradient;
  Lanes of(int pixel) const { return winner == pixel ? gradient : Lanes{}; }
};

// The gradients of a column of windows' first four pixels each, right of and below their corners. An even row lies in the
// middle of one window, an odd one on the edges of two; so with columns.
template <class T>
inline void gather_row(const PoolShape& s, const T* grad_out, const std::uint8_t* winner, int row, T* grad_in) {
  const int rows = s.pooled_height(), cols = s.pooled_width();
  const std::ptrdiff_t down = static_cast<std::ptrdiff_t>(s.width) * s.channels;
  const bool below = 2 * row + 1 < s.height;
  over_channels(s.channels, [&](int c, int count) __attribute__((always_inline)) {
    const auto window = [&](int r, int col) __attribute__((always_inline)) {
      if (r >= rows || col >= cols) return Window{LaneInts{} - 1, Lanes{}};
      const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(r) * cols + col) * s.channels + c;
      return Window{load_lanes(winner + at, count), load_lanes(grad_out + at, count)};
    };
    Window here = window(row, 0), under = window(row + 1, 0);
    T* to = grad_in + 2 * row * down + c;
    for (int col = 0; col < cols; ++col, to += 2 * s.channels) {
      const Window next = window(row, col + 1), across = window(row + 1, col + 1);
      const bool right = 2 * col + 1 < s.width;
      store_lanes(to, here.of(4), count);
      if (right) store_lanes(to + s.channels, here.of(5) + next.of(3), count);
      if (below) store_lanes(to + down, here.of(7) + under.of(1), count);
      if (below && right) {
        store_lanes(to + down + s.channels, (here.of(8) + next.of(6)) + (under.of(2) + across.of(0)), count);
      }
      here = next;
      under = across;
    }
  });
}

}  // namespace

template <class T>
void max_pool(const PoolShape& s, const T* in, T* out, std::uint8_t* winner, int threads) {
  const int rows = s.pooled_height(), cols = s.pooled_width();
  share_out(s.images, threads, [&](int first, int last) {
    for (int n = first; n < last; ++n) {
      const T* image = in + static_cast<std::size_t>(n) * s.height * s.width * s.channels;
      std::size_t to = static_cast<std::size_t>(n) * rows * cols * s.channels;
      for (int row = 0; row < rows; ++row) {
        for (int col = 0; col < cols; ++col, to += s.channels) {
          const int y = 2 * row - 1, x = 2 * col - 1;
          const bool inside = y >= 0 && x >= 0 && y + 3 <= s.height && x + 3 <= s.width;
          inside ? pool_window<true>(s, image, y, x, out + to, winner + to)
                 : pool_window<false>(s, image, y, x, out + to, winner + to);
        }
      }
    }
  });
}

template <class T>
void max_pool_backward(const PoolShape& s, const T* grad_out, const std::uint8_t* winner, T* grad_in, int threads) {
  share_out(s.images, threads, [&](int first, int last) {
    const std::size_t pooled = static_cast<std::size_t>(s.pooled_height()) * s.pooled_width() * s.channels;
    for (int n = first; n < last; ++n) {
      T* to = grad_in + static_cast<std::size_t>(n) * s.height * s.width * s.channels;
      for (int row = 0; row < s.pooled_height(); ++row) {
        gather_row(s, grad_out + n * pooled, winner + n * pooled, row, to);
      }
    }
  });
}

template void max_pool<float>(const PoolShape&, const float*, float*, std::uint8_t*, int);
template void max_pool<Bfloat16>(const PoolShape&, const Bfloat16*, Bfloat16*, std::uint8_t*, int);
template void max_pool_backward<float>(const PoolShape&, const float*, const std::uint8_t*, float*, int);
template void max_pool_backward<Bfloat16>(const PoolShape&, const Bfloat16*, const std::uint8_t*, Bfloat16*, int);

}  // namespace soleus
