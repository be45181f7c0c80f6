#include "learn/learnt_network.h"

#include <algorithm>
#include <cmath>

namespace soleus {
namespace {

constexpr int kUnitRows = 16;
constexpr double kFirstDecay = 0.9, kSecondDecay = 0.999;

Lanes square_root(Lanes x) {
  Lanes root;
  for (int i = 0; i < kVectorWidth; ++i) root[i] = std::sqrt(x[i]);
  return root;
}

}  // namespace

LearntNetwork::LearntNetwork(TrainedMlp net, int further, float epsilon)
    : net_(std::move(net)), further_(further), epsilon_(epsilon) {
  const std::size_t size = net_.parameters() + padded(further);
  for (Floats* one : {&parameters_, &first_, &second_}) one->assign(size, 0.0f);
  turned_.assign(net_.turned(), 0.0f);
  add_units();
}

void LearntNetwork::add_units() {
  for (std::size_t l = 0; l < net_.layers().size(); ++l) {
    const TrainedMlp::Layer& layer = net_.layers()[l];
    const int rows = layer.inputs + 1;
    for (int column = 0; column < layer.outputs; column += kBlockColumns) {
      const int width = block_width(column, layer.outputs);
      const std::size_t block = layer.weight + block_offset(column, rows);
      for (int row = 0; row < rows; row += kUnitRows) {
        const int end = std::min(row + kUnitRows, rows);
        const int turned = l == 0 ? 0 : std::min(end, layer.inputs) - row;
        units_.push_back({block + static_cast<std::size_t>(row) * width, block + static_cast<std::size_t>(end) * width,
                          static_cast<int>(l), column, row, turned});
      }
    }
  }
  if (further_ > 0) units_.push_back({further_begin(), size(), -1, 0, 0, 0});
}

void LearntNetwork::load_into(const Plain& plain, Floats& into) const {
  net_.load(plain.layers, into.data());
  std::copy_n(plain.further, further_, into.data() + further_begin());
}

void LearntNetwork::load(const Plain& parameters) {
  load_into(parameters, parameters_);
  for (const Unit& unit : units_) turn(unit);
}

void LearntNetwork::load(const Plain& parameters, const Plain& first, const Plain& second, long steps) {
  load(parameters);
  load_into(first, first_);
  load_into(second, second_);
  steps_ = steps;
}

void LearntNetwork::store_from(const float* from, const Plain& plain) const {
  net_.store(from, plain.layers);
  std::copy_n(from + further_begin(), further_, plain.further);
}

void LearntNetwork::store(const Plain& parameters, const Plain& first, const Plain& second) const {
  store_from(parameters_.data(), parameters);
  store_from(first_.data(), first);
  store_from(second_.data(), second);
}

std::span<const LearntNetwork::Unit> LearntNetwork::units_of(int thread, int threads) const {
  const std::size_t begin = units_.size() * thread / threads, end = units_.size() * (thread + 1) / threads;
  return std::span(units_).subspan(begin, end - begin);
}

double LearntNetwork::sum(int thread, int threads, std::span<float* const> gradients) const {
  double squares = 0;
  for (const Unit& unit : units_of(thread, threads)) {
    Lanes of_unit{};
    for (std::size_t i = unit.begin; i < unit.end; i += kVectorWidth) {
      Lanes total = load_lanes(gradients[0] + i);
      for (std::size_t t = 1; t < gradients.size(); ++t) total += load_lanes(gradients[t] + i);
      if (gradients.size() > 1) store_lanes(gradients[0] + i, total);
      of_unit += total * total;
    }
    for (int lane = 0; lane < kVectorWidth; ++lane) squares += of_unit[lane];
  }
  return squares;
}

void LearntNetwork::step(int thread, int threads, const float* gradient, float scale, double rate) {
  const double step = static_cast<double>(steps_ + 1);
  const float step_size = static_cast<float>(rate / (1 - std::pow(kFirstDecay, step)));
  const float inverse_root = static_cast<float>(1 / std::sqrt(1 - std::pow(kSecondDecay, step)));
  constexpr float kFirst = 1 - kFirstDecay, kSecond = 1 - kSecondDecay;
  for (const Unit& unit : units_of(thread, threads)) {
    for (std::size_t i = unit.begin; i < unit.end; i += kVectorWidth) {
      const Lanes g = load_lanes(gradient + i) * scale;
      Lanes m = load_lanes(&first_[i]), v = load_lanes(&second_[i]);
      m += (g - m) * kFirst;
      v += (g * g - v) * kSecond;
      store_lanes(&first_[i], m);
      store_lanes(&second_[i], v);
      const Lanes p = load_lanes(&parameters_[i]);
      store_lanes(&parameters_[i], p - step_size * m / (square_root(v) * inverse_root + epsilon_));
    }
    turn(unit);
  }
}

void LearntNetwork::turn(const Unit& unit) {
  if (unit.rows <= 0) return;
  const TrainedMlp::Layer& layer = net_.layers()[unit.layer];
  const int width = block_width(unit.column, layer.outputs);
  const int columns = std::min(width, layer.outputs - unit.column);
  const float* from = &parameters_[unit.begin];
  for (int column = 0; column < columns; ++column) {
    float* to = &turned_[layer.turned + blocked_index(unit.column + column, unit.row, layer.outputs, layer.inputs)];
    for (int row = 0; row < unit.rows; ++row) to[row] = from[row * width + column];
  }
}

}  // namespace soleus
