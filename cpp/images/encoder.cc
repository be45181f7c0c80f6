#include "images/encoder.h"

#include <algorithm>
#include <atomic>

#include "base/share_out.h"
#include "images/products.h"

#if SOLEUS_PRODUCTS

namespace soleus {
namespace {

constexpr int kGroup = 16;         // images whose gradients are summed in one group, unless
constexpr int kGroups = 16;        // there are more than so many groups: then they are larger
constexpr std::size_t kLine = 32;  // elements of a cache line

std::size_t whole_lines(std::size_t elements) { return (elements + kLine - 1) / kLine * kLine; }

// Torch's weights into a convolution's order: block of 16 outputs, block of 32 elements of a window, pair, output, one of it.
std::vector<int> packed_order(const ConvShape& plain, const Layer::Source& source) {
  const ConvShape s = plain.grouped();
  std::vector<int> order(s.packed(), -1);
  for (int output = 0; output < s.outputs; ++output) {
    for (int row = 0; row < s.rows; ++row) {
      for (int element = 0; element < s.columns * s.inputs; ++element) {
        // Of the pixels that count as one, the second's window begins a column later.
        const int column = element / plain.inputs - output / plain.outputs;
        if (column < 0 || column >= plain.columns) continue;
        const int block = row * s.row_blocks() + element / kDepth, within = element % kDepth;
        const std::size_t tile = static_cast<std::size_t>(output / kTile) * s.blocks() + block;
        order[tile * kTile * kDepth + (within / 2 * kTile + output % kTile) * 2 + within % 2] =
            source(row, column, element % plain.inputs, output % plain.outputs);
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

Bfloat16* Arena::take(std::size_t elements) {
  Bfloat16* piece = memory_ ? memory_ + taken_ : nullptr;
  taken_ += whole_lines(elements);
  return piece;
}

Bfloat16* Workspace::of(std::uint64_t key, std::size_t elements) {
  if (key_ != key) {
    memory_.assign(elements, Bfloat16{0});
    key_ = key;
  }
  return memory_.data();
}

Encoder::Kept::Kept(std::shared_ptr<const Encoder> encoder, int count) : encoder_(std::move(encoder)), count_(count) {
  const std::size_t elements = encoder_->chunks(count) * encoder_->kept_;
  {
    const std::lock_guard guard(encoder_->lock_);
    if (!encoder_->free_.empty()) {
      memory_ = std::move(encoder_->free_.back());
      encoder_->free_.pop_back();
    }
  }
  if (memory_.size() < elements) memory_.assign(elements, Bfloat16{0});
}

Encoder::Kept::~Kept() {
  const std::lock_guard guard(encoder_->lock_);
  encoder_->free_.push_back(std::move(memory_));
}

std::vector<std::size_t> Encoder::parameters() const {
  std::vector<std::size_t> sizes;
  for (const Layer& layer : layers_) {
    sizes.push_back(layer.weights);
    sizes.push_back(layer.shape.outputs);
  }
  return sizes;
}

void Encoder::finish(std::vector<Layer> layers, int features) {
  static std::atomic<std::uint64_t> made = 0;
  key_ = ++made;
  layers_ = std::move(layers);
  features_ = features;
  for (const Layer& layer : layers_) {
    const auto take = [](std::size_t& total, std::size_t elements) {
      const std::size_t start = total;
      total += whole_lines(elements);
      return start;
    };
    Places at{};
    at.forward = take(packed_, layer.forward.size());
    at.backward = take(packed_, layer.backward.size());
    at.bias = take(packed_, 2 * layer.shape.outputs);
    at.tiles = take(sums_, layer.shape.tiles());
    at.bias_sums = take(sums_, layer.shape.outputs);
    at_.push_back(at);
  }
  Arena kept, working;
  reserve(kept, working);
  kept_ = kept.taken();
  working_ = working.taken();
}

Halves Encoder::pack(std::span<const float* const> parameters, bool backward) const {
  Halves packed(packed_);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    pack_weights(parameters[2 * i], layer.scale, layer.forward, packed.data() + at_[i].forward);
    if (backward) pack_weights(parameters[2 * i], layer.scale, layer.backward, packed.data() + at_[i].backward);
    std::copy_n(parameters[2 * i + 1], layer.shape.outputs, reinterpret_cast<float*>(packed.data() + at_[i].bias));
  }
  return packed;
}

namespace {
thread_local Workspace working_memory, kept_memory;  // the second where nothing is kept beyond a chunk
}  // namespace

void Encoder::forward(const ImageView& images, int count, const Halves& packed, Bfloat16* out, Kept* kept,
                      int threads) const {
  share_out(chunks(count), threads, [&](int first, int last) {
    const TileSession session;
    for (int chunk = first; chunk < last; ++chunk) {
      const int start = chunk * chunk_;
      Bfloat16* const mine = kept ? kept->of(chunk) : kept_memory.of(key_, kept_);
      run_forward({Arena(mine), Arena(working_memory.of(key_, working_)), images, start, std::min(chunk_, count - start),
                   packed.data()},
                  out + static_cast<std::size_t>(start) * features_);
    }
  });
}

void Encoder::backward(const ImageView& images, int count, const Halves& packed, const Bfloat16* grad_out, Kept* kept,
                       std::span<float* const> gradients, int threads) const {
  const int size = chunks(std::max(kGroup, (count + kGroups - 1) / kGroups)) * chunk_;
  const int groups = std::max((count + size - 1) / size, 1);
  thread_local std::vector<float, CacheAligned<float>> memory;
  memory.resize(std::max(memory.size(), groups * sums_));
  float* const sums = memory.data();
  share_out(groups, threads, [&](int first, int last) {
    const TileSession session;
    for (int group = first; group < last; ++group) {
      float* mine = sums + group * sums_;
      std::fill_n(mine, sums_, 0.0f);
      const int end = std::min((group + 1) * size, count);
      for (int start = group * size; start < end; start += chunk_) {
        Bfloat16* const left = kept ? kept->of(start / chunk_) : kept_memory.of(key_, kept_);
        const Chunk chunk{Arena(left), Arena(working_memory.of(key_, working_)), images, start, std::min(chunk_, end - start),
                          packed.data()};
        if (!kept) run_forward(chunk, nullptr);
        run_backward(chunk, grad_out + static_cast<std::size_t>(start) * features_, mine);
      }
    }
  });
  for (int group = 1; group < groups; ++group) {
    const float* more = sums + group * sums_;
    for (std::size_t k = 0; k < sums_; ++k) sums[k] += more[k];
  }
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const float* tiles = sums + at_[i].tiles;
    for (int k = 0; k < layer.weights; ++k) gradients[2 * i][k] = layer.scale * tiles[layer.places[k]];
    std::copy_n(sums + at_[i].bias_sums, layer.shape.outputs, gradients[2 * i + 1]);
  }
}

void Encoder::add_gradients(const Conv& conv, int i, const Bfloat16* in, const Bfloat16* gradient, int pixels, int margin,
                            Bfloat16* pairs, float* sums) const {
  make_pairs(gradient, conv.shape.outputs, pixels, margin, pairs, sums + at_[i].bias_sums);
  conv_weights(conv, in, pixels, pairs, sums + at_[i].tiles);
}

void Encoder::relu_row(const Bfloat16* values, Bfloat16* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint16_t bits = values[i].bits;
    out[i].bits = bits >= 0x8000 && bits <= 0xff80 ? 0 : bits;
  }
}

void Encoder::mask_row(const Bfloat16* values, const Bfloat16* gradient, Bfloat16* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    out[i].bits = static_cast<std::int16_t>(values[i].bits) > 0 ? gradient[i].bits : 0;
  }
}

}  // namespace soleus

#endif
