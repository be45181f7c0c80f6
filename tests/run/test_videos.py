"""Videos that a run keeps of itself."""

import os
import sys
import time
from pathlib import Path

import pytest

from small_run import needs_gl, small_run
from soleus.cli import main
from soleus.run import checkpoint
from soleus.run.videos import Videos


@needs_gl
def test_a_run_keeps_videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    av = pytest.importorskip("av")
    monkeypatch.setattr("soleus.run.videos._SECONDS", 2)
    run = tmp_path / "run"
    assert main(["train", "test-walk2d-small", "--steps", "4096", "--video-every", "0.1s", "--run-dir", str(run)]) == 0
    made = list((run / "videos").iterdir())
    assert made
    for path in made:
        assert int(path.stem.removeprefix("step-")) in checkpoint.moments(run)
        with av.open(str(path)) as container:
            assert sum(1 for _ in container.decode(video=0)) == 60


def test_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soleus.run.videos.sys.executable", "/bin/sleep")  # which fails at once on such arguments
    videos = Videos(tmp_path, every=0.05)
    assert not videos.due
    time.sleep(0.06)
    assert videos.due
    videos.start(1)
    assert not videos.due
    videos.close(patient=False)
    time.sleep(0.06)
    assert videos.due


def test_environments_record_their_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["train", "--env", "gymnasium:CartPole-v1", "--steps", "64", "--video-every", "1m"]
    assert main([*arguments, "--run-dir", str(tmp_path / "run")]) == 2
    assert "train.video_every: expected none for environments that are not ours" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_videos_without_their_package_are_refused_before_the_training(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert main(["train", "test-walk2d-small", "--video-every", "1m", "--run-dir", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert error == "error: train.video_every: videos need PyAV, got none: pip install 'soleus[view]'\n"
    assert os.listdir(tmp_path) == []


def test_moments_are_thinned(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for steps in range(0, 3100, 100):
        checkpoint.save_moment(folder, {"counters": {"steps": steps}, "policy": {}, "muscle": None})
        there = checkpoint.moments(tmp_path)
        assert (there[0], there[-1]) == (0, steps)
        assert len(there) <= checkpoint.MOMENTS
    assert len(there) > checkpoint.MOMENTS // 2


def test_a_moment_is_not_to_be_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    run = small_run()
    moment = run / "checkpoints" / f"step-{checkpoint.moments(run)[0]}.pt"
    capsys.readouterr()
    assert main(["train", "--resume", str(moment), "--train.steps", "99999"]) == 2
    assert (
        "expected a checkpoint to go on from, such as latest.pt, got one that has only the policy"
        in capsys.readouterr().err
    )
