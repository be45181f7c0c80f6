// Arrays of Python as the core takes them.
#pragma once

#include <nanobind/ndarray.h>

#include <string>
#include <type_traits>

#include "base/error.h"
#include "base/lanes.h"

namespace soleus {

template <class T>
constexpr nanobind::dlpack::dtype kType = nanobind::dtype<T>();
template <>
constexpr nanobind::dlpack::dtype kType<Bfloat16> = {static_cast<std::uint8_t>(nanobind::dlpack::dtype_code::Bfloat), 16, 1};

// The elements of any C-contiguous array of a type and a number of them. Throws InvalidInput for another.
template <class T>
T* elements(nanobind::handle given, std::size_t count, const char* what) {
  nanobind::ndarray<nanobind::c_contig, nanobind::device::cpu> array;
  require(nanobind::try_cast(given, array, false) && array.dtype() == kType<std::remove_const_t<T>> && array.size() == count,
          std::string("expected ") + what + " of another type or size");
  return static_cast<T*>(array.data());
}

}  // namespace soleus
