// Names of an enumeration's values, each beside its value, so that neither can be added or moved without the other.
#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace soleus {

template <class Enum>
struct Named {
  Enum value;
  const char* name;
};

// Whether a table names every value from 0 to `count` - 1, in order: for static_assert beside the table.
template <class Enum, std::size_t N>
consteval bool names_all(const std::array<Named<Enum>, N>& table, Enum count) {
  for (std::size_t i = 0; i < N; ++i) {
    if (static_cast<std::size_t>(table[i].value) != i || table[i].name == nullptr) return false;
  }
  return N == static_cast<std::size_t>(count);
}

}  // namespace soleus
