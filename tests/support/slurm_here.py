"""Slurm's commands as a script meets them, for where there is no Slurm: every node is this machine."""

import os
import subprocess
import sys
from pathlib import Path

_SBATCH = """#!{python}
import os, shutil, sys, tempfile
given, rest = {{}}, sys.argv[1:]
while rest[0].startswith("--"):
    name, _, value = rest.pop(0)[2:].partition("=")
    given[name] = value
for line in open(rest[0]):
    if line.startswith("#SBATCH "):
        name, _, value = line.split()[1].removeprefix("--").partition("=")
        given.setdefault(name, value)
script = shutil.copy(rest[0], os.environ["SPOOL"])  # a job's script is not where it was
names = {{"JOB_NODELIST": "NODES", "JOB_NUM_NODES": given["nodes"], "CPUS_PER_TASK": given["cpus-per-task"]}}
os.environ.update({{"SLURM_" + name: value for name, value in names.items()}})
os.execvp("bash", ["bash", script, *rest[1:]])
"""

_SCONTROL = """#!/bin/bash
[ "$*" = "show hostnames NODES" ] || { echo "scontrol: $*" >&2; exit 1; }
for ((i = 0; i < SLURM_JOB_NUM_NODES; i++)); do echo {address}; done
"""

_SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do
  case $1 in
    --ntasks=*) tasks=${1#*=} ;;
    --nodelist=*) [ "${1#*=}" = {address} ] || { echo "srun: $1" >&2; exit 1; } ;;
    --overlap | --nodes=* | --cpus-per-task=$SLURM_CPUS_PER_TASK) ;;
    *) echo "srun: $1" >&2; exit 1 ;;
  esac
  shift
done
for ((i = 1; i < tasks; i++)); do "$@"; done
exec "$@"
"""


def submit(folder: Path, job: int, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start a job as sbatch does, with these arguments of it. folder: of the test; job: a number of its own."""
    from ray.util import get_node_ip_address

    commands = folder / "slurm"
    commands.mkdir(exist_ok=True)
    for name, text in (
        ("sbatch", _SBATCH.format(python=sys.executable)),
        ("scontrol", _SCONTROL.replace("{address}", get_node_ip_address())),
        ("srun", _SRUN.replace("{address}", get_node_ip_address())),
    ):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    path = os.pathsep.join([str(commands), str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.Popen(
        ["sbatch", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path, "SPOOL": str(commands), "SLURM_JOB_ID": str(job), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left_of(job: int) -> list[str]:
    """Command lines of processes that belong to a job."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"SLURM_JOB_ID={job}\0".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found
