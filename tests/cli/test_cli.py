import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import point_mass
from run_folders import parallel, sequential
from soleus.cli import main
from soleus.config import HumanRunConfig, load_config


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
    assert main(["train", "--resume", str(run), "--steps", "2048", "--ppo.epochs", "3"]) == 0
    assert "going on with ppo.epochs 3 (was 2)" in capsys.readouterr().out
    assert error_of(capsys, "train", "--resume", str(run), "--policy.activation", "relu").startswith(
        "policy.activation: expected tanh as the run began, got relu: "
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
        (["evaluate", "nosuch", "--seed", "-3"], "--seed: expected 0 or more and less than 2**63, got -3"),
        (["evaluate", "nosuch", f"--seed={2**63}"], f"--seed: expected 0 or more and less than 2**63, got {2**63}"),
        (["evaluate", "nosuch", "--num-threads", "0"], "--num-threads: expected 1 or more, got 0"),
        (["evaluate", "nosuch", "--noise", "lots"], "--noise: expected NAME=VALUE,... such as observation=0.05,"),
        (["train", "hold.yaml", "--run-dir", "/proc/x"], "/proc/x: expected a folder that can be made, but "),
        (["train", "hold.yaml", "--rounds", "3"], "unknown key 'rounds'"),
        (["bench", "rollout", "hold.yaml", "--seed", "3"], "unknown key 'seed' (did you mean 'train.seed'?)"),
        (["bench", "rollout", "hold.yaml", "--steps", "5"], "unknown key 'steps' (did you mean 'train.steps'?)"),
        (["bench", "rollout", "hold.yaml", "--rounds", "0"], "--rounds: expected 1 or more, got 0"),
        (
            ["bench", "rollout", "hold.yaml", "--train.num_envs", "0"],
            "hold.yaml: train.num_envs: expected greater than or equal to 1, got 0",
        ),
    ],
)
def test_wrong_usage_is_one_line(
    file: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert error_of(capsys, *arguments).startswith(message)


@pytest.mark.parametrize("place", ["nosuch/x.md", "hold.yaml/x.md", "."])
@pytest.mark.usefixtures("file")
def test_a_record_is_refused_before_measuring(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr("soleus.cli.bench._measure", None)
    message = f"--record: expected a Markdown file in a folder that can be written to, got {place}"
    assert error_of(capsys, "bench", "rollout", "hold.yaml", "--record", place) == message


def test_bench_takes_every_key_and_its_own_number_of_humans(
    file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[HumanRunConfig] = []
    monkeypatch.setattr("soleus.cli.bench._measure", lambda what, config, rounds: asked.append(config) or {})
    for flags in ([], ["--train.num_envs", "8", "--train.seed", "3"], ["--num-envs", "4", "--num-threads=2"]):
        assert main(["bench", "rollout", file, *flags]) == 0
    assert [config.train.num_envs for config in asked] == [32, 8, 4]
    assert [config.train.num_threads for config in asked] == [1, 1, 2]
    assert asked[1].train.seed == 3
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("point_mass_core")
def test_a_checkpoint_outside_of_a_run(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", file, "--steps", "512", "--run-dir", "run"]) == 0
    capsys.readouterr()
    Path("stray.pt").write_bytes(Path("run/checkpoints/latest.pt").read_bytes())
    for arguments in (["evaluate", "stray.pt"], ["train", "--resume", "stray.pt"]):
        assert error_of(capsys, *arguments).startswith("stray.pt: expected a checkpoint in a run's checkpoints/ folder")


@pytest.mark.usefixtures("point_mass_core")
def test_resuming_a_checkpoint_file_from_its_own_folder(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["train", file, "--steps", "512", "--run-dir", "run"]) == 0
    monkeypatch.chdir("run/checkpoints")
    assert main(["train", "--resume", "latest.pt", "--steps", "1024"]) == 0
    assert json.loads(Path("../summary.json").read_text())["steps"] == 1024


@pytest.mark.parametrize("module", ["tyro", "yaml", "pydantic", "soleus.errors", "soleus.cli.train"])
def test_ctrl_c_while_it_starts_is_one_line(tmp_path: Path, module: str) -> None:
    """The command's own script, with a module whose import somebody interrupts."""
    script = tmp_path / "soleus"
    script.write_text(
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        "from soleus.cli import main\n"
        f"sys.modules.pop({module!r}, None)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "sys.exit(main(['train', 'nosuch']))\n"
    )
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (130, "interrupted\n")


def test_the_command_loads_nothing_before_it_can_be_interrupted(tmp_path: Path) -> None:
    script = tmp_path / "soleus"
    script.write_text(
        "import sys\nimport soleus.cli\n"
        "print([name for name in ('numpy', 'gymnasium', 'pydantic', 'yaml', 'tyro') if name in sys.modules])\n"
    )
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_presets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets"]) == 0
    out = capsys.readouterr().out
    assert {"walk2d", "walk-myolegs", "walk-myolegs-network", "run-free-myolegs"} <= {
        line.split()[0] for line in out.splitlines()
    }


@pytest.mark.parametrize("arguments", [["presets"], ["train", "--help"], ["compare", "a", "b", "--json"]])
def test_a_reader_that_leaves_ends_it_quietly(file: str, arguments: list[str]) -> None:
    """As in `soleus presets | head -1`: the first line that is written finds nobody."""
    for name, write in (("a", sequential), ("b", parallel)):
        write(Path(name))
    reading, writing = os.pipe()
    os.close(reading)
    code = f"import sys; from soleus.cli import main; sys.exit(main({arguments!r}))"
    result = subprocess.run(
        [sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (result.stderr, result.returncode) == ("", 128 + signal.SIGPIPE)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments", [["presets"], ["--version"], ["train", "--help"], ["compare", "a", "b", "--json"], ["terms"]]
)
def test_an_output_on_a_full_disk_is_one_line(file: str, arguments: list[str], unbuffered: str) -> None:
    for name, write in (("a", sequential), ("b", parallel)):
        write(Path(name))
    code = f"import sys; from soleus.cli import main; sys.exit(main({arguments!r}))"
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment
        )
    said = "error: the output could not be written (No space left on device)\n"
    assert (result.stderr, result.returncode) == (said, 2)


@pytest.mark.parametrize(("arguments", "code"), [(["presets"], 0), (["nope"], 2)])
def test_a_full_disk_behind_the_errors_changes_no_exit_code(arguments: list[str], code: int) -> None:
    run = f"import sys; from soleus.cli import main; sys.exit(main({arguments!r}))"
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-c", run]
        assert subprocess.run(command, stdout=subprocess.DEVNULL, stderr=full, check=False).returncode == code


def test_a_broken_pipe_to_somebody_else_is_an_error() -> None:
    code = (
        "from soleus.cli import main, verbs\n"
        "def fail(_): raise BrokenPipeError('of a worker')\n"
        "verbs.run = fail\n"
        "main(['presets'])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stderr.endswith("BrokenPipeError: of a worker\n")


def in_a_fresh_process(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", f"import sys, {code}"], capture_output=True, text=True, check=True)
    return result.stdout.strip()


def test_help_imports_neither_torch_nor_mujoco_nor_matplotlib() -> None:
    slow = "('torch', 'mujoco', 'matplotlib')"
    assert in_a_fresh_process(f"soleus.cli.verbs; print([m for m in {slow} if m in sys.modules])") == "[]"


def test_training_waits_for_nothing_that_it_may_not_need() -> None:
    """No MuJoCo for other environments, and no file system where no URL is given."""
    code = "soleus.training, soleus.run.trained; print([m for m in ('mujoco', 'fsspec') if m in sys.modules])"
    assert in_a_fresh_process(code) == "[]"


def test_the_learners_threads_sleep_while_they_wait() -> None:
    code = "os, soleus.cli; soleus.cli.main(['presets']); print(os.environ['OMP_WAIT_POLICY'])"
    assert in_a_fresh_process(code).splitlines()[-1] == "passive"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate"], "Missing from soleus evaluate: RUN"),
        (["evaluate", "x", "--episods", "3"], "soleus evaluate: unknown flag '--episods' (did you mean '--episodes'?)"),
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
