// What multiplies matrices of bfloat16, with sums in float32, on this processor. A file that does so is compiled for such
// processors alone, whatever the rest is compiled for: by a pragma of GCC (products_begin.inc) where the rest is for others.
#pragma once

#if defined(__AVX512BF16__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#define SOLEUS_PRODUCTS 1
#elif defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define SOLEUS_PRODUCTS 1
#else
#define SOLEUS_PRODUCTS 0
#endif

#if SOLEUS_PRODUCTS && defined(__linux__) && (defined(__AMX_BF16__) || !defined(__clang__))
#define SOLEUS_TILES 1
#else
#define SOLEUS_TILES 0
#endif

#if SOLEUS_PRODUCTS && !defined(__clang__) && !(defined(__AVX512BF16__) && defined(__AMX_BF16__))
#define SOLEUS_PRODUCTS_BY_PRAGMA 1
#else
#define SOLEUS_PRODUCTS_BY_PRAGMA 0
#endif

namespace soleus {

enum class Products {
  kNone,
  kVectors,  // AVX-512's: of pairs, a vector at a time
  kTiles     // Intel AMX's: of whole matrices
};

// The best that this process may use; asks the system for tiles the first time.
Products products();

// Uses no better than these from now on, where both are there: to compare them. Not beside running work.
void limit_products(Products most);

}  // namespace soleus
