"""A human that diverged, seen again from its dump."""

from collections.abc import Iterator
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.config import load_human_config
from soleus.errors import UserError
from soleus.motions.posing import root_slots
from soleus.run import inputs
from soleus.run.dumps import FOLDER, read_dump
from soleus.show.frames import Instant
from soleus.sim.buffers import Buffers
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import Simulation
from soleus.sim.trace import STATE


class ReplayAct:
    """The control steps before a human diverged, over and over."""

    def __init__(self, path: Path) -> None:
        """Raises UserError for a file that is no dump in a run folder."""
        dump = read_dump(path)
        config_file = path.absolute().parent.parent / "config.yaml"
        if not config_file.is_file():
            raise UserError(f"{path}: expected a dump in a run's {FOLDER}/ folder, with config.yaml beside that folder")
        inputs.check(config_file.parent)
        config = load_human_config(config_file)
        scenario = load_scenario(config)
        simulation = Simulation(scenario, 1, 1, config.train.seed, first=dump.human)
        if simulation.muscle_spec and dump.muscle:
            simulation.load_muscle(dump.muscle)
        buffers = Buffers(simulation, len(dump.actions), samples=False, trace=True)
        simulation.reset(config.train.seed, buffers["observations"][0])
        if dump.state.shape != (simulation.core.state_size,):
            raise UserError(f"{path}: expected a dump of this run's config.yaml, got a state of another size")
        simulation.restore(dump.state[None])
        buffers["actions"][:, 0] = dump.actions
        buffers.run(simulation, with_policy=False)
        drawn = scenario.conditions is not None
        self.human = scenario.person_at(simulation.conditions()[0]) if drawn else scenario.human
        self.dt = 1.0 / config.control.sim_hz
        self.diverged = bool(buffers["diverged"][-1, 0])
        """Whether it came to the same end."""
        muscles, self._size = len(scenario.human.muscle_names), mujoco.mj_stateSize(scenario.human.model, STATE)
        start = np.concatenate([dump.state[: self._size], np.zeros(muscles)])
        rows = np.vstack([start, buffers["trace"][:, 0, : self._size + muscles]])  # states and activations
        self.rows: NDArray[np.float64] = rows[np.isfinite(rows).all(1)]
        if not len(self.rows):
            raise UserError(f"{path}: expected a state of finite numbers at the start, got others")

    def frames(self) -> Iterator[Instant]:
        """Yield the simulation steps again and again."""
        data = mujoco.MjData(self.human.model)
        ground, place = [adr for adr in root_slots(self.human).shift[:2] if adr >= 0], None
        while True:
            for step, row in enumerate(self.rows):
                mujoco.mj_setState(self.human.model, data, row[: self._size], STATE)
                before, place = place, np.array([data.qpos[adr] for adr in ground])
                speed = 0.0 if before is None or step == 0 else float(np.linalg.norm(place - before)) / self.dt
                yield Instant(step * self.dt, data.qpos.copy(), row[self._size :].copy(), speed=speed)

    def reset(self) -> None:
        """It restarts with the frames."""

    def push(self, force: NDArray[np.float64]) -> None:
        """Raise UserError: what has been cannot be changed."""
        raise UserError("push: expected a policy, got a replay, which no force moves")
