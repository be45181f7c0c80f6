"""Coordination at every few substeps, and muscle networks that were trained elsewhere."""

from pathlib import Path

import mujoco
import numpy as np
import pytest
import torch
import yaml

from mass_files import FILES
from soleus.bench.parts import random_state
from soleus.cli import main
from soleus.config import load_config
from soleus.exchange.weights import policy_tensors
from soleus.run import checkpoint
from soleus.sim.buffers import Buffers
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import Simulation, one_human

SUBSTEPS = 20
CONFIG = {
    "model": {"mass": {key: str(FILES["person"][key]) for key in ("skeleton", "muscles")}},
    "motion": {"bvh": str(FILES["person"]["bvh"])},
    "control": {"mode": "muscle", "sim_hz": 30 * SUBSTEPS, "policy_hz": 30, "action_scale": 0.1},
    "coordination": {"method": "network", "hidden": [16]},
    "policy": {"hidden": [16]},
    "train": {"steps": 128, "num_envs": 4, "rollout_steps": 32, "eval_episodes": 1},
}


@pytest.mark.parametrize("method", ["static_optimization", "network"])
def test_muscles_hold_their_activations_from_one_coordination_to_the_next(tmp_path, method):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(CONFIG))
    over = {"coordination.interval": SUBSTEPS, "coordination.method": method}
    loaded = load_scenario(load_config(tmp_path / "mine.yaml", over))
    human, model = loaded.human, loaded.human.model
    made = Simulation(loaded, 1, 1, seed=3)
    made.load_policy(random_state(policy_tensors(made.policy_spec), 1))
    if made.muscle_spec:
        made.load_muscle(random_state(made.muscle_spec.tensors(), 2))
    buffers = Buffers(made, 1, samples=made.muscle_spec is not None)
    made.core.reset(3, buffers["observations"][0])
    size = mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_INTEGRATION)
    before, after = mujoco.MjData(model), mujoco.MjData(model)
    mujoco.mj_setState(model, before, made.save()[0, :size], mujoco.mjtState.mjSTATE_INTEGRATION)
    buffers.run(made, with_policy=True)
    state = made.save()[0]
    mujoco.mj_setState(model, after, state[:size], mujoco.mjtState.mjSTATE_INTEGRATION)
    held = state[size + len(human.coordinate_names) + len(human.feet) :][: len(human.muscle_names)]
    assert held.max() > 0.01

    alone = one_human(loaded)
    alone.reset(before.qpos, before.qvel)
    alone.apply_activations(held)
    for _ in range(SUBSTEPS):
        alone.step(True)
    np.testing.assert_allclose(alone.qpos, after.qpos, atol=1e-7)


def _weights(path: Path) -> dict[str, torch.Tensor]:
    loaded = load_scenario(load_config(path))
    shapes = Simulation(loaded, 1, 1, seed=0).muscle_spec.tensors()
    draw = torch.Generator().manual_seed(5)
    return {f"fc.{name}": 0.1 * torch.randn(shape, generator=draw) for name, shape in shapes.items()}


def test_a_run_starts_from_a_network_trained_elsewhere(tmp_path, monkeypatch, capsys):
    slow = {**CONFIG["coordination"], "weights": "theirs.pt", "learning_rate": 1e-12}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**CONFIG, "coordination": slow}))
    weights = _weights(tmp_path / "mine.yaml")
    torch.save(weights, tmp_path / "theirs.pt")
    monkeypatch.chdir(tmp_path.parent)
    run = tmp_path / "run"
    assert main(["train", str(tmp_path / "mine.yaml"), "--run-dir", str(run)]) == 0
    learnt = checkpoint.read(checkpoint.locate(run))["muscle"]
    for name, tensor in weights.items():
        np.testing.assert_allclose(learnt[name.removeprefix("fc.")], tensor, atol=1e-8)

    # A run that goes on needs the file no longer.
    (tmp_path / "theirs.pt").unlink()
    assert main(["train", "--resume", str(run), "--train.steps", "256"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path, state: path.unlink(), "none"),
        (lambda path, state: path.write_bytes(b"no weights"), "expected a torch state_dict"),
        (lambda path, state: torch.save([1, 2], path), "tensors by name"),
        (lambda path, state: torch.save({**state, "fc.0.bias": torch.zeros(3)}, path), "'0.bias'"),
    ],
)
def test_weights_that_do_not_fit_are_one_line(tmp_path, capsys, spoil, said):
    (tmp_path / "mine.yaml").write_text(
        yaml.safe_dump({**CONFIG, "coordination": {**CONFIG["coordination"], "weights": "theirs.pt"}})
    )
    path = tmp_path / "theirs.pt"
    state = _weights(tmp_path / "mine.yaml")
    torch.save(state, path)
    spoil(path, state)
    assert main(["train", str(tmp_path / "mine.yaml"), "--run-dir", str(tmp_path / "run")]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "theirs.pt" in err
    assert said in err
    assert not (tmp_path / "run").exists()
