// Work in equal parts on some threads, from any thread, for kernels without a state of their own.
#pragma once

#include <functional>

namespace soleus {

// Runs job(first, last) over ranges that make up 0..count, on at most `threads` threads, the caller's among them; returns
// when all have run. Each calling thread has helpers of its own, kept for its next call: callers never wait for each other.
void share_out(int count, int threads, const std::function<void(int, int)>& job);

}  // namespace soleus
