import json
import math
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import scene
from soleus import models
from soleus.cli import main
from soleus.doctor import leftovers
from soleus.doctor import machine as doctor
from soleus.doctor.finding import Finding
from soleus.doctor.leftovers import Leftovers
from soleus.machine import threads
from soleus.machine.cpus import available_cpus
from soleus.run.summary import PACKAGES, versions


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, [("threads", "ok", "no environment variable sets their number: Soleus does")]),
        ({"OMP_NUM_THREADS": "4"}, [("OMP_NUM_THREADS", "ok", "4 for 4 CPUs in reach; workers and the learner")]),
        ({"MKL_NUM_THREADS": "1"}, [("MKL_NUM_THREADS", "note", "1 for 4 CPUs in reach; workers and the learner")]),
        ({"OMP_NUM_THREADS": "8,2"}, [("OMP_NUM_THREADS", "wrong", "8,2 threads for 4 CPUs in reach, which wait")]),
        ({"OPENBLAS_NUM_THREADS": "all"}, [("OPENBLAS_NUM_THREADS", "wrong", "expected a number of threads, got")]),
        ({"OMP_NUM_THREADS": "0"}, [("OMP_NUM_THREADS", "wrong", "expected a number of threads, got '0': unset it")]),
        ({"OMP_PROC_BIND": "close"}, [("OMP_PROC_BIND", "wrong", "'close' binds every process to the same CPUs")]),
        ({"GOMP_CPU_AFFINITY": "0-3"}, [("GOMP_CPU_AFFINITY", "wrong", "'0-3' binds every process to the same")]),
        ({"OMP_PROC_BIND": "FALSE"}, [("threads", "ok", "no environment variable sets their number")]),
        (
            {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": ""},
            [("threads", "ok", "no environment variable sets their number")],
        ),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, [("OMP_WAIT_POLICY", "wrong", "'active' lets threads that wait take CPUs")]),
    ],
)
def test_thread_settings(environment: dict[str, str], expected: list[tuple[str, str, str]]) -> None:
    found = doctor.thread_settings(environment, cpus=4)
    assert [(one.name, one.state) for one in found] == [(name, state) for name, state, _ in expected]
    for one, (_, _, text) in zip(found, expected, strict=True):
        assert one.text.startswith(text)


def test_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    for module in ("machine.cpus", "doctor.machine"):
        monkeypatch.setattr(f"soleus.{module}.affinity_cpus", lambda: 8)
        monkeypatch.setattr(f"soleus.{module}.quota_cpus", lambda root=Path("/"): 2.5)
    assert doctor.cpus().text == "3 in reach: 8 of 16 by affinity, a quota of 2.5"
    for module in ("machine.cpus", "doctor.machine"):
        monkeypatch.setattr(f"soleus.{module}.quota_cpus", lambda root=Path("/"): math.inf)
    assert doctor.cpus().text == "8 in reach: 8 of 16 by affinity, no quota"


def test_packages() -> None:
    known = dict.fromkeys(PACKAGES, "1.0")
    assert doctor.packages(known).state == "ok"
    del known["envpool"]
    assert doctor.packages(known).state == "ok"
    del known["torch"]
    assert doctor.packages(known).text.startswith("torch missing (make setup); soleus 1.0, mujoco 1.0")


def test_a_core_that_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soleus.sim.simulation", None)
    found = doctor.core()
    assert (found.state, found.text[:32]) == ("wrong", "it does not load (make setup): i")


def test_the_instruction_set_of_the_core_is_told() -> None:
    from soleus import _core

    assert doctor.core().text == f"the native core loads, built for the instruction set {_core.INSTRUCTION_SET}"
    assert versions()["core"] == _core.INSTRUCTION_SET
    assert "core" not in doctor.packages(versions()).text


@pytest.mark.parametrize(("native", "says"), [(True, "has products"), (False, "has no products")])
def test_precision(monkeypatch: pytest.MonkeyPatch, native: bool, says: str) -> None:
    monkeypatch.setattr("soleus.nets.precision.computes_bfloat16", lambda: native)
    auto = "bfloat16" if native else "float32"
    assert doctor.precision().text == f"the processor {says} of bfloat16; precision auto is {auto} for images"


def test_environments_without_envpool_and_without_qt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "envpool", None)
    found = doctor.environments(doctor.pool.missing())
    assert found == Finding(
        "environments",
        "note",
        "envpool: and procgen: environments need the package envpool (pip install 'soleus[environments]')",
    )
    monkeypatch.setitem(sys.modules, "envpool", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "envpool.procgen", SimpleNamespace())  # as it is where Qt is missing
    found = doctor.environments(doctor.pool.missing())
    assert found.text.startswith("procgen: environments need Qt 5's runtime for Procgen (apt install libqt5gui5")
    monkeypatch.setitem(sys.modules, "envpool.procgen", SimpleNamespace(ProcgenEnvSpec=None))
    assert doctor.environments(doctor.pool.missing()).state == "ok"


def test_leftovers_are_wrong_until_they_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Leftovers({7: 2, 9: 1}, (11, 12), (Path("/dev/shm/psm_x"),))
    monkeypatch.setattr(leftovers, "find", lambda proc, shared: found)
    left = Leftovers({7: 2}, (), ())
    monkeypatch.setattr(leftovers, "clean", lambda found, proc, shared: left)
    workers, segments = doctor.remains(proc=Path("/"))
    assert workers.state == segments.state == "wrong"
    assert workers.text == "11, 12 run without the run that started them: soleus doctor --clean removes them"
    assert segments.text == "/dev/shm/psm_x are mapped by nobody: soleus doctor --clean removes them"
    cleaned = doctor.remains(clean=True, proc=Path("/"))
    assert [(one.state, one.text) for one in cleaned] == [("ok", "removed 11, 12"), ("ok", "removed /dev/shm/psm_x")]
    found = left
    workers, segments = doctor.remains(proc=Path("/"))
    assert workers.text == "none is left without its run; under way: process 7 with 2 workers"
    assert segments.text == "none left in /dev/shm"


def test_a_system_without_proc(tmp_path: Path) -> None:
    (found,) = doctor.remains(proc=tmp_path / "proc")
    assert (found.name, found.state) == ("leftovers", "note")


@pytest.fixture
def nothing_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else runs on this machine."""
    monkeypatch.setattr(leftovers, "find", lambda proc, shared: Leftovers({}, (), ()))
    for name in (*threads.VARIABLES, "OMP_PROC_BIND", "GOMP_CPU_AFFINITY", "KMP_AFFINITY", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("nothing_left")
def test_the_verb(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["doctor", "--quick"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ok     CPUs ")
    assert lines[-1] == "nothing is wrong"
    monkeypatch.setenv("OMP_PROC_BIND", "true")
    assert main(["doctor", "--quick"]) == 1
    assert capsys.readouterr().out.endswith("\n1 thing is wrong\n")
    assert main(["doctor", "--quick", "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert result["wrong"] == 1
    assert [one["name"] for one in result["findings"] if one["state"] == "wrong"] == ["OMP_PROC_BIND"]
    assert main(["doctor", "--everything"]) == 2


@pytest.mark.usefixtures("nothing_left")
def test_threads_are_measured_unless_in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []

    def threads_pay(cpus: int) -> Finding:
        measured.append(cpus)
        return Finding("speed", "wrong", "they do not")

    monkeypatch.setattr("soleus.doctor.speed.threads_pay", threads_pay)
    monkeypatch.setattr(models, "names", lambda: ["walk2d"])
    assert main(["doctor", "--quick"]) == 0
    assert main(["doctor", "--pid", str(os.getpid())]) == 0, "a run under way would be disturbed"
    assert measured == []
    assert main(["doctor"]) == 1
    assert measured == [available_cpus()]
    monkeypatch.setattr(doctor, "core", lambda: Finding("core", "wrong", "it does not load"))
    assert main(["doctor"]) == 1
    assert len(measured) == 1


def test_the_engine_of_each_model_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the lanes do not cover one, the element is named that is why."""
    elliptic = scene.write(tmp_path, scene.mjcf(head='<option cone="elliptic"/>'))
    monkeypatch.setattr(models, "names", lambda: ["walk2d", "myolegs26", str(elliptic)])
    found = doctor.engines()
    assert (found.name, found.state) == ("engine", "ok")
    assert re.fullmatch(
        r"control.engine auto takes lanes, \d humans to an instruction for walk2d, myolegs26;"
        rf" MuJoCo, since the lanes do not cover option cone: .* for {elliptic}",
        found.text,
    )


@pytest.mark.parametrize(
    ("working", "state", "text"),
    [
        ({"egl", "osmesa"}, "ok", "pictures are drawn without a screen by egl and osmesa"),
        ({"osmesa"}, "ok", "pictures are drawn without a screen by osmesa"),
        (set(), "note", "soleus record needs it without a screen: apt install libegl1 or libosmesa6"),
    ],
)
def test_opengl(monkeypatch: pytest.MonkeyPatch, working: set[str], state: str, text: str) -> None:
    monkeypatch.setattr("soleus.render.gl.works", lambda name: name in working)
    assert doctor.opengl() == Finding("OpenGL", state, text)  # type: ignore[arg-type]
