"""A run's second place: what is there at any moment is a run to go on from, bit for bit."""

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import point_mass
from own_process import SOLEUS
from second_place import files, rows, start, steps
from soleus.cli import main
from soleus.config import HumanRunConfig, load_config, load_human_config
from soleus.errors import UserError
from soleus.run import checkpoint, log
from soleus.run.remote import Remote
from soleus.run.remote_run import fetch, local_copy
from soleus.training import iterate, train

MakeConfig = Callable[..., HumanRunConfig]
TRAIN = ["train", "test-walk2d-small", "--train.learner_threads", "1"]


def assert_consistent(folder: Path) -> None:
    """One can go on from the latest checkpoint, and nothing else is ahead of it; what was recorded is not behind it."""
    latest = steps(folder, "latest.pt")
    assert load_config(folder / "config.yaml")
    assert max(steps(folder, "best.pt"), steps(folder, "previous.pt")) <= latest
    assert all(one <= latest for one in checkpoint.moments(folder))
    assert max((row["time/steps"] for row in log.read_metrics(folder)), default=0) >= latest
    summary = folder / "summary.json"
    assert not summary.exists() or json.loads(summary.read_text())["steps"] <= latest


def test_a_machine_is_lost_and_another_goes_on(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed, its disk gone, and gone on with from the URL alone, by another number of threads."""
    monkeypatch.chdir(tmp_path)
    url = f"{s3}/people/walk"
    flags = ["--num-threads", "2", "--steps", "1000000", "--checkpoint-url", url, "--run-dir", "lost"]
    lost = subprocess.Popen([*SOLEUS, *TRAIN, *flags], stdout=subprocess.DEVNULL)
    place, deadline = Remote(url), time.monotonic() + 60
    while "checkpoints/previous.pt" not in place.sizes("checkpoints"):
        assert time.monotonic() < deadline, "it put nothing there"
        time.sleep(0.05)
    lost.send_signal(signal.SIGKILL)
    assert lost.wait(10) == -signal.SIGKILL
    shutil.rmtree("lost")

    assert_consistent(local_copy(url))
    saved = steps(local_copy(url), "latest.pt")
    assert saved > 0
    until = ["--steps", str(saved + 1024)]
    assert main(["train", "--resume", url, "--num-threads", "1", "--run-dir", "found", *until]) == 0
    assert main([*TRAIN, "--num-threads", "2", "--run-dir", "whole", *until]) == 0
    assert rows(Path("found")) == rows(Path("whole"))
    a, b = (checkpoint.read(Path(name) / "checkpoints/latest.pt") for name in ("found", "whole"))
    assert a["collector"].keys() == b["collector"].keys()
    for part in ("policy", "collector"):
        for name in a[part]:
            np.testing.assert_array_equal(a[part][name], b[part][name], err_msg=name)
    fetch(url, tmp_path / "copy")  # where it went on to be put
    assert files(tmp_path / "copy") == files(Path("found"))
    assert load_config("found/config.yaml").train.checkpoint_url == url


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return f"file://{tmp_path}/there/walk"
    return f"{request.getfixturevalue('s3')}/walk"


def test_what_is_there_is_the_run(make_config: MakeConfig, tmp_path: Path, url: str) -> None:
    """With as many moments as are kept, some having gone."""
    config = make_config(train={"steps": 512 * 21, "checkpoint_interval": 4096, "checkpoint_url": url})
    train(start(config, tmp_path / "run"))
    fetch(url, tmp_path / "copy")
    assert files(tmp_path / "copy") == files(tmp_path / "run")
    assert {"curves.png", "metrics.jsonl", "checkpoints/best.pt"} < files(tmp_path / "copy").keys()


def test_a_reader_finds_a_run_to_go_on_from_at_any_moment(make_config: MakeConfig, tmp_path: Path, url: str) -> None:
    limits = {"steps": 512 * 12, "eval_interval": 1024, "checkpoint_interval": 512, "checkpoint_url": url}
    run = start(make_config(train=limits), tmp_path / "run")

    def read() -> list[Path]:
        found: list[Path] = []
        while run.counters.steps < 512 * 12:
            found.append(fetch(url, tmp_path / f"copy-{len(found)}").parent.parent)
        return found

    with ThreadPoolExecutor() as pool:
        reader = pool.submit(read)
        train(run)
        copies = reader.result()
    assert len({steps(copy, "latest.pt") for copy in copies}) > 2
    for copy in copies:
        assert_consistent(copy)


def test_a_run_that_ends_between_two_files_leaves_one_to_go_on_from(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off after the first file that is put there, the second, ..."""
    limits = {"steps": 1024, "eval_interval": 512, "checkpoint_interval": 512}
    train(start(make_config(train=limits), tmp_path / "whole"))
    write, cuts = Remote.write, 0
    for cut in range(1, 100):
        place, written = tmp_path / f"there-{cut}", 0

        def counted(self: Remote, name: str, data: bytes, cut: int = cut) -> None:
            nonlocal written
            written += 1
            if written > cut:
                raise KeyboardInterrupt
            write(self, name, data)

        config = make_config(train={**limits, "checkpoint_url": f"file://{place}"})
        with monkeypatch.context() as patched:
            patched.setattr(Remote, "write", counted)
            patched.setattr(Remote, "remove", None)  # who is killed does not tidy up
            try:
                train(start(config, tmp_path / f"lost-{cut}"))
                break
            except (KeyboardInterrupt, TypeError):
                cuts += 1
        if not (place / "checkpoints/latest.pt").exists():
            assert cut < 6  # config.yaml twice, owner.txt, the index of inputs, metrics.jsonl
            continue
        found = fetch(f"file://{place}", tmp_path / f"found-{cut}").parent.parent
        assert_consistent(found)
        if cut in (6, 10):  # in the middle of what the two saves put there
            train(start(make_config(train=limits), found, resume=found / "checkpoints/latest.pt"))
            assert rows(found) == rows(tmp_path / "whole")
    assert cuts > 10


def test_a_place_in_use_is_refused(make_config: MakeConfig, tmp_path: Path, url: str) -> None:
    def collector(*arguments: Any) -> point_mass.PointMassCollector:
        raise AssertionError

    config = make_config(train={"checkpoint_url": url})
    start(config, tmp_path / "run")
    before = Remote(url).read("config.yaml", 0)
    advice = f"go on with --resume {url}, or name another"
    with pytest.raises(UserError, match=rf"^{url}: expected a place with nothing in it, but .*; {advice}$"):
        start(make_config(train={"checkpoint_url": url, "seed": 3}), tmp_path / "other", make_collector=collector)
    assert not (tmp_path / "other").exists()
    assert Remote(url).read("config.yaml", 0) == before


def test_a_run_that_does_not_come_to_be_leaves_the_place_as_it_was(
    make_config: MakeConfig, tmp_path: Path, url: str
) -> None:
    with pytest.raises(UserError, match=r"train.device"):
        start(make_config(train={"device": "gpu", "checkpoint_url": url}), tmp_path / "run")
    assert Remote(url).sizes() == {}
    start(make_config(train={"checkpoint_url": url}), tmp_path / "run").close()
    before = Remote(url).read("config.yaml", 0)
    wrong = make_config(train={"device": "gpu", "checkpoint_url": url})
    with pytest.raises(UserError, match=r"train.device"):
        start(wrong, tmp_path / "run", resume=tmp_path / "run/checkpoints/latest.pt")
    assert Remote(url).read("config.yaml", 0) == before


def test_a_run_that_is_further_there_is_not_written_over(make_config: MakeConfig, tmp_path: Path, url: str) -> None:
    """As when another machine has gone on with it."""
    config = make_config(train={"steps": 1024, "checkpoint_url": url})
    train(start(config, tmp_path / "run"))
    resume = fetch(url, tmp_path / "copy")
    longer = make_config(train={"steps": 2048, "checkpoint_url": url})
    train(start(longer, tmp_path / "copy", resume=resume))
    said = rf"^{url}: expected a run of 1,024 steps as here, or fewer, got one of 2,048; go on with --resume {url}, or"
    with pytest.raises(UserError, match=said):
        start(longer, tmp_path / "run", resume=tmp_path / "run/checkpoints/latest.pt")
    assert steps(fetch(url, tmp_path / "another").parent.parent, "latest.pt") == 2048


def test_a_run_moves_to_another_place(make_config: MakeConfig, tmp_path: Path) -> None:
    """From no second place to one, to another that is to be new, and to none."""
    train(start(make_config(train={"steps": 1024}), tmp_path / "run"))
    latest = tmp_path / "run/checkpoints/latest.pt"
    for name in ("first", "second"):
        url = f"file://{tmp_path}/{name}"
        train(start(make_config(train={"steps": 1024, "checkpoint_url": url}), tmp_path / "run", resume=latest))
        assert files(tmp_path / name) == files(tmp_path / "run")
    with pytest.raises(UserError, match=r"first: expected a place with nothing in it"):
        start(make_config(train={"checkpoint_url": f"file://{tmp_path}/first"}), tmp_path / "run", resume=latest)
    train(start(make_config(train={"steps": 1536}), tmp_path / "run", resume=latest))
    assert steps(tmp_path / "second", "latest.pt") == 1024


class Breaking:
    """Takes the place away in the first evaluation, and gives it back in another."""

    def __init__(self, place: Path, again: int) -> None:
        self.place, self.again, self.count = place, again, 0

    def __call__(self, *arguments: Any, **options: Any) -> dict[str, float]:
        self.count += 1
        if self.count == 1:
            self.place.rename(self.place.with_name("away"))
            self.place.touch()
        if self.count == self.again:
            self.place.unlink()
            self.place.with_name("away").rename(self.place)
        return point_mass.evaluate(*arguments, **options)


def test_a_place_that_is_gone_for_a_while(
    make_config: MakeConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "there"
    config = make_config(train={"eval_interval": 1024, "checkpoint_url": f"file://{place}"})
    train(start(config, tmp_path / "run", evaluate=Breaking(place, again=3)))
    warnings = capsys.readouterr().err.splitlines()
    assert warnings
    for line in warnings:
        assert re.fullmatch(
            rf"warning: file://{place}/owner.txt: could not be read \(.*\);"
            " the training goes on, and the next save tries again",
            line,
        )
    assert files(place) == files(tmp_path / "run")


def test_a_place_that_is_gone_at_the_end(make_config: MakeConfig, tmp_path: Path) -> None:
    place, run = tmp_path / "there", tmp_path / "run"
    config = make_config(train={"eval_interval": 1024, "checkpoint_url": f"file://{place}"})
    with pytest.raises(UserError) as error:
        train(start(config, run, evaluate=Breaking(place, again=100)))
    said = rf"file://{place}/owner.txt: could not be read \(.*\);"
    assert re.fullmatch(
        f"{said} the run is whole in {run}, and soleus train --resume {run} tries again", str(error.value)
    )
    assert json.loads((run / "summary.json").read_text())["steps"] == steps(run, "latest.pt") == 4096
    place.unlink()
    train(start(config, run, resume=run / "checkpoints/latest.pt"))
    assert files(place) == files(run)


def test_a_run_that_another_process_goes_on_with_ends(make_config: MakeConfig, tmp_path: Path, url: str) -> None:
    """Whoever resumed it last owns the URL; the other writes nothing there, and its work stays in its folder."""
    limits = {"steps": 4096, "eval_interval": 4096, "checkpoint_interval": 512, "checkpoint_url": url}
    first = start(make_config(train=limits), tmp_path / "first")
    iterate(first)
    first.save()
    file = fetch(url, tmp_path / "second")
    second = start(load_human_config(tmp_path / "second/config.yaml"), tmp_path / "second", resume=file)
    there = Remote(url).sizes("checkpoints")
    said = rf"{url}: expected no other run to write there, but process \d+ on .* goes on with this one"
    with pytest.raises(UserError, match=rf"^{said}; the run is saved, go on with: soleus train --resume .*/first$"):
        train(first)
    assert steps(tmp_path / "first", "latest.pt") == 1024, "its next checkpoint"
    assert Remote(url).sizes("checkpoints") == there
    train(second)
    assert steps(fetch(url, tmp_path / "third").parent.parent, "latest.pt") == 4096


def test_a_resume_that_fails_takes_nothing_over(make_config: MakeConfig, tmp_path: Path, url: str) -> None:
    limits = {"steps": 2048, "checkpoint_interval": 512, "checkpoint_url": url}
    first = start(make_config(train=limits), tmp_path / "first")
    file = fetch(url, tmp_path / "second")

    def fails(config: HumanRunConfig, num_threads: int) -> None:
        raise UserError("no collector here")

    with pytest.raises(UserError, match="no collector here"):
        start(
            load_human_config(tmp_path / "second/config.yaml"), tmp_path / "second", resume=file, make_collector=fails
        )
    train(first)
    assert steps(fetch(url, tmp_path / "third").parent.parent, "latest.pt") == 2048
