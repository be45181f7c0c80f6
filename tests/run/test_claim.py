"""Two runs never write into one folder."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from soleus.errors import UserError
from soleus.run.claim import LOCK, Claim, FolderInUse

HOLD = """
import sys
from pathlib import Path
from soleus.run.claim import Claim
claim = Claim(Path(sys.argv[1]), new=sys.argv[2] == "new")
print("claimed", flush=True)
sys.stdin.read()
"""


def _hold(folder: Path, how: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "claimed\n"
    return process


@pytest.mark.parametrize("new", [True, False])
def test_a_folder_in_use_by_another_process_is_refused_and_free_after_its_death(tmp_path: Path, new: bool) -> None:
    folder = tmp_path / "run"
    holder = _hold(folder, "new")
    try:
        with pytest.raises(FolderInUse, match=rf"run: expected a folder .*process {holder.pid} on .* is at work in it"):
            Claim(folder, new)
        with pytest.raises(FolderInUse, match="at work in it"):
            Claim(folder, False)
    finally:
        holder.kill()
        holder.wait()
    Claim(folder, new).release()
    assert list(folder.iterdir()) == []


def test_one_process_claims_a_folder_once(tmp_path: Path) -> None:
    claim = Claim(tmp_path / "run", new=True)
    with pytest.raises(FolderInUse, match=f"process {os.getpid()} on "):
        Claim(tmp_path / "." / "run", new=False)
    claim.release()
    claim.release()
    Claim(tmp_path / "run", new=False).release()


def test_of_many_who_make_a_folder_at_once_one_gets_it(tmp_path: Path) -> None:
    folder, results = tmp_path / "run", []
    gate = threading.Barrier(4)

    def race() -> None:
        racer = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(folder), "new"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        gate.wait()
        assert racer.stdout is not None
        line = racer.stdout.readline()
        results.append(line)
        gate.wait()
        racer.kill()
        racer.communicate()

    threads = [threading.Thread(target=race) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(results) == ["", "", "", "claimed\n"]


def test_what_did_not_come_to_be_leaves_no_folder(tmp_path: Path) -> None:
    Claim(tmp_path / "runs" / "mine" / "run", new=True).release(undo=True)
    assert not (tmp_path / "runs").exists()
    first = Claim(tmp_path / "runs" / "mine" / "one", new=True)
    Claim(tmp_path / "runs" / "mine" / "other", new=True).release()
    first.release(undo=True)
    assert [one.name for one in (tmp_path / "runs" / "mine").iterdir()] == ["other"], "somebody else's is kept"
    (tmp_path / "there").mkdir()
    Claim(tmp_path / "there", new=True).release(undo=True)
    assert (tmp_path / "there").is_dir(), "it was not made for the run"


def test_a_folder_with_something_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FolderInUse, match="expected a new folder, but it exists; name another"):
        Claim(tmp_path, new=True)
    assert [one.name for one in tmp_path.iterdir()] == ["notes.txt"]


def test_a_lock_that_somebody_was_killed_with_binds_nobody(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("process 1 on elsewhere\n")
    Claim(tmp_path, new=True).release()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in ("file", "file/run"):
        with pytest.raises(UserError, match=r"expected a (new )?folder"):
            Claim(tmp_path / place, new=True)
