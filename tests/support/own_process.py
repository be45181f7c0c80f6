"""The command line in a process of its own.

It draws no curves, which takes longer than most trainings of tests, and shows its progress every second, not every ten.
"""

import sys

SOLEUS = (
    *(sys.executable, "-W", "ignore", "-c"),
    "import sys; from soleus.run import live, log; live.draw_curves = lambda folder: None; log._PLAIN_INTERVAL = 1.0;"
    " from soleus.cli import main; sys.exit(main(sys.argv[1:]))",
)
