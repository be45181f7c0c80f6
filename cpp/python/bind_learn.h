// Python's face of learning in the core: see bind.cc.
#pragma once

#include <nanobind/nanobind.h>

namespace soleus {

void bind_learn(nanobind::module_& m);

}  // namespace soleus
