"""`soleus learn`: errors in one line, and what it prints and writes."""

import json
from pathlib import Path

import pytest

from conditioned_run import conditioned_run
from made_policy import made_forward
from refusal import error_of
from small_run import small_run
from soleus.cli import main
from soleus.inverse.store import save_forward


@pytest.fixture
def network(tmp_path: Path) -> Path:
    save_forward(tmp_path / "made.pt", made_forward())
    return tmp_path / "made.pt"


def test_a_motion_from_the_network_and_conditions_back(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    walk = tmp_path / "walk.csv"
    asked = ["--at", "speed=1.25", "--at", "strength.soleus=0.5"]
    assert main(["rollout", str(network), *asked, "--out", str(walk)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [str(walk)], "poses alone"
    assert main(["motion", str(walk), "--model", "walk2d", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["speed_m_s"] == pytest.approx(1.25, abs=0.03)
    out = tmp_path / "found.json"
    assert main(["learn", "backward", str(network), "--motion", str(walk), "--out", str(out), "--seed", "3"]) == 0
    said = capsys.readouterr().out
    found = json.loads(out.read_text())
    assert found["conditions"]["speed"]["found"] == pytest.approx(1.25, abs=0.03)
    assert found["conditions"]["strength.soleus"]["found"] == pytest.approx(0.5, abs=0.1)
    assert found["untold"] == ["strength.vasti"]
    assert f"--at {found['at']}" in said
    assert "the gait does not tell it" in said
    before = out.read_bytes()
    again = ["--motion", str(walk), "--out", str(out), "--seed", "3", "--num-threads", "1"]
    assert main(["learn", "backward", str(network), *again]) == 0
    assert out.read_bytes() == before


def test_seconds_of_a_network(network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rollout", str(network), "--out", str(tmp_path / "a.mot"), "--seconds", "3", "--hz", "100"]) == 0
    assert capsys.readouterr().out.startswith("300 rows, 2.990 s\n")
    assert main(["motion", str(tmp_path / "a.mot"), "--model", "walk2d"]) == 0


def test_runs_of_which_nothing_is_learnt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain, run = str(small_run()), str(conditioned_run())
    assert (
        error_of(capsys, "learn", "forward", plain) == f"{plain}: expected a run with conditions, got one without any"
    )
    said = error_of(capsys, "learn", "forward", run, "--motions", "40", "--cycles", "2")
    assert said.startswith(f"{run}: expected 32 motions or more that last, got ")
    assert said.endswith(" of 40: the policy falls, or --motions are too few")
    assert not (Path(run) / "forward.pt").exists()
    said = error_of(capsys, "learn", "backward", run, "--motion", "walk")
    expected = (
        f"{run}/forward.pt: expected the network of the run's gaits, got none: soleus learn forward {run} makes it"
    )
    assert said == expected


def test_the_network_of_another_checkpoint(capsys: pytest.CaptureFixture[str]) -> None:
    run = conditioned_run()
    file = run / "forward.pt"
    save_forward(file, made_forward())
    try:
        said = error_of(capsys, "learn", "backward", str(run), "--motion", "walk")
    finally:
        file.unlink()
    assert f"{file}: expected the network of best.pt, got that of another checkpoint, of 0 steps" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["forward", "RUN", "--motions", "8"], "--motions: expected 32 to 1000000, got 8"),
        (["forward", "RUN", "--cycles", "1"], "--cycles: expected 2 to 100, got 1"),
        (["forward", "RUN", "--seed", "-1"], "--seed: expected 0 or more and less than 2**63, got -1"),
        (["forward", "RUN", "--num-threads", "0"], "--num-threads: expected 1 or more, got 0"),
        (["forward", "RUN", "--motion", "a.mot"], "--motion: expected it for soleus learn backward alone, got a.mot"),
        (["forward", "RUN", "--at", "speed=1"], "--at: expected it for soleus learn backward alone, got speed=1"),
        (["forward", "RUN", "--out", "no/a.pt"], "--out: expected a file in an existing folder, got the folder no"),
        (["forward", "RUN", "--out", "."], "--out: expected a file, got the folder ."),
        (
            ["forward", "s3://none/walk"],
            "--out: expected a file for the network of a run at a URL, got none beside s3:",
        ),
        (["forward", "NETWORK"], "NETWORK: expected a checkpoint in a run's checkpoints/ folder"),
        (["backward", "NETWORK"], "--motion: expected the motion whose conditions are to be found, got none"),
        (
            ["backward", "NETWORK", "--motion", "walk", "--cycles", "3"],
            "--motions and --cycles: expected them for soleus",
        ),
        (["backward", "NETWORK", "--motion", "no.mot"], "no.mot"),
        (["backward", "NETWORK", "--motion", "wlak"], "unknown motion 'wlak': expected one of walk, run"),
        (["backward", "NETWORK", "--motion", "walk", "--at", "sped=1"], "--at expected one of the conditions speed"),
        (["backward", "NETWORK", "--motion", "walk", "--at", "speed=9"], "--at speed: expected a value within 0.8 and"),
        (
            ["backward", "NETWORK", "--motion", "walk", "--checkpoint", "latest"],
            "--checkpoint: expected it with a run, got",
        ),
        (["backward", "none", "--motion", "walk"], "none: expected a run folder (with config.yaml) or a checkpoint"),
        (["rollout", "NETWORK", "--seed", "3"], "--seed: expected it with a run, got it with the network NETWORK"),
        (["rollout", "NETWORK", "--at", "speed=9"], "--at speed: expected a value within 0.8 and 1.6, got 9"),
        (["rollout", "NETWORK", "--hz", "1000"], "--hz: expected 4 to 480, the steps of the simulation, got 1000"),
    ],
)
def test_mistakes_end_in_a_line(
    arguments: list[str], message: str, network: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(network.parent)
    names = {"RUN": str(conditioned_run()), "NETWORK": str(network)}
    given = [names.get(one, one) for one in arguments]
    verb = [*given, "--out", "a.mot"] if given[0] == "rollout" else ["learn", *given]
    assert message.replace("NETWORK", str(network)) in error_of(capsys, *verb)
    assert [path.name for path in network.parent.iterdir()] == ["made.pt"]
