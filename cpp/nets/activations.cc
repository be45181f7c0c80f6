#include "nets/activations.h"

#include "base/error.h"

namespace soleus {

Activation parse_activation(const std::string& name) {
  if (name == "identity") return Activation::kIdentity;
  if (name == "tanh") return Activation::kTanh;
  if (name == "relu") return Activation::kRelu;
  if (name == "leaky_relu") return Activation::kLeakyRelu;
  if (name == "elu") return Activation::kElu;
  if (name == "relu_tanh") return Activation::kReluTanh;
  throw InvalidInput("expected an activation out of identity, tanh, relu, leaky_relu, elu, relu_tanh; got '" + name + "'");
}

}  // namespace soleus
