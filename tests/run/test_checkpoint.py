import errno
import os
import pickle
import resource
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from soleus.errors import UserError
from soleus.exchange.state import as_arrays
from soleus.run import checkpoint

CONTENT = {
    "counters": {"steps": 3, "returns": {"first": 1.5}},
    "collector": {"words": np.arange(4, dtype=np.uint64), "flags": np.array([True, False])},
    "policy": {"0.weight": torch.ones(2, 2)},
    "muscle": None,
    "ppo": {},
    "muscle_learner": None,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "config.yaml").touch()
    return tmp_path / "checkpoints"


def steps(path: Path) -> int:
    found: int = checkpoint.read(path)["counters"]["steps"]
    return found


def save(folder: Path, count: int) -> None:
    checkpoint.save(folder, {**CONTENT, "counters": {"steps": count}})


def test_round_trip(folder: Path) -> None:
    checkpoint.save(folder, CONTENT)
    content = checkpoint.read(folder / "latest.pt")
    assert content["counters"] == CONTENT["counters"]
    assert content["muscle"] is None
    arrays = as_arrays(content["collector"])
    assert arrays["words"].dtype == np.uint64
    np.testing.assert_array_equal(arrays["words"], np.arange(4))
    np.testing.assert_array_equal(arrays["flags"], [True, False])


def test_the_one_before_is_kept(folder: Path) -> None:
    for count in (1, 2, 3):
        save(folder, count)
    assert (steps(folder / "latest.pt"), steps(folder / "previous.pt")) == (3, 2)
    assert sorted(path.name for path in folder.iterdir()) == ["latest.pt", "previous.pt"]


def test_truncated_offers_the_previous_one(folder: Path) -> None:
    save(folder, 1)
    save(folder, 2)
    latest = folder / "latest.pt"
    data = latest.read_bytes()
    latest.unlink()
    latest.write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match=r"latest.pt: expected a whole checkpoint, .* truncated .*previous.pt") as error:
        checkpoint.read(latest)
    offered = Path(str(error.value).rsplit(": ", 1)[1])
    assert steps(offered) == 1


def test_truncated_without_a_previous_one(folder: Path) -> None:
    (folder / "latest.pt").write_bytes(b"")
    with pytest.raises(UserError, match=r"expected a whole checkpoint, but it is truncated or no checkpoint$"):
        checkpoint.read(folder / "latest.pt")


class Code:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.mark,)


def test_code_is_refused_and_not_run(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    torch.save({"format": 1, "policy": Code(mark)}, folder / "latest.pt")
    assert zipfile.is_zipfile(folder / "latest.pt")
    with pytest.raises(UserError, match=r"expected tensors and plain data alone, but it carries code; it was not run"):
        checkpoint.read(folder / "latest.pt")
    assert not mark.exists()


def test_a_bare_pickle_is_refused_and_not_run(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (folder / "latest.pt").write_bytes(pickle.dumps(Code(mark)))
    with pytest.raises(UserError, match=r"expected a whole checkpoint"):
        checkpoint.read(folder / "latest.pt")
    assert not mark.exists()


def test_another_torch_file_is_refused(folder: Path) -> None:
    torch.save({"weights": torch.ones(1)}, folder / "latest.pt")
    with pytest.raises(UserError, match=r"expected a checkpoint of format 1, got another file"):
        checkpoint.read(folder / "latest.pt")


def flip(path: Path, text: bytes) -> None:
    """Damage a file in place where `text` stands, as a bad disk would."""
    data = bytearray(path.read_bytes())
    data[data.index(text)] ^= 255
    path.write_bytes(data)


def test_a_flipped_bit_is_seen(folder: Path) -> None:
    pattern = np.frombuffer(b"recognised", np.uint8)
    checkpoint.save(folder, {**CONTENT, "collector": {"words": pattern}})
    flip(folder / "latest.pt", b"recognised")
    with pytest.raises(UserError, match=r"expected a whole checkpoint, but it is damaged \(checksum of .*\)$"):
        checkpoint.read(folder / "latest.pt")


def test_a_damaged_header_is_seen(folder: Path) -> None:
    checkpoint.save(folder, CONTENT)
    flip(folder / "latest.pt", b"PK\3\4")
    with pytest.raises(UserError, match=r"expected a whole checkpoint, but it is damaged \(.*\)$"):
        checkpoint.read(folder / "latest.pt")


def test_damaged_data_is_not_called_code(folder: Path) -> None:
    with zipfile.ZipFile(folder / "latest.pt", "w") as archive:
        for name, data in (("data.pkl", b"\x80\x02\xff"), ("version", b"3"), ("byteorder", b"little")):
            archive.writestr(f"archive/{name}", data)
    with pytest.raises(UserError, match=r"expected a whole checkpoint, but it is damaged"):
        checkpoint.read(folder / "latest.pt")


@pytest.mark.parametrize("key", list(CONTENT))
def test_a_checkpoint_has_all_that_a_run_saves(folder: Path, key: str) -> None:
    checkpoint.save(folder, {name: value for name, value in CONTENT.items() if name != key})
    with pytest.raises(UserError, match=rf"expected a run's checkpoint with counters, .*, but '{key}' is missing$"):
        checkpoint.read(folder / "latest.pt")


@pytest.mark.parametrize("flaw", ["truncated", "flipped"])
def test_a_damaged_latest_does_not_take_the_place_of_the_previous_one(folder: Path, flaw: str) -> None:
    save(folder, 1)
    save(folder, 2)
    latest = folder / "latest.pt"
    if flaw == "truncated":
        latest.write_bytes(latest.read_bytes()[:100])
    else:
        flip(latest, b"PK\3\4")
    save(folder, 3)
    assert (steps(latest), steps(folder / "previous.pt")) == (3, 1)


def test_the_new_one_is_on_the_disk_before_the_old_one_moves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    save(folder, 1)
    save(folder, 2)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"could not be written"):
        save(folder, 3)
    assert (steps(folder / "latest.pt"), steps(folder / "previous.pt")) == (2, 1)


def test_a_file_system_without_links(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*names: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    save(folder, 1)
    save(folder, 2)
    assert (steps(folder / "latest.pt"), steps(folder / "previous.pt")) == (2, 1)


def test_no_file(folder: Path) -> None:
    with pytest.raises(UserError, match=r"expected a checkpoint, but there is none"):
        checkpoint.read(folder / "latest.pt")


def assert_kept(folder: Path) -> None:
    with pytest.raises(
        UserError, match=r"latest.pt: could not be written \(.*\); the last good one stays: .*latest.pt"
    ):
        save(folder, 2)
    assert steps(folder / "latest.pt") == 1
    assert not list(folder.glob(".latest*"))


def test_full_disk_keeps_the_last_good_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    save(folder, 1)
    monkeypatch.setattr(os, "fsync", full)
    assert_kept(folder)


def test_a_write_that_the_system_cuts_short_keeps_the_last_good_one(folder: Path) -> None:
    save(folder, 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        assert_kept(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_kill_while_writing_keeps_the_last_good_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(descriptor: int) -> None:
        raise KeyboardInterrupt

    save(folder, 1)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            save(folder, 2)
    assert steps(folder / "latest.pt") == 1
    save(folder, 3)
    assert (steps(folder / "latest.pt"), steps(folder / "previous.pt")) == (3, 1)


def test_locate(folder: Path) -> None:
    run = folder.parent
    checkpoint.save(folder, CONTENT)
    assert checkpoint.locate(run) == folder / "latest.pt"
    assert checkpoint.locate(run, "best.pt") == folder / "latest.pt"
    checkpoint.save_best(folder, CONTENT)
    assert checkpoint.locate(run, "best.pt") == folder / "best.pt"
    assert checkpoint.locate(folder / "latest.pt") == folder / "latest.pt"
    with pytest.raises(
        UserError, match=r"expected a run folder \(with config.yaml\) or a checkpoint file, got neither"
    ):
        checkpoint.locate(run / "nosuch")


def test_a_checkpoint_is_named_from_anywhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint.save(folder, CONTENT)
    monkeypatch.chdir(folder)
    assert checkpoint.locate(Path("latest.pt")).parent.parent == folder.parent


@pytest.mark.parametrize("place", ["latest.pt", "other/checkpoints/latest.pt", "other/latest.pt"])
def test_a_checkpoint_outside_of_a_run(folder: Path, place: str) -> None:
    checkpoint.save(folder, CONTENT)
    stray = folder.parent / place
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes((folder / "latest.pt").read_bytes())
    with pytest.raises(UserError, match=rf"{place}: expected a checkpoint in a run's checkpoints/ folder, with config"):
        checkpoint.locate(stray)
