"""The configuration of a run: frozen, checked data; read from presets, YAML files and flags, and written back."""

from soleus.config.builtin import names, summary_of
from soleus.config.environment import EnvironmentConfig
from soleus.config.flags import parse_overrides, takes_no_value
from soleus.config.keys import fixed_keys, known_keys, parts
from soleus.config.load import config_of_model, dump_config, is_of_env, load_config, load_human_config
from soleus.config.parallel import ParallelConfig
from soleus.config.schema import (
    ControlConfig,
    CoordinationConfig,
    EnvRunConfig,
    HumanRunConfig,
    PolicyConfig,
    PpoConfig,
    RewardConfig,
    RunConfig,
    TaskConfig,
    TrainConfig,
)

__all__ = [
    "ControlConfig",
    "CoordinationConfig",
    "EnvRunConfig",
    "EnvironmentConfig",
    "HumanRunConfig",
    "ParallelConfig",
    "PolicyConfig",
    "PpoConfig",
    "RewardConfig",
    "RunConfig",
    "TaskConfig",
    "TrainConfig",
    "config_of_model",
    "dump_config",
    "fixed_keys",
    "is_of_env",
    "known_keys",
    "load_config",
    "load_human_config",
    "names",
    "parse_overrides",
    "parts",
    "summary_of",
    "takes_no_value",
]
