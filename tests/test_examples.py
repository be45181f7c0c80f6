"""The examples of clusters, as far as they can be tried without a cloud and without Slurm."""

import json
import os
import re
import shlex
import signal
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

pytest.importorskip("ray")

from commands import assert_understood
from ray_machines import until
from slurm_here import left_of, submit
from soleus.run.log import read_metrics

REPOSITORY = Path(__file__).parents[1]
CLUSTER = REPOSITORY / "examples/ray-cluster.yaml"
SLURM = REPOSITORY / "examples/slurm.sh"


@pytest.fixture
def cluster() -> Any:
    """The cluster's file with a name for its image, as its first lines say, and what Ray adds to it."""
    from ray.autoscaler._private.util import prepare_config

    text = CLUSTER.read_text()
    image = re.search(r"sed \"s/(\w+)/\$image/\"", text)
    assert image
    assert f"ImageId: {image[1]}\n" in text
    return prepare_config(yaml.safe_load(text.replace(image[1], "ami-12c6146b")))


def test_ray_takes_the_cluster(cluster: Any) -> None:
    from ray.autoscaler._private.util import validate_config

    validate_config(cluster)
    collector = cluster["available_node_types"]["collector"]
    command = re.search(r"--num-collectors (\d+)", CLUSTER.read_text())
    assert command
    assert collector["min_workers"] == collector["max_workers"] == cluster["max_workers"] == int(command[1])
    with pytest.raises(Exception, match="smaller than the sum"):
        validate_config({**cluster, "max_workers": 3})


def test_ray_takes_the_commands_of_the_cluster(cluster: Any) -> None:
    from ray.scripts.scripts import cli

    shown = [line[4:] for line in CLUSTER.read_text().splitlines() if line.startswith("#   ray ")]
    starts = cluster["head_start_ray_commands"] + cluster["worker_start_ray_commands"]
    trained = 0
    for line in shown + [one for command in starts for one in command.split("; ") if one.startswith("ray ")]:
        _, verb, *arguments = shlex.split(line)
        parsed = cli.get_command(None, verb).make_context(verb, arguments)
        if verb == "exec" and parsed.params["cmd"].startswith("soleus "):
            assert_understood(parsed.params["cmd"].removeprefix("soleus "))
            trained += 1
    assert trained == 1


def test_versions_of_the_cluster_are_those_of_the_project(cluster: Any) -> None:
    install = next(line for line in cluster["setup_commands"] if "pip install" in line)
    pinned = Requirement(next(word for word in shlex.split(install) if word.startswith("ray")))
    (version,) = (one.version for one in pinned.specifier)
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert Requirement(extras["ray"][0]).specifier.contains(version)
    assert "-c soleus/constraints.txt './soleus[ray]'" in install


def test_the_command_of_slurm_is_understood() -> None:
    shown = re.findall(r"^#   sbatch (.*)", SLURM.read_text(), re.MULTILINE)
    assert len(shown) == 2
    first, again = (line.partition("slurm.sh ")[2] for line in shown)
    folder, _, what = first.partition(" ")
    ours = "--collector ray --ray-address node-1:6379 --num-collectors 4"
    assert_understood(f"train --run-dir {folder} {what} {ours}")
    assert_understood(f"train {again} {ours}")


JOBS = iter(range(os.getpid() * 10, os.getpid() * 10 + 10))


def ran(job: int, process: Any) -> tuple[int, str, str]:
    """Wait for a job; it leaves nothing behind."""
    out, error = process.communicate(timeout=300)
    until(lambda: not left_of(job))
    assert not Path(f"/tmp/ray-{job}").exists()
    return process.returncode, out, error


@pytest.mark.slow  # 15 s: a Ray starts and stops; the jobs that end well stop theirs too
def test_a_job_that_fails_says_so_and_stops_ray(tmp_path: Path) -> None:
    job = next(JOBS)
    process = submit(tmp_path, job, "--nodes=1", "--cpus-per-task=1", str(SLURM), "run", "walk-no-such-legs")
    code, _, error = ran(job, process)
    assert code == 2
    assert "error: unknown preset 'walk-no-such-legs'" in error
    assert not (tmp_path / "run").exists()


def test_a_job_without_ray_does_not_wait_for_it(tmp_path: Path) -> None:
    job = next(JOBS)
    (tmp_path / "slurm").mkdir()
    (tmp_path / "slurm/ray").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "slurm/ray").chmod(0o755)
    code, _, error = ran(job, submit(tmp_path, job, "--cpus-per-task=1", str(SLURM), "run", "test-walk2d-small"))
    assert code == 1
    assert "error: expected Ray on every node, but `ray start` has ended on one" in error


@pytest.mark.slow  # two jobs, with a cluster each
def test_a_job_saves_at_the_end_of_its_time_and_the_next_one_goes_on(tmp_path: Path) -> None:
    line = ["--cpus-per-task=1", str(SLURM), "run", "test-walk2d-small", "--steps", "20000"]
    first, second = next(JOBS), next(JOBS)
    process = submit(tmp_path, first, *line)
    until(lambda: process.poll() is not None or len(read_metrics(tmp_path / "run")) >= 1)
    process.send_signal(signal.SIGTERM)
    code, out, error = ran(first, process)
    assert code == 0, error
    assert "ray: 2 collectors of 4 humans and 1 CPU each on 2 machines" in out
    assert "stopped early; go on with: soleus train --resume run" in out
    before = json.loads((tmp_path / "run/summary.json").read_text())["steps"]
    code, out, error = ran(second, submit(tmp_path, second, *line, HEAD_COLLECTS="no"))
    assert code == 0, error
    assert "ray: 1 collector of 8 humans and 1 CPU each on 1 machine" in out
    assert before < 20000 <= json.loads((tmp_path / "run/summary.json").read_text())["steps"]
