import copy
import functools
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import point_mass
import s3_here
from soleus import models
from soleus.config import HumanRunConfig
from soleus.run.log import draw_curves

torch.set_num_threads(1)  # small networks: more threads only wait for one another
TESTS = Path(__file__).parent
RAY = ("contract/test_ray_", "test_examples.py", "bench/test_scaling_ray.py", "sweep/test_sweep_on_ray.py")
LONG = (*RAY, "contract/", "fuzz/", "show/", "cli/", "doctor/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with long tests first: where tests run side by side, no process ends with them while others wait."""

    def place(item: pytest.Item) -> int:
        file = str(item.path.relative_to(TESTS))
        return next((place for place, start in enumerate(LONG) if file.startswith(start)), len(LONG))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where tests run side by side, a file is one process's: what it makes once a module is made once.

    All that starts Ray is one group, so that its clusters never meet. The marker that pytest-xdist has for groups does
    nothing with pytest 9.2: it renames tests in a way that this pytest does not see.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "ray" if file.removeprefix("tests/").startswith(RAY) else file

    return Groups(config, log)


@pytest.fixture
def make_config() -> Callable[..., HumanRunConfig]:
    """The configuration of the point mass, with sections laid over it: make_config(train={"steps": 512})."""

    def make(**sections: Any) -> HumanRunConfig:
        raw = copy.deepcopy(point_mass.CONFIG)
        for name, section in sections.items():
            raw[name] = {**raw.get(name, {}), **section} if isinstance(section, dict) else section
        return HumanRunConfig.model_validate(raw)

    return make


@pytest.fixture
def point_mass_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the point mass where the native core would be."""
    native = SimpleNamespace(NativeCollector=point_mass.PointMassCollector)
    monkeypatch.setitem(sys.modules, "soleus.collect.native", native)
    monkeypatch.setitem(sys.modules, "soleus.evaluation.humans", SimpleNamespace(evaluate=point_mass.evaluate))


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Address of an S3 server on this machine."""
    with s3_here.server() as address:
        yield address


_buckets = itertools.count()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of an empty bucket there."""
    from s3fs import S3FileSystem

    s3_here.point_at(monkeypatch, s3_server)
    bucket = f"bucket-{next(_buckets)}"
    S3FileSystem().mkdir(bucket)
    return f"s3://{bucket}"


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache folder of the tests' own, which all their processes share: a model's muscle paths are fitted once."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(shared / "cache"))
        yield


@pytest.fixture(scope="session", autouse=True)
def no_drawing() -> Iterator[None]:
    """A file in the place of the picture of a run's curves, which takes ten times longer than most of these trainings.

    The fixture `drawing` gives the picture back.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("soleus.run.live.draw_curves", lambda folder: (folder / "curves.png").write_bytes(os.urandom(99)))
        yield


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture of a run's curves is drawn."""
    monkeypatch.setattr("soleus.run.live.draw_curves", draw_curves)


@functools.cache
def load(name: str) -> models.Human:
    return models.load(name)


@pytest.fixture(params=models.names(), scope="session")
def human(request: pytest.FixtureRequest) -> models.Human:
    return load(request.param)


@pytest.fixture(scope="session")
def walk2d() -> models.Human:
    return load("walk2d")


@pytest.fixture(scope="session")
def myolegs() -> models.Human:
    return load("myolegs")
