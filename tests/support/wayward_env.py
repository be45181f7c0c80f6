"""An environment that does what collectors have to live through: it hangs, leaves, goes elsewhere, gives no number."""

import os
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces


class Wayward(gymnasium.Env[Any, Any]):
    """Ends after 8 steps. In step `after` of its life it does what `does` says.

    port: listened at, so that no two can have the same. info: what the last info of each episode holds. tell: a file
    that is made when it comes to step `after`.
    """

    observation_space: Any = spaces.Box(-1, 1, (2,), np.float32)
    action_space: Any = spaces.Discrete(2)

    def __init__(
        self, does: str = "", after: int = 5, port: int = 0, name: str = "", info: Any = None, tell: str = ""
    ) -> None:
        self.does, self.after, self.info, self.name, self.tell = does, after, info or {}, name, tell
        self.steps = self.count = 0
        self.socket = socket.socket()
        if port:
            self.socket.bind(("127.0.0.1", port))
        self.act("init")

    def act(self, now: str) -> None:
        if self.does == f"goes in {now}":
            os.chdir(tempfile.mkdtemp())
        if self.does == f"exits in {now}":
            sys.exit("enough")
        if self.does == f"interrupts in {now}":
            raise KeyboardInterrupt
        if self.does == f"dies in {now}":
            os._exit(3)

    def see(self) -> Any:
        return np.full(2, np.nan if self.does == "observation" and self.steps == self.after else 0, np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.act("reset")
        self.count = 0
        return self.see(), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        self.count += 1
        if self.steps == self.after:
            self.act("step")
            if self.tell:
                Path(self.tell).touch()
            if self.does == "hangs":
                time.sleep(10**6)
            while self.does == "deaf":
                try:
                    time.sleep(1000)
                except BaseException:  # whoever asks it to stop
                    continue
        reward: Any = None if self.does == "reward" and self.steps == self.after else 1.0
        over = self.count == 8
        return self.see(), reward, over, False, self.info if over else {"ignored": 1.0}

    def close(self) -> None:
        self.socket.close()


gymnasium.register("Wayward-v0", entry_point="wayward_env:Wayward")
