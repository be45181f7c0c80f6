"""The core's updates are torch's: gradients, steps, whole iterations, and runs that go from one to the other."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from soleus.config import PolicyConfig, PpoConfig
from soleus.errors import UserError
from soleus.exchange.batch import Batch, Layout
from soleus.exchange.spaces import ActionSpec, ObservationSpec
from soleus.exchange.weights import to_numpy
from soleus.learn.native_update import NativeUpdate
from soleus.learn.ppo import Ppo
from soleus.learn.samples import Samples
from soleus.learn.torch_update import TorchUpdate

ACTIONS = {
    "gaussian": ActionSpec.continuous(7),
    "categorical": ActionSpec("discrete", (5,)),
    "multicategorical": ActionSpec("multidiscrete", (3, 4, 2)),
    "bernoulli": ActionSpec("multibinary", (1,) * 6),
}
ROWS, SEEN = 501, 46


def make(action: ActionSpec, backend: str, *, threads: int = 1, seed: int = 0, **ppo: Any) -> Ppo:
    """Widths that fill no block of columns: padding is where a mistake would show."""
    config = PpoConfig(backend=backend, shards=threads if backend == "native" else "auto", value_hidden=(40,), **ppo)
    layout = Layout(num_envs=8, observation=ObservationSpec((SEEN,)), action=action)
    return Ppo(config, PolicyConfig(hidden=(64, 23)), layout, seed)


def draw(action: ActionSpec, parameters: Tensor, generator: torch.Generator) -> Tensor:
    count = len(parameters)
    if action.kind == "continuous":
        return parameters + 0.3 * torch.randn(parameters.shape, generator=generator)
    if action.kind == "multibinary":
        return torch.randint(0, 2, parameters.shape, generator=generator).int()
    choices = [torch.randint(0, size, (count,), generator=generator).int() for size in action.sizes]
    return choices[0] if action.kind == "discrete" else torch.stack(choices, 1)


def samples_for(ppo: Ppo, action: ActionSpec) -> Samples:
    """Of a policy whose outputs are large enough to tell gradients apart, and which has moved on from them."""
    generator = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    with torch.no_grad():
        for parameter in ppo.policy.net.parameters():
            parameter.add_(0.1 * normal(*parameter.shape))
        observations = normal(ROWS, SEEN)
        parameters = ppo.policy(observations)
        actions = draw(action, parameters, generator)
        log_probs = ppo.policy.head.log_prob(parameters, actions) + 0.3 * normal(ROWS)
        values = ppo.value.normalized(observations)
    return Samples(observations, actions, log_probs, normal(ROWS), values + 0.2 * normal(ROWS), values + normal(ROWS))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("options", [{}, {"value_clip": 0.2, "entropy": 0.01}], ids=["plain", "clipped_entropy"])
@pytest.mark.parametrize("name", ACTIONS)
def test_gradients_equal_torch(name: str, options: dict[str, Any], threads: int) -> None:
    action = ACTIONS[name]
    reference, ppo = (make(action, backend, threads=threads, **options) for backend in ("torch", "native"))
    samples = samples_for(reference, action)
    ppo.policy.load_state_dict(reference.policy.state_dict())
    torch_update, native = reference.update, ppo.update
    assert isinstance(torch_update, TorchUpdate)
    assert isinstance(native, NativeUpdate)
    rows = torch.randperm(ROWS, generator=torch.Generator().manual_seed(2))[:333]
    loss, figures = torch_update.loss(samples.rows(rows))
    told, found = gradients(native, samples, rows)
    np.testing.assert_allclose(told, figures.detach().numpy(), rtol=1e-5, atol=1e-6)
    spreads = [] if reference.policy.log_std is None else [reference.policy.log_std]
    learnt = ([*reference.policy.net.parameters(), *spreads], list(reference.value.net.parameters()))
    for mine, parameters in zip(found, learnt, strict=True):
        expected = torch.autograd.grad(loss, parameters, retain_graph=True)
        scale = max(float(one.abs().max()) for one in expected)  # a bias' gradient may be a sum that cancels
        for one, other in zip(mine, expected, strict=True):
            np.testing.assert_allclose(one, other.numpy(), rtol=0, atol=1e-5 * scale)


def gradients(native: NativeUpdate, samples: Samples, rows: Tensor) -> tuple[list[float], list[list[Any]]]:
    """Return figures, and the gradients of the policy's parameters and of the value function's."""
    twins = (native.policy_twin, native.value_twin)
    for twin in twins:
        twin.load_weights()
    found = [[np.full(one.shape, np.nan, np.float32) for one in twin.parameters] for twin in twins]
    figures = native.core.gradients(native.arrays_of(samples), to_numpy(rows), *found)
    return figures, found


def batch_for(ppo: Ppo, action: ActionSpec, *, seed: int = 0, steps: int = 32) -> Batch:
    """Return a round that the policy itself acted in, with ends of both kinds."""
    generator = torch.Generator().manual_seed(seed)
    rng = np.random.default_rng(seed)
    shape = (steps, 8)
    observations = rng.standard_normal((steps + 1, 8, SEEN)).astype(np.float32)
    with torch.no_grad():
        parameters = ppo.policy(ppo._seen(observations[:-1].reshape(-1, SEEN)))
        actions = draw(action, parameters, generator)
        log_probs = ppo.policy.head.log_prob(parameters, actions)
    return Batch(
        observations=observations,
        actions=to_numpy(actions).reshape(*shape, *action.shape),
        log_probs=to_numpy(log_probs).reshape(shape),
        rewards=(observations[:-1, :, 0] + 0.1 * rng.standard_normal(shape)).astype(np.float32),
        terminated=rng.random(shape) < 0.05,
        truncated=rng.random(shape) < 0.05,
        final_observations=rng.standard_normal((steps, 8, SEEN)).astype(np.float32),
    )


def weights(ppo: Ppo) -> dict[str, Tensor]:
    return {
        f"{part}.{name}": tensor.clone()
        for part, net in (("policy", ppo.policy), ("value", ppo.value))
        for name, tensor in net.state_dict().items()
    }


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", ACTIONS)
def test_iterations_equal_torch(name: str, threads: int) -> None:
    """Of its own rounds: value function, advantages, rescaled returns, clipped gradients, rates by the divergence."""
    action = ACTIONS[name]
    options = {"value_clip": 0.5, "entropy": 0.003, "max_grad_norm": 0.5, "minibatches": 3}
    reference, native = (make(action, backend, threads=threads, **options) for backend in ("torch", "native"))
    for seed in range(3):
        batch = batch_for(reference, action, seed=seed)
        told, found = reference.learn(batch), native.learn(batch)
        assert found == pytest.approx(told, rel=1e-3, abs=1e-5)
    for key, expected in weights(reference).items():
        torch.testing.assert_close(
            weights(native)[key], expected, rtol=0, atol=1e-4 * float(expected.abs().max()) + 1e-6
        )


def test_a_checkpoint_of_one_goes_on_with_the_other() -> None:
    action = ACTIONS["gaussian"]
    reference = make(action, "torch")
    reference.learn(batch_for(reference, action))
    after = batch_for(reference, action, seed=1)
    states = []
    for first, second in (("torch", "native"), ("native", "torch"), ("native", "native")):
        begun = make(action, first)
        begun.learn(batch_for(make(action, "torch"), action))
        going_on = make(action, second, seed=3)
        going_on.load_state_dict(begun.state_dict())
        going_on.learn(after)
        states.append((going_on.updates, weights(going_on)))
    reference.learn(after)
    for updates, found in states:
        assert updates == reference.updates
        for key, expected in weights(reference).items():
            torch.testing.assert_close(found[key], expected, rtol=0, atol=1e-4 * float(expected.abs().max()) + 1e-6)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_same_bits_at_a_number_of_threads(threads: int) -> None:
    """Minibatches of fewer rows than threads among them, and a network resumed in their midst."""
    action = ACTIONS["gaussian"]

    def learn(resumed: bool) -> Ppo:
        ppo = make(action, "native", threads=threads, minibatches=50)
        ppo.learn(batch_for(ppo, action))
        if resumed:
            state = ppo.state_dict()
            ppo = make(action, "native", threads=threads, minibatches=50, seed=9)
            ppo.load_state_dict(state)
        ppo.learn(batch_for(make(action, "torch"), action, seed=1))
        return ppo

    one, other, resumed = learn(False), learn(False), learn(True)
    for key, expected in weights(one).items():
        assert torch.equal(weights(other)[key], expected)
        assert torch.equal(weights(resumed)[key], expected)


def test_what_the_core_does_not_cover_is_torchs() -> None:
    layout = Layout(num_envs=2, observation=ObservationSpec((16, 16, 3)), action=ACTIONS["categorical"])
    policy = PolicyConfig(network="impala_cnn")
    assert isinstance(Ppo(PpoConfig(), policy, layout).update, TorchUpdate)
    with pytest.raises(
        UserError, match=r"^ppo\.backend: expected auto or torch for observations that are images, got native$"
    ):
        Ppo(PpoConfig(backend="native"), policy, layout)


def test_layers_of_every_activation_equal_torch() -> None:
    action = ACTIONS["gaussian"]
    layout = Layout(num_envs=8, observation=ObservationSpec((SEEN,)), action=action)
    for activation in ("tanh", "relu", "leaky_relu", "elu"):
        ppos = [
            Ppo(
                PpoConfig(backend=backend, value_hidden=(), value_activation=activation),
                PolicyConfig(hidden=(19, 33), activation=activation),
                layout,
            )
            for backend in ("torch", "native")
        ]
        batch = batch_for(ppos[0], action)
        for ppo in ppos:
            ppo.learn(batch)
        for key, expected in weights(ppos[0]).items():
            torch.testing.assert_close(weights(ppos[1])[key], expected, rtol=0, atol=1e-4)


def test_rows_that_are_not_there_are_refused() -> None:
    ppo = make(ACTIONS["gaussian"], "native")
    samples = samples_for(ppo, ACTIONS["gaussian"])
    assert isinstance(ppo.update, NativeUpdate)
    with pytest.raises(ValueError, match="expected rows of the samples"):
        gradients(ppo.update, samples, torch.tensor([0, ROWS]))
