// Wide: one number of each of several humans, an instruction for all of them.
//
// A product is fused into the sum that it is added to, wherever it is compiled: `a * b + c` is one rounding by the rules
// of this header, not by what a compiler makes of it, so that AVX2, AVX-512 and NEON give the same bits. The units that
// use it are compiled without contractions of the compiler's own (CMakeLists.txt).
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

namespace soleus {

// Humans that an instruction serves.
#if defined(__AVX512F__)
inline constexpr int kLanes = 8;
#elif defined(__AVX2__)
inline constexpr int kLanes = 4;
#else
inline constexpr int kLanes = 2;
#endif

typedef double WideDoubles __attribute__((vector_size(8 * kLanes)));
typedef std::int64_t WideInts __attribute__((vector_size(8 * kLanes)));

// Which lanes a condition holds in.
struct WideMask {
  WideInts bits;  // 0 or -1 a lane

  bool operator[](int lane) const { return bits[lane] != 0; }
  friend WideMask operator&(WideMask a, WideMask b) { return {a.bits & b.bits}; }
  friend WideMask operator|(WideMask a, WideMask b) { return {a.bits | b.bits}; }
  friend WideMask operator^(WideMask a, WideMask b) { return {a.bits ^ b.bits}; }
  friend WideMask operator!(WideMask a) { return {~a.bits}; }
};

inline bool any(WideMask m) {
#if defined(__AVX512F__)
  return _mm512_movepi64_mask((__m512i)m.bits) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_pd((__m256d)m.bits) != 0;
#else
  return (m.bits[0] | m.bits[1]) != 0;
#endif
}
inline bool all(WideMask m) { return !any(!m); }

struct Wide {
  WideDoubles v;

  Wide() = default;
  Wide(WideDoubles doubles) : v(doubles) {}
  Wide(double same) : v(same - WideDoubles{}) {}

  static Wide load(const double* p) {
    Wide w;
    std::memcpy(&w.v, p, sizeof w.v);
    return w;
  }
  void store(double* p) const { std::memcpy(p, &v, sizeof v); }

  double operator[](int lane) const { return v[lane]; }
  void set(int lane, double value) { v[lane] = value; }

  Wide operator-() const { return {-v}; }
  inline Wide& operator+=(Wide b);
  inline Wide& operator-=(Wide b);
  Wide& operator*=(Wide b) { v *= b.v; return *this; }
};

// A product that has not been rounded yet.
struct Product {
  Wide a, b;
  operator Wide() const { return {a.v * b.v}; }
  Product operator-() const { return {-a, b}; }
};

inline Wide fused(Wide a, Wide b, Wide c) {  // a b + c
#if defined(__AVX512F__)
  return {(WideDoubles)_mm512_fmadd_pd((__m512d)a.v, (__m512d)b.v, (__m512d)c.v)};
#elif defined(__AVX2__)
  return {(WideDoubles)_mm256_fmadd_pd((__m256d)a.v, (__m256d)b.v, (__m256d)c.v)};
#else
  Wide r;
  for (int i = 0; i < kLanes; ++i) r.v[i] = __builtin_fma(a.v[i], b.v[i], c.v[i]);
  return r;
#endif
}
inline Wide fused_negative(Wide a, Wide b, Wide c) {  // c - a b
#if defined(__AVX512F__)
  return {(WideDoubles)_mm512_fnmadd_pd((__m512d)a.v, (__m512d)b.v, (__m512d)c.v)};
#elif defined(__AVX2__)
  return {(WideDoubles)_mm256_fnmadd_pd((__m256d)a.v, (__m256d)b.v, (__m256d)c.v)};
#else
  return fused(-a, b, c);
#endif
}
inline Wide fused_minus(Wide a, Wide b, Wide c) {  // a b - c
#if defined(__AVX512F__)
  return {(WideDoubles)_mm512_fmsub_pd((__m512d)a.v, (__m512d)b.v, (__m512d)c.v)};
#elif defined(__AVX2__)
  return {(WideDoubles)_mm256_fmsub_pd((__m256d)a.v, (__m256d)b.v, (__m256d)c.v)};
#else
  return fused(a, b, -c);
#endif
}

inline Product operator*(Wide a, Wide b) { return {a, b}; }
inline Product operator*(double a, Wide b) { return {Wide(a), b}; }
inline Product operator*(Wide a, double b) { return {a, Wide(b)}; }
inline Product operator*(Product a, Product b) { return {Wide(a), Wide(b)}; }
inline Product operator*(Product a, Wide b) { return {Wide(a), b}; }
inline Product operator*(Wide a, Product b) { return {a, Wide(b)}; }
inline Product operator*(double a, Product b) { return {Wide(a), Wide(b)}; }
inline Product operator*(Product a, double b) { return {Wide(a), Wide(b)}; }
inline Wide operator/(Wide a, Wide b) { return {a.v / b.v}; }

inline Wide operator+(Wide a, Wide b) { return {a.v + b.v}; }
inline Wide operator-(Wide a, Wide b) { return {a.v - b.v}; }
inline Wide operator+(Product p, Wide c) { return fused(p.a, p.b, c); }
inline Wide operator+(Wide c, Product p) { return fused(p.a, p.b, c); }
inline Wide operator+(Product p, Product q) { return fused(q.a, q.b, Wide(p)); }
inline Wide operator-(Wide c, Product p) { return fused_negative(p.a, p.b, c); }
inline Wide operator-(Product p, Wide c) { return fused_minus(p.a, p.b, c); }
inline Wide operator-(Product p, Product q) { return fused_negative(q.a, q.b, Wide(p)); }

inline Wide& Wide::operator+=(Wide b) { v += b.v; return *this; }
inline Wide& Wide::operator-=(Wide b) { v -= b.v; return *this; }
inline void operator+=(Wide& c, Product p) { c = fused(p.a, p.b, c); }
inline void operator-=(Wide& c, Product p) { c = fused_negative(p.a, p.b, c); }

inline WideMask operator<(Wide a, Wide b) { return {a.v < b.v}; }
inline WideMask operator<=(Wide a, Wide b) { return {a.v <= b.v}; }
inline WideMask operator>(Wide a, Wide b) { return {a.v > b.v}; }
inline WideMask operator>=(Wide a, Wide b) { return {a.v >= b.v}; }
inline WideMask operator==(Wide a, Wide b) { return {a.v == b.v}; }
inline WideMask operator>(Product a, Wide b) { return Wide(a) > b; }
inline WideMask operator!=(Wide a, Wide b) { return {a.v != b.v}; }

inline Wide select(WideMask m, Wide yes, Wide no) { return {m.bits ? yes.v : no.v}; }
inline Wide where(WideMask m, Wide yes) { return {(WideDoubles)((WideInts)yes.v & m.bits)}; }  // 0 elsewhere
inline WideMask no_lane() { return {WideInts{}}; }
inline WideMask every_lane() { return {~WideInts{}}; }
inline WideMask one_lane(int lane) {
  WideMask m{WideInts{}};
  m.bits[lane] = -1;
  return m;
}

// As std::max and std::min: the second where either is no number.
inline Wide max(Wide a, Wide b) { return {a.v > b.v ? a.v : b.v}; }
inline Wide min(Wide a, Wide b) { return {a.v < b.v ? a.v : b.v}; }
inline Wide clamp(Wide x, Wide low, Wide high) { return max(min(x, high), low); }
inline Wide abs(Wide a) { return {(WideDoubles)((WideInts)a.v & std::int64_t{0x7fffffffffffffff})}; }

inline Wide sqrt(Wide a) {
#if defined(__AVX512F__)
  return {(WideDoubles)_mm512_sqrt_pd((__m512d)a.v)};
#elif defined(__AVX2__)
  return {(WideDoubles)_mm256_sqrt_pd((__m256d)a.v)};
#else
  Wide r;
  for (int i = 0; i < kLanes; ++i) r.v[i] = __builtin_sqrt(a.v[i]);
  return r;
#endif
}

}  // namespace soleus
