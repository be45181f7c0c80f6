// Whether humans can begin at all.
#pragma once

#include "rollout/shard.h"

namespace soleus {

// Throws InvalidInput where every start is at once its own end: a termination term is met before the first control step
// or within it, or the simulation diverges. Actions are zero and, of a motion, a few phases are tried.
void check_start(const World& world);

}  // namespace soleus
