#include "images/encoder.h"

#include <algorithm>
#include <atomic>

#include "crew.h"
#include "error.h"

namespace soleus {
namespace {

constexpr int kGroup = 16;    // images whose gradients are summed in one group, unless
constexpr int kGroups = 16;   // there are more than so many groups: then they are larger
constexpr std::size_t kLine = 32;  // elements of a cache line

std::size_t whole_lines(std::size_t elements) { return (elements + kLine - 1) / kLine * kLine; }

Bfloat16 rounded(float value) {
  Bfloat16 lanes[kVectorWidth];
  store_lanes(lanes, Lanes{} + value);
  return lanes[0];
}

// Torch's weights into a convolution's order: block of 16 outputs, block of 32 elements of a window, pair, output, one of it.
std::vector<int> packed_order(const ConvShape& s, const Layer::Source& source) {
  std::vector<int> order(s.packed(), -1);
  for (int output = 0; output < s.outputs; ++output) {
    for (int row = 0; row < s.rows; ++row) {
      for (int element = 0; element < s.columns * s.inputs; ++element) {
        const int block = row * s.row_blocks() + element / kDepth, within = element % kDepth;
        const std::size_t tile = static_cast<std::size_t>(output / kTile) * s.blocks() + block;
        order[tile * kTile * kDepth + (within / 2 * kTile + output % kTile) * 2 + within % 2] =
            source(row, element / s.inputs, element % s.inputs, output);
      }
    }
  }
  return order;
}

}  // namespace

Layer::Layer(const ConvShape& s, int weight_count, float weight_scale, bool first, const Source& source)
    : shape(s),
      gradient{s.outputs, s.inputs, s.rows, s.columns},
      weights(weight_count),
      scale(weight_scale),
      forward(packed_order(s, source)),
      places(weight_count, -1) {
  if (!first) {
    backward = packed_order(gradient, [&](int row, int column, int input, int output) {
      return source(s.rows - 1 - row, s.columns - 1 - column, output, input);
    });
  }
  for (int tap = 0; tap < s.taps(); ++tap) {
    for (int input = 0; input < s.inputs; ++input) {
      for (int output = 0; output < s.outputs; ++output) {
        const int index = source(tap / s.columns, tap % s.columns, input, output);
        const int tile = (tap * (s.inputs / kTile) + input / kTile) * (s.outputs / kTile) + output / kTile;
        if (index >= 0) places[index] = tile * kTileSize + input % kTile * kTile + output % kTile;
      }
    }
  }
}

void Arena::start(std::uint64_t key, std::size_t elements) {
  if (key_ != key) {
    memory_.assign(elements, Bfloat16{0});
    key_ = key;
  }
  taken_ = 0;
}

Bfloat16* Arena::take(std::size_t elements) {
  Bfloat16* piece = memory_.data() + taken_;
  taken_ += whole_lines(elements);
  return piece;
}

std::vector<std::size_t> Encoder::parameters() const {
  std::vector<std::size_t> sizes;
  for (const Layer& layer : layers_) {
    sizes.push_back(layer.weights);
    sizes.push_back(layer.shape.outputs);
  }
  return sizes;
}

void Encoder::finish(std::vector<Layer> layers, int features, int chunk) {
  static std::atomic<std::uint64_t> made = 0;
  key_ = ++made;
  layers_ = std::move(layers);
  features_ = features;
  chunk_ = chunk;
  for (const Layer& layer : layers_) {
    Places at{};
    const auto take = [](std::size_t& total, std::size_t elements) {
      const std::size_t start = total;
      total += whole_lines(elements);
      return start;
    };
    at.forward = take(packed_, layer.forward.size());
    at.backward = take(packed_, layer.backward.size());
    at.bias = take(packed_, 2 * layer.shape.outputs);
    at.tiles = take(sums_, layer.shape.tiles());
    at.bias_sums = take(sums_, layer.shape.outputs);
    at_.push_back(at);
  }
  Arena counting;
  reserve(counting);
  scratch_ = counting.taken();
}

void Encoder::pack(std::span<const float* const> parameters, Bfloat16* packed) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const float* weights = parameters[2 * i];
    const auto put = [&](const std::vector<int>& order, Bfloat16* to) {
      for (std::size_t k = 0; k < order.size(); ++k) to[k] = order[k] < 0 ? Bfloat16{0} : rounded(layer.scale * weights[order[k]]);
    };
    put(layer.forward, packed + at_[i].forward);
    put(layer.backward, packed + at_[i].backward);
    std::copy_n(parameters[2 * i + 1], layer.shape.outputs, reinterpret_cast<float*>(packed + at_[i].bias));
  }
}

namespace {
thread_local Arena arena;
}  // namespace

void Encoder::forward(const ImageView& images, int count, const Bfloat16* packed, Bfloat16* out, int threads) const {
  const int chunks = (count + chunk_ - 1) / chunk_;
  share_out(chunks, threads, [&](int first, int last) {
    const TileSession session;
    for (int chunk = first; chunk < last; ++chunk) {
      arena.start(key_, scratch_);
      const int start = chunk * chunk_;
      run(arena, images, start, std::min(chunk_, count - start), packed, out + static_cast<std::size_t>(start) * features_,
          nullptr, nullptr);
    }
  });
}

void Encoder::backward(const ImageView& images, int count, const Bfloat16* packed, const Bfloat16* grad_out,
                       std::span<float* const> gradients, int threads) const {
  const int size = std::max(kGroup, (count + kGroups - 1) / kGroups);
  const int groups = (count + size - 1) / size;
  thread_local std::vector<float, CacheAligned<float>> sums;
  sums.resize(groups * sums_);
  float* const all = sums.data();
  share_out(groups, threads, [&](int first, int last) {
    const TileSession session;
    for (int group = first; group < last; ++group) {
      float* mine = all + group * sums_;
      std::fill_n(mine, sums_, 0.0f);
      const int end = std::min((group + 1) * size, count);
      for (int start = group * size; start < end; start += chunk_) {
        arena.start(key_, scratch_);
        run(arena, images, start, std::min(chunk_, end - start), packed, nullptr,
            grad_out + static_cast<std::size_t>(start) * features_, mine);
      }
    }
  });
  share_out(static_cast<int>(layers_.size()), threads, [&](int first, int last) {
    for (int i = first; i < last; ++i) {
      const Layer& layer = layers_[i];
      const auto total = [&](std::size_t place) {
        float sum = 0;
        for (int group = 0; group < groups; ++group) sum += all[group * sums_ + place];
        return sum;
      };
      for (int k = 0; k < layer.weights; ++k) gradients[2 * i][k] = layer.scale * total(at_[i].tiles + layer.places[k]);
      for (int k = 0; k < layer.shape.outputs; ++k) gradients[2 * i + 1][k] = total(at_[i].bias_sums + k);
    }
  });
}

}  // namespace soleus
