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
from soleus.config import Config
from soleus.run.log import draw_curves

torch.set_num_threads(1)  # small networks: more threads only wait for one another
TESTS = Path(__file__).parent
LONG = ("contract", "fuzz", "show", "cli", "doctor")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run side by side, a file is one process's: what it makes once a module is made once.

    All that starts Ray is one group, whose clusters do not meet. Groups with long tests come first, so that no process
    ends with them while the other one waits.
    """

    def place(item: pytest.Item) -> int:
        group = item.get_closest_marker("xdist_group")
        return 0 if group else 1 if item.path.relative_to(TESTS).parts[0] in LONG else 2

    items.sort(key=place)
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path.relative_to(TESTS))))


@pytest.fixture
def make_config() -> Callable[..., Config]:
    """Config of the point mass, with sections laid over it: make_config(train={"steps": 512})."""

    def make(**sections: Any) -> Config:
        raw = copy.deepcopy(point_mass.CONFIG)
        for name, section in sections.items():
            raw[name] = {**raw.get(name, {}), **section} if isinstance(section, dict) else section
        return Config.model_validate(raw)

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
def no_drawing() -> Iterator[None]:
    """A file in the place of the picture of a run's curves, which takes ten times longer than most of these trainings.

    The fixture `drawing` gives the picture back.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("soleus.run.run.draw_curves", lambda folder: (folder / "curves.png").write_bytes(os.urandom(99)))
        yield


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture of a run's curves is drawn."""
    monkeypatch.setattr("soleus.run.run.draw_curves", draw_curves)


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
