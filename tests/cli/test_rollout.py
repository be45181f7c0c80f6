"""`soleus rollout`: a policy's motions as files, from a run of seconds."""

from pathlib import Path

import numpy as np
import pytest

from small_run import small_run
from soleus.cli import main
from soleus.motions.storage import read_storage


def test_two_episodes_for_opensim(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, out = small_run(), tmp_path / "fall.mot"
    capsys.readouterr()
    given = ["--episodes", "2", "--seconds", "0.4", "--hz", "60", "--num-threads", "1"]
    assert main(["rollout", str(run), "--out", str(out), *given]) == 0
    lines = capsys.readouterr().out.splitlines()
    kinds = ("", "-activations", "-muscle-forces", "-ground-forces")
    assert lines[0] == "episode 1: 0.40 s"
    assert lines[1:5] == [str(tmp_path / f"fall-1{kind}.mot") for kind in kinds]
    assert lines[6:] == [str(tmp_path / f"fall-2{kind}.mot") for kind in kinds]
    poses, activations = (read_storage(Path(line)) for line in lines[1:3])
    assert poses.model == "walk2d"
    assert len(poses.times) == 24
    np.testing.assert_allclose(np.diff(poses.times), 1 / 60, atol=1e-7)
    assert activations.values.min() >= 0
    assert main(["motion", lines[1], "--model", "walk2d", "--lap", "once"]) == 0
    assert " in 24 frames, " in capsys.readouterr().out


def test_the_same_seed_writes_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for name, seed, threads in (("a", "3", "1"), ("b", "3", "2"), ("c", "4", "1")):
        out = tmp_path / f"{name}.npz"
        given = ["--seconds", "0.3", "--seed", seed, "--num-threads", threads]
        assert main(["rollout", str(small_run()), "--out", str(out), *given]) == 0
        with np.load(out) as arrays:
            found.append(arrays["qpos"])
    capsys.readouterr()
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0][0] != found[2][0]).any()


def test_an_episode_that_ends_by_itself_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rollout", str(small_run()), "--out", str(tmp_path / "fall.csv"), "--seconds", "30"]) == 0
    assert " s, ended by itself before 30 s\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "walk.trc"], "--out: expected a file ending in .mot, .sto, .bvh, .csv, .npz, got walk.trc"),
        (["--out", "none/walk.mot"], "--out: expected a file in an existing folder, got the folder none"),
        (["--out", "walk.mot", "--episodes", "0"], "--episodes: expected 1 to 10000, got 0"),
        (["--out", "walk.mot", "--seconds", "0"], "--seconds: expected 0.1 to 3600, got 0"),
        (["--out", "walk.mot", "--seed", "-1"], "--seed: expected 0 or more and less than 2**63, got -1"),
        (["--out", "walk.mot", "--hz", "481"], "--hz: expected 4 to 480, the steps of the simulation, got 481"),
        (["--out", "walk.mot", "--hz", "nan"], "--hz: expected 4 to 480, the steps of the simulation, got nan"),
        (["--out", "walk.mot", "--num-threads", "0"], "--num-threads: expected 1 or more, got 0"),
        ([], "soleus rollout: expected --out, got none; see soleus rollout --help"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    run = small_run()
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert main(["rollout", str(run), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err == f"error: {message}\n"
    assert list(tmp_path.iterdir()) == []
