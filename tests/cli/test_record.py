"""soleus record: films and strips that show a walker."""

import itertools

import numpy as np
import pytest
from PIL import Image

from small_run import muscles_seen, needs_gl, small_run
from soleus.cli import main
from soleus.run import checkpoint
from soleus.run.trained import load_trained
from soleus.show.frames import PolicyAct
from soleus.show.record import _longest

av = pytest.importorskip("av", reason="PyAV is not here")


def frames_of(path):
    if path.suffix == ".mp4":
        with av.open(str(path)) as container:
            rate = float(container.streams.video[0].average_rate)
            return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)], rate
    with Image.open(path) as image:
        count, duration = image.n_frames, image.info["duration"]
        frames = []
        for number in range(count):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGB")))
    return frames, 1000 / duration


@needs_gl
@pytest.mark.parametrize("name", ["walk.mp4", "walk.gif"])
def test_the_walker_is_in_frame_through_the_clip(name, tmp_path, capsys):
    out = tmp_path / name
    flags = ["--seconds", "2", "--camera", "side", "--size", "400x480", "--ghost"]
    assert main(["record", str(small_run()), "--out", str(out), *flags]) == 0
    assert capsys.readouterr().out.strip().endswith(name)
    frames, fps = frames_of(out)
    assert len(frames) == 60
    assert fps == pytest.approx(30, rel=0.12)  # a GIF counts in hundredths of a second
    for image in frames:
        assert image.shape == (480, 400, 3)
        rows, columns = np.nonzero(muscles_seen(image))
        assert len(rows) > 40
        assert abs(columns.mean() - 200) < 90
        assert rows.max() < 474
    moved = [np.abs(a.astype(int) - b).mean() for a, b in itertools.pairwise(frames)]
    assert min(moved[5:]) > 0.01, "it moves in every frame"


@needs_gl
def test_a_strip_is_a_row_of_poses(tmp_path):
    out = tmp_path / "strip.png"
    assert main(["record", str(small_run()), "--out", str(out), "--size", "960x200", "--camera", "side"]) == 0
    image = np.asarray(Image.open(out).convert("RGB"))
    assert image.shape == (200, 960, 3)
    poses = np.split(image, 8, axis=1)
    legs = [muscles_seen(pose) for pose in poses]
    for seen in legs:
        rows, columns = np.nonzero(seen)
        assert len(rows) > 40
        assert abs(columns.mean() - 60) < 40, "in the middle of its part"
        assert rows.max() - rows.min() >= 60, "legs are a third of the picture, and more, in height"
    for one, other in itertools.pairwise(legs):
        assert (one ^ other).sum() > 0.3 * (one | other).sum(), "no two poses are the same"


def test_a_strip_is_of_one_episode():
    act = PolicyAct(load_trained(small_run()), fps=30)
    seen = _longest(act, 10_000)  # longer than who cannot walk yet lasts
    assert 10 < len(seen) < 10_000
    assert len({one.episode for one in seen}) == 1
    assert len(_longest(act, 12)) == 12


@needs_gl
def test_an_early_checkpoint_can_be_chosen(tmp_path):
    steps = checkpoint.moments(small_run())[0]
    out = tmp_path / "early.gif"
    arguments = ["record", str(small_run()), "--out", str(out), "--seconds", "0.2", "--size", "80x80"]
    assert main([*arguments, "--checkpoint", str(steps)]) == 0
    assert len(frames_of(out)[0]) == 6


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--out", "walk.avi"], "--out: expected a file ending in .mp4, .gif, .png, got walk.avi"),
        (["--out", "none/walk.mp4"], "--out: expected a file in an existing folder, got the folder none"),
        (["--size", "640"], "--size: expected a width and a height up to 4096 such as 640x480, got '640'"),
        (["--seconds", "0"], "--seconds: expected more than 0"),
        (["--out", "s.png", "--seconds", "3"], "--seconds: expected none for a strip"),
        (["--checkpoint", "7"], "expected steps of which a checkpoint is kept"),
        (["--checkpoint", "worst"], "--checkpoint: expected best, latest, previous or a number of steps, got 'worst'"),
    ],
)
def test_mistakes_are_one_line(flags, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run = small_run()
    capsys.readouterr()
    assert main(["record", str(run), *flags]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_without_its_muscle_network_is_an_error(tmp_path, capsys):
    run = small_run()
    content = checkpoint.read(run / "checkpoints" / "latest.pt")
    lamed = tmp_path / "run"
    (lamed / "checkpoints").mkdir(parents=True)
    config = (run / "config.yaml").read_text().replace("method: static_optimization", "method: network")
    assert "method: network" in config
    (lamed / "config.yaml").write_text(config)
    checkpoint.write(lamed / "checkpoints" / "latest.pt", {**content, "muscle": None})
    capsys.readouterr()
    for verb in (["record", str(lamed)], ["evaluate", str(lamed)], ["view", str(lamed)]):
        assert main(verb) == 2
        assert "expected the weights of the muscle network" in capsys.readouterr().err


def test_a_run_of_other_environments_is_an_error(tmp_path, capsys):
    run = tmp_path / "cart"
    assert main(["train", "--env", "gymnasium:CartPole-v1", "--steps", "64", "--num-envs", "2", "--run-dir", str(run),
                 "--train.rollout_steps", "16", "--ppo.minibatches", "1"]) == 0  # fmt: skip
    capsys.readouterr()
    assert main(["record", str(run)]) == 2
    assert "expected a run of a human, got one of 'gymnasium:CartPole-v1'" in capsys.readouterr().err


@needs_gl
def test_a_film_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    out = tmp_path / "walk.mp4"
    out.write_bytes(b"an older one")

    def stops(self, stage, camera):
        raise KeyboardInterrupt

    monkeypatch.setattr("soleus.render.painter.Painter.paint", stops)
    assert main(["record", str(small_run()), "--out", str(out), "--seconds", "1"]) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["walk.mp4"]
    assert out.read_bytes() == b"an older one"


def test_an_unknown_opengl_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("MUJOCO_GL", "bogus")
    assert main(["presets"]) == 2
    assert capsys.readouterr().err == (
        "error: MUJOCO_GL: expected one of egl, osmesa, glfw, glx, or that it is not set, got 'bogus'\n"
    )
