"""The names that other PPO libraries give to our keys: `training: {n_steps: 128, batch_size: 512}` is understood.

They are those of Stable-Baselines3's PPO, so that its hyperparameters can be taken as they are. They are translated
before anything is checked: a run's saved configuration knows our keys alone.
"""

from collections.abc import Mapping
from typing import Any

from soleus.errors import UserError, nearest

SECTION = "training"
ALIASES = {
    "n_steps": "train.rollout_steps",
    "total_timesteps": "train.steps",
    "seed": "train.seed",
    "device": "train.device",
    "batch_size": "ppo.batch_size",
    "n_epochs": "ppo.epochs",
    "learning_rate": "ppo.learning_rate",
    "gamma": "ppo.gamma",
    "gae_lambda": "ppo.lambda",
    "clip_range": "ppo.clip",
    "clip_range_vf": "ppo.value_clip",
    "ent_coef": "ppo.entropy",
    "vf_coef": "ppo.value_coefficient",
    "max_grad_norm": "ppo.max_grad_norm",
    "target_kl": "ppo.target_kl",
}
KEYS = tuple(f"{SECTION}.{name}" for name in ALIASES)


def translate(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a raw configuration whose `training` section is spread over our own keys.

    vf_coef weighs the mean squared error there and half of it here, and is doubled. Raises UserError for a name that
    is unknown, or given in both spellings.
    """
    rest = {key: value for key, value in raw.items() if key != SECTION}
    given = raw.get(SECTION)
    if given is None:
        return rest
    if not isinstance(given, Mapping):
        raise UserError(f"{SECTION}: expected a mapping of keys, got {given!r}")
    for name, value in given.items():
        if name not in ALIASES:
            raise UserError(f"unknown key '{SECTION}.{name}'{nearest(str(name), ALIASES)}")
        section, _, key = ALIASES[name].partition(".")
        mine = rest.get(section) or {}
        if key in mine:
            raise UserError(f"{SECTION}.{name}: expected a value under one name, but {ALIASES[name]} gives it too")
        doubled = name == "vf_coef" and isinstance(value, int | float)
        rest[section] = {**mine, key: 2.0 * value if doubled else value}
    return rest
