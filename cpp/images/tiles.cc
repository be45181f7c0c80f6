#include "images/tiles.h"

#if SOLEUS_TILES
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace soleus {
namespace {

bool ask_for_tiles() {
#if SOLEUS_TILES
  constexpr unsigned kLeaf = 7, kAmxBf16 = 1u << 22, kAmxTile = 1u << 24, kAvx512Fp16 = 1u << 23, kAvx512Bf16 = 1u << 5;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // of arch_prctl(2)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(kLeaf, 0, &a, &b, &c, &d)) return false;
  if ((d & (kAmxBf16 | kAmxTile | kAvx512Fp16)) != (kAmxBf16 | kAmxTile | kAvx512Fp16)) return false;
  if (!__get_cpuid_count(kLeaf, 1, &a, &b, &c, &d) || !(a & kAvx512Bf16)) return false;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

}  // namespace

bool has_tiles() {
  static const bool has = ask_for_tiles();
  return has;
}

}  // namespace soleus
