"""The network from conditions to gaits: what it says, its file, and files that are none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import soleus
from made_policy import MadePlayer, learnt, made_forward, made_player
from small_run import small_run
from soleus.errors import UserError
from soleus.inverse.forward import Forward
from soleus.inverse.learning import errors_of
from soleus.inverse.store import save_forward
from soleus.models import load as load_human
from soleus.run import checkpoint


@pytest.fixture(scope="module")
def forward() -> Forward:
    return made_forward()


def test_it_knows_gaits_that_it_has_not_seen(forward: Forward) -> None:
    errors = {error.name: error for error in errors_of(forward)}
    assert errors["hip_flexion_r"].unit == "degree"
    for name in ("hip_flexion_r", "ankle_angle_l", "velocity_x", "duration"):
        assert errors[name].error < 0.35 * errors[name].motions, name
    assert errors["knee_angle_r"].strides > 0.5, "their noise"


def test_poses_follow_one_another_from_cycle_to_cycle(forward: Forward) -> None:
    at = {"speed": 1.4}
    first, last, next_one = forward.poses(at, [0.0, 1.0, 2.0])
    motion = forward.motion(at)
    np.testing.assert_allclose(last[1:], first[1:], atol=1e-9)
    assert last[0] - first[0] == pytest.approx(motion.displacement[0])
    assert next_one[0] - last[0] == pytest.approx(motion.displacement[0])
    assert motion.speed == pytest.approx(1.4, abs=0.03)
    assert motion.duration == pytest.approx(forward.duration(at))
    assert forward.duration({"speed": 0.8}) > 1.2 * forward.duration({"speed": 1.6})


def test_torch_can_differentiate_it(forward: Forward) -> None:
    values = torch.tensor([[1.2, 0.6, 0.5]], requires_grad=True)
    curves = forward.curves(values, torch.linspace(0, 1, 11))
    assert curves.shape == (1, 11, len(forward.columns))
    curves.square().sum().backward()
    assert values.grad is not None
    assert (values.grad[0, :2] != 0).all()


def test_it_is_read_back_as_it_was(forward: Forward, tmp_path: Path) -> None:
    save_forward(tmp_path / "a.pt", forward)
    read = soleus.load_forward(tmp_path / "a.pt")
    assert (read.conditions, read.columns, read.facts, read.model) == (
        forward.conditions, forward.columns, forward.facts, forward.model,
    )  # fmt: skip
    np.testing.assert_array_equal(read.poses({"speed": 1.1}, [0.3]), forward.poses({"speed": 1.1}, [0.3]))
    assert torch.equal(read.residuals, forward.residuals)
    assert repr(read) == "soleus.Forward(made, over speed, strength.soleus, strength.vasti)"


def test_the_same_seed_learns_the_same() -> None:
    one, same, other = (learnt(made_player(), seed) for seed in (1, 1, 2))
    assert torch.equal(one.net[0].weight, same.net[0].weight)  # type: ignore[arg-type]
    assert not torch.equal(one.net[0].weight, other.net[0].weight)  # type: ignore[arg-type]


def test_too_few_who_walk() -> None:
    class Falling(MadePlayer):
        falls_below = 0.97

    player = Falling(*(getattr(made_player(), name) for name in ("trained", "scenario", "columns", "cycles")))
    with pytest.raises(
        UserError, match=r"^made: expected 32 motions or more that last, got \d+ of 256: the policy fal"
    ):
        learnt(player)


def test_conditions_that_it_does_not_have(forward: Forward) -> None:
    with pytest.raises(UserError, match=r"expected one of the conditions speed, .*, got 'sped' \(did you mean 'speed'"):
        forward.poses({"sped": 1.0}, [0.0])
    with pytest.raises(UserError, match=r"^speed: expected a value within 0.8 and 1.6, got 2$"):
        forward.motion({"speed": 2.0})


def test_files_that_are_none(forward: Forward, tmp_path: Path) -> None:
    said = r": expected a network that `soleus learn forward` wrote, got "
    with pytest.raises(UserError, match=f"none.pt{said}nothing there"):
        soleus.load_forward(tmp_path / "none.pt")
    with pytest.raises(UserError, match=f"{said}a folder"):
        soleus.load_forward(tmp_path)
    (tmp_path / "junk.pt").write_bytes(b"junk")
    with pytest.raises(UserError, match=r"junk.pt: expected a whole checkpoint, but it is truncated"):
        soleus.load_forward(tmp_path / "junk.pt")
    with pytest.raises(UserError, match=f"{said}another file"):
        soleus.load_forward(small_run() / "checkpoints" / "latest.pt")
    save_forward(tmp_path / "a.pt", forward)
    content = checkpoint.read_any(tmp_path / "a.pt")
    for change, what in (
        ({"mean": torch.zeros(3)}, "mean: expected torch.float32|expected float32"),
        ({"about": content["about"].replace('"speed"', '"sped":0,"speed"')}, "ValidationError"),
        ({"about": "{"}, "ValidationError"),
        ({"residuals": torch.full_like(content["residuals"], torch.nan)}, "expected finite numbers"),
    ):
        checkpoint.write(tmp_path / "b.pt", {**content, **change})
        with pytest.raises(UserError, match=rf"{said}a damaged one \(.*({what})"):
            soleus.load_forward(tmp_path / "b.pt")


def test_another_model(forward: Forward) -> None:
    other = replace(forward, model="myolegs26")
    with pytest.raises(UserError, match=r"expected the model that the network was learnt from, got 'myolegs26', with"):
        other.poses({}, [0.0])
    forward.check_human(load_human("walk2d"))
