"""The models that are tried: a small one of our own, and the reference model where it lies beside the checkout."""

from pathlib import Path

import pytest

from soleus.config import HumanRunConfig

HERE = Path(__file__).parent
REFERENCE = HERE.parents[1].parent / "shared" / "mass"
FILES = {
    "person": {"skeleton": HERE / "person.xml", "muscles": HERE / "muscles.xml", "bvh": HERE / "stride.bvh"},
    "reference": {
        "skeleton": REFERENCE / "human.xml",
        "muscles": REFERENCE / "muscle284.xml",
        "bvh": REFERENCE / "walk.bvh",
    },
}


def config_of(name: str, **model: object) -> HumanRunConfig:
    """A configuration of a model in muscle control at 600 steps a second; `model` goes beside its files."""
    files = {key: str(path) for key, path in FILES[name].items()}
    raw = {
        "model": {"mass": {"skeleton": files["skeleton"], "muscles": files["muscles"]}, **model},
        "task": {"name": "stand", "initial": "rest", "observation": {"root": {}},
                 "reward": {"terms": {"alive": {"weight": 1.0}}}},
        "control": {"sim_hz": 600, "policy_hz": 30},
    }  # fmt: skip
    return HumanRunConfig.model_validate(raw)


def files_of(name: str) -> dict[str, Path]:
    """Skips the test, saying so, where the files are not there."""
    missing = [str(path) for path in FILES[name].values() if not path.exists()]
    if missing:
        pytest.skip(f"{missing[0]} is not there")
    return FILES[name]
