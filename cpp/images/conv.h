// Convolutions over stacks of images by products of bfloat16: forward, gradients of their inputs, gradients of their weights.
//
// All are matrix products: the pixels of a window's row are neighbours in memory, so that sixteen windows, one after the
// other, are a matrix whose rows overlap, and nothing is copied. A convolution of stride 2 or 4 becomes one of stride 1 over
// blocks of pixels seen as channels. Sums are float32; what is stored between layers is bfloat16.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "base/lanes.h"
#include "images/grid.h"

namespace soleus {

inline constexpr int kTile = 16;           // rows of a matrix tile, and floats in one
inline constexpr int kDepth = 32;          // elements that two tiles are multiplied over
inline constexpr int kTileSize = 16 * 16;  // floats of a tile of sums

// rows x columns taps over pixels of `inputs` channels; inputs and outputs are multiples of 16.
struct ConvShape {
  int inputs = 0;
  int outputs = 0;
  int rows = 0;
  int columns = 0;

  int taps() const { return rows * columns; }
  int row_blocks() const { return (columns * inputs + kDepth - 1) / kDepth; }
  int blocks() const { return rows * row_blocks(); }
  // Elements of the weights as conv_forward takes them, and floats of their gradient as conv_weights leaves it.
  std::size_t packed() const { return static_cast<std::size_t>(outputs) / kTile * blocks() * kTile * kDepth; }
  std::size_t tiles() const { return static_cast<std::size_t>(taps()) * inputs * outputs; }
  // Pixels of 16 channels fill half a row of a tile: two neighbours count as one pixel of 32 and give two results, whose
  // windows overlap. Pixels that count as one, and the convolution as one of those.
  int group() const { return inputs == kTile ? 2 : 1; }
  ConvShape grouped() const {
    const int g = group();
    return {g * inputs, g * outputs, rows, (columns + 2 * (g - 1)) / g};
  }
};

// What becomes of a convolution's sums; pointers are those of first pixels, with as many channels as there are outputs.
enum class Finish {
  kPlain,    // out = sum (+ bias)
  kRelu,     // out = relu(sum + bias)
  kAdd,      // out = sum + bias + add
  kAddRelu,  // the same, and relu = relu(out)
  kMask,     // out = sum where `positive` is above zero, else zero
  kMaskAdd   // out = add + (sum where `positive` is above zero)
};
struct Finishing {
  Bfloat16* out = nullptr;
  const float* bias = nullptr;          // (outputs), or none
  const Bfloat16* add = nullptr;        // may be `out`
  const Bfloat16* positive = nullptr;
  Bfloat16* relu = nullptr;

  // The same so many elements further.
  Finishing after(std::size_t elements) const {
    const auto moved = [&](auto* p) { return p ? p + elements : p; };
    return {moved(out), bias, moved(add), moved(positive), moved(relu)};
  }
};

// A convolution as it runs over a grid of pixels, whose pitch is even where pixels are grouped. In every image it has
// results for the first rows and columns.
struct Conv {
  ConvShape shape;
  int rows = 0;
  int columns = 0;
  int pitch = 0;
  int image = 0;             // pixels of one
  int origin = 0;            // pixels from a result's place to its window's first
  std::vector<int> offsets;  // elements from there to each block of the window

  Conv() = default;
  // origin in rows and columns of the grid; a padding of 1 is (-1, -1). results: the grid's rows and columns, or fewer.
  Conv(const ConvShape& shape, const Grid& grid, int origin_row, int origin_column, int result_rows, int result_columns);

  // Pixels from the first result of `images` images to behind their last.
  int span(int images) const { return (images - 1) * image + (rows - 1) * pitch + columns; }
};

// to[i] = scale * weights[order[i]] for a multiple of 16 elements; zero where order is negative.
void pack_weights(const float* weights, float scale, const std::vector<int>& order, Bfloat16* to);

// Results of `images` images. Pixels that have none, and up to a block behind the last, may be written too. weights: those of
// shape.grouped(), in tiles.
void conv_forward(const Conv& conv, const Bfloat16* in, const Bfloat16* weights, int images, Finish finish,
                  const Finishing& to);

// Gradients of a convolution's outputs as conv_weights takes them: pair i of neighbouring pixels, 2 i and 2 i + 1, at
// i * 2 * outputs, channel by channel. Elements of it, with room for taps that reach `margin` pixels out on either side:
inline std::size_t pairs_size(int pixels, int margin, int outputs) {
  return static_cast<std::size_t>(pixels + 2 * margin + 2 * Grid::kBlock) * outputs;
}

// Lays out gradients of `pixels` pixels, which are zero on the border; adds their sums to bias_gradient (outputs).
void make_pairs(const Bfloat16* gradient, int outputs, int pixels, int margin, Bfloat16* pairs, float* bias_gradient);

// Adds the gradient of the weights over `pixels` pixels to tiles[tap][16 inputs][16 outputs] of 16 x 16 (input, output).
// Pixels of `in` up to the next multiple of 32, and one more, have to be finite.
void conv_weights(const Conv& conv, const Bfloat16* in, int pixels, const Bfloat16* pairs, float* tiles);

// Where there are matrix tiles, they are set up from its making to its end, in this thread.
class TileSession {
 public:
  TileSession();
  ~TileSession();
  TileSession(const TileSession&) = delete;
  TileSession& operator=(const TileSession&) = delete;
};

}  // namespace soleus
