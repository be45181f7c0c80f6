// Views with shapes. Nothing here owns memory.
#pragma once

#include <cstddef>
#include <span>

namespace soleus {

// A dense row-major matrix that somebody else owns.
template <class T>
struct MatrixView {
  T* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;

  std::span<T> row(std::size_t i) const { return {data + i * cols, cols}; }
  explicit operator bool() const { return data != nullptr; }
};

// Three axes: (time, human, feature).
template <class T>
struct CubeView {
  T* data = nullptr;
  std::size_t times = 0;
  std::size_t humans = 0;
  std::size_t cols = 0;

  T* at(std::size_t t, std::size_t n) const { return data + (t * humans + n) * cols; }
  explicit operator bool() const { return data != nullptr; }
};

}  // namespace soleus
