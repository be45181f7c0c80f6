"""NumPy samples in rollouts, torch learns: the two agree, and the samples have the distribution."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import distributions

from soleus.exchange.spaces import ActionSpec
from soleus.nets.heads import Head, head_of

SPECS = {
    "continuous": ActionSpec.continuous(3),
    "discrete": ActionSpec("discrete", (5,)),
    "multidiscrete": ActionSpec("multidiscrete", (2, 4)),
    "multibinary": ActionSpec("multibinary", (1, 1, 1)),
}
LOG_STD = torch.tensor([-0.5, 0.0, 0.4])


def head(kind: str) -> Head:
    return head_of(SPECS[kind], LOG_STD if kind == "continuous" else None)


def reference(kind: str, parameters: torch.Tensor) -> Any:
    """Torch's own distributions, one a component."""
    if kind == "continuous":
        return [distributions.Normal(parameters[:, a], LOG_STD[a].exp()) for a in range(3)]
    if kind == "discrete":
        return [distributions.Categorical(logits=parameters)]
    if kind == "multidiscrete":
        return [distributions.Categorical(logits=part) for part in torch.split(parameters, [2, 4], -1)]
    return [distributions.Bernoulli(logits=parameters[:, a]) for a in range(3)]


@pytest.fixture(params=SPECS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def samples(kind: str, count: int = 64) -> tuple[torch.Tensor, Any, Any]:
    rng = np.random.default_rng(1)
    parameters = rng.normal(0, 1.5, (count, SPECS[kind].parameters)).astype(np.float32)
    one = head(kind)
    actions, log_probs = one.sample(parameters, one.noise(rng, count))
    return torch.from_numpy(parameters), actions, log_probs


def test_samples_are_stored_as_the_spec_says(kind: str) -> None:
    _, actions, log_probs = samples(kind)
    assert actions.shape == (64, *SPECS[kind].shape)
    assert actions.dtype == SPECS[kind].dtype
    assert (log_probs.shape, log_probs.dtype) == ((64,), np.float32)


def test_densities_are_those_of_torch(kind: str) -> None:
    parameters, actions, log_probs = samples(kind)
    columns = torch.from_numpy(actions.reshape(64, -1)).float()
    wanted = sum(one.log_prob(columns[:, a]) for a, one in enumerate(reference(kind, parameters)))
    learnt = head(kind).log_prob(parameters, torch.from_numpy(actions))
    torch.testing.assert_close(learnt, wanted)
    np.testing.assert_allclose(log_probs, learnt.numpy(), rtol=1e-5, atol=1e-5)


def test_entropy_is_that_of_torch(kind: str) -> None:
    parameters, _, _ = samples(kind)
    wanted = sum(one.entropy() for one in reference(kind, parameters)).mean()
    torch.testing.assert_close(head(kind).entropy(parameters), wanted)


def test_samples_have_the_distribution(kind: str) -> None:
    count = 40_000
    rng, one = np.random.default_rng(2), head(kind)
    row = rng.normal(0, 1, SPECS[kind].parameters).astype(np.float32)
    actions, _ = one.sample(np.tile(row, (count, 1)), one.noise(rng, count))
    for a, single in enumerate(reference(kind, torch.from_numpy(row)[None])):
        drawn = actions.reshape(count, -1)[:, a]
        if kind == "continuous":
            np.testing.assert_allclose(
                [drawn.mean(), drawn.std()], [float(single.mean), float(single.stddev)], atol=0.02
            )
        else:
            size = 2 if kind == "multibinary" else single.probs.shape[-1]
            wanted = [1 - single.probs[0], single.probs[0]] if kind == "multibinary" else single.probs[0]
            np.testing.assert_allclose(np.bincount(drawn, minlength=size) / count, wanted, atol=0.01)


def test_the_mode_is_the_likeliest(kind: str) -> None:
    parameters, _, _ = samples(kind, 8)
    one = head(kind)
    best = one.log_prob(parameters, torch.from_numpy(one.mode(parameters.numpy())))
    rng = np.random.default_rng(3)
    for _ in range(50):
        actions, _ = one.sample(parameters.numpy(), one.noise(rng, 8))
        assert (one.log_prob(parameters, torch.from_numpy(actions)) <= best + 1e-6).all()


def test_noise_next_to_one_draws_the_last_choice() -> None:
    actions, log_probs = head("discrete").sample(
        np.zeros((1, 5), np.float32), np.full((1, 1), np.nextafter(1, 0, dtype=np.float32))
    )
    assert actions.tolist() == [4]
    assert log_probs[0] == pytest.approx(-np.log(5))


def test_huge_logits_stay_finite() -> None:
    parameters = np.array([[1e30, -1e30, 0, 0, 0]], np.float32)
    actions, log_probs = head("discrete").sample(parameters, np.full((1, 1), 0.5, np.float32))
    assert (actions.tolist(), log_probs.tolist()) == ([0], [0.0])
