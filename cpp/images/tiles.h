// The processor's matrix tiles (Intel AMX), products of bfloat16 with sums in float32: whether the compiler knows them, and
// whether this processor has them. A file that uses them is compiled for such processors alone, whatever the rest is
// compiled for: by a pragma of GCC, which follows what is included, where the rest is compiled for others.
#pragma once

#include <cstdint>

#if defined(__AMX_BF16__) && defined(__AVX512BF16__) && defined(__AVX512FP16__)
#define SOLEUS_TILES 1
#define SOLEUS_TILES_BY_PRAGMA 0
#elif defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define SOLEUS_TILES 1
#define SOLEUS_TILES_BY_PRAGMA 1
#else
#define SOLEUS_TILES 0
#define SOLEUS_TILES_BY_PRAGMA 0
#endif

namespace soleus {

// Whether this process may use tiles; asks the system for them the first time.
bool has_tiles();

}  // namespace soleus
