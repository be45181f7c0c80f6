"""Who waits for whom: environments that do not return are named."""

import signal
import threading
import time

import numpy as np
import pytest

from rounds import config_of, ready
from soleus.collect import watch
from soleus.collect.base import CollectorFailed
from soleus.collect.processes.workers import WorkersCollector

HANGS = {"id": "gymnasium:wayward_env:Wayward-v0", "options": {"does": "hangs", "after": 20}}


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PATIENCE", 0.6)


def test_a_place_that_changes_is_not_still() -> None:
    place = np.array([0, 3])
    still = watch.Stillness(place)
    time.sleep(0.05)
    assert still.seconds() >= 0.05
    place[0] = 1
    assert still.seconds() < 0.05


@pytest.mark.parametrize("collector", ["inline", "stepping"])
def test_an_environment_that_does_not_return_is_named_and_given_up(
    collector: str, hurry: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """By an interruption, for which somebody has to listen."""
    config = config_of(HANGS, parallel__collector=collector, parallel__round_timeout="2s", train__rollout_steps=64)
    one, _ = ready(config)

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    which = "environment 0" if collector == "inline" else "one of its environments"
    try:
        with pytest.raises(
            CollectorFailed, match=f"^gymnasium:wayward_env:Wayward-v0: {which} has not returned for 2 s"
        ):
            one.collect()
    finally:
        signal.signal(signal.SIGTERM, before)
    said = capsys.readouterr().err
    assert f"warning: {HANGS['id']}: {which} has not returned for 1 s; everything waits" in said
    assert said.count("\n") == 1


def test_where_nobody_listens_it_is_only_said(hurry: None, capsys: pytest.CaptureFixture[str]) -> None:
    place = np.array([0, 2])
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)  # Ray, once it was used in this process, listens
    try:
        with watch.Watch(place, "x", 1.0, first=10) as one:
            time.sleep(2.2)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert one.hung == "x: environment 12 has not returned for 1 s"
    assert "warning: x: environment 12 has not returned for 1 s; everything waits for it" in capsys.readouterr().err
    assert not [thread for thread in threading.enumerate() if thread.name == "watch-environments" and thread.is_alive()]


def test_slow_environments_that_return_are_waited_for(hurry: None, capsys: pytest.CaptureFixture[str]) -> None:
    place = np.array([0, 0])
    with watch.Watch(place, "x", 0.7):
        for step in range(12):
            time.sleep(0.2)
            place[0] = step
    assert not capsys.readouterr().err


def test_a_worker_that_hangs_is_named_and_replaced(hurry: None, capfd: pytest.CaptureFixture[str]) -> None:
    given = {"parallel__collector": "workers", "parallel__num_workers": 2, "train__rollout_steps": 64}
    collector, _ = ready(config_of(HANGS, **given, parallel__round_timeout="2s", parallel__max_failures=2))
    assert isinstance(collector, WorkersCollector)
    before = collector.pids
    try:
        with pytest.raises(CollectorFailed, match=r"it has not returned for 2 s; that makes 2 failures of workers"):
            collector.collect()
    finally:
        collector.close()
    said = capfd.readouterr().err
    for worker, env in ((0, 0), (1, 2)):
        waits = f"warning: worker {worker} (process {before[worker]}) waits for environment {env} of {HANGS['id']}"
        assert f"{waits}: it has not returned for 1 s, and all wait for it" in said
    assert "failed in environment" in said
