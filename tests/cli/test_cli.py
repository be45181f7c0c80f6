import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import point_mass
from soleus.cli import main
from soleus.config import load_config


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("hold.yaml").write_text(yaml.safe_dump(point_mass.CONFIG))
    return "hold.yaml"


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("error: ").strip()


@pytest.mark.usefixtures("point_mass_core")
def test_train_evaluate_resume(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", file, "--steps", "1024", "--seed=3", "--num-envs", "8", "--ppo.epochs", "2"]) == 0
    out = capsys.readouterr().out
    (run,) = Path("runs").iterdir()
    assert run.name.startswith("hold-2")
    assert run.name.endswith("-1")
    assert f"run: {run}  (1,024 steps in" in out
    assert "evaluation: " in out
    config = load_config(run / "config.yaml")
    assert (config.train.seed, config.train.num_envs, config.ppo.epochs) == (3, 8, 2)

    assert main(["evaluate", str(run), "--episodes", "4", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["episodes"] == 4
    assert main(["evaluate", str(run / "checkpoints/latest.pt"), "--episodes", "4"]) == 0
    assert "of 4 episodes last to the end" in capsys.readouterr().out

    assert "expected a new folder" in error_of(capsys, "train", file, "--run-dir", str(run))
    assert main(["train", "--resume", str(run), "--steps", "1536"]) == 0
    assert json.loads((run / "summary.json").read_text())["steps"] == 1536
    assert error_of(capsys, "train", "--resume", str(run), "--ppo.epochs", "3").startswith(
        "ppo.epochs: a resumed run keeps its configuration; expected only train."
    )


@pytest.mark.usefixtures("point_mass_core")
def test_duration_stands_for_the_steps_of_the_preset(file: str) -> None:
    assert main(["train", file, "--duration", "0.2s", "--run-dir", "r"]) == 0
    config = load_config("r/config.yaml")
    assert (config.train.steps, config.train.duration) == (None, 0.2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian", "walk2d"], "expected a verb of train, evaluate,"),
        (["train"], "expected a preset (see `soleus presets`) or YAML file, or --resume RUN, got neither"),
        (
            ["train", "walk2d", "--resume", "r"],
            "expected a preset (see `soleus presets`) or YAML file, or --resume RUN, got both",
        ),
        (["train", "walk2"], "unknown preset 'walk2' (did you mean 'walk2d'?); expected a YAML file or one of"),
        (["train", "hold.yaml", "--steps", "9", "--duration", "3s"], "expected --steps or --duration, got both"),
        (["train", "hold.yaml", "--steps", "x"], "hold.yaml: train.steps: expected a valid integer, got 'x'"),
        (
            ["train", "hold.yaml", "--num-envs", "0"],
            "hold.yaml: train.num_envs: expected greater than or equal to 1, got 0",
        ),
        (["train", "hold.yaml", "--num-env", "4"], "unknown key 'num_env' (did you mean 'train.num_envs'?)"),
        (["train", "hold.yaml", "--ppo.epoch", "4"], "unknown key 'ppo.epoch' (did you mean 'ppo.epochs'?)"),
        (["train", "--resume", "nosuch"], "nosuch: expected a run folder (with config.yaml) or a checkpoint file"),
        (["evaluate", "nosuch"], "nosuch: expected a run folder (with config.yaml) or a checkpoint file"),
        (["evaluate", "nosuch", "--episodes", "0"], "--episodes: expected 1 or more, got 0"),
    ],
)
def test_wrong_usage_is_one_line(
    file: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert error_of(capsys, *arguments).startswith(message)


def test_presets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets"]) == 0
    out = capsys.readouterr().out
    assert {"walk2d", "walk-myolegs", "walk-myolegs-network", "run-free-myolegs"} <= {
        line.split()[0] for line in out.splitlines()
    }


def in_a_fresh_process(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", f"import sys, {code}"], capture_output=True, text=True, check=True)
    return result.stdout.strip()


def test_help_imports_neither_torch_nor_mujoco() -> None:
    assert in_a_fresh_process("soleus.cli; print([m for m in ('torch', 'mujoco') if m in sys.modules])") == "[]"


def test_the_learners_threads_sleep_while_they_wait() -> None:
    code = "os, soleus.cli; soleus.cli.main(['presets']); print(os.environ['OMP_WAIT_POLICY'])"
    assert in_a_fresh_process(code).splitlines()[-1] == "passive"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate"], "Missing from soleus evaluate: PATH"),
        (["evaluate", "x", "--episods", "3"], "Unrecognized options: --episods, 3 (did you mean '--episodes'?)"),
        (["evaluate", "x", "--episodes", "three"], "Error parsing --episodes"),
        (["bench", "rolout"], "invalid choice 'rolout'"),
        (["presets", "more"], "Unrecognized options: more; see soleus presets --help"),
        (["bench", "rollout", "--ppo.epoch", "3"], "unknown key 'ppo.epoch' (did you mean 'ppo.epochs'?)"),
    ],
)
def test_usage_errors_are_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {message}")
    assert error.count("\n") == 1
