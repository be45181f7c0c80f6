"""Files for presets that need some: names for configurations alone, and real ones beside the checkout for trainings."""

from pathlib import Path

import pytest

NAMES: dict[str, dict[str, object]] = {
    "clips-mass": {
        "model.mass.skeleton": "human.xml",
        "model.mass.muscles": "muscle284.xml",
        "motion.clips": ["walk.bvh", "run.bvh"],
    },
    "walk-gait2392": {"model": "gait2392.osim", "motion": "gait2392_walk.mot"},
    "walk-opensim": {"model": "gait10dof18musc.osim", "motion": "gait10dof18musc_walk.mot"},
    "walk-rajagopal": {"model": "rajagopal_walk.osim", "motion": "rajagopal_walk.mot"},
}
_SHARED = Path(__file__).parents[2].parent / "shared"


def flags_for(preset: str) -> list[str]:
    """Return the flags that give a preset its files. Skips the test, saying so, where they are not there."""
    folder = _SHARED / ("mass" if preset == "clips-mass" else "opensim")
    flags = []
    for key, name in NAMES.get(preset, {}).items():
        files = [folder / str(one) for one in (name if isinstance(name, list) else [name])]
        if missing := [file for file in files if not file.is_file()]:
            pytest.skip(f"{missing[0]} is not there")
        flags += [f"--{key}", f"[{', '.join(map(str, files))}]" if isinstance(name, list) else str(files[0])]
    return flags
