#include "learn/action_head.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace soleus {
namespace {

constexpr float kHalfLogTwoPi = 0.918938533204672742f;

// log(1 + e^x), without overflow.
float softplus(float x) { return std::max(x, 0.0f) + std::log1p(std::exp(-std::fabs(x))); }

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

// Log-probabilities of n choices by their logits.
void log_softmax(const float* logits, int n, float* out) {
  const float most = *std::max_element(logits, logits + n);
  float total = 0;
  for (int i = 0; i < n; ++i) total += std::exp(logits[i] - most);
  const float log_total = most + std::log(total);
  for (int i = 0; i < n; ++i) out[i] = logits[i] - log_total;
}

float entropy_of(const float* log_p, int n) {
  float entropy = 0;
  for (int i = 0; i < n; ++i) entropy -= std::exp(log_p[i]) * log_p[i];
  return entropy;
}

}  // namespace

ActionHead::ActionHead(ActionKind kind, std::vector<int> sizes) : kind_(kind), sizes_(std::move(sizes)) {
  require(!sizes_.empty() && *std::min_element(sizes_.begin(), sizes_.end()) > 0, "expected sizes of actions above 0");
  const bool choices = kind_ == ActionKind::kDiscrete;
  require(choices || sizes_.size() == 1, "expected one number of components");
  parameters_ = std::accumulate(sizes_.begin(), sizes_.end(), 0);
  components_ = choices ? static_cast<int>(sizes_.size()) : parameters_;
}

void ActionHead::load(const float* log_std, Spreads& spreads) const {
  spreads.constant = 0;
  for (int i = 0; i < this->spreads(); ++i) {
    spreads.inverse[i] = std::exp(-log_std[i]);
    spreads.constant -= log_std[i] + kHalfLogTwoPi;
  }
}

float ActionHead::log_density(const float* parameters, const float* action, const Spreads& spreads, float* kept) const {
  if (kind_ == ActionKind::kContinuous) {
    Lanes squares{};
    for (int i = 0; i < components_; i += kVectorWidth) {
      const Lanes z = (load_lanes(action + i) - load_lanes(parameters + i)) * load_lanes(&spreads.inverse[i]);
      squares += z * z;
      store_lanes(kept + i, z);
    }
    return -0.5f * sum_of(squares) + spreads.constant;
  }
  float total = 0;
  if (kind_ == ActionKind::kBits) {
    for (int i = 0; i < components_; ++i) total -= softplus(action[i] > 0 ? -parameters[i] : parameters[i]);
    return total;
  }
  for (int c = 0, begin = 0; c < components_; begin += sizes_[c++]) {
    log_softmax(parameters + begin, sizes_[c], kept + begin);
    total += kept[begin + static_cast<int>(action[c])];
  }
  return total;
}

float ActionHead::entropy(const float* parameters, const float* kept) const {
  float total = 0;
  if (kind_ == ActionKind::kBits) {
    for (int i = 0; i < components_; ++i) total += softplus(parameters[i]) - parameters[i] * sigmoid(parameters[i]);
  } else {
    for (int c = 0, begin = 0; c < components_; begin += sizes_[c++]) total += entropy_of(kept + begin, sizes_[c]);
  }
  return total;
}

float ActionHead::entropy(const float* log_std) const {
  float total = static_cast<float>(spreads()) * (0.5f + kHalfLogTwoPi);
  for (int i = 0; i < spreads(); ++i) total += log_std[i];
  return total;
}

void ActionHead::gradient(const float* parameters, const float* action, const Spreads& spreads, float weight,
                          float entropy_weight, float* kept, float* squares) const {
  if (kind_ == ActionKind::kContinuous) {
    for (int i = 0; i < components_; i += kVectorWidth) {
      const Lanes z = load_lanes(kept + i);
      store_lanes(squares + i, load_lanes(squares + i) + weight * z * z);
      store_lanes(kept + i, weight * z * load_lanes(&spreads.inverse[i]));
    }
    return;
  }
  if (kind_ == ActionKind::kBits) {
    for (int i = 0; i < components_; ++i) {
      const float p = sigmoid(parameters[i]);
      kept[i] = weight * ((action[i] > 0 ? 1.0f : 0.0f) - p) - entropy_weight * parameters[i] * p * (1 - p);
    }
    return;
  }
  for (int c = 0, begin = 0; c < components_; begin += sizes_[c++]) {
    const float entropy = entropy_weight != 0 ? entropy_of(kept + begin, sizes_[c]) : 0.0f;
    for (int i = 0; i < sizes_[c]; ++i) {
      const float log_p = kept[begin + i], p = std::exp(log_p);
      kept[begin + i] = -weight * p - entropy_weight * p * (log_p + entropy);
    }
    kept[begin + static_cast<int>(action[c])] += weight;
  }
}

}  // namespace soleus
