// The processor's matrix tiles (Intel AMX), products of bfloat16 with sums in float32: where a file may use them, and whether
// this processor has them. What lies between SOLEUS_TILES_BEGIN and SOLEUS_TILES_END is compiled for such processors alone,
// whatever the rest is compiled for; headers are included before it.
#pragma once

#include <cstdint>

#if defined(__AMX_BF16__) && defined(__AVX512BF16__) && defined(__AVX512FP16__)
#define SOLEUS_TILES 1
#define SOLEUS_TILES_BEGIN
#define SOLEUS_TILES_END
#elif defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define SOLEUS_TILES 1
#define SOLEUS_TILES_BEGIN _Pragma("GCC push_options") _Pragma("GCC target(\"arch=sapphirerapids\")")
#define SOLEUS_TILES_END _Pragma("GCC pop_options")
#else
#define SOLEUS_TILES 0
#define SOLEUS_TILES_BEGIN
#define SOLEUS_TILES_END
#endif

namespace soleus {

// Whether this process may use tiles; asks the system for them the first time.
bool has_tiles();

}  // namespace soleus
