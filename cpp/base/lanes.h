// The processor's vectors, memory for them, and bfloat16 in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace soleus {

// Floats in one vector.
#if defined(__AVX512F__)
inline constexpr int kVectorWidth = 16;
#else
inline constexpr int kVectorWidth = 8;
#endif

typedef float Lanes __attribute__((vector_size(4 * kVectorWidth)));
typedef std::int32_t LaneInts __attribute__((vector_size(4 * kVectorWidth)));

template <class T>
struct CacheAligned {
  using value_type = T;
  CacheAligned() = default;
  template <class U>
  CacheAligned(const CacheAligned<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t(64))); }
  void deallocate(T* p, std::size_t) { ::operator delete(p, std::align_val_t(64)); }
  bool operator==(const CacheAligned&) const { return true; }
};
using Floats = std::vector<float, CacheAligned<float>>;

inline float sum_of(Lanes v) {
  float sum = 0;
  for (int i = 0; i < kVectorWidth; ++i) sum += v[i];
  return sum;
}

// The upper half of a float: its sign, its exponent and 7 bits of its fraction.
struct Bfloat16 {
  std::uint16_t bits;
};

// Wherever they lie; `count` of them, the others are zero.
inline Lanes load_lanes(const float* p, int count = kVectorWidth) {
  Lanes lanes{};
  std::memcpy(&lanes, p, sizeof(float) * count);
  return lanes;
}

inline Lanes load_lanes(const Bfloat16* p, int count = kVectorWidth) {
  typedef std::uint16_t Halves __attribute__((vector_size(2 * kVectorWidth)));
  typedef std::uint32_t Wholes __attribute__((vector_size(4 * kVectorWidth)));
  Halves halves{};
  std::memcpy(&halves, p, sizeof(Bfloat16) * count);
  return (Lanes)(__builtin_convertvector(halves, Wholes) << 16);
}

inline LaneInts load_lanes(const std::uint8_t* p, int count = kVectorWidth) {
  typedef std::uint8_t Bytes __attribute__((vector_size(kVectorWidth)));
  Bytes bytes{};
  std::memcpy(&bytes, p, count);
  return __builtin_convertvector(bytes, LaneInts);
}

inline void store_lanes(float* p, Lanes lanes, int count = kVectorWidth) {
  std::memcpy(p, &lanes, sizeof(float) * count);
}

// Rounded to the nearest, ties to even; what is not a number stays so.
inline void store_lanes(Bfloat16* p, Lanes lanes, int count = kVectorWidth) {
#if defined(__AVX512BF16__)
  const auto halves = _mm512_cvtneps_pbh((__m512)lanes);
#else
  typedef std::uint16_t Halves __attribute__((vector_size(2 * kVectorWidth)));
  typedef std::uint32_t Wholes __attribute__((vector_size(4 * kVectorWidth)));
  const Wholes bits = (Wholes)lanes;
  const Wholes rounded = bits + 0x7fffu + (bits >> 16 & 1u);
  const Halves halves = __builtin_convertvector((lanes == lanes ? rounded : (bits | 0x400000u)) >> 16, Halves);
#endif
  std::memcpy(p, &halves, sizeof(Bfloat16) * count);
}

inline void store_lanes(std::uint8_t* p, LaneInts lanes, int count = kVectorWidth) {
  typedef std::uint8_t Bytes __attribute__((vector_size(kVectorWidth)));
  const Bytes bytes = __builtin_convertvector(lanes, Bytes);
  std::memcpy(p, &bytes, count);
}

}  // namespace soleus
