import copy
import functools
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import point_mass
from soleus import models
from soleus.config import Config

torch.set_num_threads(1)  # small networks: more threads only wait for one another


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
    monkeypatch.setitem(sys.modules, "soleus.evaluate", SimpleNamespace(evaluate=point_mass.evaluate))


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
