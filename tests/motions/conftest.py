import functools

import pytest

from soleus import models


@functools.cache
def load(name: str) -> models.Human:
    return models.load(name)


@pytest.fixture(params=models.names(), scope="session")
def human(request) -> models.Human:
    return load(request.param)


@pytest.fixture(scope="session")
def walk2d() -> models.Human:
    return load("walk2d")


@pytest.fixture(scope="session")
def myolegs() -> models.Human:
    return load("myolegs")
