"""The command line in a process of its own, which draws no curves: that takes longer than most trainings of tests."""

import sys

SOLEUS = (
    *(sys.executable, "-W", "ignore", "-c"),
    "import sys; from soleus.run import live; live.draw_curves = lambda folder: None;"
    " from soleus.cli import main; sys.exit(main(sys.argv[1:]))",
)
