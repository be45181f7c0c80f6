from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.distributions import Normal

import point_mass
from soleus.config import HumanRunConfig, PolicyConfig, PpoConfig
from soleus.errors import UserError
from soleus.exchange.batch import Batch, Layout
from soleus.exchange.spaces import ActionSpec, ObservationSpec
from soleus.exchange.weights import NetworkSpec, policy_network, policy_tensors
from soleus.learn.ppo import Ppo
from soleus.learn.torch_update import clipped_surrogate, value_loss
from soleus.nets.heads import Gaussian
from soleus.nets.policy import Value


def test_clipped_surrogate_by_hand() -> None:
    ratio = torch.tensor([1.0, 1.5, 1.5, 0.5, 0.5])
    advantages = torch.tensor([2.0, 1.0, -1.0, 1.0, -1.0])
    # 2, clipped to 1.2, -1.5 (the worse), 0.5 (the worse), clipped to -0.8
    assert float(clipped_surrogate(ratio, advantages, 0.2)) == pytest.approx((2 + 1.2 - 1.5 + 0.5 - 0.8) / 5)


def test_no_gradient_where_the_clip_binds() -> None:
    ratio = torch.tensor([1.0, 1.5, 1.5, 0.5, 0.5], requires_grad=True)
    clipped_surrogate(ratio, torch.tensor([2.0, 1.0, -1.0, 1.0, -1.0]), 0.2).backward()
    assert ratio.grad is not None
    np.testing.assert_allclose(ratio.grad.numpy() * 5, [2, 0, -1, 1, 0], rtol=1e-6)


def test_value_loss_by_hand() -> None:
    values, old, targets = torch.tensor([3.0, 1.0]), torch.tensor([1.0, 1.0]), torch.tensor([3.0, 2.0])
    assert float(value_loss(values, old, targets, None)) == pytest.approx(0.5 * (0 + 1) / 2)
    # held within 0.5 of the old value, the first would be 1.5 off its target
    assert float(value_loss(values, old, targets, 0.5)) == pytest.approx(0.5 * (1.5**2 + 1) / 2)


def test_log_probability_equals_torch_distributions() -> None:
    mean, log_std, actions = torch.randn(5, 3), torch.randn(3), torch.randn(5, 3)
    expected = Normal(mean, log_std.exp()).log_prob(actions).sum(-1)
    torch.testing.assert_close(Gaussian(log_std).log_prob(mean, actions), expected)


def test_rescaling_the_returns_changes_no_value() -> None:
    value = Value(NetworkSpec(3, (8,), 1, "tanh"), torch.Generator().manual_seed(0))
    observations = torch.randn(20, 3)
    before = value(observations)
    value.rescale(5.0, 30.0)
    value.rescale(-2.0, 0.1)
    torch.testing.assert_close(value(observations), before, rtol=1e-4, atol=1e-4)


def make_ppo(config: HumanRunConfig) -> tuple[Ppo, point_mass.PointMassCollector]:
    collector = point_mass.PointMassCollector(config)
    ppo = Ppo(config.ppo, config.policy, collector.layout, config.train.seed)
    collector.load_policy(ppo.policy_state())
    return ppo, collector


def test_the_update_sees_the_observations_as_the_rollout_did(make_config: Callable[..., HumanRunConfig]) -> None:
    ppo, collector = make_ppo(make_config(ppo={"learning_rate": 1e-12, "schedule": "constant"}))
    for _ in range(3):  # the statistics move on between the rollouts, yet every ratio is 1
        metrics = ppo.learn(collector.collect())
        assert abs(metrics["ppo/kl"]) < 1e-6
        assert metrics["ppo/clip_fraction"] == 0
        before = collector.policy["normalizer.std"]
        collector.load_policy(ppo.policy_state())
        assert (collector.policy["normalizer.std"] != before).any()


def test_learns_to_hold_the_point_mass(make_config: Callable[..., HumanRunConfig]) -> None:
    config = make_config()
    ppo, collector = make_ppo(config)
    before = point_mass.evaluate(config, ppo.policy_state(), None, episodes=20, seed=1, num_threads=1)
    for _ in range(40):
        ppo.learn(collector.collect())
        collector.load_policy(ppo.policy_state())
    after = point_mass.evaluate(config, ppo.policy_state(), None, episodes=20, seed=1, num_threads=1)
    assert before["share_full"] < 0.9
    assert after["share_full"] == 1
    assert after["mean_return"] > 50


@pytest.mark.parametrize(
    "ppo",
    [
        {"value_clip": 0.2, "entropy": 0.01},
        {"schedule": "linear", "target_kl": None},
        {"normalize_observations": False, "normalize_returns": False},
    ],
)
def test_options_learn_too(make_config: Callable[..., HumanRunConfig], ppo: dict[str, object]) -> None:
    config = make_config(ppo=ppo)
    learner, collector = make_ppo(config)
    for i in range(60):
        metrics = learner.learn(collector.collect(), progress=i / 60)
        collector.load_policy(learner.policy_state())
    assert point_mass.evaluate(config, learner.policy_state(), None, 20, 1, 1)["share_full"] > 0.9
    assert all(np.isfinite(value) for value in metrics.values())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_learns_on_cuda(make_config: Callable[..., HumanRunConfig]) -> None:
    config = make_config()
    collector = point_mass.PointMassCollector(config)
    ppo = Ppo(config.ppo, config.policy, collector.layout, device="cuda")
    for _ in range(40):
        collector.load_policy(ppo.policy_state())
        ppo.learn(collector.collect())
    assert point_mass.evaluate(config, ppo.policy_state(), None, 20, 1, 1)["share_full"] == 1


@pytest.mark.parametrize("partly", [False, True], ids=["all", "partly_valid"])
def test_samples_of_an_older_policy_weigh_by_their_importance(
    make_config: Callable[..., HumanRunConfig], partly: bool
) -> None:
    """What it takes to update from, against torch's distributions: mu acted, pi is what is updated."""
    ppo, collector = make_ppo(make_config())
    batch = collector.collect()
    valid = np.random.default_rng(0).random(batch.rewards.shape) < 0.7 if partly else None
    batch.valid = valid
    ppo.learn(batch)
    samples, _ = ppo._prepare(batch)
    advantages, behaviour = samples.advantages.clone(), samples.log_probs.clone()
    found = ppo._correct(samples, valid)
    mean, log_std = ppo.policy.net(samples.observations), ppo.policy.log_std
    assert log_std is not None
    now = Normal(mean, log_std.exp()).log_prob(samples.actions).sum(-1).detach()
    torch.testing.assert_close(samples.log_probs, now, rtol=1e-4, atol=1e-4)
    importance = (now - behaviour).exp()
    torch.testing.assert_close(samples.advantages, advantages * importance.clamp(max=2), rtol=1e-3, atol=1e-4)
    assert importance.max() > 1.05
    kept = slice(None) if valid is None else torch.from_numpy(valid.reshape(-1))
    assert found == pytest.approx(float((importance - 1 - importance.log())[kept].mean()), abs=1e-5)


def test_a_lag_without_an_update_changes_nothing(make_config: Callable[..., HumanRunConfig]) -> None:
    found = []
    for lag in (0, 1):
        ppo, collector = make_ppo(make_config())
        batch = collector.collect()
        batch.lag = lag
        found.append(ppo.learn(batch))
        assert ("ppo/behaviour_kl" in found[-1]) == bool(lag)
    assert abs(found[1].pop("ppo/behaviour_kl")) < 1e-6
    assert found[0] == pytest.approx(found[1], rel=1e-2, abs=1e-5)


def test_linear_schedule_follows_the_progress(make_config: Callable[..., HumanRunConfig]) -> None:
    ppo, collector = make_ppo(make_config(ppo={"schedule": "linear", "learning_rate": 1e-3}))
    assert ppo.learn(collector.collect(), progress=0.75)["ppo/learning_rate"] == pytest.approx(2.5e-4)


def test_epochs_stop_at_the_target_divergence(make_config: Callable[..., HumanRunConfig]) -> None:
    ppo, collector = make_ppo(
        make_config(ppo={"schedule": "constant", "learning_rate": 0.01, "target_kl": 1e-4, "epochs": 10})
    )
    assert ppo.learn(collector.collect())["ppo/epochs"] < 10


def test_adaptive_rate_falls_when_the_policy_moves_too_far(make_config: Callable[..., HumanRunConfig]) -> None:
    ppo, collector = make_ppo(make_config(ppo={"learning_rate": 0.01, "target_kl": 1e-4}))
    assert ppo.learn(collector.collect())["ppo/learning_rate"] < 0.01


def test_same_seed_same_bits(make_config: Callable[..., HumanRunConfig]) -> None:
    states = []
    for _ in range(2):
        ppo, collector = make_ppo(make_config(train={"seed": 3}))
        for _ in range(3):
            ppo.learn(collector.collect())
            collector.load_policy(ppo.policy_state())
        states.append({name: array.copy() for name, array in ppo.policy_state().items()})
    for name, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][name])


def test_policy_state_has_the_promised_tensors() -> None:
    policy = PolicyConfig(hidden=(16, 8))
    ppo = Ppo(PpoConfig(), policy, Layout(4, ObservationSpec((5,)), ActionSpec.continuous(2), 1 / 30))
    shapes = {name: array.shape for name, array in ppo.policy_state().items()}
    assert shapes == policy_tensors(policy_network(policy, 5, 2))
    assert all(array.dtype == np.float32 for array in ppo.policy_state().values())


def test_numbers_that_are_not_finite_are_refused() -> None:
    ppo = Ppo(
        PpoConfig(), PolicyConfig(hidden=(4,)), Layout(2, ObservationSpec((3,)), ActionSpec.continuous(1), 1 / 30)
    )
    shape = (4, 2)
    batch = Batch(
        np.zeros((5, 2, 3), np.float32),
        np.zeros((*shape, 1), np.float32),
        np.zeros(shape, np.float32),
        np.full(shape, np.nan, np.float32),
        np.zeros(shape, bool),
        np.zeros(shape, bool),
        np.zeros((*shape, 3), np.float32),
    )
    with pytest.raises(UserError, match="expected finite observations and rewards"):
        ppo.learn(batch)
