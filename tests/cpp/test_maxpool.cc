// Max pooling against plain loops, and the sharing out of work.
#include <atomic>
#include <limits>
#include <random>
#include <thread>

#include "base/share_out.h"
#include "check.h"
#include "images/maxpool.h"

using namespace soleus;

namespace {

float value_of(float x) { return x; }
float value_of(Bfloat16 x) {
  const std::uint32_t bits = static_cast<std::uint32_t>(x.bits) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
void set(float& to, float x) { to = x; }
void set(Bfloat16& to, float x) {  // of numbers that bfloat16 has
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  to.bits = static_cast<std::uint16_t>(bits >> 16);
}

// Calls visit(window, pixel within it, pixel of the image) for every pixel of every window.
template <class Visit>
void windows(const PoolShape& s, Visit&& visit) {
  std::size_t window = 0;
  for (int n = 0; n < s.images; ++n) {
    for (int row = 0; row < s.pooled_height(); ++row) {
      for (int col = 0; col < s.pooled_width(); ++col) {
        for (int c = 0; c < s.channels; ++c, ++window) {
          for (int k = 0; k < 9; ++k) {
            const int y = 2 * row - 1 + k / 3, x = 2 * col - 1 + k % 3;
            if (y < 0 || x < 0 || y >= s.height || x >= s.width) continue;
            visit(window, k, ((static_cast<std::size_t>(n) * s.height + y) * s.width + x) * s.channels + c);
          }
        }
      }
    }
  }
}

template <class T>
void compare_with_loops(const PoolShape& s, int threads) {
  const std::size_t pixels = static_cast<std::size_t>(s.images) * s.height * s.width * s.channels;
  const std::size_t pooled = static_cast<std::size_t>(s.images) * s.pooled_height() * s.pooled_width() * s.channels;
  std::mt19937 random(s.height * 100 + s.width);
  std::vector<T> in(pixels), out(pooled), grad_out(pooled), grad_in(pixels);
  std::vector<std::uint8_t> winner(pooled);
  for (T& x : in) set(x, static_cast<float>(static_cast<int>(random() % 9) - 4));  // many ties
  for (T& x : grad_out) set(x, static_cast<float>(static_cast<int>(random() % 33) - 16));
  set(in[pixels / 2], std::numeric_limits<float>::quiet_NaN());
  max_pool(s, in.data(), out.data(), winner.data(), threads);
  max_pool_backward(s, grad_out.data(), winner.data(), grad_in.data(), threads);

  std::vector<float> best(pooled, -std::numeric_limits<float>::infinity()), expected(pixels, 0.0f);
  std::vector<int> which(pooled, -1);
  windows(s, [&](std::size_t window, int k, std::size_t pixel) {
    const float x = value_of(in[pixel]);
    if (!(x > best[window] || x != x)) return;
    best[window] = x;
    which[window] = k;
  });
  windows(s, [&](std::size_t window, int k, std::size_t pixel) {
    if (which[window] == k) expected[pixel] += value_of(grad_out[window]);
  });
  bool same = true;
  for (std::size_t i = 0; i < pooled; ++i) {
    const float x = value_of(out[i]);
    same &= (x == best[i] || (x != x && best[i] != best[i])) && winner[i] == which[i];
  }
  for (std::size_t i = 0; i < pixels; ++i) same &= value_of(grad_in[i]) == expected[i];
  CHECK(same);
}

}  // namespace

TEST(max_pooling_equals_plain_loops) {
  for (const auto& [height, width] : {std::pair{1, 1}, {2, 3}, {5, 4}, {8, 8}, {7, 1}, {9, 13}}) {
    for (const int channels : {1, 16, 21, 32}) {
      compare_with_loops<float>({3, height, width, channels}, 1);
      compare_with_loops<Bfloat16>({3, height, width, channels}, 2);
    }
  }
}

TEST(rounding_to_bfloat16_is_to_the_nearest_and_keeps_what_is_no_number) {
  const float half = 1.00390625f;  // between 1 and the next bfloat16, 1.0078125
  Bfloat16 lanes[kVectorWidth];
  const auto rounded = [&](float x) {
    store_lanes(lanes, Lanes{} + x);
    return value_of(lanes[0]);
  };
  CHECK(rounded(half) == 1.0f && rounded(std::nextafter(half, 2.0f)) == 1.0078125f);
  CHECK(rounded(1.01171875f) == 1.015625f);  // between two: to the even one
  CHECK(rounded(-std::numeric_limits<float>::infinity()) == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(rounded(std::numeric_limits<float>::quiet_NaN())));
}

TEST(work_is_shared_out_from_many_threads_at_a_time) {
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 50; ++round) {
        const int count = (caller * 7 + round) % 11;
        std::vector<int> times(count, 0);
        share_out(count, 1 + (caller + round) % 4, [&](int first, int last) {
          for (int i = first; i < last; ++i) ++times[i];
        });
        for (const int t : times) wrong += t != 1;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(wrong == 0);
}
