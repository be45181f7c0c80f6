import numpy as np
import pytest
import torch

import point_mass
from soleus.config import CoordinationConfig
from soleus.errors import UserError
from soleus.exchange.batch import MuscleSamples
from soleus.exchange.weights import muscle_network
from soleus.learn.muscle import MuscleLearner

CONFIG = CoordinationConfig(hidden=(32, 32), learning_rate=2e-3, batch=64)


def samples(count: int, seed: int = 0) -> MuscleSamples:
    rng = np.random.default_rng(seed)
    moments = point_mass.MOMENTS * rng.uniform(0.8, 1.2, (count, 8))
    desired, passive = rng.uniform(-50, 50, (count, 2)), rng.uniform(-5, 5, (count, 2))
    return MuscleSamples(moments.astype(np.float32), desired.astype(np.float32), passive.astype(np.float32))


def test_loss_equals_the_formula_written_out() -> None:
    learner = MuscleLearner(CONFIG, point_mass.MUSCLES, backend="torch")
    data = samples(5)
    adr, crossing = point_mass.MUSCLES.crossing_adr, point_mass.MUSCLES.crossing
    total = []
    squares_a, squares_x = [], []
    for moments, desired, passive in zip(data.moments, data.desired, data.passive, strict=True):
        inputs = np.concatenate([moments / 200, (desired - passive) / 200]).astype(np.float32)
        x = learner.net[:-1](torch.from_numpy(inputs)).detach().numpy()
        a = np.maximum(np.tanh(x), 0)
        jacobian = np.zeros((2, 6))  # JtA: torque about each coordinate per unit of activation
        for muscle in range(6):
            for k in range(adr[muscle], adr[muscle + 1]):
                jacobian[crossing[k], muscle] = moments[k]
        total += list(((jacobian @ a + passive - desired) / 100) ** 2)
        squares_a += list(a**2)
        squares_x += list(x**2)
    expected = np.mean(total) + 0.01 * np.mean(squares_a) + 0.01 * np.mean(squares_x)
    wanted = torch.from_numpy(data.desired - data.passive)
    loss, _ = learner.loss(torch.from_numpy(data.moments), wanted)
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)


def test_no_sample_changes_nothing() -> None:
    learner = MuscleLearner(CONFIG, point_mass.MUSCLES)
    before = learner.muscle_state()
    assert learner.learn(samples(0)) == {}
    for name, array in learner.muscle_state().items():
        np.testing.assert_array_equal(array, before[name])


def test_residual_falls_fivefold() -> None:
    learner = MuscleLearner(CONFIG, point_mass.MUSCLES)
    first = learner.learn(samples(512))["muscle/residual"]
    for seed in range(1, 60):
        last = learner.learn(samples(512, seed))["muscle/residual"]
    assert last < first / 5


def test_state_has_the_promised_tensors() -> None:
    learner = MuscleLearner(CONFIG, point_mass.MUSCLES)
    shapes = {name: array.shape for name, array in learner.muscle_state().items()}
    assert shapes == muscle_network(CONFIG, 8, 2, 6).tensors()


def test_resumed_equals_uninterrupted() -> None:
    one, other = (MuscleLearner(CONFIG, point_mass.MUSCLES, seed=seed) for seed in (0, 1))
    one.learn(samples(128))
    other.load_state_dict(one.state_dict())
    assert one.learn(samples(128, 1)) == other.learn(samples(128, 1))
    for name, array in one.muscle_state().items():
        np.testing.assert_array_equal(array, other.muscle_state()[name])


@pytest.mark.parametrize("names", [("0", "2", "4"), ("fc.0", "fc.2", "fc.4"), ("fc1", "fc2", "fc3")])
def test_weights_come_under_the_names_that_networks_have_elsewhere(names: tuple[str, ...]) -> None:
    one, other = (MuscleLearner(CONFIG, point_mass.MUSCLES, seed=seed) for seed in (0, 1))
    layers = dict(zip(("0", "2", "4"), names, strict=True))
    state = {f"{layers[name[0]]}{name[1:]}": torch.from_numpy(array) for name, array in one.muscle_state().items()}
    other.start_from(dict(reversed(state.items())), "theirs.pt")
    for name, array in one.muscle_state().items():
        np.testing.assert_array_equal(other.muscle_state()[name], array)


def test_weights_that_do_not_fit_change_nothing() -> None:
    learner = MuscleLearner(CONFIG, point_mass.MUSCLES)
    before = learner.muscle_state()
    for spoilt, said in (
        ({"fc1.weight": torch.zeros(32, 9)}, r"theirs.pt: .*'0.weight'"),
        ({"fc4.bias": torch.zeros(6)}, r"theirs.pt: .*'6.bias'"),
        ({"fc2.bias": torch.full((32,), torch.nan)}, r"theirs.pt: .*finite.*'2.bias'"),
    ):
        state = {f"fc{int(name[0]) // 2 + 1}{name[1:]}": array for name, array in before.items()}
        with pytest.raises(UserError, match=said):
            learner.start_from({**state, **spoilt}, "theirs.pt")
    for name, array in learner.muscle_state().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("count", [1, 3])
def test_the_core_learns_as_torch_does(count: int) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        told = []
        learners = [MuscleLearner(CONFIG, point_mass.MUSCLES, backend=backend) for backend in ("torch", "native")]
        for seed in range(3):
            told.append([learner.learn(samples(300, seed)) for learner in learners])
    finally:
        torch.set_num_threads(threads)
    for expected, found in told:
        assert found == pytest.approx(expected, rel=1e-4)
    expected, found = (learner.muscle_state() for learner in learners)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-4 * np.abs(array).max() + 1e-6)


def test_the_gradient_equals_torch() -> None:
    learner = MuscleLearner(CONFIG, point_mass.MUSCLES)
    data = samples(200)
    rows = torch.randperm(200)[:77]
    wanted = data.desired - data.passive
    loss, _ = learner.loss(torch.from_numpy(data.moments)[rows], torch.from_numpy(wanted)[rows])
    expected = torch.autograd.grad(loss, list(learner.net.parameters()))
    assert learner.core is not None
    learner._twin.load_weights()
    found = [np.full(one.shape, np.nan, np.float32) for one in expected]
    told = learner.core.gradient(data.moments, wanted, rows.numpy(), found)
    assert told == pytest.approx(float(loss), rel=1e-5)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), rtol=0, atol=1e-5 * float(theirs.abs().max()))
