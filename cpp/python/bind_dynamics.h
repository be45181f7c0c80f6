#pragma once

#include <nanobind/nanobind.h>

namespace soleus {

void bind_dynamics(nanobind::module_& m);

}  // namespace soleus
