"""What a program does with Soleus: it trains, loads, acts, exports, evaluates."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

import soleus
from soleus.cli import main
from soleus.errors import UserError
from soleus.gait import Report, analyse
from soleus.models import registry
from soleus.run.log import read_metrics
from soleus.sim.trace import Episodes
from walker import walked

SMALL: dict[str, Any] = {"num_envs": 4, "train": {"rollout_steps": 16, "eval_episodes": 1}, "ppo": {"minibatches": 1}}


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("api") / "walker"
    soleus.train("test-walk2d-small", steps=256, num_threads=1, run_dir=folder, **SMALL)
    return folder


@pytest.fixture(scope="module")
def cartpole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("api") / "cartpole"
    soleus.train("cartpole", steps=64, collector="inline", run_dir=folder, **SMALL)
    return folder


def returns_of(policy: soleus.Policy, episodes: int, seed: int) -> float:
    env = policy.env(num_envs=episodes)
    observations, _ = env.reset(seed=seed)
    returns, going = np.zeros(episodes), np.ones(episodes, bool)
    while going.any():
        observations, rewards, terminated, truncated, _ = env.step(policy.act(observations))
        returns += rewards * going
        going &= ~(terminated | truncated)
    env.close()
    return float(returns.mean())


def test_acting_in_python_is_what_evaluation_does(walker: Path) -> None:
    expected = soleus.evaluate(walker, episodes=3, seed=5)["mean_return"]
    assert returns_of(soleus.load(walker), 3, 5) == pytest.approx(expected, rel=1e-5)


def test_a_muscle_network_acts_with_the_weights_of_the_run(tmp_path: Path) -> None:
    keys = {**SMALL, "coordination": {"method": "network", "hidden": [16]}}
    soleus.train("test-walk2d-small", steps=128, num_threads=1, run_dir=tmp_path / "run", **keys)
    expected = soleus.evaluate(tmp_path / "run", episodes=2, seed=1)["mean_return"]
    policy = soleus.load(tmp_path / "run")
    assert returns_of(policy, 2, 1) == pytest.approx(expected, rel=1e-5)
    exported = torch.jit.load(policy.export_muscle_network(tmp_path / "muscles.pt"))
    learner = torch.load(tmp_path / "run/checkpoints/latest.pt", weights_only=True)["muscle"]
    moments = torch.rand(5, 30)[:, : learner["0.weight"].shape[1] - 6] * 50
    wanted = torch.rand(5, learner["0.weight"].shape[1] - moments.shape[1]) * 100 - 50
    hidden = torch.nn.functional.leaky_relu(
        torch.cat([moments, wanted], 1) / 200 @ learner["0.weight"].T + learner["0.bias"], 0.2
    )
    by_hand = torch.relu(torch.tanh(hidden @ learner["2.weight"].T + learner["2.bias"]))
    torch.testing.assert_close(exported(moments, wanted), by_hand, rtol=1e-5, atol=1e-6)


def test_one_observation_and_many(walker: Path) -> None:
    policy = soleus.load(walker)
    seen = np.random.default_rng(0).normal(size=(9, *policy.observation_shape)).astype(np.float32)
    actions = policy.act(seen)
    np.testing.assert_array_equal(policy.act(seen[4]), actions[4])
    np.testing.assert_array_equal(policy.act(seen.tolist()), actions)
    spread = policy.act(np.repeat(seen[:1], 4000, 0), deterministic=False)
    std = np.exp(policy.trained.policy["log_std"])
    np.testing.assert_allclose(spread.mean(0), actions[0], atol=5 * std.max() / 4000**0.5)
    np.testing.assert_allclose(spread.std(0), std, rtol=0.1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.zeros(3), r"act: expected observations of shape \(\d+,\) or \(M, \d+,\), got \(3,\)"),
        (np.full((2, 1), np.nan), "act: expected observations of shape"),
        ("walk", "act: expected observations of shape"),
    ],
)
def test_wrong_observations(walker: Path, given: Any, said: str) -> None:
    with pytest.raises(soleus.UserError, match=said):
        soleus.load(walker).act(given)


def test_observations_that_are_not_finite(walker: Path) -> None:
    policy = soleus.load(walker)
    with pytest.raises(soleus.UserError, match="expected finite numbers as observations"):
        policy.act(np.full(policy.observation_shape, np.inf))


def test_one_human_draws_itself(walker: Path) -> None:
    env = soleus.load(walker).env()
    assert isinstance(env, gymnasium.Env)
    assert env.reset(seed=0)[0].shape == soleus.load(walker).observation_shape
    with pytest.raises(soleus.UserError, match="expected render_mode none for 2 humans"):
        soleus.load(walker).env(num_envs=2, render_mode="rgb_array")


def test_an_environment_that_is_not_ours(cartpole: Path) -> None:
    policy = soleus.load(cartpole)
    env = policy.env()
    observation, _ = env.reset(seed=3)
    action = policy.act(observation)
    assert action.shape == ()
    assert env.action_space.contains(action)
    assert {int(policy.act(observation, deterministic=False)) for _ in range(50)} == {0, 1}
    many = policy.env(num_envs=2)
    observations, _ = many.reset(seed=3)
    np.testing.assert_array_equal(observations[0], observation)
    assert many.step(policy.act(observations))[1].shape == (2,)
    env.close()
    many.close()


@pytest.mark.parametrize("run", ["walker", "cartpole"])
@pytest.mark.parametrize("ending", [".onnx", ".pt"])
def test_exported_policies_act_alike(run: str, ending: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    policy = soleus.load(request.getfixturevalue(run))
    seen = np.random.default_rng(1).normal(size=(7, *policy.observation_shape)).astype(np.float32)
    if ending == ".onnx":
        onnxruntime = pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
        session = onnxruntime.InferenceSession(policy.export(tmp_path / "policy.onnx"))
        (actions,) = session.run(None, {"observations": seen})
    else:
        actions = torch.jit.load(policy.export(tmp_path / "policy.pt"))(torch.from_numpy(seen)).numpy()
    np.testing.assert_allclose(actions, policy.act(seen), rtol=1e-5, atol=1e-6)


def test_other_files_are_not_written(walker: Path, tmp_path: Path) -> None:
    policy = soleus.load(walker)
    with pytest.raises(soleus.UserError, match=r"expected a file ending in .onnx or .pt, got .*policy.h5"):
        policy.export(tmp_path / "policy.h5")
    with pytest.raises(soleus.UserError, match="got the folder"):
        policy.export(tmp_path / "there/policy.pt")
    with pytest.raises(soleus.UserError, match=r"expected a run with coordination\.method network"):
        policy.export_muscle_network(tmp_path / "muscles.pt")


def test_a_callback_sees_every_iteration_and_may_end_the_training(tmp_path: Path) -> None:
    seen: list[tuple[int, float]] = []

    def callback(iteration: int, metrics: Any) -> bool:
        seen.append((iteration, metrics["time/steps"]))
        return iteration < 3

    run = soleus.train(
        "test-walk2d-small", steps=640, num_threads=1, run_dir=tmp_path / "run", callback=callback, **SMALL
    )
    assert seen == [(1, 64), (2, 128), (3, 192)]
    assert [row["time/steps"] for row in run.metrics if "ppo/kl" in row] == [64, 128, 192]
    assert run.summary["steps"] == 192
    assert run.summary["evaluation"]["episodes"] == 1, "it is evaluated as at its end"
    assert not run.summary["interrupted"]
    soleus.train(resume=run.folder, steps=256)
    assert read_metrics(run.folder)[-1]["time/steps"] == 256


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "train: expected a preset or YAML file, or resume, got neither"),
        ({"preset": "walk2d", "resume": "x"}, "got both"),
        ({"preset": "walk2d", "steps": 1, "duration": "1m"}, "expected steps or duration, got both"),
        ({"preset": "walk2d", "ppo": {"epoch": 4}}, "unknown key 'ppo.epoch'"),
        ({"preset": "walk2d", "num_env": 4}, "unknown key 'num_env'"),
        ({"preset": "walk3d"}, "unknown preset 'walk3d'"),
    ],
)
def test_mistakes_name_the_key(
    given: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(soleus.UserError, match=said):
        soleus.train(**given)
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_read(walker: Path, tmp_path: Path) -> None:
    run = soleus.Run(walker)
    assert run.config.subject == "walk2d"
    assert run.summary["steps"] == 256
    assert run.load().trained.run == walker
    with pytest.raises(soleus.UserError, match="expected a run folder"):
        soleus.Run(tmp_path)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"episodes": 0}, "episodes: expected a whole number of at least 1, got 0"),
        ({"episodes": 2.0}, r"episodes: expected a whole number of at least 1, got 2\.0"),
        ({"seed": -1}, r"seed: expected a whole number from 0 to 2\^63 - 1, got -1"),
        ({"num_threads": True}, "num_threads: expected a whole number of at least 1, got True"),
        ({"engine": "lane"}, r"control\.engine: expected 'auto', 'lanes' or 'mujoco', got 'lane'"),
    ],
)
def test_what_an_evaluation_cannot_be_asked(given: dict[str, Any], said: str, walker: Path) -> None:
    with pytest.raises(soleus.UserError, match=said):
        soleus.evaluate(walker, **given)


def test_what_is_of_humans_is_none_for_other_environments(cartpole: Path) -> None:
    for name, value in (("engine", "lanes"), ("model", "walk2d")):
        with pytest.raises(
            soleus.UserError, match=f"--{name}: expected none for a run of other environments, got {value}"
        ):
            soleus.evaluate(cartpole, **{name: value})
    with pytest.raises(soleus.UserError, match="expected a run of a human, got one of 'gymnasium:CartPole-v1'"):
        soleus.evaluate(cartpole, push=["100N,0.2s,left"])


@pytest.mark.parametrize("order", ["soleus, gymnasium", "gymnasium, soleus"])
def test_presets_are_known_to_gymnasium_whichever_comes_first(order: str) -> None:
    code = f"import {order}; print('soleus/walk2d-v0' in gymnasium.registry)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"


def test_importing_soleus_loads_nothing_that_is_large() -> None:
    code = "import sys, soleus; print([m for m in ('gymnasium', 'torch', 'mujoco', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_likeness_of_a_walk(walker: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody who walks by the tables in place of a policy that has hardly learnt, whose likeness nobody can tell."""
    with pytest.raises(UserError, match=r"^expected a person who walks, got no stride in"):
        soleus.evaluate(walker, episodes=1, num_threads=1, likeness=True)
    trace = walked(registry.load("walk2d"), strides=13).trace
    asked: list[dict[str, Any]] = []

    def play(*_: Any, **how: Any) -> Episodes:
        asked.append(how)
        return Episodes([trace, trace], (0.0, 0.0))

    monkeypatch.setattr("soleus.sim.trace.play", play)
    result = soleus.evaluate(walker, episodes=1, seed=3, num_threads=1, likeness=True)
    assert asked == [{"episodes": 4, "seconds": 20.0, "seed": 3, "num_threads": 1}]
    expected = analyse([trace, trace]).likeness
    assert expected is not None
    assert result["likeness"] == expected.as_json()
    assert "likeness" not in soleus.evaluate(walker, episodes=1, num_threads=1)
    capsys.readouterr()
    assert main(["evaluate", str(walker), "--episodes", "1", "--num-threads", "1", "--likeness"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"likeness {expected.figure:.2f}"
    assert any(line.startswith("  Knee flexion: correlation ") for line in lines)
    assert lines[-1].startswith("left out, as the model cannot tell: Pelvic list: correlation, ")
    assert main(["evaluate", str(walker), "--episodes", "1", "--num-threads", "1", "--likeness", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["likeness"]["figure"] == pytest.approx(expected.figure)


def test_who_runs_has_no_likeness(walker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = walked(registry.load("walk2d"), strides=13).trace
    report = analyse([trace, trace])
    monkeypatch.setattr("soleus.sim.trace.play", lambda *_, **__: Episodes([trace, trace], (0.0, 0.0)))

    def analysed(*_: Any) -> Report:
        return replace(report, likeness=None, stance=38.0)

    monkeypatch.setattr("soleus.gait.analyse", analysed)
    with pytest.raises(
        UserError, match=r"^likeness: expected a person who walks, got one who runs, with a stance of 38 %$"
    ):
        soleus.evaluate(walker, episodes=1, num_threads=1, likeness=True)
