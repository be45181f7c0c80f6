"""Loggers by name, through their own clients: W&B offline, MLflow on a file of SQLite."""

import json
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from importing_env import Importing
from second_place import rows, start
from soleus.cli import main
from soleus.config import HumanRunConfig, load_config, parse_overrides
from soleus.errors import UserError
from soleus.run.live import LiveRun
from soleus.run.log import read_metrics
from soleus.run.loggers import mlflow as mlflow_logger
from soleus.run.loggers.base import RunFacts
from soleus.run.loggers.chosen import Loggers, check
from soleus.run.remote_run import fetch
from soleus.training import train
from wandb_files import offline_runs

wandb = pytest.importorskip("wandb")
mlflow = pytest.importorskip("mlflow")

MakeConfig = Callable[..., HumanRunConfig]
BOTH = ("wandb", "mlflow")
SHORT = {"steps": 2048, "checkpoint_interval": 512, "eval_interval": 1024}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of MLflow: its tables take a second to be made."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture(autouse=True)
def here(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("DO_NOT_TRACK", "1")  # MLflow would tell of its use
    wandb.teardown()  # its settings are those of the environment as it was first used
    yield
    wandb.teardown()


def run_there(folder: Path) -> Any:
    """The run in MLflow that a run folder names."""
    return mlflow.MlflowClient().get_run(ids(folder)["mlflow"]["run_id"])


def ids(folder: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((folder / "loggers.json").read_text())
    return found


def history(folder: Path, key: str) -> list[tuple[int, float]]:
    """Steps and values of a metric in MLflow, in the order of the steps."""
    found = mlflow.MlflowClient().get_metric_history(run_there(folder).info.run_id, key)
    return sorted((one.step, one.value) for one in found)


def recorded(folder: Path, key: str) -> list[tuple[int, float]]:
    return [(int(row["time/steps"]), row[key]) for row in read_metrics(folder) if key in row]


def test_the_flag_takes_lists_as_others_do() -> None:
    def log_of(*flags: str) -> tuple[str, ...]:
        return load_config("walk2d", parse_overrides(flags)).log

    assert log_of() == ("tensorboard",)
    assert log_of("--log", "wandb,mlflow") == log_of("--log=[wandb, mlflow]") == BOTH
    assert log_of("--log", "[]") == ()
    with pytest.raises(UserError, match=r"log.0: expected 'tensorboard', 'wandb' or 'mlflow', got 'tb'$"):
        log_of("--log", "tb")
    with pytest.raises(UserError, match=r"log: expected each logger once, got wandb 2 times$"):
        log_of("--log", "wandb,wandb")


def test_a_run_is_recorded_in_both(make_config: MakeConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its name, its configuration, every metric at its steps, and that it came to its end."""
    config = make_config(train=SHORT, log=BOTH)
    train(start(config, tmp_path / "walk"))
    wanted = config.model_dump(mode="json", by_alias=True)
    (there,) = offline_runs(tmp_path)
    assert (there.name, there.exit_code) == ("walk", 0)
    assert {key: there.config[key] for key in wanted} == wanted
    merged: dict[int, dict[str, float]] = {}
    for row in read_metrics(tmp_path / "walk"):
        merged.setdefault(int(row["time/steps"]), {}).update(row)
    assert there.rows == merged
    assert "evaluate/mean_return" in merged[1024]

    run = run_there(tmp_path / "walk")
    assert (run.info.run_name, run.info.status) == ("walk", "FINISHED")
    assert (run.data.params["ppo.learning_rate"], run.data.params["log"]) == ("0.001", '["wandb", "mlflow"]')
    assert run.data.params["model"] == config.subject
    for key in ("episode/return", "evaluate/mean_return", "ppo/kl"):
        assert history(tmp_path / "walk", key) == recorded(tmp_path / "walk", key)
    assert not list((tmp_path / "walk").glob("events.out.*"))
    said = capsys.readouterr()
    assert re.findall(r"^(?:wandb|mlflow): .*$", said.out, re.MULTILINE) == [
        f"wandb: run {there.id}, offline; send it with: wandb sync {next((tmp_path / 'wandb').glob('offline-run-*'))}",
        f"mlflow: run {run.info.run_id}",
    ]
    assert said.err == ""


def test_loggers_change_nothing_that_is_learnt(make_config: MakeConfig, tmp_path: Path) -> None:
    for name, log in (("plain", ()), ("logged", ("tensorboard", *BOTH))):
        train(start(make_config(train=SHORT, log=log), tmp_path / name))
    assert rows(tmp_path / "plain") == rows(tmp_path / "logged")
    assert not (tmp_path / "plain/loggers.json").exists()


def test_a_resumed_run_goes_on_in_the_same_records(
    make_config: MakeConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On another machine, from a checkpoint that the run had already passed, and at another rate."""
    url = f"file://{tmp_path}/there"
    train(start(make_config(train={**SHORT, "checkpoint_url": url}, log=BOTH), tmp_path / "walk"))
    before = history(tmp_path / "walk", "ppo/kl")
    latest = fetch(url, tmp_path / "elsewhere")
    assert ids(tmp_path / "elsewhere") == ids(tmp_path / "walk")
    longer = make_config(train={**SHORT, "steps": 3072}, ppo={"learning_rate": 5e-4}, log=BOTH)
    capsys.readouterr()
    train(start(longer, tmp_path / "elsewhere", resume=latest.with_name("previous.pt")))
    out = capsys.readouterr().out
    assert "note: mlflow has steps up to 2,048 of this run already, and keeps them: they are not recorded again" in out

    first, second = offline_runs(tmp_path)
    assert first.id == second.id == ids(tmp_path / "elsewhere")["wandb"]["id"]
    assert max(second.rows) == 3072
    assert second.config["ppo"]["learning_rate"] == 5e-4
    run = run_there(tmp_path / "elsewhere")
    assert (run.info.run_id, run.info.run_name) == (ids(tmp_path / "walk")["mlflow"]["run_id"], "walk")
    assert run.info.status == "FINISHED"
    after = history(tmp_path / "elsewhere", "ppo/kl")
    assert after[: len(before)] == before
    assert [steps for steps, _ in after] == list(range(512, 3073, 512))
    assert run.data.params["ppo.learning_rate"] == "0.001"
    assert [value for key, value in run.data.tags.items() if key.startswith("ppo.learning_rate from ")] == ["0.0005"]


def test_wandb_is_not_given_what_it_has(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Online the client knows what the server has; here it is told."""
    monkeypatch.setattr(wandb.Run, "starting_step", 1025)
    train(start(make_config(train=SHORT, log=("wandb",)), tmp_path / "walk"))
    said = capsys.readouterr()
    assert (
        "note: wandb has steps up to 1,024 of this run already, and keeps them: they are not recorded again" in said.out
    )
    assert said.err == ""
    assert list(offline_runs(tmp_path)[0].rows) == [1536, 2048]


def test_a_record_that_is_gone_is_begun_anew(
    make_config: MakeConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(start(make_config(train={"steps": 512}, log=("mlflow",)), tmp_path / "walk"))
    gone = run_there(tmp_path / "walk").info.run_id
    mlflow.MlflowClient().delete_run(gone)
    longer = make_config(train={"steps": 1024}, log=("mlflow",))
    train(start(longer, tmp_path / "walk", resume=tmp_path / "walk/checkpoints/latest.pt"))
    assert f"note: mlflow has no run {gone} any more where MLFLOW_TRACKING_URI leads" in capsys.readouterr().out
    assert run_there(tmp_path / "walk").info.run_id != gone
    assert [steps for steps, _ in history(tmp_path / "walk", "ppo/kl")] == [1024]


def test_a_failed_run_ends_as_failed(make_config: MakeConfig, tmp_path: Path) -> None:
    run = start(make_config(train=SHORT, log=BOTH), tmp_path / "walk")

    def fail(number: int, metrics: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(run, fail)
    assert offline_runs(tmp_path)[0].exit_code == 1
    assert run_there(tmp_path / "walk").info.status == "FAILED"


def test_a_run_that_does_not_come_to_be_ends_as_failed(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: LiveRun) -> None:
        raise UserError("the disk is full")

    monkeypatch.setattr(LiveRun, "save", refuse)
    with pytest.raises(UserError, match="the disk is full"):
        start(make_config(train=SHORT, log=("wandb",)), tmp_path / "walk")
    assert offline_runs(tmp_path)[0].exit_code == 1
    assert not (tmp_path / "walk").exists()


def test_a_client_that_fails_later_is_left_out(
    make_config: MakeConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One warning of each, and the run goes on; what another logger has is whole."""
    run = start(make_config(train=SHORT, log=(*BOTH, "tensorboard")), tmp_path / "walk")

    def take_away(number: int, metrics: Any) -> None:
        if number == 2:
            run.log.loggers._ones["wandb"]._run.finish()
            mlflow.MlflowClient().delete_run(ids(tmp_path / "walk")["mlflow"]["run_id"])

    train(run, take_away)
    warnings = capsys.readouterr().err.splitlines()
    assert len(warnings) == 2
    for name, kind in (("mlflow", "MlflowException"), ("wandb", "UsageError")):
        (line,) = [one for one in warnings if f"log: {name}" in one]
        said = r"(the run goes on without it|it may lack the end of the run); metrics\.jsonl has everything"
        assert re.fullmatch(rf"warning: log: {name} failed \({kind}: .*\): {said}", line)
    assert [steps for steps, _ in recorded(tmp_path / "walk", "ppo/kl")] == [512, 1024, 1536, 2048]
    assert [steps for steps, _ in scalars(tmp_path / "walk", "ppo/kl")] == [512, 1024, 1536, 2048]


def test_a_missing_package_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in BOTH:
        (tmp_path / name).mkdir(exist_ok=True)  # as offline runs leave it in the folder where they were started
        with monkeypatch.context() as patched:
            patched.setitem(sys.modules, name, None)
            assert main(["train", "cartpole", "--log", f"tensorboard,{name}", "--run-dir", "run"]) == 2
        said = f"error: log: {name} needs its package, got none: pip install 'soleus[{name}]'\n"
        assert capsys.readouterr().err == said
    assert not (tmp_path / "run").exists()


def test_a_folder_is_not_taken_for_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client leaves a folder `wandb` where runs are started."""
    (tmp_path / "wandb").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "wandb")
    with pytest.raises(UserError, match=r"pip install 'soleus\[wandb\]'"):
        check(["wandb"])


def test_a_server_that_is_down_is_told_before_the_training(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "WANDB_MODE": "online",
        "WANDB_API_KEY": "0" * 40,
        "WANDB_BASE_URL": "http://127.0.0.1:9",
        "WANDB_INIT_TIMEOUT": "1",
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    }.items():
        monkeypatch.setenv(name, value)
    for name in BOTH:
        with pytest.raises(UserError) as error:
            start(make_config(train=SHORT, log=(name,)), tmp_path / "walk")
        said = rf"log: expected {name} to record the run, but it failed \(\w+: .*127\.0\.0\.1.*refused.*\)"
        assert re.fullmatch(said, str(error.value))
        assert not (tmp_path / "walk").exists()


@pytest.fixture
def silent_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Takes what MLflow sends, and does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setattr(mlflow_logger, "_PATIENCE_S", 2.0)
        yield


def test_a_server_that_does_not_answer_is_not_waited_for(
    silent_server: None, make_config: MakeConfig, tmp_path: Path
) -> None:
    said = r"^log: expected mlflow to record the run, but it failed \(TimeoutError: no answer within 2 s\)$"
    with pytest.raises(UserError, match=said):
        start(make_config(train=SHORT, log=("mlflow",)), tmp_path / "walk")


def test_a_slow_server_is_sent_many_rows_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logger = mlflow_logger.MLflow(RunFacts(tmp_path / "slow", {}))
    send, sent = logger._client.log_batch, []

    def slowly(run_id: str, metrics: Any) -> None:
        time.sleep(0.2)
        sent.append(len(metrics))
        send(run_id, metrics=metrics)

    monkeypatch.setattr(logger._client, "log_batch", slowly)
    began = time.monotonic()
    for steps in range(1, 41):
        logger.row({"time/steps": float(steps), **{f"info/{k}": 0.5 * steps for k in range(60)}}, steps)
    assert time.monotonic() - began < 4.0, "nobody waits for it: 40 requests take 8 s"
    logger.close(failed=False)
    assert len(sent) < 10
    assert max(sent) == 1000
    found = mlflow.MlflowClient().get_metric_history(logger.known["run_id"], "info/59")
    assert sorted((one.step, one.value) for one in found) == [(steps, 0.5 * steps) for steps in range(1, 41)]


NAMES = ("episode/return", "info/a//b", "info/a[0]", "info/x/", "info/../y", "info/.", "info/Größe", "/x", "n" * 300)


def test_mlflow_takes_every_name(tmp_path: Path) -> None:
    """What environments call their numbers is theirs, and MLflow refuses some of it."""
    loggers = {"mlflow": mlflow_logger.MLflow(RunFacts(tmp_path / "names", {"env": {"options": {"a+b": 1}}}))}
    records = Loggers(loggers)
    records.row({"time/steps": 5.0, **dict.fromkeys(NAMES, 1.0)}, 5)
    records.close()
    found = mlflow.MlflowClient().get_run(loggers["mlflow"].known["run_id"]).data
    assert found.metrics.keys() == {"time/steps", *map(mlflow_logger.name_there, NAMES)}
    assert len(found.metrics) == len(NAMES) + 1
    assert found.params == {"env.options.a_b": "1"}


@pytest.mark.parametrize("text", ["[]", "{", '{"wandb": 3}', '{"wandb": {"id": 3}}', "\x80"])
def test_a_file_of_ids_that_is_none(make_config: MakeConfig, tmp_path: Path, text: str) -> None:
    (tmp_path / "loggers.json").write_text(text, encoding="latin-1")
    with pytest.raises(UserError, match=r"loggers.json: expected the ids of its records by logger, got another file"):
        Loggers.begin(make_config(), tmp_path)


def test_workers_import_no_client(tmp_path: Path) -> None:
    """An environment tells what its process has imported."""
    flags = ["--num-workers", "2", "--num-envs", "4", "--train.rollout_steps", "16", "--ppo.batch_size", "64"]
    env = ["--env", "gymnasium:importing_env:Importing-v0", "--collector", "workers"]
    assert main(["train", *env, *flags, "--log", "wandb,mlflow", "--steps", "128", "--run-dir", "run"]) == 0
    told = [row["info/clients"] for row in read_metrics(tmp_path / "run") if "info/clients" in row]
    assert told
    assert not any(told)
    assert Importing().step(0)[-1]["clients"] >= 2, "this process has imported them"


def scalars(folder: Path, key: str) -> list[tuple[int, float]]:
    """Steps and values of a metric, as TensorBoard shows it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder)).Reload()
    return [(one.step, one.value) for one in events.Scalars(key)]


def test_tensorboard_shows_what_was_recorded(make_config: MakeConfig, tmp_path: Path) -> None:
    """After a resume too, from a checkpoint that the run had already passed."""
    train(start(make_config(train=SHORT), tmp_path / "walk"))
    longer = make_config(train={**SHORT, "steps": 3072})
    train(start(longer, tmp_path / "walk", resume=tmp_path / "walk/checkpoints/previous.pt"))
    shown, wanted = scalars(tmp_path / "walk", "ppo/kl"), recorded(tmp_path / "walk", "ppo/kl")
    assert [steps for steps, _ in shown] == [steps for steps, _ in wanted] == list(range(512, 3073, 512))
    assert [value for _, value in shown] == pytest.approx([value for _, value in wanted], rel=1e-6)


def test_a_logger_without_a_run_has_no_ids(tmp_path: Path, make_config: MakeConfig, monkeypatch: Any) -> None:
    """W&B where it is switched off by its own setting: the run goes on, and nothing is recorded there."""
    monkeypatch.setenv("WANDB_MODE", "disabled")
    wandb.teardown()
    train(start(make_config(train={"steps": 512}, log=("wandb",)), tmp_path / "walk"))
    assert not (tmp_path / "walk/loggers.json").exists()
    assert offline_runs(tmp_path) == []
