"""The commands of the README on real models: they run, say what they promise, repeat and resume exactly."""

import json
from pathlib import Path

import numpy as np
import pytest

from preset_files import flags_for
from soleus.cli import main
from soleus.config import EnvRunConfig, load_config, names, parse_overrides
from soleus.environments import make_group
from soleus.errors import UserError
from soleus.evaluation.humans import evaluate
from soleus.exchange.spaces import ActionSpec
from soleus.nets.policy import Policy
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import Simulation

EVALUATION = {
    "episodes",
    "share_full",
    "mean_length_s",
    "mean_speed_m_s",
    "mean_return",
    "mean_distance_m",
    "effort",
}


def _train(folder: Path, *arguments: str) -> list[dict[str, float]]:
    assert main(["train", *arguments, *([] if "--resume" in arguments else ["--run-dir", str(folder)])]) == 0
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [
        {key: value for key, value in row.items() if not key.startswith("time/s") or key == "time/steps"}
        for row in rows
    ]


def _iterations(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    clocks = ("time/", "system/")
    return [
        {key: value for key, value in row.items() if key == "time/steps" or not key.startswith(clocks)}
        for row in rows
        if "episode/count" in row
    ]


@pytest.mark.parametrize("method", ["static_optimization", "network"])
def test_resume_equals_uninterrupted(tmp_path, capsys, method):
    options = (
        "test-walk2d-small",
        "--coordination.method",
        method,
        "--coordination.hidden",
        "[32, 32]",
        "--policy.mirror",
        "--train.learner_threads",
        "1",
    )
    whole = _iterations(_train(tmp_path / "whole", *options, "--steps", "1536", "--num-threads", "2"))
    _train(tmp_path / "parts", *options, "--steps", "768", "--num-threads", "1")
    parts = _iterations(_train(tmp_path / "parts", "--resume", str(tmp_path / "parts"), "--steps", "1536"))
    assert len(whole) == 6
    assert parts == whole


def test_pinned_threads_train_as_others_do(tmp_path, capsys):
    options = ("test-walk2d-small", "--steps", "512", "--num-threads", "2", "--train.learner_threads", "1")
    pinned = _train(tmp_path / "pinned", *options, "--train.pin_threads")
    assert load_config(tmp_path / "pinned/config.yaml").train.pin_threads
    assert _iterations(pinned) == _iterations(_train(tmp_path / "free", *options))


def test_evaluate_prints_the_promised_json(tmp_path, capsys):
    _train(tmp_path / "run", "test-walk2d-small", "--steps", "512")
    assert {"config.yaml", "metrics.jsonl", "checkpoints", "summary.json"} <= {
        p.name for p in (tmp_path / "run").iterdir()
    }
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "run"), "--episodes", "3", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result) == EVALUATION
    assert result["episodes"] == 3
    assert 0 < result["mean_length_s"] <= 10


def test_evaluation_counts_whole_first_episodes():
    """An untrained walker falls; the evaluation's means are those of its first episodes, stepped one by one."""
    import torch

    from soleus.sim.gymnasium import BatchEnv

    config = load_config("test-walk2d-small")
    scenario = load_scenario(config)
    simulation = Simulation(scenario, 1, 1, 0)
    action = ActionSpec.continuous(simulation.policy_spec.outputs)
    policy = Policy(None, simulation.policy_spec, action, 0.3, torch.Generator().manual_seed(0))
    state = {f"net.{key}": value for key, value in policy.net.state_dict().items()}
    size = simulation.core.observation_size
    state |= {"log_std": policy.log_std, "normalizer.mean": np.zeros(size), "normalizer.std": np.ones(size)}
    result = evaluate(config, state, None, episodes=4, seed=5, num_threads=2)
    env = BatchEnv(scenario, 4, 1)
    observations, _ = env.reset(seed=5)
    lengths, returns, totals = [0.0] * 4, [0.0] * 4, np.zeros(4)
    for step in range(1, 301):
        with torch.no_grad():
            actions = policy.net(torch.from_numpy(observations.copy()).clamp(-10, 10)).numpy()
        observations, rewards, terminated, truncated, _ = env.step(actions)
        totals += rewards
        for i in np.flatnonzero((terminated | truncated) & (np.array(lengths) == 0)):
            lengths[i], returns[i] = step / 30, totals[i]
    assert result["mean_length_s"] == pytest.approx(np.mean(lengths), rel=1e-3)
    assert result["mean_return"] == pytest.approx(np.mean(returns), rel=1e-2)


@pytest.mark.parametrize("what", ["rollout", "network", "init", "sync", "train"])
def test_bench_prints_json_that_scripts_rely_on(what, capsys, tmp_path):
    record = tmp_path / "benchmarks.md"
    arguments = [
        "bench",
        what,
        "test-walk2d-small",
        "--num-envs",
        "4",
        "--rounds",
        "1",
        "--json",
        "--record",
        str(record),
    ]
    for _ in range(2):
        assert main(arguments) == 0
        result = json.loads(capsys.readouterr().out)
    assert set(result) == {"bench", "command", "machine", "results"}
    assert record.read_text().count("## `") == 1, "a second record takes the place of the first"
    if what == "rollout":
        expected = {"steps_per_s", "substeps_per_s", "raw_substeps_per_s", "ratio", "share"}
        assert expected <= set(result["results"])
        assert {"physics", "muscles", "coordination", "policy", "terms", "other"} <= set(result["results"]["share"])
        assert sum(result["results"]["share"].values()) == pytest.approx(1.0, abs=0.01)


@pytest.mark.slow  # a training of every preset, of the largest bodies too
@pytest.mark.parametrize("preset", [name for name in names("presets") if not name.startswith("test")])
def test_every_preset_trains(preset, tmp_path, capsys):
    files = flags_for(preset)
    config = load_config(preset, parse_overrides(files))
    if isinstance(config, EnvRunConfig):
        try:
            make_group(config.env, 1).close()
        except UserError as error:
            pytest.skip(str(error))
    rows = _train(tmp_path / "run", preset, *files, "--steps", "512", "--num-envs", "8", "--train.rollout_steps", "32")
    assert all(np.isfinite(value) for row in rows for value in row.values())
