#include "images/products.h"

#include <algorithm>

#if SOLEUS_PRODUCTS
#include <cpuid.h>
#endif
#if SOLEUS_TILES
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace soleus {
namespace {

#if SOLEUS_PRODUCTS
// Whether the system keeps the registers of AVX-512 (XCR0, bits 1, 2, 5, 6 and 7).
bool keeps_vectors() {
  constexpr unsigned kOsxsave = 1u << 27, kStates = 0xe6;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & kOsxsave)) return false;
  unsigned low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & kStates) == kStates;
}

Products find_products() {
  constexpr unsigned kLeaf = 7, kAvx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // F, DQ, BW, VL
  constexpr unsigned kAvx512Bf16 = 1u << 5;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!keeps_vectors() || !__get_cpuid_count(kLeaf, 0, &a, &b, &c, &d) || (b & kAvx512) != kAvx512) return Products::kNone;
  [[maybe_unused]] const unsigned features = d;
  if (!__get_cpuid_count(kLeaf, 1, &a, &b, &c, &d) || !(a & kAvx512Bf16)) return Products::kNone;
#if SOLEUS_TILES
  constexpr unsigned kAmxBf16 = 1u << 22, kAmxTile = 1u << 24;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // of arch_prctl(2)
  constexpr unsigned kAmx = kAmxBf16 | kAmxTile;
  if ((features & kAmx) == kAmx && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0) return Products::kTiles;
#endif
  return Products::kVectors;
}
#else
Products find_products() { return Products::kNone; }
#endif

Products& used() {
  static Products used = find_products();
  return used;
}

}  // namespace

Products products() { return used(); }

void limit_products(Products most) { used() = std::min(most, find_products()); }

}  // namespace soleus
