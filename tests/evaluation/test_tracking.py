"""How closely joints follow a motion, of a policy that asks for the motion's own poses."""

import json
from pathlib import Path

import pytest

from soleus.api import evaluate
from soleus.cli import main
from soleus.errors import UserError


def train(folder: Path, *flags: str) -> Path:
    run = folder / "run"
    main(["train", "test-walk2d-small", "--steps", "1024", "--train.eval-episodes", "0", *flags, "--run-dir", str(run)])
    return run


def test_each_joint_is_compared_with_the_motion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(tmp_path)
    capsys.readouterr()
    main(["evaluate", str(run), "--checkpoint", "latest", "--episodes", "3", "--joints", "--json"])
    found = json.loads(capsys.readouterr().out)["joints"]
    joints = {one["joint"]: one for one in found}
    assert joints.keys() == {
        f"{joint}_{side}" for joint in ("hip_flexion", "knee_angle", "ankle_angle") for side in "rl"
    }
    # The motion's own range is the built-in walk's; whoever falls after half a second has gone along at first.
    assert joints["knee_angle_r"]["range"] <= 65
    assert all(0 < one["rms"] < 40 and -1 <= one["correlation"] <= 1 for one in found)
    assert joints["knee_angle_r"]["correlation"] > 0.5
    main(["evaluate", str(run), "--checkpoint", "latest", "--episodes", "3", "--joints"])
    table = capsys.readouterr().out.splitlines()
    assert table[1].split()[:2] == ["joint", "rms"]
    assert len(table) == 2 + 6


def test_a_run_without_a_motion_has_nothing_to_compare(tmp_path: Path) -> None:
    run = train(tmp_path, "--motion", "null", "--task", "walk", "--policy.mirror", "false")
    with pytest.raises(UserError, match="expected a run that imitates a motion, got one without"):
        evaluate(run, 2, checkpoint="latest", joints=True)
