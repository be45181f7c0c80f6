"""Train an image preset of ours with a plain PPO loop in PyTorch: one process, channels-last float32, torch's Adam.

What one writes by hand in an afternoon. Prints one JSON object with its steps/s.
"""

import argparse
import json
import time

import numpy as np
import torch
from sb3_side import PoolVecEnv
from torch import nn
from torch.distributions import Categorical
from torch.nn.functional import mse_loss

from soleus.bench.images import plain_impala, plain_nature
from soleus.config import EnvRunConfig, load_config, parse_overrides


class Agent(nn.Module):
    def __init__(self, network: str, actions: int) -> None:
        super().__init__()
        impala = network == "impala_cnn"
        self.encoder = plain_impala() if impala else plain_nature()
        features = 256 if impala else 512
        self.policy, self.value = nn.Linear(features, actions), nn.Linear(features, 1)

    def forward(self, images: torch.Tensor) -> tuple[Categorical, torch.Tensor]:
        images = images.float().div(255).contiguous(memory_format=torch.channels_last)
        features = self.encoder(images)
        return Categorical(logits=self.policy(features)), self.value(features).squeeze(-1)


def train(config: EnvRunConfig, rollouts: int) -> float:
    """Return the median steps/s of whole iterations after the first."""
    ppo, envs, steps = config.ppo, config.train.num_envs, config.train.rollout_steps
    env = PoolVecEnv(config, envs, 0, False)
    agent = Agent(config.policy.network, env.action_space.n)
    agent = agent.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(agent.parameters(), lr=ppo.learning_rate, eps=1e-5)
    seen = torch.zeros((steps, *np.zeros((envs, *env.observation_space.shape)).shape), dtype=torch.uint8)
    actions, log_probs, rewards, dones, values = (torch.zeros(steps, envs) for _ in range(5))
    now, times = torch.from_numpy(env.reset()), []
    for _ in range(rollouts):
        start = time.perf_counter()
        for t in range(steps):
            seen[t] = now
            with torch.no_grad():
                chosen, values[t] = agent(now)
                action = chosen.sample()
            actions[t], log_probs[t] = action, chosen.log_prob(action)
            env.step_async(action.numpy())
            after, reward, done, _ = env.step_wait()
            now, rewards[t], dones[t] = (
                torch.from_numpy(after),
                torch.from_numpy(reward),
                torch.from_numpy(done).float(),
            )
        with torch.no_grad():
            following = agent(now)[1]
        advantages, trace = torch.zeros(steps, envs), torch.zeros(envs)
        for t in reversed(range(steps)):
            left = 1 - dones[t]
            delta = rewards[t] + ppo.gamma * following * left - values[t]
            trace = delta + ppo.gamma * ppo.lambda_ * left * trace
            advantages[t], following = trace, values[t]
        flat = [x.flatten(0, 1) for x in (seen, actions, log_probs, advantages, advantages + values)]
        for _ in range(ppo.epochs):
            for index in torch.randperm(steps * envs).split(config.batch_size):
                images, action, old, advantage, target = (x[index] for x in flat)
                chosen, value = agent(images)
                advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
                ratio = (chosen.log_prob(action) - old).exp()
                clipped = ratio.clamp(1 - ppo.clip, 1 + ppo.clip)
                loss = -torch.min(ratio * advantage, clipped * advantage).mean()
                loss = loss + 0.5 * ppo.value_coefficient * mse_loss(value, target)
                loss = loss - ppo.entropy * chosen.entropy().mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), ppo.max_grad_norm)
                optimizer.step()
        times.append(time.perf_counter() - start)
    env.close()
    return steps * envs / float(np.median(times[1:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("preset")
    parser.add_argument("--rollouts", type=int, default=6)
    parser.add_argument("--threads", type=int)
    arguments, overrides = parser.parse_known_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    config = load_config(arguments.preset, parse_overrides(overrides))
    assert isinstance(config, EnvRunConfig)
    print(json.dumps({"steps_per_s": train(config, arguments.rollouts)}))


if __name__ == "__main__":
    main()
