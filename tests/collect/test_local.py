import numpy as np
import pytest
import torch

from rounds import ENV, as_dict, config_of, ready, same
from soleus.collect.local import LocalCollector
from soleus.collect.policy import TorchPolicy
from soleus.config import EnvRunConfig
from soleus.environments import make_group
from soleus.errors import UserError
from soleus.learn.torch_update import TorchUpdate


def test_rounds_join_and_episodes_are_counted() -> None:
    collector, _ = ready(config_of({"id": ENV, "options": {"length": 5}}))
    first = as_dict(collector.collect())
    second = collector.collect()
    np.testing.assert_array_equal(second.observations[0], first["observations"][-1])
    assert first["observations"][:, 0, 0].tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3]
    assert first["rewards"][:, 0].tolist() == [1, 2, 3, 4, 5, 1, 2, 3]
    assert first["episode_returns"].tolist() == [15] * 4
    assert first["episode_lengths"].tolist() == [5] * 4
    assert second.episode_returns.tolist() == [15] * 8
    assert second.valid is None


def test_log_densities_are_those_of_the_policy() -> None:
    collector, ppo = ready(config_of("gymnasium:Pendulum-v1"))
    ppo.observations.update(np.random.default_rng(0).normal(1, 3, (100, 3)))
    collector.load_policy(ppo.policy_state())
    batch = collector.collect()
    seen = ppo._seen(batch.observations[:-1].reshape(-1, 3))
    with torch.no_grad():
        wanted = ppo.policy.head.log_prob(ppo.policy(seen), torch.from_numpy(batch.actions).flatten(0, 1))
    np.testing.assert_allclose(batch.log_probs.reshape(-1), wanted.numpy(), atol=1e-5)


def test_the_same_seed_gives_the_same_rounds() -> None:
    one, other = (ready(config_of("gymnasium:CartPole-v1", train__seed=3))[0] for _ in range(2))
    for _ in range(2):
        same(one.collect(), other.collect())
    third = ready(config_of("gymnasium:CartPole-v1", train__seed=4))[0]
    assert not np.array_equal(third.collect().observations, other.collect().observations)


def test_a_resumed_collector_starts_other_episodes() -> None:
    config = config_of("gymnasium:CartPole-v1")
    one, ppo = ready(config)
    first = as_dict(one.collect())
    resumed, _ = ready(config)
    resumed.load_policy(ppo.policy_state())
    resumed.load_state({name: np.array(value) for name, value in one.state().items()})
    assert not np.array_equal(resumed.collect().observations[0], first["observations"][0])
    assert resumed.state()["round"] == 2


@pytest.mark.parametrize("vectorization", ["sync", "async"])
def test_stepping_drives_a_vector_env(vectorization: str) -> None:
    config = config_of(
        {"id": ENV, "options": {"length": 5}}, parallel__collector="stepping", parallel__vectorization=vectorization
    )
    collector, _ = ready(config)
    batch = collector.collect()
    assert batch.rewards[:, 2].tolist() == [1, 2, 3, 4, 5, 1, 2, 3]
    assert batch.final_observations[4, :, 0].tolist() == [5] * 4
    collector.close()


def test_weights_that_do_not_fit_leave_the_old_ones() -> None:
    collector, ppo = ready(config_of())
    assert isinstance(collector, LocalCollector)
    assert isinstance(collector.actor, TorchPolicy)
    before = collector.actor.weights.flat.copy()
    state = {name: array.copy() for name, array in ppo.policy_state().items()}
    state["net.0.bias"][0] = np.nan
    with pytest.raises(UserError, match=r"policy: expected finite values in tensor 'net.0.bias'"):
        collector.load_policy(state)
    np.testing.assert_array_equal(collector.actor.weights.flat, before)


def test_a_round_of_images_learns() -> None:
    config = config_of({"id": ENV, "options": {"seen": "image"}})
    collector, ppo = ready(config)
    batch = collector.collect()
    assert batch.observations.dtype == np.uint8
    metrics = ppo.learn(batch)
    assert all(np.isfinite(value) for value in metrics.values())
    assert abs(metrics["ppo/kl"]) < 1


def test_a_group_of_ones_own_can_be_collected_from() -> None:
    config = config_of()
    assert isinstance(config, EnvRunConfig)
    collector = LocalCollector(config, make_group(config.env, 2))
    assert collector.collect().rewards.shape == (8, 2)


@pytest.mark.parametrize("network", ["nature_cnn", "impala_cnn"])
def test_learning_in_parts_is_learning_as_a_whole(network: str) -> None:
    """In float32; bfloat16 rounds otherwise in every part."""
    env = {"id": ENV, "options": {"seen": "image"}}
    gradients = []
    for count in (1, 2):
        config = config_of(env, policy__network=network, ppo__shards=count, ppo__precision="float32")
        collector, ppo = ready(config)
        samples, _ = ppo._prepare(collector.collect())
        update = ppo.update
        assert isinstance(update, TorchUpdate)
        update.replicas.backward(lambda part: update.loss(samples.rows(part)), torch.arange(32))  # noqa: B023
        ppo.close()
        gradients.append(torch.cat([p.grad.flatten() for p in update.replicas.parameters if p.grad is not None]))
    scale = float(gradients[0].abs().max())
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-4, atol=1e-5 * scale)
    assert scale > 0


def test_steps_that_do_not_count_are_not_learnt_from() -> None:
    """Whatever stands in the columns of a lost worker, the update is the same."""
    states = []
    for garbage in (0.0, 5.0):
        collector, ppo = ready(config_of("gymnasium:CartPole-v1"))
        batch = collector.collect()
        valid = np.ones(batch.rewards.shape, bool)
        valid[:, 2:] = False
        batch.valid = valid
        batch.terminated[:, 2:] = True
        batch.rewards[:, 2:], batch.observations[:, 2:], batch.log_probs[:, 2:] = garbage, garbage, -garbage
        metrics = ppo.learn(batch)
        assert np.isfinite(list(metrics.values())).all()
        states.append(ppo.policy_state().flat.copy())
    np.testing.assert_array_equal(*states)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("flat", [False, True])
def test_an_actor_acts_with_the_weights_it_was_given_last(flat: bool, precision: str) -> None:
    config = config_of({"id": ENV, "options": {"seen": "image"}}, ppo__precision=precision)
    collector, ppo = ready(config)
    actor = TorchPolicy(config, collector.layout, 0, 2)
    for parameter in ppo.policy.parameters():
        parameter.data.mul_(1.5)
    weights = ppo.policy_state()
    actor.take(weights.flat) if flat else actor.load_policy(weights)
    images = np.random.default_rng(0).integers(0, 256, (2, *collector.layout.observation.shape), np.uint8)
    with torch.inference_mode():
        expected = ppo.policy(torch.from_numpy(images)).numpy()
    np.testing.assert_array_equal(actor.parameters(images), expected)
