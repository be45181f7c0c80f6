"""Files at a URL: there whole or not at all, and no wait without an end. S3 is a real server on this machine."""

import resource
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fsspec.registry import _registry as registry  # of what was loaded before

from refusal import error_of
from s3_here import Gate, point_at
from soleus.errors import UserError
from soleus.run import remote
from soleus.run.remote import Remote

NAME = "checkpoints/latest.pt"
PUT = """
import sys
from soleus.run.remote import Remote
place = Remote(sys.argv[1])
print("begins", flush=True)
place.write("checkpoints/latest.pt", b"new" * int(sys.argv[2]))
"""


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return f"file://{tmp_path}/there/walk"
    return f"{request.getfixturevalue('s3')}/walk"


@pytest.fixture
def gate(s3_server: str, s3: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """What all S3 clients of the test go through."""
    gate = Gate(s3_server)
    point_at(monkeypatch, gate.endpoint)
    yield gate
    gate.open()
    gate.close()


def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "DEADLINE_S", 1.0)


def test_files_come_and_go(url: str) -> None:
    place = Remote(url)
    assert place.sizes() == place.sizes("checkpoints") == {}
    assert place.read(NAME, 0) is None
    place.write(NAME, b"one")
    place.write("config.yaml", b"")
    Remote(f"{url}-2").write("config.yaml", b"of another")
    assert place.sizes().keys() == {"checkpoints", "config.yaml"}
    assert place.sizes("checkpoints") == {NAME: 3}
    assert (place.read(NAME, 3), place.read("config.yaml", 0)) == (b"one", b"")
    place.write(NAME, b"another")
    assert (place.read(NAME, 3), place.sizes("checkpoints")) == (b"another", {NAME: 7})
    place.remove(NAME)
    assert (place.read(NAME, 3), place.sizes("checkpoints")) == (None, {})


def test_a_reader_sees_the_old_file_or_the_new_one(url: str) -> None:
    """Versions of different lengths, each of one byte alone."""
    place = Remote(url)
    place.write(NAME, bytes([1]) * 200_000)
    over, looked = threading.Event(), threading.Event()

    def read() -> list[tuple[int, set[int]]]:
        reader, seen = Remote(url), []
        while not over.is_set():
            content = reader.read(NAME, 0)
            assert content is not None
            seen.append((len(content), set(content)))
            looked.set()
        return seen

    with ThreadPoolExecutor() as pool:
        readers = [pool.submit(read) for _ in range(2)]
        sizes = {1: 200_000}
        for version in range(2, 40):
            sizes[version] = 200_000 + 3000 * (version % 7)
            place.write(NAME, bytes([version]) * sizes[version])
            if version % 8 == 0:  # however slow a reader is beside the writer, it looks now and again
                looked.clear()
                looked.wait(60)
        over.set()
        seen = [one for reader in readers for one in reader.result()]
    assert len({tuple(values) for _, values in seen}) > 3
    assert all(len(values) == 1 and size == sizes[values.pop()] for size, values in seen)


def test_a_write_that_the_disk_refuses_leaves_the_old_file(tmp_path: Path) -> None:
    place = Remote(f"file://{tmp_path}")
    place.write(NAME, b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(UserError, match=rf"{NAME}: could not be written \(File too large\)$"):
            place.write(NAME, b"new" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert place.read(NAME, 3) == b"old"


def put_in_another_process(url: str, count: int) -> subprocess.Popen[str]:
    child = subprocess.Popen([sys.executable, "-c", PUT, url, str(count)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "begins\n"
    return child


def test_a_kill_in_the_middle_of_a_write_leaves_the_old_file_on_disk(tmp_path: Path) -> None:
    place = Remote(f"file://{tmp_path}")
    place.write(NAME, b"old")
    child = put_in_another_process(f"file://{tmp_path}", 20_000_000)
    temporary = tmp_path / "checkpoints/.latest.pt.tmp"
    deadline = time.monotonic() + 20
    while not temporary.exists():
        assert time.monotonic() < deadline
    child.kill()
    assert child.wait(10) == -signal.SIGKILL
    assert temporary.stat().st_size < 60_000_000
    assert place.read(NAME, 3) == b"old"
    place.write(NAME, b"newer")
    assert (place.read(NAME, 3), temporary.exists()) == (b"newer", False)


def test_a_kill_in_the_middle_of_a_write_leaves_the_old_file_on_s3(s3: str, gate: Gate) -> None:
    place = Remote(s3)
    place.write(NAME, b"old")
    gate.shut(after=1_000_000)
    child = put_in_another_process(s3, 20_000_000)  # far more than the sockets between hold
    assert gate.holding.wait(20)
    child.kill()
    assert child.wait(10) == -signal.SIGKILL
    gate.open()
    assert place.read(NAME, 3) == b"old"


def test_nothing_begins_before_what_was_given_up_on_has_ended(
    s3: str, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or else an old file could come in the place of a new one."""
    place = Remote(s3)
    place.write(NAME, b"old")
    soon(monkeypatch)
    gate.shut(after=100_000)
    with pytest.raises(UserError, match=rf"^{s3}/{NAME}: could not be written \(no answer within 1 s\)$"):
        place.write(NAME, b"new" * 100_000)
    with pytest.raises(UserError, match=r"could not be written \(still no answer to what was asked before\)$"):
        place.write(NAME, b"newer")
    gate.open()
    monkeypatch.undo()
    place.settle()
    assert place.read(NAME, 3) == b"new" * 100_000
    place.write(NAME, b"newer")
    assert place.read(NAME, 3) == b"newer"


@pytest.fixture
def ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Arguments before a URL that begin a training there, go on with one, and look at one."""
    monkeypatch.chdir(tmp_path)
    return [["train", "test-walk2d-small", "--checkpoint-url"], ["train", "--resume"], ["evaluate"]]


def test_a_place_that_does_not_answer(
    s3: str, gate: Gate, ways: list[list[str]], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    soon(monkeypatch)
    gate.shut()
    for way in ways:
        start = time.monotonic()
        assert error_of(capfd, *way, f"{s3}/walk") == f"{s3}/walk: could not be listed (no answer within 1 s)"
        assert time.monotonic() - start < 5
    assert not [*Path("runs").rglob("*")]


def test_a_server_that_is_not_there(
    s3: str, ways: list[list[str]], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(monkeypatch, "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    said = f'{s3}/walk: could not be listed (Could not connect to the endpoint URL: "http://127.0.0.1:9/'
    for way in ways:
        assert error_of(capfd, *way, f"{s3}/walk").startswith(said)


@pytest.mark.usefixtures("s3")
def test_no_bucket(ways: list[list[str]], capfd: pytest.CaptureFixture[str]) -> None:
    for way in ways:
        error = error_of(capfd, *way, "s3://no-such-bucket/walk")
        assert error == "s3://no-such-bucket/walk: could not be listed (The specified bucket does not exist)"


def test_no_access(s3_server: str, s3: str, ways: list[list[str]], capfd: pytest.CaptureFixture[str]) -> None:
    """The server looks at who comes, and knows nobody."""

    def check_after(requests: str) -> None:
        headers = {"Content-Type": "text/plain"}
        asked = urllib.request.Request(f"{s3_server}/moto-api/reset-auth", requests.encode(), headers)
        urllib.request.urlopen(asked).close()

    check_after("0")
    try:
        errors = [error_of(capfd, *way, f"{s3}/walk") for way in ways]
    finally:
        check_after("inf")
    said = "The AWS Access Key Id you provided does not exist in our records."
    assert errors == [f"{s3}/walk: could not be listed ({said})"] * 3


def test_nothing_there(url: str, ways: list[list[str]], capfd: pytest.CaptureFixture[str]) -> None:
    for way in ways[1:]:
        assert error_of(capfd, *way, url) == f"{url}: expected a run (with config.yaml), got nothing"
    Remote(url).write("thesis.txt", b"precious")
    for way in ways[1:]:
        assert error_of(capfd, *way, url) == f"{url}: expected a run (with config.yaml), got something else"
    assert error_of(capfd, *ways[0], url) == (
        f"{url}: expected a place with nothing in it, but there is something; name another"
    )
    Remote(url).write("config.yaml", b"")
    for way in ways[1:]:
        said = f"{url}: expected a run with checkpoints/latest.pt, got one without a checkpoint"
        assert error_of(capfd, *way, url) == said


def test_a_disk_that_takes_nothing(ways: list[list[str]], capfd: pytest.CaptureFixture[str]) -> None:
    error = error_of(capfd, *ways[0], "file:///proc/walk")
    assert error.startswith("file:///proc/walk/config.yaml: could not be written (")
    assert not [*Path("runs").rglob("*")]


@pytest.mark.parametrize("wrong", ["runs/walk", "s3:/bucket/walk", "s3://", "file://mnt/walk"])
def test_what_is_no_url(wrong: str, ways: list[list[str]], capfd: pytest.CaptureFixture[str]) -> None:
    expected = "train.checkpoint_url: expected a URL such as s3://bucket/walk or file:///mnt/walk, got "
    assert error_of(capfd, *ways[0], wrong) == f"test-walk2d-small: {expected}'{wrong}'"


def test_an_unknown_protocol(ways: list[list[str]], capfd: pytest.CaptureFixture[str]) -> None:
    for way in ways:
        error = error_of(capfd, *way, "s4://bucket/walk")
        assert error == "s4://bucket/walk: could not be opened (Protocol not known: s4)"


def test_a_missing_package(
    ways: list[list[str]], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(registry, "s3", raising=False)
    for way in ways:
        error = error_of(capfd, *way, "s3://bucket/walk")
        assert error == "s3://bucket/walk: expected the package s3fs, got none: pip install 'soleus[s3]'"
