#include "images/impala.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "images/pooling.h"
#include "images/products.h"

#if SOLEUS_PRODUCTS

namespace soleus {
namespace {

constexpr std::size_t kMostStages = 8;
constexpr int kChunk = 2;  // images of 64 x 64 pixels: with what is between the layers they fill 2 MB
constexpr int kSide = 3;   // of every kernel

int half(int side) { return (side + 1) / 2; }

// The first convolution sees three neighbouring pixels as channels of one, filled up to a multiple of 16.
int window_channels(int channels) { return (kSide * channels + kTile - 1) / kTile * kTile; }

// Torch's index of a kernel of three by three taps.
Layer::Source square(int inputs) {
  return [inputs](int row, int column, int input, int output) {
    return ((output * inputs + input) * kSide + row) * kSide + column;
  };
}

// Of the first convolution: its columns are channels of a pixel.
Layer::Source first_square(int channels) {
  return [channels](int row, int, int input, int output) {
    const int column = input / channels;
    return column < kSide ? square(channels)(row, column, input % channels, output) : -1;
  };
}

std::uint16_t* winners_of_image(std::uint16_t* winners, const Grid& pooled, int n) {
  return winners + static_cast<std::size_t>(n) * pooled.rows * pooled.columns * pooled.channels;
}

}  // namespace

bool ImpalaEncoder::supports(std::span<const int> widths) {
  return products() != Products::kNone && !widths.empty() && widths.size() <= kMostStages &&
         std::all_of(widths.begin(), widths.end(), [](int width) { return width == 16 || (width > 0 && width % 32 == 0); });
}

ImpalaEncoder::ImpalaEncoder(int height, int width, int channels, std::span<const int> widths, float scale)
    : Encoder(height, width, channels, kChunk) {
  require(supports(widths), "expected widths of 16 or multiples of 32, and a processor with products of bfloat16");
  // Where a convolution groups pixels, of 16 channels or into such, pitches are even.
  const auto even = [&](std::size_t s) {
    return s == 0 || widths[s - 1] == kTile || (s < widths.size() && widths[s] == kTile);
  };
  std::vector<Layer> layers;
  int rows = height, columns = width, inputs = channels;
  for (std::size_t s = 0; s < widths.size(); ++s) {
    const int outputs = widths[s], stored = s == 0 ? window_channels(channels) : inputs;
    Stage stage;
    stage.input = {rows, columns, stored, true, even(s)};
    stage.full = {rows, columns, outputs, true, even(s)};
    rows = half(rows);
    columns = half(columns);
    stage.pooled = {rows, columns, outputs, true, even(s + 1)};
    layers.emplace_back(ConvShape{stored, outputs, kSide, s == 0 ? 1 : kSide}, outputs * inputs * kSide * kSide,
                        s == 0 ? scale : 1.0f, s == 0, s == 0 ? first_square(channels) : square(inputs));
    stage.conv = Conv(layers.back().shape, stage.input, -1, s == 0 ? 0 : -1, stage.full.rows, stage.full.columns);
    stage.conv_gradient = Conv(layers.back().gradient, stage.full, -1, -1, stage.full.rows, stage.full.columns);
    for (int block = 0; block < kBlocks; ++block) {
      layers.emplace_back(ConvShape{outputs, outputs, kSide, kSide}, outputs * outputs * kSide * kSide, 1.0f, false,
                          square(outputs));
    }
    stage.block = Conv(layers.back().shape, stage.pooled, -1, -1, rows, columns);
    stages_.push_back(stage);
    inputs = outputs;
  }
  finish(std::move(layers), rows * columns * inputs);
}

struct ImpalaEncoder::Scratch {
  Bfloat16* prepared;  // one image as the first convolution sees it
  Bfloat16* line;      // one row of it, pixels as they come
  Bfloat16* full;      // one image before its pooling
  Bfloat16* pairs;     // of gradients, for those of the weights
  std::array<Planes, kMostStages> stages;
};

ImpalaEncoder::Scratch ImpalaEncoder::lay_out(Arena& kept, Arena& working) const {
  // Where pixels of 16 channels are grouped, the windows of 3 x 3 begin at odd pixels, and those at whole cache lines.
  const auto plane = [&](Arena& arena, const Grid& grid, int images, bool windows = true) {
    const int shift = windows && grid.channels == kTile ? kTile : 0;
    return arena.take(grid.size(images) + shift) + static_cast<std::size_t>(grid.margin()) * grid.channels + shift;
  };
  Scratch scratch{};
  scratch.prepared = plane(working, stages_[0].input, 1, false);
  scratch.line = working.take((width() + 2) * channels() + 2 * stages_[0].input.channels + kDepth);
  std::size_t full = 0, margin = 0, pairs = 0, pair_margin = 0;
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    const Grid &stage_full = stages_[s].full, &pooled = stages_[s].pooled;
    Planes& planes = scratch.stages[s];
    planes.values = plane(kept, pooled, chunk());
    for (auto& input : planes.inputs) input = plane(kept, pooled, chunk());
    planes.gradient = plane(working, pooled, chunk());
    planes.inner_gradient = plane(working, pooled, chunk());
    planes.full_gradient = plane(working, stage_full, 1, s > 0);
    planes.winners = reinterpret_cast<std::uint16_t*>(
        kept.take(static_cast<std::size_t>(chunk()) * pooled.rows * pooled.columns * pooled.channels));
    full = std::max(full, stage_full.size(1));
    margin = std::max(margin, static_cast<std::size_t>(stage_full.margin()) * stage_full.channels);
    pairs = std::max({pairs, pairs_size(stage_full.image(), stage_full.margin(), stage_full.channels),
                      pairs_size(chunk() * pooled.image(), pooled.margin(), pooled.channels)});
    pair_margin = std::max(pair_margin, margin);
  }
  scratch.full = working.take(full + margin) + margin;
  if (working.holds_memory()) std::fill_n(scratch.full - margin, margin, kLowest);
  scratch.pairs = working.take(pairs) + pair_margin;
  return scratch;
}

void ImpalaEncoder::reserve(Arena& kept, Arena& working) const { lay_out(kept, working); }

void ImpalaEncoder::load_image(const ImageView& images, int n, const Scratch& scratch) const {
  const Grid& grid = stages_[0].input;
  const int row = width() * channels();
  std::size_t from = static_cast<std::size_t>(n) * height() * row;
  for (int y = 0; y < height(); ++y, from += row) {
    convert_pixels(images, from, row, scratch.line + channels());
    spread_windows(scratch.line, width(), channels(), kSide * channels(), grid.channels,
                   scratch.prepared + grid.at(0, y, 0));
  }
}

void ImpalaEncoder::forward_stage(const Scratch& scratch, std::size_t s, const Chunk& chunk) const {
  const auto& [kept, working, images, first, count, packed] = chunk;
  const Stage& stage = stages_[s];
  const Planes& planes = scratch.stages[s];
  const Grid& pooled = stage.pooled;
  for (int n = 0; n < count; ++n) {
    if (s == 0) load_image(images, first + n, scratch);
    const Bfloat16* in = s == 0 ? scratch.prepared : scratch.stages[s - 1].values + stage.input.at(n, 0, 0);
    const int number = number_of(s, -1);
    conv_forward(stage.conv, in, forward_weights(packed, number), 1, Finish::kPlain,
                 {.out = scratch.full, .bias = bias(packed, number)});
    clear_border(stage.full, 1, scratch.full, kLowest);
    const std::size_t at = pooled.at(n, 0, 0);
    pool_forward(stage.full, scratch.full, pooled, planes.values + at, planes.inputs[0] + at,
                 winners_of_image(planes.winners, pooled, n));
  }
  clear_behind(pooled, count, planes.values);
  clear_behind(pooled, count, planes.inputs[0]);
  for (int block = 0; block < kBlocks; block += 2) {
    const int inner = number_of(s, block), outer = inner + 1;
    conv_forward(stage.block, planes.inputs[block], forward_weights(packed, inner), count, Finish::kRelu,
                 {.out = planes.inputs[block + 1], .bias = bias(packed, inner)});
    clear_border(pooled, count, planes.inputs[block + 1]);
    const bool last = block + 2 == kBlocks;
    conv_forward(stage.block, planes.inputs[block + 1], forward_weights(packed, outer), count,
                 last ? Finish::kAdd : Finish::kAddRelu,
                 {.out = planes.values,
                  .bias = bias(packed, outer),
                  .add = planes.values,
                  .relu = last ? nullptr : planes.inputs[block + 2]});
    clear_border(pooled, count, planes.values);
    if (!last) clear_border(pooled, count, planes.inputs[block + 2]);
  }
}

void ImpalaEncoder::backward_stage(const Scratch& scratch, std::size_t s, const Chunk& chunk, float* sums) const {
  const auto& [kept, working, images, first, count, packed] = chunk;
  const Stage& stage = stages_[s];
  const Planes& planes = scratch.stages[s];
  const Grid& pooled = stage.pooled;
  const int pixels = count * pooled.image();
  const auto add_block = [&](int number, const Bfloat16* in, const Bfloat16* gradient) {
    add_gradients(stage.block, number, in, gradient, pixels, pooled.margin(), scratch.pairs, sums);
  };
  for (int block = kBlocks - 2; block >= 0; block -= 2) {
    const int inner = number_of(s, block), outer = inner + 1;
    add_block(outer, planes.inputs[block + 1], planes.gradient);
    conv_forward(stage.block, planes.gradient, backward_weights(packed, outer), count, Finish::kMask,
                 {.out = planes.inner_gradient, .positive = planes.inputs[block + 1]});
    clear_behind(pooled, count, planes.inner_gradient);
    add_block(inner, planes.inputs[block], planes.inner_gradient);
    conv_forward(stage.block, planes.inner_gradient, backward_weights(packed, inner), count, Finish::kMaskAdd,
                 {.out = planes.gradient, .add = planes.gradient, .positive = planes.inputs[block]});
  }
  const int number = number_of(s, -1);
  for (int n = 0; n < count; ++n) {
    pool_backward(stage.full, planes.full_gradient, pooled, planes.gradient + pooled.at(n, 0, 0),
                  winners_of_image(planes.winners, pooled, n));
    if (s == 0) load_image(images, first + n, scratch);
    const std::size_t at = stage.input.at(n, 0, 0);
    const Bfloat16* in = s == 0 ? scratch.prepared : scratch.stages[s - 1].values + at;
    add_gradients(stage.conv, number, in, planes.full_gradient, stage.full.image(), stage.full.margin(), scratch.pairs, sums);
    if (s == 0) continue;
    conv_forward(stage.conv_gradient, planes.full_gradient, backward_weights(packed, number), 1, Finish::kPlain,
                 {.out = scratch.stages[s - 1].gradient + at});
  }
  if (s > 0) clear_border(stage.input, count, scratch.stages[s - 1].gradient);
}

namespace {

// visit(element of the last stack, of the features, elements of a row) for every row of every image.
template <class Visit>
void each_row(const Grid& grid, int count, Visit&& visit) {
  const std::size_t row = static_cast<std::size_t>(grid.columns) * grid.channels;
  for (int n = 0; n < count; ++n) {
    for (int y = 0; y < grid.rows; ++y) visit(grid.at(n, y, 0), (static_cast<std::size_t>(n) * grid.rows + y) * row, row);
  }
}

}  // namespace

void ImpalaEncoder::run_forward(Chunk chunk, Bfloat16* out) const {
  const Scratch scratch = lay_out(chunk.kept, chunk.working);
  for (std::size_t s = 0; s < stages_.size(); ++s) forward_stage(scratch, s, chunk);
  if (!out) return;
  const Bfloat16* values = scratch.stages[stages_.size() - 1].values;
  each_row(stages_.back().pooled, chunk.count, [&](std::size_t at, std::size_t feature, std::size_t row) {
    relu_row(values + at, out + feature, row);
  });
}

void ImpalaEncoder::run_backward(Chunk chunk, const Bfloat16* grad_out, float* sums) const {
  const Scratch scratch = lay_out(chunk.kept, chunk.working);
  const Grid& grid = stages_.back().pooled;
  const Planes& planes = scratch.stages[stages_.size() - 1];
  each_row(grid, chunk.count, [&](std::size_t at, std::size_t feature, std::size_t row) {
    mask_row(planes.values + at, grad_out + feature, planes.gradient + at, row);
  });
  clear_border(grid, chunk.count, planes.gradient);
  for (std::size_t s = stages_.size(); s-- > 0;) backward_stage(scratch, s, chunk, sums);
}

}  // namespace soleus

#endif
