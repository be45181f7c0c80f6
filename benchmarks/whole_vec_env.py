"""What Stable-Baselines3 asks of vector environments beside stepping, of those that have no environments one by one."""

from typing import Any

from stable_baselines3.common.vec_env import VecEnv


class WholeVecEnv(VecEnv):
    """Environments that are stepped all at once: nothing can be asked of one alone."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [None] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise NotImplementedError

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs
