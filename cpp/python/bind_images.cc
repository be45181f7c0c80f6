// Python's face of what the networks on images take from the core: see bind.cc.
#include "python/bind_images.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "base/error.h"
#include "images/impala.h"
#include "images/maxpool.h"
#include "images/nature.h"
#include "images/products.h"
#include "python/arrays.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace soleus {
namespace {

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

#if SOLEUS_PRODUCTS
template <class T>
std::vector<T*> parameter_arrays(const Encoder& encoder, const nb::list& given, const char* what) {
  const auto sizes = encoder.parameters();
  require(given.size() == sizes.size(), std::string("expected another number of ") + what);
  std::vector<T*> arrays;
  for (std::size_t i = 0; i < sizes.size(); ++i) arrays.push_back(elements<T>(given[i], sizes[i], what));
  return arrays;
}

struct Packed {
  const Encoder* encoder;
  Halves weights;
};

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
  nb::class_<Packed>(m, "Packed", "Weights of a moment, as the convolutions of an encoder take them.");
  nb::class_<Encoder::Kept>(m, "Kept", "What a forward pass leaves to its backward pass.");
  nb::class_<Encoder>(m, "Encoder", "The convolutions of a network on images, in bfloat16.")
      .def_prop_ro("features", &Encoder::features)
      .def("forward", [](const Encoder& e, nb::handle given, const Packed& packed, nb::handle out,
                         Encoder::Kept* kept, int threads) {
        const Images images = images_of(given, "images");
        const ImageView view = image_view(e, images);
        require(packed.encoder == &e, "expected weights packed by the same encoder");
        auto* to = elements<Bfloat16>(out, images.shape(0) * e.features(), "out");
        const int count = static_cast<int>(images.shape(0));
        require(!kept || kept->count() == count, "expected memory kept for as many images");
        nb::gil_scoped_release unlocked;
        e.forward(view, count, packed.weights, to, kept, threads);
      }, "images"_a, "packed"_a, "out"_a, "kept"_a.none(), "threads"_a,
           "Images (M, H, W, C), uint8 or float32, to features (M, F) in bfloat16. kept: what keep(M) gave, to be filled "
           "for the backward pass, or None.")
      .def("pack", [](const Encoder& e, const nb::list& parameters, bool backward) {
        return new Packed{&e, e.pack(parameter_arrays<const float>(e, parameters, "parameters"), backward)};
      }, "parameters"_a, "backward"_a, nb::keep_alive<0, 1>(),
           "Lays out a weight and a bias, float32, of each convolution; backward: for that pass too.")
      .def("keep", [](std::shared_ptr<const Encoder> e, int count) {
        require(count >= 0, "expected a number of images");
        return new Encoder::Kept(std::move(e), count);
      }, "count"_a, "Memory for what a forward pass over so many images leaves to its backward pass.")
      .def("backward", [](const Encoder& e, nb::handle given, const Packed& packed, nb::handle grad_out,
                          Encoder::Kept* kept, const nb::list& gradients, int threads) {
        const Images images = images_of(given, "images");
        const ImageView view = image_view(e, images);
        require(packed.encoder == &e, "expected weights packed by the same encoder");
        const auto* from = elements<const Bfloat16>(grad_out, images.shape(0) * e.features(), "grad_out");
        const auto to = parameter_arrays<float>(e, gradients, "gradients");
        const int count = static_cast<int>(images.shape(0));
        require(!kept || kept->count() == count, "expected memory kept for as many images");
        nb::gil_scoped_release unlocked;
        e.backward(view, count, packed.weights, from, kept, to, threads);
      }, "images"_a, "packed"_a, "grad_out"_a, "kept"_a.none(), "gradients"_a, "threads"_a,
           "Writes the parameters' gradients, float32, from the features' in bfloat16. kept: filled by the forward pass over "
           "the same images, or None, and that is computed again.");
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
#if SOLEUS_PRODUCTS
  bind_encoders(m);
#endif
  m.def("bfloat16_products", [] {
    switch (products()) {
      case Products::kTiles: return "tiles";
      case Products::kVectors: return "vectors";
      default: return "none";
    }
  }, "What multiplies in bfloat16 on this processor: matrix tiles, vectors, or none. Where none does, there are no encoders.");
  m.def("max_pool", [](nb::handle images, nb::handle out, nb::handle winner, int threads) {
    const bool single = images_of(images, "images").dtype() == kType<float>;
    (single ? run_max_pool<float> : run_max_pool<Bfloat16>)(images, out, winner, threads);
  }, "images"_a, "out"_a, "winner"_a, "threads"_a,
     "Max pooling 3x3, stride 2, padding 1 of (M, H, W, C), float32 or bfloat16; winner, uint8: which of the nine pixels.");
  m.def("max_pool_backward", [](nb::handle grad_out, nb::handle winner, nb::handle grad_in, int threads) {
    (images_of(grad_in, "grad_in").dtype() == kType<float> ? run_max_pool_backward<float>
                                     : run_max_pool_backward<Bfloat16>)(grad_out, winner, grad_in, threads);
  }, "grad_out"_a, "winner"_a, "grad_in"_a, "threads"_a);
}

}  // namespace soleus
