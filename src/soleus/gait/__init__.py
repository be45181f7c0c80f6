"""Gait analysis of people who walk under a policy: cycles cut at heel strikes, put beside what is normal, as a page."""

from soleus.gait.analysis import Report, analyse
from soleus.gait.gathering import Gathered, gather
from soleus.gait.recorded import Recorded, read_recorded
from soleus.gait.writing import check_folder, content_of, write_report

__all__ = [
    "Gathered",
    "Recorded",
    "Report",
    "analyse",
    "check_folder",
    "content_of",
    "gather",
    "read_recorded",
    "write_report",
]
