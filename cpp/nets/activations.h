// Activation functions of networks, by name.
#pragma once

#include <string>

namespace soleus {

inline constexpr float kLeakySlope = 0.2f;

enum class Activation { kIdentity, kTanh, kRelu, kLeakyRelu, kElu, kReluTanh };

// Throws InvalidInput for a name that is none of identity, tanh, relu, leaky_relu, elu, relu_tanh.
Activation parse_activation(const std::string& name);

}  // namespace soleus
