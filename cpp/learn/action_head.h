// Distributions over actions as the learner needs them: log-density and entropy of a sample, and their gradients.
//
// Of continuous actions independent normals about the means that a network gives, whose spreads do not depend on the state;
// of discrete ones a choice, several independent choices side by side, or independent bits, by logits.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "learn/matrix.h"

namespace soleus {

enum class ActionKind { kContinuous, kDiscrete, kBits };

class ActionHead {
 public:
  // sizes: of continuous actions and bits their number; of choices how many each has.
  ActionHead(ActionKind kind, std::vector<int> sizes);

  ActionKind kind() const { return kind_; }
  // Numbers that the network gives, and numbers of an action.
  int parameters() const { return parameters_; }
  int components() const { return components_; }
  // Whether spreads are learnt beside the network's weights: as many as there are components.
  int spreads() const { return kind_ == ActionKind::kContinuous ? components_ : 0; }

  // Takes the logarithms of the spreads; for a thread of its own.
  struct Spreads {
    Floats inverse;                 // padded by zero
    float constant = 0;             // of the log-density
  };
  void load(const float* log_std, Spreads& spreads) const;

  // The log-density of an action (components, then zeros up to a whole vector) under a row of parameters. `kept`: a row
  // for gradient() to go on from.
  float log_density(const float* parameters, const float* action, const Spreads& spreads, float* kept) const;
  // Of the state whose log-density was taken last into `kept`; of continuous actions it is no state's, but entropy().
  float entropy(const float* parameters, const float* kept) const;
  float entropy(const float* log_std) const;
  // Replaces `kept` by the gradient of weight * log-density + entropy_weight * entropy with respect to the parameters; adds
  // weight * z^2 of continuous actions to `squares` (spreads, padded).
  void gradient(const float* parameters, const float* action, const Spreads& spreads, float weight, float entropy_weight,
                float* kept, float* squares) const;

 private:
  ActionKind kind_;
  std::vector<int> sizes_;
  int parameters_ = 0, components_ = 0;
};

}  // namespace soleus
