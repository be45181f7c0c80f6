"""Training through ray://: the process that learns is on no machine of the cluster, and all else is as on one."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ray")

from own_process import SOLEUS
from ports import free_ports
from ray_machines import HUMANS, STEPS, actors, below, give_weights, machines, on_ray, until
from soleus.cli import main
from soleus.run import checkpoint
from soleus.run.log import read_metrics


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where Ray Client finds a cluster of two machines."""
    port = free_ports()
    with machines(2, ray_client_server_port=port):
        yield f"ray://127.0.0.1:{port}"


@pytest.mark.slow  # 10 s; test_ray_rounds compares whole trainings through a cluster that is joined directly
def test_a_training_learns_what_it_does_natively(address: str, tmp_path: Path) -> None:
    collections = {"native": ["native"], "client": ["ray", "--ray-address", address, "--num-collectors", "2"]}
    rows, policies = [], []
    for name, collection in collections.items():
        assert main(["train", "test-walk2d-small", "--run-dir", str(tmp_path / name), "--collector", *collection]) == 0
        whole = read_metrics(tmp_path / name)
        kept = ("episode", "evaluate", "ppo", "reward")
        rows.append([{key: row[key] for key in row if key.split("/")[0] in kept} for row in whole])
        policies.append(checkpoint.read(tmp_path / name / "checkpoints" / checkpoint.LATEST)["policy"])
    assert whole[0]["collect/collectors"] == 2
    assert len(rows[0]) > 2
    assert rows[0] == rows[1]
    for name, tensor in policies[0].items():
        np.testing.assert_array_equal(tensor, policies[1][name], err_msg=name)


def test_a_lost_actor_is_left_out_and_replaced(address: str, capfd: pytest.CaptureFixture[str]) -> None:
    made = on_ray(address)
    try:
        give_weights(made)
        assert made.collect().valid is None
        assert sorted(made.pids) == sorted(actors())
        os.kill(actors()[0], signal.SIGKILL)
        assert made.collect().steps == HUMANS * STEPS // 2
        until(lambda: made.collect().valid is None)
        assert "warning: collector " in capfd.readouterr().err
    finally:
        made.close()
    until(lambda: not actors())


def begin(address: str, run: Path) -> subprocess.Popen[str]:
    """A training in a process of its own, under way. Ray Client gives up a second after it has lost its cluster."""
    flags = ["--collector", "ray", "--ray-address", address, "--num-collectors", "2", "--duration", "10m"]
    process = subprocess.Popen(
        [*SOLEUS, "train", "test-walk2d-small", "--run-dir", str(run), *flags],
        env={**os.environ, "RAY_CLIENT_RECONNECT_GRACE_PERIOD": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: process.poll() is not None or len(read_metrics(run)) > 1)  # Ray Client may have to try again
    return process


@pytest.mark.slow  # a training starts; test_ray_failures.py has the same without Ray Client
def test_a_killed_driver_leaves_no_actor(address: str, tmp_path: Path) -> None:
    process = begin(address, tmp_path / "run")
    assert len(actors()) == 2
    process.kill()
    process.communicate(timeout=300)
    until(lambda: not actors())


@pytest.mark.slow  # a training starts, and Ray Client tries again for a while
def test_a_cluster_that_is_gone_ends_the_run_with_a_checkpoint(address: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = begin(address, run)
    for pid in below(os.getpid()):
        if b"--mode=specific-server" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    _, error = process.communicate(timeout=300)
    assert process.returncode == 2, error
    said = [line for line in error.splitlines() if line.startswith("error: ")]
    assert len(said) == 1
    assert said[0] == (
        f"error: parallel.ray_address: expected the cluster at {address} to stay, but it is gone;"
        f" the run is saved, go on with: soleus train --resume {run}"
    )
    steps = checkpoint.read(run / "checkpoints" / checkpoint.LATEST)["counters"]["steps"]
    assert steps >= read_metrics(run)[-1]["time/steps"]


@pytest.mark.slow  # a cluster of its own starts
def test_a_cluster_that_asks_for_a_token(capfd: pytest.CaptureFixture[str]) -> None:
    from ray.util import get_node_ip_address

    host, port, client = get_node_ip_address(), free_ports(), free_ports()
    folder = tempfile.mkdtemp(prefix="ray-")  # Ray's sockets are in it: tmp_path is too long for them
    head = subprocess.Popen(
        [
            *(Path(sys.executable).parent / "ray", "start", "--head", "--block", "--num-cpus=1", f"--port={port}"),
            *(f"--ray-client-server-port={client}", "--include-dashboard=false", f"--temp-dir={folder}"),
        ],
        env={**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a" * 32, "RAY_USAGE_STATS_ENABLED": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: answers(host, port) and answers(host, client))
        for address in (f"{host}:{port}", f"ray://{host}:{client}"):
            capfd.readouterr()
            assert main(["train", "test-walk2d-small", "--collector", "ray", "--ray-address", address]) == 2
            assert capfd.readouterr().err == (
                f"error: parallel.ray_address: expected the token of the cluster at {address}, got another one or none:"
                " set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or ~/.ray/auth_token as there\n"
            )
    finally:
        head.terminate()
        head.wait(60)
        shutil.rmtree(folder)


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 1).close()
    except OSError:
        return False
    return True
