"""The wheel for other machines: it is built, installed where nothing is, and there a person learns and is evaluated."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from makefile import stamp
from soleus.run.log import read_metrics

REPOSITORY = Path(__file__).parents[2]
MEGABYTES = 20
CHOICE = """
import importlib.util, pathlib, sys
import mujoco, soleus
spec = importlib.util.spec_from_file_location("choice", pathlib.Path(soleus.__file__).with_name("_core.py"))
choice = importlib.util.module_from_spec(spec)
spec.loader.exec_module(choice)
sys.modules["soleus._core"] = soleus._core = choice.load(sys.argv[1])
"""
WITH_CORE = f"""{CHOICE}
from soleus.cli import main
sys.exit(main(sys.argv[2:]))
"""
# A rollout in the lanes under actions that no network makes.
ROLLOUT = f"""{CHOICE}
import hashlib
import numpy as np
from soleus.config import load_config
from soleus.sim.buffers import Buffers
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import Simulation
keys = {{"control.engine": "lanes", "control.mode": sys.argv[3]}}
made = Simulation(load_scenario(load_config(sys.argv[2], keys)), 11, 2, 3)
buffers = Buffers(made, 40, samples=False)
made.core.reset(3, buffers["observations"][0])
buffers["actions"][:] = np.random.default_rng(0).uniform(-1, 1, buffers["actions"].shape)
buffers.run(made, with_policy=False)
print(soleus._core.INSTRUCTION_SET, hashlib.sha256(made.save().tobytes() + buffers["rewards"].tobytes()).hexdigest())
"""


def _missing() -> str:
    """Why no wheel can be built here, or ""."""
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    tools = [tool for tool in ("make", "auditwheel", "patchelf") if shutil.which(tool, path=beside) is None]
    if tools:
        return f"{' and '.join(tools)} missing (make setup)"
    if not (REPOSITORY / ".venv/bin/python").exists():
        return "make wheel builds with .venv, which is not there (make setup)"
    return ""


pytestmark = [
    pytest.mark.slow,  # compiles the core twice and installs a gigabyte
    pytest.mark.skipif(bool(_missing()), reason=_missing()),
]


def run(*command: str | Path, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run("make", f"--old-file={stamp(REPOSITORY)}", "wheel", f"WHEELS={folder}", folder=REPOSITORY)
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="module")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel and what it asks for; returns its programs."""
    folder = tmp_path_factory.mktemp("fresh")
    run(sys.executable, "-m", "venv", folder / "venv", folder=folder)
    programs = folder / "venv/bin"
    constraints = REPOSITORY / "constraints.txt"
    run(programs / "python", "-m", "pip", "install", "--quiet", wheel, "-c", constraints, folder=folder)
    return programs


def test_the_wheel_is_small_and_has_two_cores_and_nothing_of_mujoco(wheel: Path) -> None:
    assert wheel.stat().st_size < MEGABYTES * 1e6
    assert "-manylinux_" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        libraries = [name for name in archive.namelist() if ".so" in name]
    assert sorted(Path(name).parent.as_posix() for name in libraries) == [
        "soleus/_cores/x86-64-v3",
        "soleus/_cores/x86-64-v4",
    ]
    assert all(Path(name).name.startswith("_core.") for name in libraries)


def test_policies_come_along_and_walk(fresh: Path, tmp_path: Path) -> None:
    assert "walk2d" in run(fresh / "soleus", "policies", folder=tmp_path)
    found = json.loads(run(fresh / "soleus", "evaluate", "walk2d", "--episodes", "2", "--json", folder=tmp_path))
    assert found["share_full"] == 1.0


def test_a_walker_learns_in_a_fresh_environment_and_is_evaluated(fresh: Path, tmp_path: Path) -> None:
    run(fresh / "soleus", "train", "test-walk2d-small", "--run-dir", "walk", folder=tmp_path)
    evaluation = json.loads(run(fresh / "soleus", "evaluate", "walk", "--episodes", "4", "--json", folder=tmp_path))
    assert evaluation["episodes"] == 4
    assert evaluation["mean_return"] > 0
    versions = json.loads((tmp_path / "walk/summary.json").read_text())["versions"]
    assert versions["core"] in ("x86-64-v3", "x86-64-v4")
    assert "soleus" in versions
    assert "envpool" not in versions, "whoever only walks pays for no environments of others"
    assert f"instruction set {versions['core']}" in run(fresh / "soleus", "doctor", "--quick", folder=tmp_path)


has_both = pytest.mark.skipif(
    "avx512vl" not in Path("/proc/cpuinfo").read_text(), reason="the processor has no AVX-512"
)


@has_both
@pytest.mark.parametrize("mode", ["torque", "muscle", "excitation"])
@pytest.mark.parametrize("preset", ["walk2d", "walk-myolegs"])
def test_the_lanes_give_the_same_bits_with_both_cores(fresh: Path, tmp_path: Path, preset: str, mode: str) -> None:
    found = {
        core: run(fresh / "python", "-c", ROLLOUT, core, preset, mode, folder=tmp_path).split()
        for core in ("x86-64-v3", "x86-64-v4")
    }
    assert [core for core, _ in found.values()] == list(found)
    assert len({bits for _, bits in found.values()}) == 1


@has_both
def test_both_cores_train_alike(fresh: Path, tmp_path: Path) -> None:
    returns = {}
    for core in ("x86-64-v3", "x86-64-v4"):
        run(
            *(fresh / "python", "-c", WITH_CORE, core),
            *("train", "test-walk2d-small", "--run-dir", core),
            folder=tmp_path,
        )
        assert json.loads((tmp_path / core / "summary.json").read_text())["versions"]["core"] == core
        returns[core] = [row["episode/return"] for row in read_metrics(tmp_path / core) if "episode/return" in row]
    # They may round differently, which a long training makes much of; this one is short.
    assert returns["x86-64-v3"] == pytest.approx(returns["x86-64-v4"], rel=1e-3)
