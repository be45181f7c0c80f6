import json
import math
from pathlib import Path

from soleus.summary import versions, write_summary
from soleus.system import own_peak_mb


def test_peak_memory_is_that_of_this_process(tmp_path: Path) -> None:
    summary = write_summary(tmp_path, {"steps": 3})
    assert 0 < summary["peak_memory_mb"] <= own_peak_mb()
    assert summary["versions"] == versions()
    assert json.loads((tmp_path / "summary.json").read_text()) == summary


def test_a_fact_about_the_memory_wins(tmp_path: Path) -> None:
    assert write_summary(tmp_path, {"peak_memory_mb": 12.5})["peak_memory_mb"] == 12.5


def test_what_is_not_a_number_is_left_out(tmp_path: Path) -> None:
    assert "cpu" not in write_summary(tmp_path, {"cpu": math.nan, "steps": 0})
    assert "NaN" not in (tmp_path / "summary.json").read_text()
