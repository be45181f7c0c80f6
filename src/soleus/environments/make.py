"""From a configuration to a group of environments: which kind, with which options, in whose hands."""

import os
import signal
from typing import Any

import gymnasium

from soleus.config import EnvironmentConfig
from soleus.environments import pool
from soleus.environments.base import Group
from soleus.environments.gym import GymGroup, Make, maker
from soleus.environments.layers import StackedGroup, TerminatingGroup
from soleus.environments.vector import VectorGroup
from soleus.errors import UserError, nearest

SCHEMES = ("gymnasium", "envpool", "procgen")


def _options(config: EnvironmentConfig, evaluation: bool) -> dict[str, Any]:
    """Return the options of a scheme's maker; for evaluation with those of `evaluation` over them."""
    if config.scheme not in SCHEMES or not config.name:
        hint = nearest(config.scheme, SCHEMES) if config.name else ""
        raise UserError(f"env.id: expected {', '.join(f'{one}:ID' for one in SCHEMES)}, got '{config.id}'{hint}")
    if config.wrappers and config.scheme != "gymnasium":
        raise UserError(f"env.wrappers: expected none for {config.scheme}, whose environments are native")
    options = dict(config.options)
    if evaluation:
        held_out = pool.held_out(options) if config.scheme == "procgen" else {}
        options |= {**held_out, **config.evaluation}
    return options


def _pool(config: EnvironmentConfig, options: dict[str, Any], num_envs: int, threads: int, first: int) -> Group:
    name, rest = pool.procgen(config, options) if config.scheme == "procgen" else (config.name, options)
    return pool.PoolGroup(name, rest, num_envs, threads, first)


def _layered(config: EnvironmentConfig, group: Group) -> Group:
    if config.time_limit == "terminates":
        group = TerminatingGroup(group)
    return StackedGroup(group, config.frame_stack) if config.frame_stack > 1 else group


def make_group(
    config: EnvironmentConfig, num_envs: int, threads: int = 1, first: int = 0, evaluation: bool = False
) -> Group:
    """Return environments first ... first + num_envs - 1 of a run, for the process that asks.

    threads: of EnvPool; Gymnasium's environments are stepped in turn. evaluation: on the options meant for it, such as
    Procgen's held-out levels. Raises UserError for what cannot be made.
    """
    options = _options(config, evaluation)
    if config.scheme == "gymnasium":
        return _layered(config, GymGroup([maker(config, options)] * num_envs, config.id, first))
    return _layered(config, _pool(config, options, num_envs, threads, first))


def _deaf(make: Make) -> Make:
    """Return what makes an environment; in a process of its own that process does not hear Ctrl-C and SIGTERM.

    They go to every process of a terminal or a job: the main process ends the others itself.
    """
    owner = os.getpid()

    def make_deaf() -> "gymnasium.Env[Any, Any]":
        if os.getpid() != owner:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
        return make()

    return make_deaf


def make_vector_group(config: EnvironmentConfig, num_envs: int, vectorization: str, threads: int) -> Group:
    """Return the environments of a run as one VectorEnv: Gymnasium's Sync- or AsyncVectorEnv, or EnvPool's own.

    Raises UserError for what cannot be made.
    """
    options = _options(config, evaluation=False)
    if config.scheme != "gymnasium":
        return _layered(config, _pool(config, options, num_envs, threads, 0))
    make = maker(config, options)
    GymGroup([make], config.id).close()  # in this process first, where its errors are one line
    kind = gymnasium.vector.AsyncVectorEnv if vectorization == "async" else gymnasium.vector.SyncVectorEnv
    env = kind([_deaf(make)] * num_envs, autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP)
    return _layered(config, VectorGroup(env, config.id))
