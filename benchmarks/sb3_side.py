"""Train a preset of ours with Stable-Baselines3's PPO: the same environments, networks and hyperparameters.

Prints one JSON object: steps/s, the curve of training returns, and an evaluation like that of `soleus evaluate`.
"""

import argparse
import json
import time
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecMonitor, VecNormalize
from torch import nn
from whole_vec_env import WholeVecEnv

from soleus.bench.images import plain_impala
from soleus.config import EnvRunConfig, load_config, parse_overrides
from soleus.environments import pool


class PoolVecEnv(WholeVecEnv):
    """EnvPool's Procgen for Stable-Baselines3: images (C, H, W), as its networks take them."""

    def __init__(self, config: EnvRunConfig, num_envs: int, seed: int, evaluation: bool) -> None:
        import envpool

        options = dict(config.env.options)
        if evaluation:
            options |= {**pool.held_out(options), **config.env.evaluation}
        name, options = pool.procgen(config.env, options)
        options |= {"channel_first": True}
        self.truncates = config.env.time_limit == "truncates"
        self.pool = envpool.make(name, env_type="gymnasium", num_envs=num_envs, seed=seed, **options)
        super().__init__(num_envs, self.pool.observation_space, spaces.Discrete(int(self.pool.action_space.n)))

    def reset(self) -> np.ndarray:
        return self.pool.reset()[0].copy()

    def step_async(self, actions: np.ndarray) -> None:
        self.actions = actions.astype(np.int32)

    def step_wait(self) -> Any:
        observations, rewards, terminated, truncated, _ = self.pool.step(self.actions)
        done = terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        observations = observations.copy()
        ended = np.flatnonzero(done)
        if len(ended):
            for i in ended:
                late = bool(truncated[i]) and self.truncates
                infos[i] = {"terminal_observation": observations[i].copy(), "TimeLimit.truncated": late}
            observations[ended] = self.pool.reset(ended.astype(np.int32))[0]
        return observations, rewards.copy(), done, infos

    def close(self) -> None:
        self.pool.close()


class Impala(BaseFeaturesExtractor):
    """The network of the Procgen paper in plain torch."""

    def __init__(self, observation_space: spaces.Box, features_dim: int = 256) -> None:
        super().__init__(observation_space, features_dim)
        self.layers = plain_impala()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class Watch(BaseCallback):
    """Notes when rollouts end, the returns of the episodes in them, and stops after a number of rollouts."""

    def __init__(self, rollouts: int | None) -> None:
        super().__init__()
        self.rollouts, self.rows, self.returns = rollouts, [], []

    def _on_step(self) -> bool:
        self.returns += [info["episode"]["r"] for info in self.locals["infos"] if "episode" in info]
        return not (self.rollouts and len(self.rows) >= self.rollouts)

    def _on_rollout_end(self) -> None:
        mean = float(np.mean(self.returns)) if self.returns else None
        self.rows.append({"steps": self.num_timesteps, "seconds": time.perf_counter(), "return": mean})
        self.returns = []


def environments(
    config: EnvRunConfig, seed: int, vectorization: str, evaluation: bool = False, count: int = 0
) -> VecEnv:
    """Return the preset's environments, returns and lengths recorded before anything is normalised."""
    count = count or config.train.num_envs
    if config.env.scheme == "procgen":
        return VecMonitor(PoolVecEnv(config, count, seed, evaluation))
    gymnasium.spec(config.env.name)
    kind = SubprocVecEnv if vectorization == "subproc" else DummyVecEnv
    return make_vec_env(config.env.name, count, seed=seed, vec_env_cls=kind)


def learner(config: EnvRunConfig, env: VecEnv, seed: int) -> PPO:
    """Return Stable-Baselines3's PPO with the preset's hyperparameters."""
    ppo, image = config.ppo, config.env.scheme == "procgen"
    keywords: dict[str, Any] = {}
    if not image:
        keywords = {
            "net_arch": {"pi": list(config.policy.hidden), "vf": list(ppo.value_hidden)},
            "activation_fn": {"tanh": nn.Tanh, "relu": nn.ReLU}[config.policy.activation],
        }
        if isinstance(env.action_space, spaces.Box):
            keywords["log_std_init"] = float(np.log(config.policy.initial_std))
    elif config.policy.network == "impala_cnn":
        keywords = {"features_extractor_class": Impala}
    rate: Any = ppo.learning_rate
    if ppo.schedule == "linear":
        rate = lambda left: left * ppo.learning_rate  # noqa: E731
    return PPO(
        "CnnPolicy" if image else "MlpPolicy",
        env,
        learning_rate=rate,
        n_steps=config.train.rollout_steps,
        batch_size=config.batch_size,
        n_epochs=ppo.epochs,
        gamma=ppo.gamma,
        gae_lambda=ppo.lambda_,
        clip_range=ppo.clip,
        ent_coef=ppo.entropy,
        vf_coef=ppo.value_coefficient / 2,  # of the whole squared error there, of half of it here
        max_grad_norm=ppo.max_grad_norm,
        policy_kwargs=keywords,
        seed=seed,
        device="cpu",
    )


def evaluate(model: PPO, config: EnvRunConfig, train_env: VecEnv, episodes: int, seed: int) -> dict[str, float]:
    """Return mean and spread of the returns of whole episodes, each environment running as many."""
    count = min(episodes, 32)
    env = environments(config, seed, "dummy", evaluation=True, count=count)
    quota = np.array([episodes // count + (i < episodes % count) for i in range(count)])
    seen, total, returns = env.reset(), np.zeros(count), []
    while (quota > 0).any():
        if isinstance(train_env, VecNormalize):
            seen = train_env.normalize_obs(seen)
        actions, _ = model.predict(seen, deterministic=config.env.deterministic_evaluation)
        seen, rewards, done, _ = env.step(actions)
        total += rewards
        returns += list(total[done & (quota > 0)])
        quota -= done
        total[done] = 0
    env.close()
    return {"episodes": episodes, "mean_return": float(np.mean(returns)), "std_return": float(np.std(returns))}


def train(
    config: EnvRunConfig, seed: int, steps: int | None, rollouts: int | None, vectorization: str, episodes: int
) -> dict[str, Any]:
    """Train; return steps/s (medians over iterations after the first), the curve, and the evaluation."""
    env = environments(config, seed, vectorization)
    image = config.env.scheme == "procgen"
    normalized = config.ppo.normalize_observations and not image
    if normalized or config.ppo.normalize_rewards:
        env = VecNormalize(env, norm_obs=normalized, norm_reward=config.ppo.normalize_rewards, gamma=config.ppo.gamma)
    model, watch = learner(config, env, seed), Watch(rollouts)
    start = time.perf_counter()
    model.learn(steps or 10**9, callback=watch)
    seconds = time.perf_counter() - start
    gaps = np.diff([row["seconds"] for row in watch.rows])
    per = config.train.num_envs * config.train.rollout_steps
    result = {
        "steps": model.num_timesteps,
        "seconds": seconds,
        "steps_per_s": per / float(np.median(gaps)) if len(gaps) else None,
        "steps_per_s_mean": model.num_timesteps / seconds,
        "curve": [[row["steps"], row["return"]] for row in watch.rows if row["return"] is not None],
    }
    if episodes:
        result["evaluation"] = evaluate(model, config, env, episodes, 1_000_003)
    env.close()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("preset")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--rollouts", type=int, help="stop after so many: for timing")
    parser.add_argument("--vectorization", choices=("dummy", "subproc"), default="dummy")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--episodes", type=int, default=0)
    arguments, overrides = parser.parse_known_args()
    config = load_config(arguments.preset, parse_overrides(overrides))
    assert isinstance(config, EnvRunConfig)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    steps = None if arguments.rollouts else arguments.steps or config.train.steps
    result = train(config, arguments.seed, steps, arguments.rollouts, arguments.vectorization, arguments.episodes)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
