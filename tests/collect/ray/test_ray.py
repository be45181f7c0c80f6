"""What is asked of a cluster and how it is refused: in one line, before a deadline."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from soleus.cli import main
from soleus.collect.ray import cluster as ray_cluster
from soleus.collect.ray.cluster import check_versions, share_of_cpus, with_number
from soleus.collect.ray.pool import _first_line
from soleus.config import ParallelConfig, load_config
from soleus.config.resolve import resolve
from soleus.errors import UserError

TRAIN = ("train", "test-walk2d-small", "--collector", "ray")


def asked(collectors: int, cpus: int | None = None) -> ParallelConfig:
    return ParallelConfig(num_collectors=collectors, cpus_per_collector=cpus)


def test_cpus_are_shared_out_by_machine() -> None:
    assert share_of_cpus([8], asked(1)) == 8
    assert share_of_cpus([8], asked(3)) == 2
    assert share_of_cpus([8, 4], asked(3)) == 4
    assert share_of_cpus([8, 3], asked(2)) == 4, "two on the large one are better off than one on each"
    assert share_of_cpus([8, 8], asked(2, 3)) == 3


@pytest.mark.parametrize(
    ("nodes", "collectors", "cpus", "message"),
    [
        ([2, 1], 4, None, "expected at most 3 of 1 CPU each on a cluster with 2 + 1 CPUs, got 4"),
        ([4, 4], 3, 3, "expected at most 2 of 3 CPUs each on a cluster with 4 + 4 CPUs, got 3"),
        ([], 1, None, "expected at most 0 of 1 CPU each on a cluster with no CPUs, got 1"),
    ],
)
def test_too_few_cpus(nodes: list[int], collectors: int, cpus: int | None, message: str) -> None:
    with pytest.raises(UserError) as caught:
        share_of_cpus(nodes, asked(collectors, cpus))
    assert str(caught.value) == f"parallel.num_collectors: {message}"


@pytest.mark.parametrize(
    ("nodes", "cpus", "envs", "number"),
    [([8, 4, 0], None, 99, 2), ([8, 4], 8, 99, 1), ([4, 4], None, 1, 1), ([], None, 9, 1)],
)
def test_a_collector_a_machine(nodes: list[int], cpus: int | None, envs: int, number: int) -> None:
    assert with_number(ParallelConfig(cpus_per_collector=cpus), nodes, envs).num_collectors == number
    assert with_number(ParallelConfig(num_collectors=7), nodes, envs).num_collectors == 7


def test_the_cluster_of_this_machine_is_the_one_that_ray_start_wrote_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Ray keeps it is no promise of Ray's: this is what the Ray that is installed does."""
    own = pytest.importorskip("ray._private.utils")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    assert ray_cluster._known() is None
    (tmp_path / "ray").mkdir()
    own.write_ray_address("10.0.0.7:6379", str(tmp_path / "ray"))
    assert ray_cluster._known() == "10.0.0.7:6379" == own.read_ray_address()
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.8:6379")
    assert ray_cluster._known() == "10.0.0.8:6379"


def test_another_version() -> None:
    with pytest.raises(UserError) as caught:
        check_versions({"soleus": "1.0", "mujoco": "3.17.0"}, {"soleus": "1.0", "mujoco": "3.16.0"}, "node7")
    assert str(caught.value) == "ray: expected mujoco 3.17.0 on node7, as here, got 3.16.0"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"parallel.num_collectors": 9}, "expected at most one for each of the 8 humans, got 9"),
        ({"parallel.envs_per_collector": 9}, "num_collectors: expected a number beside that of 9 for each, got auto"),
        ({"train.pin_threads": True}, "train.pin_threads: expected false with the ray collector, got true"),
        (
            {"train.profile": True},
            r"train.profile: expected false with the ray collector \(native tells it\), got true",
        ),
        (
            {"parallel.collector": "native", "parallel.max_lag": 1},
            "max_lag: expected 0 without the ray collector",
        ),
        ({"parallel.pin_workers": True}, "parallel.pin_workers: expected false with the ray collector, got true"),
        (
            {"env": "gymnasium:CartPole-v1", "parallel.num_envs_per_worker": 4},
            "num_envs_per_worker: expected parallel.envs_per_collector in its place, .* got 4",
        ),
        ({"env": "gymnasium:CartPole-v1", "parallel.num_collectors": 9}, "one for each of the 8 environments, got 9"),
    ],
)
def test_what_does_not_go_together(given: dict[str, object], message: str) -> None:
    preset = None if "env" in given else "test-walk2d-small"
    with pytest.raises(UserError, match=message):
        resolve(load_config(preset, {"parallel.collector": "ray", **given}), 2)


def test_humans_are_those_of_all_collectors() -> None:
    given = {"parallel.collector": "ray", "parallel.num_collectors": 3, "parallel.envs_per_collector": 5}
    config, said = resolve(load_config("walk2d", given), 2)
    assert (config.train.num_envs, config.parallel.envs_per_collector, said) == (15, None, "")
    with pytest.raises(UserError, match=r"ppo.batch_size: expected a divisor of the 960 samples"):
        resolve(load_config("walk2d", {**given, "ppo.batch_size": 512}), 2)


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where somebody listens and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *flags: str) -> str:
    start = time.monotonic()
    assert main([*TRAIN, "--run-dir", str(folder / "run"), *flags]) == 2
    assert time.monotonic() - start < 20
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert not (folder / "run").exists()
    return error


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_nobody_at_the_address(scheme: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ray")
    address = f"{scheme}127.0.0.1:9"
    error = refused(capsys, tmp_path, "--ray-address", address)
    assert error.startswith(f"error: parallel.ray_address: expected a Ray cluster at {address}, but nothing answers")


def test_somebody_else_at_the_address(
    silent: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setattr(ray_cluster, "CONNECT_SECONDS", 6.0)
    error = refused(capsys, tmp_path, "--ray-address", f"127.0.0.1:{silent}")
    assert f"expected a Ray cluster at 127.0.0.1:{silent}, but TimeoutError: no answer within 6 s" in error


def test_no_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ray")
    error = refused(capsys, tmp_path, "--ray-address", "there")
    assert error == ("error: parallel.ray_address: expected auto, local, HOST:PORT or ray://HOST:PORT, got 'there'\n")


def test_another_ray(
    silent: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Ray's own words, for which it has no error of its own kind."""
    pytest.importorskip("ray")
    from ray._private.utils import check_version_info

    with pytest.raises(RuntimeError) as theirs:
        check_version_info({"ray_version": "2.40.0", "python_version": "3.11.7"}, "here")
    said, address = " ".join(str(theirs.value).split()), f"127.0.0.1:{silent}"
    monkeypatch.setattr(ray_cluster, "_PROBE", f"print('failed RuntimeError', {said!r})")
    error = refused(capsys, tmp_path, "--ray-address", address)
    assert f"expected a cluster of the same Ray and Python at {address}, but {said}" in error


def test_an_actor_that_does_not_come_up_says_what_it_raised() -> None:
    """Ray has it below a traceback in the text of its error."""
    exceptions = pytest.importorskip("ray.exceptions")
    trace = 'Traceback (most recent call last):\n  File "actor.py", line 1, in __init__\nUserError: expected it'
    raised = exceptions.RayTaskError("Actor.__init__", trace, UserError("expected it"), actor_id="1")
    assert _first_line(exceptions.ActorDiedError(raised)) == "UserError: expected it"
    assert _first_line(exceptions.ActorDiedError()).startswith("ActorDiedError: The actor died unexpectedly")


def test_the_address_of_the_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    assert "expected a Ray cluster at 127.0.0.1:9, but nothing answers there" in refused(capsys, tmp_path)


@pytest.mark.parametrize("flag", ["--num-collectors", "--envs-per-collector"])
def test_flags_that_would_do_nothing(flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "test-walk2d-small", flag, "4", "--run-dir", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == f"error: {flag}: expected --collector ray beside it, got auto\n"
    assert not (tmp_path / "run").exists()


def test_without_ray(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    assert "it is not installed: pip install 'soleus[ray]'" in refused(capsys, tmp_path)
