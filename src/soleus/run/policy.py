"""A trained policy as a Python program uses it: it acts, makes its environment, and can be exported."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from soleus.config import EnvRunConfig, HumanRunConfig
from soleus.errors import UserError
from soleus.exchange.batch import Layout
from soleus.exchange.spaces import ActionSpec, ObservationSpec
from soleus.run.trained import Trained

Array = npt.NDArray[Any]


class _Actor(Protocol):
    def act(self, observations: Array, deterministic: bool, rng: np.random.Generator) -> Array: ...


class _OfHumans:
    """The policy in the native core: the same bits as in a rollout."""

    def __init__(self, config: HumanRunConfig, state: Mapping[str, Any], layout: Layout) -> None:
        from soleus import _core
        from soleus.exchange.weights import core_policy, policy_network

        spec = policy_network(config.policy, layout.observation.size, layout.action.parameters)
        given = core_policy(spec, state)
        self._core = _core.Policy(list(spec.sizes), spec.activations)
        self._core.load(*given)
        self._log_std = given[-1]

    def act(self, observations: Array, deterministic: bool, rng: np.random.Generator) -> Array:
        actions = np.empty((len(observations), len(self._log_std)), np.float32)
        self._core.act(observations, actions)
        if not deterministic:
            actions += np.exp(self._log_std) * rng.standard_normal(actions.shape, np.float32)
        return actions


class _OfEnvironments:
    """The policy in torch, as collectors of other environments have it; actions in the environment's own form."""

    def __init__(self, config: EnvRunConfig, state: Mapping[str, Any], layout: Layout, to_space: Any) -> None:
        from soleus.collect.policy import TorchPolicy

        self._policy = TorchPolicy(config, layout, 0, 1)
        self._policy.load_policy(state)
        self._to_space = to_space

    def act(self, observations: Array, deterministic: bool, rng: np.random.Generator) -> Array:
        if deterministic:
            chosen = self._policy.likeliest(observations)
        else:
            head = self._policy.policy.head
            chosen, _ = head.sample(self._policy.parameters(observations), head.noise(rng, len(observations)))
        return np.stack([np.asarray(self._to_space(one)) for one in chosen])


class Policy:
    """The policy of a run's checkpoint, with its normaliser.

    observation_shape: of one observation, (D,) float32 or an image (H, W, C) uint8, as env() gives it.
    """

    def __init__(self, trained: Trained, seed: int = 0) -> None:
        """seed: for actions that are sampled. Raises UserError where the weights do not fit the configuration."""
        self.trained = trained
        self.config = trained.config
        self._rng = np.random.default_rng(seed)
        self._actor: _Actor
        if isinstance(self.config, HumanRunConfig):
            mean, log_std = (np.asarray(trained.policy[name]) for name in ("normalizer.mean", "log_std"))
            control_dt = 1.0 / self.config.control.policy_hz
            self.layout = Layout(1, ObservationSpec(mean.shape), ActionSpec.continuous(len(log_std)), control_dt)
            self._actor = _OfHumans(self.config, trained.policy, self.layout)
        else:
            assert isinstance(self.config, EnvRunConfig)
            self.layout, to_space = _layout_of(self.config)
            self._actor = _OfEnvironments(self.config, trained.policy, self.layout, to_space)

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """Shape of one observation."""
        return self.layout.observation.shape

    def act(self, observations: Any, deterministic: bool = True) -> Array:
        """Return actions for observations, (M, *observation_shape), or one action for one of them.

        deterministic: the likeliest action; otherwise one that is sampled. Actions are those that the environment's
        step() takes; of humans they are float32 (M, A), of which step() clips what lies outside [-1, 1]. Raises
        UserError for observations of another shape, or that are not finite.
        """
        shape, dtype = self.observation_shape, self.layout.observation.dtype
        given = np.asarray(observations)
        single = given.shape == shape
        if not single and given.shape[1:] != shape:
            raise UserError(f"act: expected observations of shape {shape} or (M, {str(shape)[1:]}, got {given.shape}")
        if given.dtype.kind not in "biuf" or not np.isfinite(given).all():
            raise UserError("act: expected finite numbers as observations, got others")
        batch = np.ascontiguousarray(given[None] if single else given, dtype)
        actions = self._actor.act(batch, deterministic, self._rng)
        first: Array = actions[0]
        return first if single else actions

    def env(self, num_envs: int = 1, render_mode: str | None = None) -> Any:
        """Return what the policy has learnt in: a Gymnasium environment, or for several a VectorEnv.

        Of humans a muscle network acts in it with the weights of the run. Of other environments the options are those
        meant for evaluation. render_mode: of one environment alone. Raises UserError for environments that cannot be
        made so.
        """
        if isinstance(self.config, HumanRunConfig):
            from soleus.sim.gymnasium import BatchEnv
            from soleus.sim.human_env import HumanEnv
            from soleus.sim.scenario import load_scenario

            muscle = self.trained.muscle if self.config.trains_muscle_network else None
            if num_envs == 1:
                return HumanEnv(self.config, render_mode=render_mode, muscle=muscle)
            if render_mode is not None:
                raise UserError(f"env: expected render_mode none for {num_envs} humans, got {render_mode!r}")
            batch = BatchEnv(load_scenario(self.config), num_envs)
            if muscle is not None:
                batch.load_muscle(muscle)
            return batch
        assert isinstance(self.config, EnvRunConfig)
        from soleus.environments.single import make_single

        config = self.config.env
        if num_envs == 1:
            return make_single(config, render_mode=render_mode)
        import gymnasium

        makers = [lambda number=number: make_single(config, number, render_mode) for number in range(num_envs)]
        return gymnasium.vector.SyncVectorEnv(makers, autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP)

    def export(self, path: str | Path) -> Path:
        """Write the policy, normaliser and likeliest action within, as ONNX (.onnx) or TorchScript (.pt).

        Its input `observations` are (M, *observation_shape), its output `actions` as the policy stores them: float32
        means (M, A), or whole numbers from 0. Raises UserError for another ending, and for a missing `onnx`.
        """
        from soleus.run.export import export_policy

        return export_policy(self.config, self.layout, self.trained.policy, Path(path))

    def export_muscle_network(self, path: str | Path) -> Path:
        """Write the muscle coordination network as ONNX (.onnx) or TorchScript (.pt).

        Its inputs are the muscles' moments and the torques that are wanted of them, divided by TORQUE_SCALE [N m], its
        outputs activations (M, muscles). Raises UserError for a run without one, and as export().
        """
        from soleus.run.export import export_muscle_network

        if self.trained.muscle is None or not isinstance(self.config, HumanRunConfig):
            raise UserError(f"{self.trained.called}: expected a run with coordination.method network, got one without")
        return export_muscle_network(self.config, self.trained.muscle, Path(path))


def _layout_of(config: EnvRunConfig) -> tuple[Layout, Any]:
    """Return the layout of an environment, and the function that brings an action into its space."""
    from soleus.environments import make_group
    from soleus.environments.convert import action_spec

    group = make_group(config.env, 1, evaluation=True)
    try:
        layout = Layout(1, group.observation, group.action, group.control_dt)
        from soleus.environments.layers import innermost

        space = getattr(innermost(group), "action_space", None)
        to_space = action_spec(space, config.env.id)[1] if space is not None else lambda action: action
        return layout, to_space
    finally:
        group.close()
