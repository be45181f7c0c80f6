// Counter-based random numbers: the value depends only on (seed, environment, episode, draw), never on who asks or when.
// Philox4x32-10, J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>

namespace soleus {

// What a draw is for. Streams keep one use from shifting another.
enum class Stream : std::uint32_t { kReset = 0, kAction = 1, kSubstep = 2, kPush = 3, kObservation = 4, kMotor = 5 };

struct RandomKey {
  std::uint64_t seed = 0;
  std::uint32_t environment = 0;
  std::uint32_t episode = 0;
};

inline std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::uint64_t seed) {
  auto key0 = static_cast<std::uint32_t>(seed);
  auto key1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = 0xD2511F53ull * counter[0];
    const std::uint64_t p1 = 0xCD9E8D57ull * counter[2];
    counter = {static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key0, static_cast<std::uint32_t>(p1),
               static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key1, static_cast<std::uint32_t>(p0)};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

// The numbers of one draw: as many as asked for, in blocks of four.
class Draw {
 public:
  // `draw` counts within an episode: the control step, for actions.
  Draw(const RandomKey& key, Stream stream, std::uint32_t draw) : seed_(key.seed) {
    // The last word of the counter holds the stream in its lowest four bits and the number of the block above them, so
    // no two draws, streams or blocks share a counter.
    counter_ = {key.environment, key.episode, draw, static_cast<std::uint32_t>(stream)};
  }

  std::uint32_t bits() {
    if (used_ == 4) {
      block_ = philox(counter_, seed_);
      counter_[3] += kStreams;
      used_ = 0;
    }
    return block_[used_++];
  }

  // Uniform in the open interval (0, 1).
  double uniform() { return (bits() + 0.5) * 0x1p-32; }

  // Standard normals by the Box-Muller transform.
  void normals(std::span<float> out) {
    for (std::size_t i = 0; i < out.size(); i += 2) {
      const double radius = std::sqrt(-2.0 * std::log(uniform()));
      const double angle = 2.0 * std::numbers::pi * uniform();
      out[i] = static_cast<float>(radius * std::cos(angle));
      if (i + 1 < out.size()) out[i + 1] = static_cast<float>(radius * std::sin(angle));
    }
  }

 private:
  static constexpr std::uint32_t kStreams = 16;
  std::uint64_t seed_;
  std::array<std::uint32_t, 4> counter_{};
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
};

}  // namespace soleus
