// Convolutions against plain loops, in numbers that no rounding touches; whole encoders against themselves. By whatever
// products of bfloat16 this processor has.
#include <memory>
#include <optional>
#include <random>
#include <thread>

#include "check.h"
#include "images/impala.h"
#include "images/maxpool.h"
#include "images/nature.h"
#include "images/pooling.h"
#include "images/products.h"

#if SOLEUS_PRODUCTS

using namespace soleus;

namespace {

float value_of(Bfloat16 x) {
  const std::uint32_t bits = static_cast<std::uint32_t>(x.bits) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

Bfloat16 rounded(float x) {
  Bfloat16 lanes[kVectorWidth];
  store_lanes(lanes, Lanes{} + x);
  return lanes[0];
}

float small(std::mt19937& random) { return static_cast<float>(static_cast<int>(random() % 5) - 2); }

// A stack with cleared margins, and random numbers in its images but not on their borders.
struct Stack {
  Stack(const Grid& g, int count, std::mt19937& random) : grid(g), images(count), memory(g.size(count) + extra()) {
    each([&](int n, int y, int x, int c) { at(n, y, x, c) = rounded(small(random)); });
  }
  std::size_t extra() const { return 2 * static_cast<std::size_t>(grid.margin()) * grid.channels; }
  Bfloat16* first() { return memory.data() + extra(); }
  Bfloat16& at(int n, int y, int x, int c) { return first()[static_cast<std::ptrdiff_t>(grid.at(n, y, x)) + c]; }
  float value(int n, int y, int x, int c) {
    const bool inside = y >= 0 && x >= 0 && y < grid.rows && x < grid.columns;
    return inside ? value_of(at(n, y, x, c)) : 0.0f;
  }
  template <class Visit>
  void each(Visit&& visit) {
    for (int n = 0; n < images; ++n) {
      for (int y = 0; y < grid.rows; ++y) {
        for (int x = 0; x < grid.columns; ++x) {
          for (int c = 0; c < grid.channels; ++c) visit(n, y, x, c);
        }
      }
    }
  }

  Grid grid;
  int images;
  Halves memory;
};

void compare_convolution(int rows, int columns, int inputs, int outputs, int side, int images) {
  std::mt19937 random(rows + columns + inputs + outputs);
  const bool even = inputs == kTile || outputs == kTile;
  const int origin = side == 3 ? -1 : 0;
  Stack in({rows, columns, inputs, true, even}, images, random), out({rows, columns, outputs, true, even}, images, random);
  Stack gradient(out.grid, images, random), positive(out.grid, images, random);
  std::vector<float> weights(outputs * inputs * side * side), bias(outputs);
  for (auto* numbers : {&weights, &bias}) {
    for (float& x : *numbers) x = small(random);
  }
  const auto index = [&](int row, int column, int input, int output) {
    return ((output * inputs + input) * side + row) * side + column;
  };
  const Layer layer({inputs, outputs, side, side}, static_cast<int>(weights.size()), 2.0f, false, index);
  const Conv conv(layer.shape, in.grid, origin, origin, rows, columns);
  const int pixels = images * in.grid.image();
  Halves packed(layer.forward.size());
  pack_weights(weights.data(), 2.0f, layer.forward, packed.data());
  const TileSession session;
  conv_forward(conv, in.first(), packed.data(), images, Finish::kRelu, {.out = out.first(), .bias = bias.data()});
  bool same = true;
  out.each([&](int n, int y, int x, int o) {
    float sum = bias[o];
    for (int row = 0; row < side; ++row) {
      for (int column = 0; column < side; ++column) {
        for (int i = 0; i < inputs; ++i) {
          sum += 2 * weights[index(row, column, i, o)] * in.value(n, y + row + origin, x + column + origin, i);
        }
      }
    }
    same &= out.at(n, y, x, o).bits == rounded(std::max(sum, 0.0f)).bits;
  });
  CHECK(same);

  // Gradients of weights, of biases and of inputs.
  const int margin = 2 * out.grid.margin();
  Halves pairs(pairs_size(pixels, margin, outputs));
  std::vector<float> tiles(layer.shape.tiles(), 0.0f), bias_gradient(outputs, 0.0f), expected(weights.size(), 0.0f);
  std::vector<float> expected_bias(outputs, 0.0f);
  Bfloat16* first_pair = pairs.data() + static_cast<std::size_t>(margin) * outputs;
  make_pairs(gradient.first(), outputs, pixels, margin, first_pair, bias_gradient.data());
  conv_weights(conv, in.first(), pixels, first_pair, tiles.data());
  Halves packed_back(layer.backward.size());
  pack_weights(weights.data(), 1.0f, layer.backward, packed_back.data());
  const int back = side == 3 ? -1 : 1 - side;
  conv_forward(Conv(layer.gradient, out.grid, back, back, rows, columns), gradient.first(), packed_back.data(), images, Finish::kPlain,
               {.out = in.first()});
  std::mt19937 again(rows + columns + inputs + outputs);
  Stack before(in.grid, images, again);
  std::vector<float> input_gradient(in.memory.size(), 0.0f);
  gradient.each([&](int n, int y, int x, int o) {
    const float g = gradient.value(n, y, x, o);
    expected_bias[o] += g;
    for (int row = 0; row < side; ++row) {
      for (int column = 0; column < side; ++column) {
        const int iy = y + row + origin, ix = x + column + origin;
        if (iy < 0 || ix < 0 || iy >= rows || ix >= columns) continue;
        for (int i = 0; i < inputs; ++i) {
          expected[index(row, column, i, o)] += g * before.value(n, iy, ix, i);
          input_gradient[in.grid.at(n, iy, ix) + i] += g * weights[index(row, column, i, o)];
        }
      }
    }
  });
  same = expected_bias == bias_gradient;
  for (std::size_t k = 0; k < weights.size(); ++k) same &= tiles[layer.places[k]] == expected[k];
  CHECK(same);
  same = true;
  in.each([&](int n, int y, int x, int i) {
    same &= in.at(n, y, x, i).bits == rounded(input_gradient[in.grid.at(n, y, x) + i]).bits;
  });
  CHECK(same);
}

// Everything that an encoder gives for random images and gradients.
struct Answers {
  Halves features;
  std::vector<std::vector<float>> gradients;
  bool operator==(const Answers& other) const {
    return gradients == other.gradients && features.size() == other.features.size() &&
           std::memcmp(features.data(), other.features.data(), features.size() * sizeof(Bfloat16)) == 0;
  }
};

Answers answers_of(const std::shared_ptr<Encoder>& shared, const std::vector<std::uint8_t>& images, int count, int threads,
                   bool keep = false) {
  const Encoder& encoder = *shared;
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> parameters;
  std::vector<const float*> from;
  std::vector<float*> to;
  Answers answers;
  for (const std::size_t size : encoder.parameters()) {
    answers.gradients.emplace_back(size);
    parameters.emplace_back(size);
    for (float& x : parameters.back()) x = 0.1f * normal(random);
  }
  for (auto& numbers : parameters) from.push_back(numbers.data());
  for (auto& numbers : answers.gradients) to.push_back(numbers.data());
  answers.features.resize(static_cast<std::size_t>(count) * encoder.features());
  Halves gradient(answers.features.size());
  for (Bfloat16& x : gradient) x = rounded(normal(random));
  std::optional<Encoder::Kept> memory;
  if (keep) memory.emplace(shared, count);
  Encoder::Kept* const kept = keep ? &*memory : nullptr;
  const Halves packed = encoder.pack(from, true);
  encoder.forward({.bytes = images.data()}, count, packed, answers.features.data(), kept, threads);
  encoder.backward({.bytes = images.data()}, count, packed, gradient.data(), kept, to, threads);
  return answers;
}

// Runs a test with each kind of products that this processor has.
template <class Test>
void each_product(Test&& test) {
  const Products best = products();
  for (const Products kind : {Products::kVectors, Products::kTiles}) {
    if (kind > best) continue;
    limit_products(kind);
    test();
  }
  limit_products(best);
}

}  // namespace

TEST(convolutions_equal_plain_loops) {
  each_product([] {
    compare_convolution(8, 8, 32, 32, 3, 2);
    compare_convolution(5, 7, 16, 16, 3, 3);
    compare_convolution(1, 1, 16, 32, 3, 5);
    compare_convolution(6, 4, 32, 16, 3, 1);
    compare_convolution(3, 2, 64, 32, 3, 2);
    compare_convolution(21, 33, 16, 16, 3, 1);
    compare_convolution(9, 8, 64, 32, 2, 2);
  });
}

TEST(pooling_between_bordered_grids_equals_pooling) {
  if (products() == Products::kNone) return;
  for (const auto& [rows, columns, channels] : {std::tuple{8, 8, 16}, {5, 7, 16}, {1, 1, 32}, {9, 4, 64}}) {
    std::mt19937 random(rows);
    Stack in({rows, columns, channels, true, true}, 1, random);
    Stack out({(rows + 1) / 2, (columns + 1) / 2, channels, true, channels == kTile}, 1, random), relu(out.grid, 1, random);
    Stack gradient(out.grid, 1, random);
    clear_border(in.grid, 1, in.first(), kLowest);
    std::fill(in.memory.data(), in.first(), kLowest);
    const PoolShape shape{1, rows, columns, channels};
    std::vector<Bfloat16> flat, pooled(out.grid.rows * out.grid.columns * channels), flat_gradient;
    in.each([&](int n, int y, int x, int c) { flat.push_back(in.at(n, y, x, c)); });
    gradient.each([&](int n, int y, int x, int c) { flat_gradient.push_back(gradient.at(n, y, x, c)); });
    std::vector<std::uint8_t> winner(pooled.size());
    std::vector<std::uint16_t> which(pooled.size());
    std::vector<Bfloat16> expected(flat.size());
    max_pool(shape, flat.data(), pooled.data(), winner.data(), 1);
    max_pool_backward(shape, flat_gradient.data(), winner.data(), expected.data(), 1);
    pool_forward(in.grid, in.first(), out.grid, out.first(), relu.first(), which.data());
    std::size_t i = 0;
    bool same = true;
    out.each([&](int n, int y, int x, int c) {
      same &= out.at(n, y, x, c).bits == pooled[i].bits && which[i] == winner[i];
      same &= relu.value(n, y, x, c) == std::max(value_of(pooled[i++]), 0.0f);
    });
    pool_backward(in.grid, in.first(), out.grid, gradient.first(), which.data());
    i = 0;
    in.each([&](int n, int y, int x, int c) { same &= in.at(n, y, x, c).bits == expected[i++].bits; });
    CHECK(same);
  }
}

TEST(encoders_give_the_same_bits_however_they_are_shared_out) {
  if (products() == Products::kNone) return;
  const int widths[] = {16, 32};
  std::vector<std::shared_ptr<Encoder>> encoders;
  encoders.push_back(std::make_shared<ImpalaEncoder>(13, 10, 3, widths, 1 / 255.0f));
  encoders.push_back(std::make_shared<NatureEncoder>(40, 37, 2, 1 / 255.0f));
  std::mt19937 random(1);
  constexpr int kCount = 37;
  std::vector<std::uint8_t> images(kCount * 40 * 37 * 3);
  for (auto& byte : images) byte = static_cast<std::uint8_t>(random());
  std::vector<Answers> alone;
  for (const auto& encoder : encoders) {
    alone.push_back(answers_of(encoder, images, kCount, 1));
    CHECK(answers_of(encoder, images, kCount, 3) == alone.back());
    for (const int threads : {1, 3}) CHECK(answers_of(encoder, images, kCount, threads, true) == alone.back());
    const Answers one = answers_of(encoder, images, 1, 1);
    CHECK(std::memcmp(one.features.data(), alone.back().features.data(), one.features.size() * sizeof(Bfloat16)) == 0);
    for (const auto& gradient : answers_of(encoder, images, 0, 2).gradients) {
      for (const float x : gradient) CHECK(x == 0.0f);
    }
  }
  // Two networks in turn, in several threads at a time.
  std::vector<std::thread> callers;
  std::vector<int> same(4, 1);
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      for (int k = 0; k < 4; ++k) {
        const int which = (caller + k) % 2;
        same[caller] &= answers_of(encoders[which], images, kCount, 1 + caller % 2, k % 2 == 1) == alone[which];
      }
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(same == std::vector<int>(4, 1));
}

#endif
