// Python's face of what the networks on images take from the core: see bind.cc.
#include "bind_images.h"

#include <nanobind/ndarray.h>

#include "error.h"
#include "maxpool.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace soleus {
namespace {

template <class T>
constexpr nb::dlpack::dtype kType = nb::dtype<T>();
template <>
constexpr nb::dlpack::dtype kType<Bfloat16> = {static_cast<std::uint8_t>(nb::dlpack::dtype_code::Bfloat), 16, 1};

// Images (images, height, width, channels) of a type that is found out below.
using Images = nb::ndarray<nb::ndim<4>, nb::c_contig, nb::device::cpu>;

template <class T>
T* data_of(const Images& images, int count, int height, int width, int channels, const char* what) {
  require(images.dtype() == kType<T>, std::string("expected ") + what + " of another dtype");
  const int expected[] = {count, height, width, channels};
  for (std::size_t i = 0; i < 4; ++i) {
    require(images.shape(i) == static_cast<std::size_t>(expected[i]), std::string("expected ") + what + " of another shape");
  }
  return static_cast<T*>(images.data());
}

PoolShape pool_shape(const Images& images) {
  const auto side = [&](std::size_t i) { return static_cast<int>(images.shape(i)); };
  return {side(0), side(1), side(2), side(3)};
}

template <class T>
void run_max_pool(const Images& in, const Images& out, const Images& winner, int threads) {
  const PoolShape s = pool_shape(in);
  const T* from = data_of<T>(in, s.images, s.height, s.width, s.channels, "images");
  T* to = data_of<T>(out, s.images, s.pooled_height(), s.pooled_width(), s.channels, "out");
  auto* which = data_of<std::uint8_t>(winner, s.images, s.pooled_height(), s.pooled_width(), s.channels, "winner");
  nb::gil_scoped_release unlocked;
  max_pool(s, from, to, which, threads);
}

template <class T>
void run_max_pool_backward(const Images& grad_out, const Images& winner, const Images& grad_in, int threads) {
  const PoolShape s = pool_shape(grad_in);
  T* to = data_of<T>(grad_in, s.images, s.height, s.width, s.channels, "grad_in");
  const T* from = data_of<T>(grad_out, s.images, s.pooled_height(), s.pooled_width(), s.channels, "grad_out");
  const auto* which =
      data_of<std::uint8_t>(winner, s.images, s.pooled_height(), s.pooled_width(), s.channels, "winner");
  nb::gil_scoped_release unlocked;
  max_pool_backward(s, from, which, to, threads);
}

}  // namespace

void bind_images(nb::module_& m) {
  m.def("max_pool", [](const Images& images, const Images& out, const Images& winner, int threads) {
    (images.dtype() == kType<float> ? run_max_pool<float> : run_max_pool<Bfloat16>)(images, out, winner, threads);
  }, "images"_a, "out"_a, "winner"_a, "threads"_a,
     "Max pooling 3x3, stride 2, padding 1 of (M, H, W, C), float32 or bfloat16; winner, uint8: which of the nine pixels.");
  m.def("max_pool_backward", [](const Images& grad_out, const Images& winner, const Images& grad_in, int threads) {
    (grad_in.dtype() == kType<float> ? run_max_pool_backward<float>
                                     : run_max_pool_backward<Bfloat16>)(grad_out, winner, grad_in, threads);
  }, "grad_out"_a, "winner"_a, "grad_in"_a, "threads"_a);
}

}  // namespace soleus
