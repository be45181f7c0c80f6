import json
import math
from pathlib import Path

import pytest

from soleus import cli
from soleus.machine.memory import own_peak_mb
from soleus.run.summary import as_json, versions, write_summary


def test_peak_memory_is_that_of_this_process(tmp_path: Path) -> None:
    summary = write_summary(tmp_path, {"steps": 3})
    assert 0 < summary["peak_memory_mb"] <= own_peak_mb()
    assert summary["versions"] == versions()
    assert json.loads((tmp_path / "summary.json").read_text()) == summary


def test_a_fact_about_the_memory_wins(tmp_path: Path) -> None:
    assert write_summary(tmp_path, {"peak_memory_mb": 12.5})["peak_memory_mb"] == 12.5


def test_a_number_that_is_not_finite_is_null(tmp_path: Path) -> None:
    facts = {"cpu": math.nan, "steps": 0, "evaluation": {"mean_return": -math.inf, "all": [1.0, (math.nan,)]}}
    written = write_summary(tmp_path, facts)
    assert written["cpu"] is None
    read = json.loads((tmp_path / "summary.json").read_text(), parse_constant=pytest.fail)
    assert read["evaluation"] == {"mean_return": None, "all": [1.0, [None]]}


def test_every_command_that_prints_json_prints_what_every_reader_takes() -> None:
    assert as_json({"a": [math.inf, 1.5], "b": Path("x")}, default=str) == '{"a": [null, 1.5], "b": "x"}'
    for file in Path(str(cli.__file__)).parent.glob("*.py"):
        assert ".dumps(" not in file.read_text(), f"{file.name}: summary.as_json leaves no number that is not finite"
