"""From a configuration to a group of environments: which kind, with which options, in whose hands."""

import os
import signal
from typing import Any

import gymnasium

from soleus.config import EnvironmentConfig
from soleus.environments import pool
from soleus.environments.base import Group
from soleus.environments.checked import Laconic, Make
from soleus.environments.folder import Home
from soleus.environments.gym import GymGroup, maker
from soleus.environments.layers import StackedGroup, TerminatingGroup
from soleus.environments.vector import VectorGroup
from soleus.errors import UserError, described, nearest
from soleus.machine.stopping import let_through

SCHEMES = ("gymnasium", "envpool", "procgen")


def _options(config: EnvironmentConfig, evaluation: bool) -> dict[str, Any]:
    """Return the options of a scheme's maker; for evaluation with those of `evaluation` over them."""
    if config.scheme not in SCHEMES or not config.name:
        hint = nearest(config.scheme, SCHEMES) if config.name else ""
        raise UserError(f"env.id: expected {', '.join(f'{one}:ID' for one in SCHEMES)}, got '{config.id}'{hint}")
    for key in ("wrappers", "numbered"):
        if getattr(config, key) and config.scheme != "gymnasium":
            raise UserError(f"env.{key}: expected none for {config.scheme}, whose environments are native")
    options = dict(config.options)
    if evaluation:
        held_out = pool.held_out(options) if config.scheme == "procgen" else {}
        options |= {**held_out, **config.evaluation}
    return options


def _numbered(config: EnvironmentConfig, options: dict[str, Any], number: int) -> dict[str, Any]:
    """Return the options of the environment of a number."""
    own = {
        name: value.replace("{number}", str(number)) if isinstance(value, str) else value + number
        for name, value in config.numbered.items()
    }
    return {**options, **own}


def _makers(config: EnvironmentConfig, options: dict[str, Any], numbers: range) -> list[Make]:
    if not config.numbered:
        return [maker(config, options)] * len(numbers)
    return [maker(config, _numbered(config, options, number)) for number in numbers]


def maker_of(config: EnvironmentConfig, number: int, more: dict[str, Any]) -> Make:
    """Return what makes the Gymnasium environment of a number, on the options meant for evaluation and more."""
    return maker(config, {**_numbered(config, _options(config, evaluation=True), number), **more})


def _pool(config: EnvironmentConfig, options: dict[str, Any], num_envs: int, threads: int, first: int) -> Group:
    name, rest = pool.procgen(config, options) if config.scheme == "procgen" else (config.name, options)
    return pool.PoolGroup(name, rest, num_envs, threads, first)


def _layered(config: EnvironmentConfig, group: Group, evaluation: bool = False) -> Group:
    if config.time_limit == "terminates" and not evaluation:  # which tells apart what ended an episode
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
        limit = config.max_evaluation_steps if evaluation else None
        group: Group = GymGroup(_makers(config, options, range(first, first + num_envs)), config.id, first, limit)
    else:
        group = _pool(config, options, num_envs, threads, first)
    return _layered(config, group, evaluation)


def _held(make: Make, name: str, number: int, home: Home) -> Make:
    """Return what makes an environment that is held to its word, and that, in a process of its own, hears no signals.

    Ctrl-C and SIGTERM go to every process of a terminal or a job: the main process ends the others itself.
    """
    owner = os.getpid()

    def make_held() -> "gymnasium.Env[Any, Any]":
        if os.getpid() != owner:
            for one in (signal.SIGINT, signal.SIGTERM):
                signal.signal(one, signal.SIG_IGN)
        return Laconic(make, name, number, home)

    return make_held


def make_vector_group(config: EnvironmentConfig, num_envs: int, vectorization: str, threads: int) -> Group:
    """Return the environments of a run as one VectorEnv: Gymnasium's Sync- or AsyncVectorEnv, or EnvPool's own.

    Raises UserError for what cannot be made.
    """
    options = _options(config, evaluation=False)
    if config.scheme != "gymnasium":
        return _layered(config, _pool(config, options, num_envs, threads, 0))
    makers, home = _makers(config, options, range(num_envs)), Home()
    probe = GymGroup(makers[:1], config.id)  # in this process first, where its errors are one line
    wrappers = probe.wrappers
    probe.close()
    kind = gymnasium.vector.AsyncVectorEnv if vectorization == "async" else gymnasium.vector.SyncVectorEnv
    held = [_held(make, config.id, i, home) for i, make in enumerate(makers)]
    try:
        env = kind(held, autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP)
    except UserError:
        raise
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        let_through(error)
        raise UserError(
            f"env.id: expected environments that can be made, but {config.id}: {described(error)}"
        ) from None
    return _layered(config, VectorGroup(env, config.id, home=home, wrappers=wrappers))
