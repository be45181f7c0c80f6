// The only file that knows Python: checks shapes and dtypes, releases the lock, forwards to the core.
#include <nanobind/nanobind.h>

NB_MODULE(_core, m) { m.doc() = "The native core of Soleus."; }
