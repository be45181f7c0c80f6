"""The full body of the package musclemimic-models, where that is installed: it loads, imitates, and trains."""

from pathlib import Path

import numpy as np
import pytest

from soleus import models, motions
from soleus.cli import main
from soleus.config.sources import ModelFiles

musclemimic = pytest.importorskip("musclemimic_models", reason="musclemimic-models is not installed")

FINGERS = ["cmc_*", "mp_*", "ip_*", "mcp*", "pm*", "md*"]


@pytest.fixture(scope="module")
def body() -> Path:
    return Path(musclemimic.get_xml_path("myofullbody"))


@pytest.mark.parametrize("lock", [[], FINGERS])
def test_it_loads_as_it_is(body: Path, lock: list[str]) -> None:
    human = models.load(ModelFiles.model_validate({"mjcf": str(body), "lock": lock}), 500)
    assert len(human.muscle_names) == (390 if lock else 416)
    walk = motions.load("walk", human)
    assert walk.speed == pytest.approx(1.24, abs=0.1)
    assert np.abs(walk.qpos[:, 1]).max() < 0.05  # straight ahead, whichever way the file faces


def test_a_run_of_it_has_all_that_it_needs(body: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Evaluation reads the run's own copies, in which every mesh and texture has its place."""
    (tmp_path / "mine.yaml").write_text(
        f"model: {{mjcf: {body}, contacts: feet, lock: {FINGERS}}}\nmotion: walk\ntask: imitate\n"
        "control: {mode: torque, sim_hz: 500, policy_hz: 100}\n"
        "train: {steps: 256, num_envs: 4, rollout_steps: 64, eval_episodes: 2}\n"
    )
    main(["train", str(tmp_path / "mine.yaml"), "--run-dir", str(tmp_path / "run")])
    said = capsys.readouterr().out
    assert "engine: lanes" in said
    assert "of 2 episodes last" in said
