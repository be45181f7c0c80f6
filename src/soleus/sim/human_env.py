"""One human as a plain Gymnasium environment, which draws itself."""

import weakref
from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium
import numpy as np

from soleus.config import HumanRunConfig, load_human_config
from soleus.errors import UserError
from soleus.exchange.seeds import SEEDS, check_seed
from soleus.sim.gymnasium import BatchEnv, as_array, check_options
from soleus.sim.scenario import load_scenario

_SIZE = (640, 480)  # [pixels] of a picture


class HumanEnv(gymnasium.Env[Any, Any]):
    """One human; the arrays it gives are the caller's."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 30}  # type: ignore[misc]

    def __init__(
        self,
        name: str | HumanRunConfig,
        overrides: Mapping[str, Any] | None = None,
        render_mode: str | None = None,
        muscle: Mapping[str, Any] | None = None,
    ) -> None:
        """render_mode: rgb_array, for render(). name: of a preset or YAML file, or a configuration as it is.

        muscle: weights of the muscle network, where one coordinates. Raises UserError for another render_mode, and as
        make_vec.
        """
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise UserError(f"render_mode: expected rgb_array or none, got {render_mode!r}")
        self.render_mode = render_mode
        config = name if isinstance(name, HumanRunConfig) else load_human_config(name, overrides)
        scenario = load_scenario(config)
        self._batch = BatchEnv(scenario, 1, 1, trace=render_mode is not None)
        if muscle is not None:
            self._batch.load_muscle(muscle)
        self.metadata = {**self.metadata, "render_fps": self._batch.metadata["render_fps"]}  # type: ignore[misc]
        self.observation_space = self._batch.single_observation_space
        self.action_space = self._batch.single_action_space
        self._drawing: _Drawing | None = None
        self._last: np.ndarray | None = None  # pose that an episode ended in

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start a new episode. Raises UserError for options: there are none."""
        check_options(options)
        super().reset(seed=None if seed is None else check_seed(seed))
        self._last = None
        observations, _ = self._batch.reset(seed=seed if seed is not None else int(self.np_random.integers(SEEDS)))
        return observations[0].copy(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Advance by one control step; raises UserError as BatchEnv.step."""
        given = as_array(action)[None]
        expected = self.action_space.shape
        if given.shape[1:] != expected:
            raise UserError(f"actions: expected shape {expected}, got {given.shape[1:]}")
        before = self._batch.simulation.qpos()[0] if self.render_mode else None
        observations, rewards, terminated, truncated, info = self._batch.step(given)
        done = bool(terminated[0] or truncated[0])
        self._last = None
        if done and before is not None:
            poses = [before, *self._batch.poses[:, 0]]
            self._last = next(pose for pose in reversed(poses) if np.isfinite(pose).all()).copy()
        observation = info["final_obs"][0] if done else observations[0].copy()
        return observation, float(rewards[0]), bool(terminated[0]), bool(truncated[0]), {}

    def render(self) -> np.ndarray:
        """Return a picture (height, width, 3) uint8 of the human as it is, from its side.

        Once an episode has ended it is the human as it ended, though the core has started another episode; where it
        diverged, as it last was.
        Raises UserError where render_mode is not rgb_array, and where there is no OpenGL.
        """
        if self.render_mode is None:
            raise UserError("render: expected render_mode rgb_array when the environment was made, got none")
        if self._drawing is None:
            self._drawing = _Drawing(self._batch.simulation.scenario.human)
        return self._drawing.paint(self._batch.simulation.qpos()[0] if self._last is None else self._last)

    def close(self) -> None:
        """Give the OpenGL context back."""
        if self._drawing is not None:
            self._drawing.close()
        self._drawing = None


class _Drawing:
    """What it takes to draw a human."""

    def __init__(self, human: Any) -> None:
        from soleus.render.camera import Camera
        from soleus.render.painter import Painter
        from soleus.render.stage import Stage

        self.stage = Stage(human)
        self.painter = Painter(self.stage, *_SIZE)
        # Whoever forgets close() would leave it to the interpreter's end, when OpenGL is gone already.
        self.close = weakref.finalize(self, self.painter.close)
        self.camera = Camera(human, self.stage.model, "side")

    def paint(self, qpos: np.ndarray) -> np.ndarray:
        self.stage.pose(qpos)
        self.camera.follow(self.stage.data)
        return self.painter.paint(self.stage, self.camera).copy()
