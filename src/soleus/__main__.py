"""`python -m soleus` is `soleus`."""

import sys

from soleus.cli import main

sys.exit(main())
