import time

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from soleus.bench.slow import EPISODE_STEPS

NAME = "soleus.bench.slow:Slow-v0"


def test_it_is_an_environment_and_seeded() -> None:
    env = gymnasium.make(NAME, step_ms=0.01)
    check_env(env.unwrapped, skip_render_check=True)
    firsts = [env.reset(seed=seed)[0][0] for seed in (3, 3, 4)]
    assert firsts[0] == firsts[1] != firsts[2]


@pytest.mark.parametrize(("right", "total"), [(True, EPISODE_STEPS), (False, 0)])
def test_the_sign_pays(right: bool, total: int) -> None:
    env = gymnasium.make(NAME, step_ms=0.0)
    shown, _ = env.reset(seed=0)
    paid, over = 0.0, False
    while not over:
        shown, reward, terminated, over, _ = env.step(np.int64((shown[0] > 0) == right))
        paid += float(reward)
        assert not terminated
    assert paid == total


@pytest.mark.parametrize(("options", "step_ms"), [({}, 1.0), ({"step_ms": 3.0}, 3.0)])
def test_a_step_computes_for_its_time(options: dict[str, float], step_ms: float) -> None:
    env = gymnasium.make(NAME, **options)
    env.reset(seed=0)
    start = time.thread_time()
    for _ in range(20):
        env.step(np.int64(0))
    assert step_ms <= 1e3 * (time.thread_time() - start) / 20 < 1.5 * step_ms
