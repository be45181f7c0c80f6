"""A policy that was trained, played, learnt and asked back."""

import functools
import json
import tempfile
from pathlib import Path

import pytest

from soleus.cli import main
from soleus.inverse import backward, learning

CONDITIONS = """
base: walk2d
conditions:
  speed: [0.9, 1.4]
  strength.plantarflexors: [0.4, 1]
task:
  observation: {conditions: {}}
"""


@functools.cache
def trained_run() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="soleus-inverse-"))
    (folder / "mine.yaml").write_text(CONDITIONS)
    assert main(["train", str(folder / "mine.yaml"), "--steps", "700000", "--run-dir", str(folder / "run")]) == 0
    return folder / "run"


@pytest.mark.slow
def test_what_made_a_gait_is_found_at_any_number_of_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "_STEPS", 500)
    monkeypatch.setattr(backward, "PEOPLE", 16)
    run = str(trained_run())
    for threads, name in (("1", "one.pt"), ("2", "two.pt")):
        given = ["--motions", "96", "--num-threads", threads, "--out", str(tmp_path / name)]
        assert main(["learn", "forward", run, *given]) == 0
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "two.pt").read_bytes()
    (trained_run() / "forward.pt").write_bytes((tmp_path / "one.pt").read_bytes())
    walk = tmp_path / "walk.mot"
    at = ["--at", "speed=1.2,strength.plantarflexors=0.55"]
    assert main(["rollout", run, *at, "--seed", "9", "--seconds", "8", "--out", str(walk)]) == 0
    found = []
    for threads in ("1", "2"):
        out = tmp_path / f"found-{threads}.json"
        given = ["--motion", str(walk), "--num-threads", threads, "--out", str(out)]
        assert main(["learn", "backward", run, *given]) == 0
        found.append(json.loads(out.read_text()))
    assert found[0] == found[1]
    conditions = found[0]["conditions"]
    assert conditions["speed"]["found"] == pytest.approx(1.2, abs=0.05)
    assert conditions["strength.plantarflexors"]["found"] == pytest.approx(0.55, abs=0.15)
    assert found[0]["degrees"]["found"] < found[0]["degrees"]["defaults"]
