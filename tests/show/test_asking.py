"""A run with conditions is looked at under values that were asked for."""

import json
from pathlib import Path

import numpy as np
import pytest

from soleus.cli import main
from soleus.errors import UserError
from soleus.run.trained import load_trained
from soleus.show.frames import PolicyAct

CONDITIONS = {"size": "[0.8, 1.2]", "strength.all": "[0.5, 1]"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a policy that has learnt nothing."""
    folder = tmp_path_factory.mktemp("runs") / "varied"
    flags = [part for name, text in CONDITIONS.items() for part in (f"--conditions.{name}", text)]
    seen = ["--task.observation.conditions", "{}", "--steps", "256", "--train.eval-episodes", "0"]
    assert main(["train", "test-walk2d-small", *flags, *seen, "--run-dir", str(folder)]) == 0
    return folder


def test_an_act_takes_other_values(run: Path) -> None:
    act = PolicyAct(load_trained(run, at={"size": 0.9}))
    assert act.conditions == {"size": (0.8, 1.2, 0.9), "strength.all": (0.5, 1.0, 1.0)}
    before = act.human.root_height
    act.ask({"size": 1.1})
    act.reset()
    assert act.conditions["size"][2] == 1.1
    assert act.human.root_height == pytest.approx(before * 1.1 / 0.9)
    frame = next(act.frames())
    assert np.isfinite(frame.qpos).all()
    with pytest.raises(UserError, match=r"size: expected a value within 0\.8 and 1\.2, got 2"):
        act.ask({"size": 2.0})
    with pytest.raises(UserError, match="did you mean 'size'"):
        act.ask({"siz": 1.0})


def test_what_is_evaluated_and_recorded(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for at in (["--at", "size=0.8"], ["--at", "default"], []):
        assert main(["evaluate", str(run), "--episodes", "2", "--json", *at]) == 0
        found.append(json.loads(capsys.readouterr().out)["mean_return"])
    assert len(set(found)) == 3
    assert main(["record", str(run), "--at", "size=1.2", "--out", str(tmp_path / "a.png"), "--size", "200x100"]) == 0
    assert (tmp_path / "a.png").is_file()
    for wrong, said in (("siz=1", "did you mean 'size'"), ("size=2", "within 0.8 and 1.2"), ("size", "NAME=VALUE")):
        capsys.readouterr()
        assert main(["evaluate", str(run), "--at", wrong]) == 2
        assert said in capsys.readouterr().err
