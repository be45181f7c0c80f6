#pragma once

#include <nanobind/nanobind.h>

namespace soleus {

void bind_human(nanobind::module_& m);

}  // namespace soleus
