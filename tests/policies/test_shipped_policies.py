"""Policies that come with the package: they walk, are found by their names, and the package stays as it is."""

import shutil
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import yaml

import soleus
from conditioned_run import conditioned_run
from refusal import error_of
from small_run import needs_gl, small_run
from soleus.cli import main
from soleus.cli.report import player_of
from soleus.config import HumanRunConfig, builtin, load_config, names
from soleus.run import checkpoint, inputs
from soleus.run.shipped import RECORD, beside, find_run, name_of, record_of
from soleus.run.trained import load_trained
from soleus.show.frames import MotionAct, PolicyAct
from soleus.show.view.subject import act_of, run_of

Contents = dict[str, tuple[int, int]]


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that one works in: nothing has been trained there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents() -> Contents:
    """Size and time of change of every file and folder of the policies."""
    folder = builtin.policy("walk2d").parent
    facts = {str(one): one.stat() for one in (folder, *folder.rglob("*"))}
    return {name: (one.st_size, one.st_mtime_ns) for name, one in facts.items()}


@pytest.mark.parametrize("name", builtin.policies())
def test_it_walks_in_the_lanes_to_the_end(name: str) -> None:
    found = soleus.evaluate(name, 2, engine="lanes")
    assert found["share_full"] == 1.0
    assert found["mean_length_s"] == pytest.approx(10.0)
    assert found["mean_speed_m_s"] == pytest.approx(record_of(name).evaluation["mean_speed_m_s"], abs=0.1)


@pytest.mark.parametrize("name", builtin.policies())
def test_it_is_data_of_the_package_and_a_small_run_folder(name: str) -> None:
    folder = resources.files("soleus") / "policies" / name
    for file in ("config.yaml", RECORD, "checkpoints/best.pt", inputs.INDEX):
        assert (folder / file).is_file()
    text = (folder / "config.yaml").read_text()
    assert not [line for line in text.splitlines() if ": /" in line or "- /" in line or "://" in line]
    content = checkpoint.read(builtin.policy(name) / "checkpoints" / checkpoint.BEST)
    assert [key for key in ("ppo", "muscle_learner", "collector") if content[key] is not None] == []
    record, config = record_of(name), load_config(builtin.policy(name) / "config.yaml")
    assert isinstance(config, HumanRunConfig)
    assert (content["counters"]["steps"], config.train.seed) == (record.steps, record.seed)
    assert record.preset in names("presets")
    assert record.evaluation["share_full"] == 1.0


def test_it_acts_in_python() -> None:
    policy = soleus.load("walk2d")
    env = policy.env(num_envs=2)
    observations, _ = env.reset(seed=0)
    assert np.isfinite(policy.act(observations)).all()


def test_a_folder_of_the_same_name_comes_first(empty: Path) -> None:
    assert name_of(find_run("walk2d")) == "walk2d"
    shutil.copytree(small_run(), "walk2d")
    assert find_run("walk2d") == Path("walk2d")
    assert name_of(Path("walk2d")) is None
    assert load_trained(find_run("walk2d")).steps == 8192
    assert run_of("walk2d") == Path("walk2d")
    assert beside(Path("walk2d"), "gait-report") == Path("walk2d/gait-report")
    assert load_config("walk2d", {"train.start_from": "walk2d"}).train.start_from == str(empty / "walk2d")
    assert load_config("walk2d", {"train.start_from": "walk-myolegs"}).train.start_from == "walk-myolegs"


def test_a_folder_that_is_no_run_hides_it(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (empty / "walk2d").mkdir()
    assert error_of(capsys, "evaluate", "walk2d") == (
        "walk2d: expected a run folder (with config.yaml), got something else, which hides the policy of this name"
    )


def test_what_is_shown_of_a_name() -> None:
    act, trained = act_of("walk2d", None, "best", None, 0)
    assert isinstance(act, PolicyAct)
    assert trained is not None
    assert trained.called == "walk2d"
    act, trained = act_of("walk2d", None, "best", "walk", 0)
    assert isinstance(act, MotionAct), "a motion that is asked for is that of the model"
    assert trained is None
    assert run_of("walk-myolegs", "walk") is None, "or of the preset"


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[::2]] == builtin.policies()
    (said,) = (below for line, below in zip(lines[::2], lines[1::2], strict=True) if line.split()[0] == "walk2d")
    record = record_of("walk2d")
    assert f"{record.steps:,} steps of walk2d, seed {record.seed}: 20 of 20 episodes last to the end at 1." in said
    assert said.endswith(f"likeness {record.likeness:.2f}")


def test_files_about_it_go_into_the_current_folder(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents()
    assert main(["report", "walk2d", "--episodes", "1", "--seconds", "4"]) == 0
    assert (empty / "walk2d-gait-report/report.html").is_file()
    assert not (empty / "walk2d-gait-report/curves.png").exists(), "no learning was recorded"
    assert str(builtin.policy("walk2d")) not in (empty / "walk2d-gait-report/report.json").read_text()
    assert main(["rollout", "walk2d", "--out", "walk.csv", "--seconds", "1"]) == 0
    assert main(["evaluate", "walk2d", "--episodes", "1"]) == 0
    assert (
        error_of(capsys, "learn", "forward", "walk2d") == "walk2d: expected a run with conditions, got one without any"
    )
    assert contents() == before


@needs_gl
def test_a_picture_of_it_goes_into_the_current_folder(empty: Path) -> None:
    before = contents()
    assert main(["record", "walk2d", "--out", "strip.png", "--size", "320x90"]) == 0
    assert (empty / "strip.png").is_file()
    assert contents() == before


def test_a_network_of_its_gaits_goes_into_the_current_folder(
    empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf = empty / "shelf"
    shutil.copytree(conditioned_run(), shelf / "varied")
    monkeypatch.setattr(builtin, "_policies", lambda: shelf)
    assert beside(builtin.policy("varied"), "forward.pt") == Path("varied-forward.pt")
    said = error_of(capsys, "learn", "backward", "varied", "--motion", "walk")
    assert said == (
        "varied-forward.pt: expected the network of the run's gaits, got none: soleus learn forward varied makes it"
    )
    assert main(["sweep", "varied", "--over", "stride=0.9:1.1:2", "--cycles", "1", "--out", "sweep.csv"]) == 0
    known, _ = player_of("varied", "best", 1, 4.0, 0, 1)
    assert known["name"] == "varied"
    assert sorted(one.name for one in shelf.iterdir()) == ["varied"]


def test_a_new_run_begins_with_it(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--steps", "4096", "--train.eval_episodes", "2", "--run-dir", "new"]
    assert main(["train", "walk2d", "--train.start_from", "walk2d", *flags]) == 0
    said = capsys.readouterr().out
    assert f"starting from {builtin.policy('walk2d') / 'checkpoints/best.pt'}; the value function new" in said
    assert "2 of 2 episodes last to the end" in said
    assert yaml.safe_load((empty / "new/config.yaml").read_text())["train"]["start_from"] == "walk2d"
    assert main(["train", "--resume", "new", "--steps", "8192"]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["evaluate", "wlak2d"],
            "wlak2d: expected a run folder (with config.yaml) or a checkpoint file, or a policy that comes along"
            f" ({', '.join(builtin.policies())}), got none of them (did you mean 'walk2d'?)",
        ),
        (
            ["train", "--resume", "walk2d"],
            "--resume: expected a run, got the policy 'walk2d', which comes along without what its training would go on"
            " from; a new run begins with it by --train.start_from walk2d",
        ),
        (
            ["record", "walk2d", "--checkpoint", "latest"],
            "--checkpoint: expected none beside the policy 'walk2d', which has one, got latest",
        ),
        (
            ["compare", "walk2d", "walk2d"],
            "walk2d: expected a run with the records of its training, got a policy, which has none",
        ),
        (["doctor", "walk2d"], "walk2d: expected a run with the records of its training, got a policy, which has none"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_mistakes_with_a_name_are_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of(capsys, *arguments) == said


def test_a_new_run_cannot_begin_with_what_is_none(capsys: pytest.CaptureFixture[str], empty: Path) -> None:
    said = error_of(capsys, "train", "walk2d", "--train.start_from", "walk-2d", "--run-dir", "new")
    assert said.startswith(f"train.start_from: {empty / 'walk-2d'}: expected a run folder (with config.yaml) or a ")
    assert said.endswith("(did you mean 'walk2d'?)")
    said = error_of(
        capsys, "train", "walk2d", "--train.start_from", "walk2d", "--policy.hidden", "8", "--run-dir", "new"
    )
    assert said.startswith(
        f"train.start_from: {builtin.policy('walk2d')}/checkpoints/best.pt: policy: unexpected tensor "
    )
    assert not (empty / "new").exists()
