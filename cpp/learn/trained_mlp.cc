#include "learn/trained_mlp.h"

#include <algorithm>

#include "base/error.h"
#include "nets/activation_lanes.h"

namespace soleus {
namespace {

// Floats between rows: room for the one behind the numbers, and an odd number of cache lines, lest the rows of a column
// share a few sets of the cache.
int stride_of(int width) {
  constexpr int kLine = 16;
  const int lines = (padded(width + 1) + kLine - 1) / kLine;
  return (lines | 1) * kLine;
}

// Calls visit(output, where its first parameter is, floats from one to the next) for each column of a layer's parameters.
template <class Visit>
void for_each_column(const TrainedMlp::Layer& layer, Visit visit) {
  for (int output = 0; output < layer.outputs; ++output) {
    visit(output, layer.weight + blocked_index(0, output, layer.inputs + 1, layer.outputs),
          block_width(output / kBlockColumns * kBlockColumns, layer.outputs));
  }
}

}  // namespace

TrainedMlp::TrainedMlp(std::vector<int> widths, Activation hidden) : widths_(std::move(widths)), hidden_(hidden) {
  require(widths_.size() >= 2 && *std::min_element(widths_.begin(), widths_.end()) > 0,
          "expected two or more widths above 0");
  for (std::size_t l = 0; l + 1 < widths_.size(); ++l) {
    const Layer layer{widths_[l], widths_[l + 1], parameters_, turned_};
    parameters_ += layer.parameters();
    if (l > 0) turned_ += static_cast<std::size_t>(layer.outputs) * padded(layer.inputs);
    layers_.push_back(layer);
  }
}

double TrainedMlp::multiply_adds() const {
  double total = 0;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    total += (l == 0 ? 2.0 : 3.0) * layers_[l].inputs * layers_[l].outputs;
  }
  return total;
}

void TrainedMlp::load(std::span<const PlainLayer> plain, float* parameters) const {
  std::fill_n(parameters, parameters_, 0.0f);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    for_each_column(layers_[l], [&](int output, std::size_t begin, int step) {
      const int inputs = layers_[l].inputs;
      float* to = parameters + begin;
      const float* from = plain[l].weight + static_cast<std::size_t>(output) * inputs;
      for (int i = 0; i < inputs; ++i) to[static_cast<std::size_t>(i) * step] = from[i];
      to[static_cast<std::size_t>(inputs) * step] = plain[l].bias[output];
    });
  }
}

void TrainedMlp::store(const float* parameters, std::span<const PlainLayer> plain) const {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    for_each_column(layers_[l], [&](int output, std::size_t begin, int step) {
      const int inputs = layers_[l].inputs;
      const float* from = parameters + begin;
      float* to = plain[l].weight + static_cast<std::size_t>(output) * inputs;
      for (int i = 0; i < inputs; ++i) to[i] = from[static_cast<std::size_t>(i) * step];
      plain[l].bias[output] = from[static_cast<std::size_t>(inputs) * step];
    });
  }
}

TrainedMlp::Pass::Pass(const TrainedMlp& net) {
  for (const int width : net.widths_) {
    strides.push_back(stride_of(width));
    levels.emplace_back(static_cast<std::size_t>(kRows) * strides.back(), 0.0f);
    gradients.emplace_back(static_cast<std::size_t>(kRows) * strides.back(), 0.0f);
  }
}

void TrainedMlp::forward(const float* parameters, Pass& pass, int rows) const {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const int depth = layer.inputs + 1, stride = pass.strides[l], out_stride = pass.strides[l + 1];
    float* in = pass.levels[l].data();
    for (int row = 0; row < rows; ++row) in[static_cast<std::size_t>(row) * stride + layer.inputs] = 1.0f;
    float* out = pass.levels[l + 1].data();
    const Activation activation = l + 1 == layers_.size() ? Activation::kIdentity : hidden_;
    const float* weight = parameters + layer.weight;
    const auto right = [&](int column) {
      return RightBlock{weight + block_offset(column, depth), block_width(column, layer.outputs)};
    };
    multiply<false>({in, stride}, rows, right, depth, layer.outputs, [=](int row, int column, Lanes sum) {
      store_lanes(out + static_cast<std::size_t>(row) * out_stride + column, activate(sum, activation));
    });
  }
}

void TrainedMlp::backward(const float* turned, Pass& pass, int rows, float* gradient, bool first) const {
  for (std::size_t l = layers_.size(); l-- > 0;) {
    const Layer& layer = layers_[l];
    const int stride = pass.strides[l], out_stride = pass.strides[l + 1];
    const float* slopes = pass.gradients[l + 1].data();
    float* into = gradient + layer.weight;
    // Rows of the gradient are inputs; its columns, like the parameters', lie in blocks.
    multiply<true>({pass.levels[l].data(), stride}, layer.inputs + 1,
                   [&](int column) { return RightBlock{slopes + column, out_stride}; }, rows, layer.outputs,
                   [&, into](int row, int column, Lanes sum) {
                     float* to = into + blocked_index(row, column, layer.inputs + 1, layer.outputs);
                     store_lanes(to, first ? sum : load_lanes(to) + sum);
                   });
    if (l == 0) break;
    const float* weight = turned + layer.turned;
    const float* gave = pass.levels[l].data();
    float* out = pass.gradients[l].data();
    const auto right = [&](int column) {
      return RightBlock{weight + block_offset(column, layer.outputs), block_width(column, layer.inputs)};
    };
    multiply<false>({slopes, out_stride}, rows, right, layer.outputs, layer.inputs,
                    [=, this](int row, int column, Lanes sum) {
                      const std::size_t at = static_cast<std::size_t>(row) * stride + column;
                      store_lanes(out + at, sum * slope(load_lanes(gave + at), hidden_));
                    });
  }
}

}  // namespace soleus
