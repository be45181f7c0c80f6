#include "images/nature.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "images/products.h"

#if SOLEUS_PRODUCTS

namespace soleus {
namespace {

constexpr int kChunk = 4;  // images: of one more is computed for nothing, more no longer fit the caches
constexpr int kStride1 = 4, kStride2 = 2;
constexpr int kOutputs1 = 32, kOutputs2 = 64, kOutputs3 = 64;

// Windows of two strides: so many results, and as many blocks of a stride and one more.
int results(int side, int stride) { return side / stride - 1; }

// Torch's index of a kernel of two blocks a side, whose pixels are channels: (y, x, channel) of `stride` by `stride` pixels.
Layer::Source blocked(int channels, int stride) {
  return [=](int row, int column, int input, int output) {
    const int y = row * stride + input / (stride * channels), x = column * stride + input / channels % stride;
    return ((output * channels + input % channels) * 2 * stride + y) * 2 * stride + x;
  };
}

}  // namespace

NatureEncoder::NatureEncoder(int height, int width, int channels, float scale) : Encoder(height, width, channels, kChunk) {
  const int rows1 = results(height, kStride1), columns1 = results(width, kStride1);
  const int rows2 = results(rows1, kStride2), columns2 = results(columns1, kStride2);
  rows3_ = rows2 - 2;
  columns3_ = columns2 - 2;
  require(products() != Products::kNone && rows3_ > 0 && columns3_ > 0 && channels > 0,
          "expected images of at least 36 x 36 pixels, and a processor with products of bfloat16");
  const int inputs1 = kStride1 * kStride1 * channels, inputs2 = kStride2 * kStride2 * kOutputs1;
  results1_ = {rows1, columns1, kOutputs1, true, inputs1 == kTile};
  input_ = results1_;
  input_.channels = inputs1;
  results2_ = {rows2, columns2, kOutputs2, true, false};
  blocks_ = results2_;
  blocks_.channels = inputs2;
  std::vector<Layer> layers;
  layers.emplace_back(ConvShape{inputs1, kOutputs1, 2, 2}, kOutputs1 * channels * 64, scale, true,
                      blocked(channels, kStride1));
  layers.emplace_back(ConvShape{inputs2, kOutputs2, 2, 2}, kOutputs2 * kOutputs1 * 16, 1.0f, false,
                      blocked(kOutputs1, kStride2));
  layers.emplace_back(ConvShape{kOutputs2, kOutputs3, 3, 3}, kOutputs3 * kOutputs2 * 9, 1.0f, false,
                      [](int row, int column, int input, int output) {
                        return ((output * kOutputs2 + input) * 3 + row) * 3 + column;
                      });
  conv1_ = Conv(layers[0].shape, input_, 0, 0, rows1, columns1);
  conv2_ = Conv(layers[1].shape, blocks_, 0, 0, rows2, columns2);
  conv3_ = Conv(layers[2].shape, results2_, 0, 0, rows3_, columns3_);
  gradient2_ = Conv(layers[1].gradient, results2_, -1, -1, rows2 + 1, columns2 + 1);
  gradient3_ = Conv(layers[2].gradient, results2_, -2, -2, rows2, columns2);
  finish(std::move(layers), rows3_ * columns3_ * kOutputs3);
}

struct NatureEncoder::Scratch {
  Bfloat16* line;    // a row of an image, pixels as they come
  Bfloat16* input;   // and then stacks
  Bfloat16* values1;
  Bfloat16* blocks;
  Bfloat16* values2;
  Bfloat16* values3;
  Bfloat16* gradient1;
  Bfloat16* block_gradient;
  Bfloat16* gradient2;
  Bfloat16* gradient3;
  Bfloat16* pairs;
};

NatureEncoder::Scratch NatureEncoder::lay_out(Arena& kept, Arena& working) const {
  const auto plane = [&](Arena& arena, const Grid& grid) {  // windows of the gradients reach two rows out
    const std::size_t margin = static_cast<std::size_t>(grid.margin()) * grid.channels;
    return arena.take(grid.size(kChunk) + margin) + 2 * margin;
  };
  Scratch s{};
  s.line = working.take(width() * channels() + 2 * kDepth);
  s.input = plane(kept, input_);
  s.values1 = plane(working, results1_);
  s.blocks = plane(kept, blocks_);
  s.values2 = plane(kept, results2_);
  s.values3 = plane(kept, results2_);
  s.gradient1 = plane(working, results1_);
  s.block_gradient = plane(working, blocks_);
  s.gradient2 = plane(working, results2_);
  s.gradient3 = plane(working, results2_);
  std::size_t pairs = 0, margin = 0;
  for (const Grid& grid : {results1_, results2_}) {
    pairs = std::max(pairs, pairs_size(kChunk * grid.image(), 2 * grid.margin(), grid.channels));
    margin = std::max(margin, 2 * static_cast<std::size_t>(grid.margin()) * grid.channels);
  }
  s.pairs = working.take(pairs) + margin;
  return s;
}

void NatureEncoder::reserve(Arena& kept, Arena& working) const { lay_out(kept, working); }

void NatureEncoder::load_images(const ImageView& images, int first, int count, const Scratch& s) const {
  const int row = width() * channels(), block = kStride1 * channels();
  for (int n = 0; n < count; ++n) {
    for (int y = 0; y < kStride1 * (input_.rows + 1); ++y) {
      convert_pixels(images, (static_cast<std::size_t>(first + n) * height() + y) * row, row, s.line);
      spread_windows(s.line, input_.columns + 1, block, block, input_.channels,
                     s.input + input_.at(n, y / kStride1, 0) + y % kStride1 * block);
    }
  }
}

void NatureEncoder::run_forward(Chunk chunk, Bfloat16* out) const {
  const Scratch s = lay_out(chunk.kept, chunk.working);
  const int count = chunk.count;
  const Bfloat16* packed = chunk.packed;
  load_images(chunk.images, chunk.first, count, s);
  clear_behind(input_, count, s.input);
  conv_forward(conv1_, s.input, forward_weights(packed, 0), count, Finish::kRelu,
               {.out = s.values1, .bias = bias(packed, 0)});
  for (int n = 0; n < count; ++n) {
    for (int y = 0; y < blocks_.rows + 1; ++y) {
      for (int x = 0; x < blocks_.columns + 1; ++x) {
        Bfloat16* to = s.blocks + blocks_.at(n, y, x);
        for (int dy = 0; dy < kStride2; ++dy, to += kStride2 * kOutputs1) {
          const Bfloat16* from = s.values1 + results1_.at(n, kStride2 * y + dy, kStride2 * x);
          std::memcpy(to, from, kStride2 * kOutputs1 * sizeof(Bfloat16));
        }
      }
    }
  }
  clear_behind(blocks_, count, s.blocks);
  conv_forward(conv2_, s.blocks, forward_weights(packed, 1), count, Finish::kRelu,
               {.out = s.values2, .bias = bias(packed, 1)});
  clear_border(results2_, count, s.values2);
  conv_forward(conv3_, s.values2, forward_weights(packed, 2), count, Finish::kRelu,
               {.out = s.values3, .bias = bias(packed, 2)});
  const std::size_t row = static_cast<std::size_t>(columns3_) * kOutputs3;
  for (int y = 0; out && y < count * rows3_; ++y, out += row) {
    std::memcpy(out, s.values3 + results2_.at(y / rows3_, y % rows3_, 0), row * sizeof(Bfloat16));
  }
}

void NatureEncoder::run_backward(Chunk chunk, const Bfloat16* grad_out, float* sums) const {
  const Scratch s = lay_out(chunk.kept, chunk.working);
  const int count = chunk.count;
  const Bfloat16* packed = chunk.packed;
  const std::size_t row = static_cast<std::size_t>(columns3_) * kOutputs3;
  for (int y = 0; y < count * rows3_; ++y, grad_out += row) {
    const std::size_t at = results2_.at(y / rows3_, y % rows3_, 0);
    mask_row(s.values3 + at, grad_out, s.gradient3 + at, row);
  }
  clear_behind(results2_, count, s.gradient3);
  const int pixels = count * results2_.image();
  const int margin2 = 2 * results2_.margin();
  add_gradients(conv3_, 2, s.values2, s.gradient3, pixels, margin2, s.pairs, sums);
  conv_forward(gradient3_, s.gradient3, backward_weights(packed, 2), count, Finish::kMask,
               {.out = s.gradient2, .positive = s.values2});
  clear_behind(results2_, count, s.gradient2);
  add_gradients(conv2_, 1, s.blocks, s.gradient2, pixels, margin2, s.pairs, sums);
  conv_forward(gradient2_, s.gradient2, backward_weights(packed, 1), count, Finish::kMask,
               {.out = s.block_gradient, .positive = s.blocks});
  for (int n = 0; n < count; ++n) {
    for (int y = 0; y < blocks_.rows + 1; ++y) {
      for (int x = 0; x < blocks_.columns + 1; ++x) {
        const Bfloat16* from = s.block_gradient + blocks_.at(n, y, x);
        for (int dy = 0; dy < kStride2; ++dy, from += kStride2 * kOutputs1) {
          Bfloat16* to = s.gradient1 + results1_.at(n, kStride2 * y + dy, kStride2 * x);
          std::memcpy(to, from, kStride2 * kOutputs1 * sizeof(Bfloat16));
        }
      }
    }
  }
  clear_behind(results1_, count, s.gradient1);
  add_gradients(conv1_, 0, s.input, s.gradient1, count * input_.image(), results1_.margin(), s.pairs, sums);
}

}  // namespace soleus

#endif
