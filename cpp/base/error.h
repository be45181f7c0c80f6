// One exception for what a caller got wrong; it never crosses a step.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace soleus {

struct InvalidInput : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

inline void require(bool holds, const std::string& message) {
  if (!holds) throw InvalidInput(message);
}

inline void require_size(std::size_t got, std::size_t expected, const char* what) {
  require(got == expected, std::string("expected ") + what + " of length " + std::to_string(expected) + ", got " +
                               std::to_string(got));
}

}  // namespace soleus
