// Python's face of what the networks on images take from the core: see bind.cc.
#include "bind_images.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "error.h"
#include "images/impala.h"
#include "images/nature.h"
#include "images/tiles.h"
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

Images images_of(nb::handle given, const char* what) {
  Images images;
  require(nb::try_cast(given, images, false), std::string("expected ") + what + " of (images, height, width, channels)");
  return images;
}

template <class T>
T* data_of(nb::handle given, int count, int height, int width, int channels, const char* what) {
  const Images images = images_of(given, what);
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
void run_max_pool(nb::handle in, nb::handle out, nb::handle winner, int threads) {
  const PoolShape s = pool_shape(images_of(in, "images"));
  const T* from = data_of<T>(in, s.images, s.height, s.width, s.channels, "images");
  T* to = data_of<T>(out, s.images, s.pooled_height(), s.pooled_width(), s.channels, "out");
  auto* which = data_of<std::uint8_t>(winner, s.images, s.pooled_height(), s.pooled_width(), s.channels, "winner");
  nb::gil_scoped_release unlocked;
  max_pool(s, from, to, which, threads);
}

template <class T>
void run_max_pool_backward(nb::handle grad_out, nb::handle winner, nb::handle grad_in, int threads) {
  const PoolShape s = pool_shape(images_of(grad_in, "grad_in"));
  T* to = data_of<T>(grad_in, s.images, s.height, s.width, s.channels, "grad_in");
  const T* from = data_of<T>(grad_out, s.images, s.pooled_height(), s.pooled_width(), s.channels, "grad_out");
  const auto* which =
      data_of<std::uint8_t>(winner, s.images, s.pooled_height(), s.pooled_width(), s.channels, "winner");
  nb::gil_scoped_release unlocked;
  max_pool_backward(s, from, which, to, threads);
}

#if SOLEUS_TILES
// Any array of a type and a number of elements.
template <class T>
T* elements(nb::handle given, std::size_t count, const char* what) {
  nb::ndarray<nb::c_contig, nb::device::cpu> array;
  require(nb::try_cast(given, array, false) && array.dtype() == kType<std::remove_const_t<T>> && array.size() == count,
          std::string("expected ") + what + " of another type or size");
  return static_cast<T*>(array.data());
}

template <class T>
std::vector<T*> parameter_arrays(const Encoder& encoder, const nb::list& given, const char* what) {
  const auto sizes = encoder.parameters();
  require(given.size() == sizes.size(), std::string("expected another number of ") + what);
  std::vector<T*> arrays;
  for (std::size_t i = 0; i < sizes.size(); ++i) arrays.push_back(elements<T>(given[i], sizes[i], what));
  return arrays;
}

ImageView image_view(const Encoder& encoder, const Images& images) {
  require(images.shape(1) == static_cast<std::size_t>(encoder.height()) &&
              images.shape(2) == static_cast<std::size_t>(encoder.width()) &&
              images.shape(3) == static_cast<std::size_t>(encoder.channels()),
          "expected images of another shape");
  if (images.dtype() == kType<std::uint8_t>) return {.bytes = static_cast<const std::uint8_t*>(images.data())};
  require(images.dtype() == kType<float>, "expected images of uint8 or float32");
  return {.floats = static_cast<const float*>(images.data())};
}

void bind_encoders(nb::module_& m) {
  nb::class_<Encoder>(m, "Encoder", "The convolutions of a network on images, in bfloat16 on matrix tiles.")
      .def_prop_ro("features", &Encoder::features)
      .def("forward", [](const Encoder& e, nb::handle given, const nb::list& parameters, nb::handle out, int threads) {
        const Images images = images_of(given, "images");
        const ImageView view = image_view(e, images);
        const auto weights = parameter_arrays<const float>(e, parameters, "parameters");
        auto* to = elements<Bfloat16>(out, images.shape(0) * e.features(), "out");
        nb::gil_scoped_release unlocked;
        e.forward(view, static_cast<int>(images.shape(0)), weights, to, threads);
      }, "images"_a, "parameters"_a, "out"_a, "threads"_a,
           "Images (M, H, W, C), uint8 or float32, to features (M, F) in bfloat16; parameters: a weight and a bias, float32, "
           "of each convolution.")
      .def("backward", [](const Encoder& e, nb::handle given, const nb::list& parameters, nb::handle grad_out,
                          const nb::list& gradients, int threads) {
        const Images images = images_of(given, "images");
        const ImageView view = image_view(e, images);
        const auto weights = parameter_arrays<const float>(e, parameters, "parameters");
        const auto* from = elements<const Bfloat16>(grad_out, images.shape(0) * e.features(), "grad_out");
        const auto to = parameter_arrays<float>(e, gradients, "gradients");
        nb::gil_scoped_release unlocked;
        e.backward(view, static_cast<int>(images.shape(0)), weights, from, to, threads);
      }, "images"_a, "parameters"_a, "grad_out"_a, "gradients"_a, "threads"_a,
           "Writes the parameters' gradients, float32, from the features' in bfloat16.");
  nb::class_<ImpalaEncoder, Encoder>(m, "ImpalaEncoder")
      .def("__init__", [](ImpalaEncoder* self, int height, int width, int channels, const std::vector<int>& widths,
                          float scale) {
        new (self) ImpalaEncoder(height, width, channels, widths, scale);
      }, "height"_a, "width"_a, "channels"_a, "widths"_a, "scale"_a)
      .def_static("supports", [](const std::vector<int>& widths) { return ImpalaEncoder::supports(widths); }, "widths"_a,
                  "Whether it can work with these widths.");
  nb::class_<NatureEncoder, Encoder>(m, "NatureEncoder")
      .def(nb::init<int, int, int, float>(), "height"_a, "width"_a, "channels"_a, "scale"_a);
}
#endif

}  // namespace

void bind_images(nb::module_& m) {
#if SOLEUS_TILES
  bind_encoders(m);
#endif
  m.def("has_tiles", &has_tiles, "Whether there are encoders, and this processor has the matrix tiles that they need.");
  m.def("max_pool", [](nb::handle images, nb::handle out, nb::handle winner, int threads) {
    (images_of(images, "images").dtype() == kType<float> ? run_max_pool<float> : run_max_pool<Bfloat16>)(images, out, winner, threads);
  }, "images"_a, "out"_a, "winner"_a, "threads"_a,
     "Max pooling 3x3, stride 2, padding 1 of (M, H, W, C), float32 or bfloat16; winner, uint8: which of the nine pixels.");
  m.def("max_pool_backward", [](nb::handle grad_out, nb::handle winner, nb::handle grad_in, int threads) {
    (images_of(grad_in, "grad_in").dtype() == kType<float> ? run_max_pool_backward<float>
                                     : run_max_pool_backward<Bfloat16>)(grad_out, winner, grad_in, threads);
  }, "grad_out"_a, "winner"_a, "grad_in"_a, "threads"_a);
}

}  // namespace soleus
