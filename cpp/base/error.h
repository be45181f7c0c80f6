// One exception for what a caller got wrong; it never crosses a step.
#pragma once

#include <stdexcept>
#include <string>

namespace soleus {

struct InvalidInput : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

inline void require(bool holds, const std::string& message) {
  if (!holds) throw InvalidInput(message);
}

}  // namespace soleus
