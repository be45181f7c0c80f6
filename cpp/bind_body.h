#pragma once

#include <nanobind/nanobind.h>

namespace soleus {

void bind_body(nanobind::module_& m);

}  // namespace soleus
