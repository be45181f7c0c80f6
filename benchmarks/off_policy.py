"""Train a person with an off-policy learner, Stable-Baselines3's SAC or TD3, and with Soleus' PPO, until 20 of 20 last.

Both step the same native humans with all threads; what counts is the time until 20 whole episodes of the likeliest
actions last to their end. Prints one JSON object a side: seconds of training (evaluations of the off-policy learner are
left out, those of PPO before the last counted), steps, updates, and the curve of shares that lasted.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from native_vec_env import NativeVecEnv
from stable_baselines3 import SAC, TD3
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.noise import NormalActionNoise, VectorizedActionNoise
from stable_baselines3.common.vec_env import VecNormalize

import soleus
from soleus.config import HumanRunConfig, load_human_config
from soleus.run.log import read_metrics

SEED = 1_000_003  # of evaluations
EPISODES = 20


def lasting(model: Any, env: VecNormalize, humans: NativeVecEnv) -> float:
    """Return the share of whole episodes that last to their end, one of each human."""
    seen = humans.restarted(SEED)
    lasted, open_ = np.zeros(humans.num_envs, bool), np.ones(humans.num_envs, bool)
    while open_.any():
        actions, _ = model.predict(env.normalize_obs(seen), deterministic=True)
        seen, _, done, infos = humans.step(actions)
        ended = open_ & done
        lasted[ended] = [infos[i]["TimeLimit.truncated"] for i in np.flatnonzero(ended)]
        open_ &= ~done
    return float(lasted.mean())


class Watch(BaseCallback):
    """Evaluates every so many seconds of training, and ends it where all episodes last or the time is over."""

    def __init__(self, env: VecNormalize, humans: NativeVecEnv, every: float, limit: float) -> None:
        super().__init__()
        self.env, self.humans, self.every, self.limit = env, humans, every, limit
        self.started = self.last = time.perf_counter()
        self.curve: list[tuple[float, int, float]] = []

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started

    def _on_step(self) -> bool:
        if time.perf_counter() - self.last < self.every:
            return True
        at = self.seconds
        share = lasting(self.model, self.env, self.humans)
        self.started += self.seconds - at
        self.last = time.perf_counter()
        self.curve.append((round(at, 1), self.num_timesteps, share))
        return share < 1.0 and at < self.limit


def off_policy(kind: str, config: HumanRunConfig, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train SAC or TD3, with `updates` gradient steps for every step of all humans together."""
    env = VecNormalize(
        NativeVecEnv(arguments.preset, arguments.num_envs, arguments.seed), norm_reward=False, gamma=config.ppo.gamma
    )
    humans = NativeVecEnv(arguments.preset, EPISODES, SEED)
    keywords: dict[str, Any] = {}
    if kind == "td3":
        size = env.action_space.shape[0]
        one = NormalActionNoise(np.zeros(size), np.full(size, config.policy.initial_std))
        keywords["action_noise"] = VectorizedActionNoise(one, arguments.num_envs)
    model = {"sac": SAC, "td3": TD3}[kind](
        "MlpPolicy",
        env,
        gamma=config.ppo.gamma,
        batch_size=256,
        train_freq=1,
        gradient_steps=arguments.updates,
        learning_starts=100 * arguments.num_envs,
        policy_kwargs={"net_arch": list(config.policy.hidden)},
        seed=arguments.seed,
        device="cpu",
        **keywords,
    )
    watch = Watch(env, humans, arguments.every, arguments.limit)
    model.learn(10**9, callback=watch)
    seconds, steps, share = watch.curve[-1]
    updates = int(model._n_updates)
    return {"side": kind, "lasted": share, "seconds": seconds, "steps": steps, "updates": updates, "curve": watch.curve}


def on_policy(preset: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train with `soleus train` to its first evaluation in which all episodes last."""
    keys = {"train.eval_interval": arguments.interval, "train.eval_episodes": EPISODES, "train.seed": arguments.seed}
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "run"

        def curve() -> list[tuple[float, int, float]]:
            rows = read_metrics(folder)
            seconds = {row["time/steps"]: row["time/seconds"] for row in rows if "time/seconds" in row}
            found = [(row["time/steps"], row["evaluate/share_full"]) for row in rows if "evaluate/share_full" in row]
            return [(round(seconds[steps], 1), int(steps), share) for steps, share in found]

        def watch(_: int, row: Any) -> bool:
            return row["time/seconds"] < arguments.limit and not any(share == 1.0 for _, _, share in curve())

        soleus.train(preset, run_dir=folder, callback=watch, **keys)
        found = curve()
    at = next((one for one in found if one[2] == 1.0), found[-1])
    return {"side": "ppo", "lasted": at[2], "seconds": at[0], "steps": at[1], "curve": found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("preset")
    parser.add_argument("--sides", default="ppo,sac,td3")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--num-envs", type=int, default=8, help="humans of the off-policy learner")
    parser.add_argument("--updates", type=int, default=8, help="of the off-policy learner, a step of all its humans")
    parser.add_argument("--every", type=float, default=20.0, help="[s] between evaluations of the off-policy learner")
    parser.add_argument("--interval", type=int, default=100_000, help="steps between evaluations of PPO")
    parser.add_argument("--limit", type=float, default=600.0, help="[s] after which a side ends")
    arguments = parser.parse_args()
    config = load_human_config(arguments.preset)
    torch.set_num_threads(1)
    for side in arguments.sides.split(","):
        ppo = side == "ppo"
        result = on_policy(arguments.preset, arguments) if ppo else off_policy(side, config, arguments)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
