"""Runs side by side: a table, a picture and a report. Reads run folders alone, also those of older versions."""

from soleus.compare.comparison import Comparison, compare_runs
from soleus.compare.reading import RunRecord, read_runs
from soleus.compare.report import check_folder, write_report
from soleus.compare.table import print_figures

__all__ = [
    "Comparison",
    "RunRecord",
    "check_folder",
    "compare_runs",
    "print_figures",
    "read_runs",
    "write_report",
]
