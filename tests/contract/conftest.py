"""The promises about humans hold for both engines: what loads a model by native.scenario runs with either."""

from collections.abc import Iterator

import native
import pytest

BOTH = (
    "test_determinism",
    "test_direct_torques",
    "test_divergence",
    "test_mirror",
    "test_physics",
    "test_reset",
    "test_pool",
    "test_conditions",
    "test_variants",
    "test_exoskeleton",
    "test_pushes",
    "test_noise",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.module.__name__ in BOTH:
        metafunc.parametrize("engine", ["lanes", "mujoco"], indirect=True)


@pytest.fixture(autouse=True)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine of models that native.scenario loads; auto where a module is not of BOTH."""
    native.ENGINE = getattr(request, "param", "auto")
    yield native.ENGINE
    native.ENGINE = "auto"
