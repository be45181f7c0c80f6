"""Generalized advantage estimation (Schulman et al. 2016), with the three ways a step can end kept apart."""

import numpy as np

from soleus.exchange.batch import Bool, Float32


def generalized_advantages(
    rewards: Float32,
    values: Float32,
    final_values: Float32,
    terminated: Bool,
    truncated: Bool,
    gamma: float,
    lambda_: float,
) -> tuple[Float32, Float32]:
    """Return advantages and value targets, both (T, N).

    rewards, terminated, truncated: (T, N)
    values: (T + 1, N) value of the state before each step, and after the last one
    final_values: (T, N) value of the final observation where an episode was truncated; ignored elsewhere (may be NaN)

    A terminated step has no future; a truncated one has the value of its final observation; neither lets the trace
    through to the next episode. A step that is both is terminated.
    """
    ended = terminated | truncated
    next_values = np.where(ended, np.where(terminated, np.float32(0), final_values), values[1:])
    deltas = rewards + np.float32(gamma) * next_values - values[:-1]
    decay = np.where(ended, np.float32(0), np.float32(gamma * lambda_))
    advantages = np.empty_like(rewards)
    trace = np.zeros_like(rewards[0])
    for t in range(len(rewards) - 1, -1, -1):
        trace = deltas[t] + decay[t] * trace
        advantages[t] = trace
    return advantages, advantages + values[:-1]
