// Noise and delay of a human's nerves: what a policy sees is inexact and old; what it asks of the body arrives late, and
// muscles carry it out inexactly.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace soleus {

struct NoiseData {
  double observation = 0;         // standard deviation of what is sensed, of each number in its own unit
  double motor = 0;               // standard deviation of what a muscle does of what it is told, as a share of that
  double motor_correlation = 0;   // [s] in which a deviation falls to 1/e on average; 0: each control step has its own
  int observation_delay = 0;      // simulation steps
  int motor_delay = 0;            // likewise

  // Throws InvalidInput for numbers below 0, or without an end.
  void check() const;
};

// What a motor does of a command that noise is added to, as a share of it: the standard deviation of the noise grows with
// the command (C. M. Harris, D. M. Wolpert, "Signal-dependent noise determines motor planning", Nature 394:780, 1998).
inline double disturbed(double command, double noise) { return command * (1.0 + noise); }
// Likewise of a muscle, whose command is from 0 to 1.
inline double disturbed_muscle(double command, double noise) { return std::clamp(disturbed(command, noise), 0.0, 1.0); }

// Share of a deviation that is left after a control step; the rest of its variance is drawn anew.
double kept_share(const NoiseData& data, double control_dt);

// Takes deviations of variance 1 a control step on, by standard normal numbers: an autoregressive process, whose variance
// stays 1. kept: the share of each that is left.
inline void go_on(std::span<double> deviations, std::span<const float> drawn, double kept) {
  const double fresh = std::sqrt(1 - kept * kept);
  for (std::size_t i = 0; i < deviations.size(); ++i) deviations[i] = kept * deviations[i] + fresh * drawn[i];
}

// A delay in whole control steps and simulation steps beyond them.
struct Delay {
  int steps = 0, substeps = 0;
  Delay() = default;
  Delay(int delay, int substeps_of_step) : steps(delay / substeps_of_step), substeps(delay % substeps_of_step) {}
};

// Rows of numbers of the last control steps.
template <class Number>
class History {
 public:
  History() = default;
  History(int rows, std::size_t size) : size_(size), numbers_(rows * size) {}

  // The row of so many control steps ago; 0: the latest.
  std::span<Number> row(int ago) { return {numbers_.data() + ago * size_, size_}; }
  // Makes every row one control step older, and returns the latest, to be written.
  std::span<Number> advance() {
    std::copy_backward(numbers_.begin(), numbers_.end() - size_, numbers_.end());
    return row(0);
  }
  // Makes every row the latest one, as an episode begins.
  void fill() {
    for (std::size_t i = size_; i < numbers_.size(); ++i) numbers_[i] = numbers_[i - size_];
  }

  template <class AnyHistory, class Visit>
  static void visit_state(AnyHistory& history, Visit&& visit) {
    for (auto& number : history.numbers_) visit(number);
  }

 private:
  std::size_t size_ = 0;
  std::vector<Number> numbers_;
};

}  // namespace soleus
