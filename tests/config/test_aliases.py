from pathlib import Path

import pytest

from soleus.config import known_keys, load_config, parse_overrides
from soleus.config.aliases import ALIASES, translate
from soleus.errors import UserError


def test_the_names_of_others_are_understood(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "env: gymnasium:CartPole-v1\n"
        "parallel: {num_workers: 2, num_envs_per_worker: 4, threads_per_worker: 1}\n"
        "training: {n_steps: 64, batch_size: 128, n_epochs: 3, gae_lambda: 0.9, clip_range: 0.1, vf_coef: 0.5,\n"
        "  ent_coef: 0.01, total_timesteps: 1000, learning_rate: 1e-3, gamma: 0.98, max_grad_norm: 0.7}\n"
        "ppo: {schedule: constant, target_kl: null}\n"
    )
    config = load_config(file, {"train.num_envs": 8})
    assert (config.train.rollout_steps, config.train.steps) == (64, 1000)
    ppo = config.ppo
    assert (ppo.batch_size, ppo.epochs, ppo.lambda_, ppo.clip) == (128, 3, 0.9, 0.1)
    assert (ppo.entropy, ppo.learning_rate, ppo.gamma, ppo.max_grad_norm) == (0.01, 1e-3, 0.98, 0.7)
    assert ppo.value_coefficient == 1.0, "half of the squared error is weighed here, all of it there"


def test_every_name_stands_for_a_key_of_ours() -> None:
    assert set(ALIASES.values()) <= set(known_keys())


def test_flags_take_them_too() -> None:
    overrides = parse_overrides(["--training.n_epochs", "7"])
    assert load_config("cartpole", overrides).ppo.epochs == 7
    assert load_config("walk2d", overrides).ppo.epochs == 7


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"training": {"n_step": 3}}, r"unknown key 'training.n_step' \(did you mean 'n_steps'\?\)"),
        ({"training": 3}, "training: expected a mapping of keys, got 3"),
        (
            {"training": {"n_epochs": 3}, "ppo": {"epochs": 4}},
            "training.n_epochs: expected a value under one name, but ppo.epochs gives it too",
        ),
    ],
)
def test_what_is_wrong_is_named(raw: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        translate(raw)
