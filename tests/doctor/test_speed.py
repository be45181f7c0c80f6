import math
import os
import time
from pathlib import Path

import pytest

from soleus.doctor import speed
from soleus.doctor.speed import Speed, judge, measure, threads_pay


@pytest.mark.parametrize(
    ("ratio", "cpus", "others", "state", "says"),
    [
        (1.9, 2, 0.0, "ok", "2 threads make 1.90 times the steps/s of one (walk2d, 5,000)"),
        (1.2, 2, 0.0, "ok", "2 threads make 1.20 times"),
        (1.1, 2, 0.1, "wrong", "train with --num-threads 1"),
        (1.1, 2, math.nan, "wrong", "train with --num-threads 1"),
        (0.4, 2, 0.1, "wrong", "train with --num-threads 1"),
        (1.1, 2, 1.0, "note", "other processes use 1.0 CPUs meanwhile, so measure again without them"),
        (3.2, 16, 0.0, "wrong", "train with --num-threads 3"),
        (4.1, 16, 0.0, "ok", "16 threads make 4.10 times"),
    ],
)
def test_verdicts(ratio: float, cpus: int, others: float, state: str, says: str) -> None:
    found = judge(Speed(ratio, 5000.0, others), cpus)
    assert found.state == state
    assert says in found.text


def test_one_cpu_has_nothing_to_gain() -> None:
    assert threads_pay(1).text == "one CPU is in reach: one thread it is"


def test_a_measurement_takes_less_than_ten_seconds() -> None:
    start = time.monotonic()
    found = measure(2)
    assert time.monotonic() - start < 10
    assert found.ratio > 0.2
    assert found.steps_per_s > 10
    assert -0.5 < found.others < (os.cpu_count() or 1) + 0.5


def test_time_at_work_without_proc(tmp_path: Path) -> None:
    assert math.isnan(speed._busy_seconds(tmp_path))


def test_time_at_work_is_that_of_the_cpus_in_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soleus.doctor.speed.affinity_set", lambda: {1})
    ticks = os.sysconf("SC_CLK_TCK")
    (tmp_path / "stat").write_text(
        f"cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 9 9 9 9 9 9 9 9 0 0\ncpu1 {ticks} 0 {ticks} 500 500 0 0 {ticks} 7 7\n"
    )
    assert speed._busy_seconds(tmp_path) == 3.0
