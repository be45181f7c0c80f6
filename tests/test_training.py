import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import point_mass
from soleus.config import HumanRunConfig, dump_config, load_config
from soleus.errors import UserError
from soleus.exchange.batch import Batch
from soleus.exchange.state import as_arrays
from soleus.run import checkpoint, log
from soleus.run.live import LiveRun
from soleus.training import build, train

MakeConfig = Callable[..., HumanRunConfig]
NETWORK: dict[str, Any] = {
    "control": {"mode": "muscle"},
    "coordination": {"method": "network", "hidden": [16], "batch": 64},
}


def start(config: HumanRunConfig, folder: Path, **options: Any) -> LiveRun:
    options = {"make_collector": point_mass.PointMassCollector, "evaluate": point_mass.evaluate, **options}
    return build(config, folder, **options)


def rows(folder: Path) -> list[dict[str, float]]:
    """What a run recorded, without what the clock says and without evaluations."""
    kept = []
    for row in log.read_metrics(folder):
        if not any(key.startswith("evaluate/") for key in row):
            kept.append(
                {
                    key: value
                    for key, value in row.items()
                    if key == "time/steps" or not key.startswith(("time/", "system/"))
                }
            )
    return kept


def final_state(folder: Path) -> dict[str, np.ndarray]:
    content = checkpoint.read(folder / "checkpoints/latest.pt")
    return {**as_arrays(content["policy"]), **as_arrays(content["collector"])}


def assert_same(one: Path, other: Path) -> None:
    assert rows(one) == rows(other)
    a, b = final_state(one), final_state(other)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


class Failing(point_mass.PointMassCollector):
    """Does something to the process in its sixth rollout."""

    rollouts = 0

    def collect(self) -> Batch:
        self.rollouts += 1
        if self.rollouts == 6:
            self.fail()
        return super().collect()

    def fail(self) -> None:
        raise RuntimeError("killed")


class Interrupted(Failing):
    def fail(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures("drawing")
def test_a_run_folder_holds_everything(make_config: MakeConfig, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    config = make_config(**NETWORK, train={"eval_interval": 2048})
    run = start(config, folder)
    summary = train(run)
    assert run.collector.closed  # type: ignore[attr-defined]
    assert load_config(folder / "config.yaml") == config
    names = {path.name for path in folder.iterdir()}
    assert names > {"config.yaml", "metrics.jsonl", "summary.json", "checkpoints", "curves.png"}
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert any(name.startswith("events.out.tfevents") for name in names)
    moments = {f"step-{steps}.pt" for steps in range(512, 4097, 512)}
    kept = {path.name for path in (folder / "checkpoints").iterdir()}
    assert kept == {"latest.pt", "previous.pt", "best.pt", *moments}
    assert json.loads((folder / "summary.json").read_text()) == summary
    assert summary["steps"] == 4096
    assert summary["returns"].keys() == {"first", "last", "best"}
    assert summary["steps_per_s"].keys() == {"mean", "last"}
    assert {"seconds", "peak_memory_mb", "versions", "machine", "seed"} < summary.keys()
    recorded = log.read_metrics(folder)
    keys = {key for row in recorded for key in row}
    assert {"episode/return", "reward/hold", "collect/diverged", "muscle/residual", "evaluate/mean_return"} < keys
    assert [key for key in keys if not log.is_documented(key)] == []
    assert [row["time/steps"] for row in recorded if "evaluate/mean_return" in row] == [2048, 4096]


@pytest.mark.parametrize("sections", [{}, NETWORK], ids=["torque", "network"])
def test_resumed_after_a_kill_equals_uninterrupted(
    make_config: MakeConfig, tmp_path: Path, sections: dict[str, Any]
) -> None:
    config = make_config(**sections)
    train(start(config, tmp_path / "whole"))
    killed = tmp_path / "killed"
    with pytest.raises(RuntimeError, match="killed"):
        train(start(config, killed, make_collector=Failing))
    assert rows(killed)[-1]["time/steps"] == 5 * 512
    resumed = start(config, killed, resume=killed / "checkpoints/latest.pt")
    assert resumed.counters.steps == 4 * 512  # the checkpoint interval is 1024: one rollout is lost
    train(resumed)
    assert_same(tmp_path / "whole", killed)


def test_an_evaluation_is_none_of_an_iterations_cpu_time(make_config: MakeConfig, tmp_path: Path) -> None:
    def slowly(*given: Any, **options: Any) -> dict[str, float]:
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass
        return point_mass.evaluate(*given, **options)

    train(start(make_config(train={"steps": 1024, "eval_interval": 512}), tmp_path / "run", evaluate=slowly))
    used = [
        row["system/cpu"] * 512 / row["time/steps_per_s"]
        for row in log.read_metrics(tmp_path / "run")
        if "system/cpu" in row
    ]
    assert len(used) == 2
    assert used[1] < 0.25


def test_ctrl_c_ends_with_a_checkpoint_that_goes_on(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config()
    train(start(config, tmp_path / "whole"))
    stopped = tmp_path / "stopped"
    handler = signal.getsignal(signal.SIGINT)
    summary = train(start(config, stopped, make_collector=Interrupted))
    assert signal.getsignal(signal.SIGINT) is handler
    assert summary["interrupted"]
    assert summary["steps"] == 6 * 512
    summary = train(start(config, stopped, resume=stopped / "checkpoints/latest.pt"))
    assert not summary["interrupted"]
    assert_same(tmp_path / "whole", stopped)


def test_a_longer_run_goes_on_where_a_shorter_one_ended(make_config: MakeConfig, tmp_path: Path) -> None:
    train(start(make_config(), tmp_path / "whole"))
    train(start(make_config(train={"steps": 2048}), tmp_path / "short"))
    train(start(make_config(), tmp_path / "short", resume=tmp_path / "short/checkpoints/latest.pt"))
    assert_same(tmp_path / "whole", tmp_path / "short")


def test_same_seed_repeats_and_another_does_not(make_config: MakeConfig, tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        train(start(make_config(train={"seed": seed}), tmp_path / name))
    assert_same(tmp_path / "a", tmp_path / "b")
    assert rows(tmp_path / "a") != rows(tmp_path / "c")


def test_the_best_checkpoint_is_the_best_by_evaluation(make_config: MakeConfig, tmp_path: Path) -> None:
    returns = iter([1.0, 3.0, 2.0])

    def evaluate(*arguments: Any, **options: Any) -> dict[str, float]:
        return {"mean_return": next(returns), "share_full": 0.0}

    summary = train(start(make_config(train={"steps": 1536, "eval_interval": 512}), tmp_path / "r", evaluate=evaluate))
    assert summary["evaluation"]["mean_return"] == 2
    assert summary["best_evaluation"]["mean_return"] == 3
    assert checkpoint.read(tmp_path / "r/checkpoints/best.pt")["counters"]["steps"] == 1024


def test_stops_by_time(make_config: MakeConfig, tmp_path: Path) -> None:
    summary = train(start(make_config(train={"steps": None, "duration": "0.5s"}), tmp_path / "run"))
    assert 0.4 < summary["seconds"] < 5


def test_a_folder_in_use_is_refused(make_config: MakeConfig, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("precious")
    with pytest.raises(UserError, match=r"run: expected a new folder, but it exists; name another$"):
        start(make_config(), tmp_path / "run")
    start(make_config(), tmp_path / "other").close()
    with pytest.raises(
        UserError, match=r"other: expected a new folder, but it exists; go on with --resume .*/other, or"
    ):
        start(make_config(), tmp_path / "other")


def test_a_run_without_a_checkpoint_is_not_offered_to_go_on(make_config: MakeConfig, tmp_path: Path) -> None:
    (tmp_path / "run/checkpoints").mkdir(parents=True)
    (tmp_path / "run/config.yaml").touch()
    with pytest.raises(UserError, match=r"run: expected a new folder, but it exists; name another$"):
        start(make_config(), tmp_path / "run")


@pytest.mark.parametrize("place", ["file/run", "file"])
def test_a_folder_that_cannot_be_made(make_config: MakeConfig, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=rf"{place}: expected a (new folder|folder that can be made), but "):
        start(make_config(), tmp_path / place)


def test_proc_takes_no_run(make_config: MakeConfig) -> None:
    with pytest.raises(UserError, match=r"/proc/x: expected a folder that can be made, but "):
        start(make_config(), Path("/proc/x"))


def test_a_folder_is_tried_before_anything_is_built(make_config: MakeConfig) -> None:
    def collector(*arguments: Any) -> point_mass.PointMassCollector:
        raise AssertionError

    with pytest.raises(UserError, match=r"expected a folder that can be made"):
        start(make_config(), Path("/proc/x"), make_collector=collector)


def test_a_configuration_that_does_not_work_leaves_no_folder(make_config: MakeConfig, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train.device"):
        start(make_config(train={"device": "gpu"}), tmp_path / "runs/run")
    assert not (tmp_path / "runs/run").exists()


def test_a_run_killed_before_its_first_interval_goes_on(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config()
    train(start(config, tmp_path / "whole"))
    start(config, tmp_path / "killed").close()  # which writes nothing
    train(start(config, tmp_path / "killed", resume=tmp_path / "killed/checkpoints/latest.pt"))
    assert_same(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"policy": {"hidden": [8, 8]}}, r"policy: expected tensor 'net.0.weight' of shape \(8, 3\), got \(32, 3\)"),
        (
            {"ppo": {"value_hidden": [8]}},
            r"expected a checkpoint of this run's config.yaml, but it does not fit \(value: unexpected 'net.4.*'\)",
        ),
        (NETWORK, r"expected a checkpoint with a muscle network, as config.yaml says, got one without it"),
    ],
)
def test_a_configuration_that_no_longer_fits_the_checkpoint(
    make_config: MakeConfig, tmp_path: Path, sections: dict[str, Any], message: str
) -> None:
    start(make_config(), tmp_path / "run").close()
    edited = make_config(**sections)
    (tmp_path / "run/config.yaml").write_text(dump_config(edited))
    with pytest.raises(UserError, match=rf"latest.pt: {message}$") as error:
        start(edited, tmp_path / "run", resume=tmp_path / "run/checkpoints/latest.pt")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("counters", {"steps": 3, "stride": 3}, "unexpected keyword argument 'stride'"),
        ("counters", {"steps": 3, "returns": {"last": "much"}}, "counters.returns: expected finite numbers"),
        ("counters", {"steps": 3, "evaluation": {"x": 1.0}}, "counters.evaluation: expected a mean_return"),
        ("ppo", {}, "'policy'"),
        ("collector", {}, "'x'"),
    ],
)
def test_a_checkpoint_with_other_fields(
    make_config: MakeConfig, tmp_path: Path, key: str, value: Any, said: str
) -> None:
    start(make_config(), tmp_path / "run").close()
    file = tmp_path / "run/checkpoints/latest.pt"
    checkpoint.write(file, {**checkpoint.read(file), key: value})
    with pytest.raises(UserError, match=rf"this run's config.yaml, but it does not fit \(.*{said}.*\)$"):
        start(make_config(), tmp_path / "run", resume=file)


def test_the_best_is_never_ahead_of_the_latest(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*arguments: Any) -> None:
        raise RuntimeError("killed")

    config = make_config(train={"steps": 1024, "eval_interval": 512, "checkpoint_interval": None})
    train(start(config, tmp_path / "whole"))
    folder = tmp_path / "killed"
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "save_best", killed)
        with pytest.raises(RuntimeError, match="killed"):
            train(start(config, folder))
    assert not (folder / "checkpoints/best.pt").exists()
    run = start(config, folder, resume=folder / "checkpoints/latest.pt")
    assert run.counters.steps == 512
    best = checkpoint.read(folder / "checkpoints/best.pt")["counters"]
    assert best["best_evaluation"] == run.counters.best_evaluation == run.counters.evaluation
    train(run)
    assert_same(tmp_path / "whole", folder)


def test_the_previous_checkpoint_is_an_older_one(make_config: MakeConfig, tmp_path: Path) -> None:
    train(start(make_config(train={"steps": 1024, "eval_interval": 512, "checkpoint_interval": 512}), tmp_path / "run"))
    found = [checkpoint.read(tmp_path / f"run/checkpoints/{name}.pt") for name in ("latest", "previous")]
    assert [content["counters"]["steps"] for content in found] == [1024, 512]


def test_a_run_needs_an_end(make_config: MakeConfig, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train.steps: expected a number of steps, or train.duration, got neither"):
        start(make_config(train={"steps": None}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_a_device_that_is_not_there(make_config: MakeConfig, tmp_path: Path, device: str) -> None:
    with pytest.raises(UserError, match=rf"train.device: expected .*, got '{device}'"):
        start(make_config(train={"device": device}), tmp_path / "run")


def test_humans_that_only_diverge_end_a_run(make_config: MakeConfig, tmp_path: Path) -> None:
    run = start(make_config(), tmp_path / "run")
    collect = run.collector.collect

    def hopeless() -> Any:
        batch = collect()
        batch.stats["diverged"] = float(batch.steps)
        return batch

    run.collector.collect = hopeless  # type: ignore[method-assign]
    with pytest.raises(
        UserError, match=r"expected humans that can be simulated, got 512 divergences in 512 steps: .*; the"
    ):
        train(run)
