"""The maintainers' script that puts a run's policy into the package."""

import hashlib
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from loose_module import load_module
from small_run import small_run
from soleus.config import builtin, load_config
from soleus.errors import UserError
from soleus.run import inputs
from soleus.run.shipped import RECORD, Record, record_of

SCRIPT = Path(__file__).parents[2] / "scripts/ship_policy.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_module(SCRIPT)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that walks, with paths of this machine in its configuration."""
    folder = tmp_path / "run"
    shutil.copytree(builtin.policy("walk2d"), folder)
    raw = yaml.safe_load((folder / "config.yaml").read_text())
    raw["train"] |= {"start_from": str(tmp_path / "before"), "checkpoint_url": f"file://{tmp_path}/copy"}
    raw["ppo"]["gamma"] = 0.97
    (folder / "config.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    return folder


def test_a_policy_and_its_record(script: ModuleType, run: Path, tmp_path: Path) -> None:
    (tmp_path / "policies/stroll/old").mkdir(parents=True)
    record = script.ship(run, "stroll", "walk2d", tmp_path / "policies")
    made, given = tmp_path / "policies/stroll", builtin.policy("walk2d")
    files = sorted(str(one.relative_to(made)) for one in made.rglob("*") if one.is_file())
    assert files == ["checkpoints/best.pt", "config.yaml", "inputs/index.json", RECORD]
    assert str(tmp_path) not in (made / "config.yaml").read_text() + (made / inputs.INDEX).read_text()
    assert load_config(made / "config.yaml").train.start_from is None
    assert (made / "checkpoints/best.pt").stat().st_size == (given / "checkpoints/best.pt").stat().st_size
    assert record.changes == {"ppo.gamma": 0.97, "train.start_from": "the weights of another run"}
    known = record_of("walk2d")
    assert (record.steps, record.seed, record.likeness) == (
        known.steps,
        known.seed,
        pytest.approx(known.likeness, abs=0.1),
    )
    assert Record.model_validate(yaml.safe_load((made / RECORD).read_text())) == record


def test_fitted_paths_go_along(script: ModuleType, tmp_path: Path) -> None:
    trained = script.load_trained(builtin.policy("walk-myolegs"))
    (tmp_path / "legs/checkpoints").mkdir(parents=True)
    script.write_policy(trained, tmp_path / "legs")
    inputs.check(tmp_path / "legs")
    config = load_config(tmp_path / "legs/config.yaml")
    assert Path(config.control.paths_file).is_relative_to(tmp_path / "legs")  # type: ignore[union-attr, arg-type]


@pytest.mark.parametrize(
    ("name", "preset", "said"),
    [
        ("Stroll", "walk2d", "NAME: expected lower-case letters and digits, with dashes between them, got 'Stroll'"),
        ("../stroll", "walk2d", "NAME: expected lower-case letters and digits"),
        ("stroll", "walk2", r"--preset: expected the preset that .* by, got 'walk2' \(did you mean 'walk2d'\?\)"),
    ],
)
def test_names_that_are_none(script: ModuleType, run: Path, tmp_path: Path, name: str, preset: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        script.ship(run, name, preset, tmp_path / "policies")
    assert not (tmp_path / "policies").exists()


def test_a_policy_that_falls_is_not_shipped(script: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a policy whose 20 episodes last to the end, got 0 that do"):
        script.ship(small_run(), "stumble", "test-walk2d-small", tmp_path / "policies")
    assert not (tmp_path / "policies").exists()


def test_what_others_lack_is_not_shipped(script: ModuleType, run: Path, tmp_path: Path) -> None:
    (run / "inputs/motion").mkdir()
    (run / "inputs/motion/mine.csv").write_bytes(b"of a user")
    digest = hashlib.sha256(b"of a user").hexdigest()
    facts = {"from": "/home/mine.csv", "sha256": digest, "sha256_there": digest}
    index = json.loads((run / inputs.INDEX).read_text())
    index["files"] = {"motion": {"inputs/motion/mine.csv": facts}}
    (run / inputs.INDEX).write_text(json.dumps(index))
    with pytest.raises(UserError, match="motion: expected a model and a motion that everybody has, got the file /home"):
        script.ship(run, "stroll", "walk2d", tmp_path / "policies")
    assert not (tmp_path / "policies").exists()


def test_a_path_of_the_machine_is_not_shipped(script: ModuleType, run: Path, tmp_path: Path) -> None:
    raw = yaml.safe_load((run / "config.yaml").read_text())
    raw["motion"] = str(tmp_path / "gone.csv")
    (run / "config.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    (tmp_path / "made/checkpoints").mkdir(parents=True)
    with pytest.raises(UserError, match="expected a configuration without paths of this machine, got motion: /"):
        script.write_policy(script.load_trained(run), tmp_path / "made")


def test_on_the_command_line(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["ship_policy.py", "nowhere", "stroll", "--preset", "walk2d"])
    assert script.main() == 2
    said = capsys.readouterr().err
    assert said == "error: nowhere: expected a run folder (with config.yaml) or a checkpoint file, got neither\n"
