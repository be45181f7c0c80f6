#pragma once

#include <nanobind/nanobind.h>

namespace soleus {

// What the networks on images take from the core.
void bind_images(nanobind::module_& m);

}  // namespace soleus
