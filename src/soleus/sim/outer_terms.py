"""Terms in Python beside those of the core: called once a control step, for all humans."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soleus import _core
from soleus.config import HumanRunConfig
from soleus.errors import UserError, described
from soleus.models import Human
from soleus.tasks.python_terms import PythonTerm

Floats = NDArray[np.float64]


class Scene:
    """All N humans at the end of a control step, as terms see them. Arrays are made when they are asked for.

    qpos (N, nq), qvel (N, nv): as MuJoCo has them. positions (N, nc): of the coordinates, in the order of
    human.coordinate_names. activations (N, nm). foot_forces (N, 2): of the ground on the right and the left foot,
    along its normal [N]. root, root_velocity, com, com_velocity, head (N, 3): of the pelvis, the centre of mass and
    the head, in the world [m], [m/s]. bodies (N, nbody, 3): places of bodies [m]. reference (N, nq), phase (N,): where
    the motion is. time (N,): since the episode's start [s]. push (N, 3): force of a push on the pelvis in the control
    step that led here [N]. actions (N, A): of the control step. conditions: (N,) by name.
    """

    def __init__(self, core: _core.Rollout, human: Human, names: tuple[str, ...], control_dt: float) -> None:
        self.human, self.control_dt = human, control_dt
        self.count = core.humans
        """N"""
        self.actions = np.zeros((core.humans, core.action_size), np.float32)
        self._core, self._names, self._sizes = core, names, core.sight_sizes()
        self._seen: dict[str, Any] = {}

    def forget(self) -> None:
        """Let everything be looked at anew: the humans have moved."""
        self._seen.clear()

    def __getattr__(self, name: str) -> Any:
        """Return an array by its name; raises AttributeError for others."""
        if name.startswith("_") or name not in self._sizes:
            raise AttributeError(f"expected one of {', '.join(self._sizes)}, conditions or actions, got '{name}'")
        if name not in self._seen:
            out = np.zeros((self.count, self._sizes[name]))
            self._core.look(name, out)
            shaped = out[:, 0] if name in ("phase", "time") else out
            self._seen[name] = shaped.reshape(self.count, -1, 3) if name == "bodies" else shaped
        return self._seen[name]

    @property
    def conditions(self) -> dict[str, Floats]:
        """Values (N,) of the conditions, by name."""
        out = np.zeros((self.count, len(self._names)))
        self._core.conditions(out)
        return {name: out[:, k] for k, name in enumerate(self._names)}


class OuterTerms:
    """The terms in Python of a simulation, in the order of the task."""

    def __init__(self, config: HumanRunConfig, terms: Mapping[str, PythonTerm], scene: Scene) -> None:
        """The humans must have been reset: terms of the observation are tried, to learn how wide they are."""
        task = config.task
        self.scene, self._file = scene, task.python
        self._terms = terms
        self._observation = {name: dict(given) for name, given in task.observation.items() if name in terms}
        self._reward = {
            name: ({key: value for key, value in given.items() if key != "weight"}, given["weight"])
            for name, given in task.reward.terms.items()
            if name in terms
        }
        self._termination = {name: dict(given) for name, given in task.termination.items() if name in terms}
        self._native_rewards = len(task.reward.terms) - len(self._reward)
        if self._reward and task.reward.combine == "product":
            raise UserError("task.python: expected task.reward.combine: sum beside rewards in Python, got product")
        costs = [name for name, (_, weight) in self._reward.items() if weight < 0]
        if costs and task.reward.costs == "held":
            raise UserError(
                f"task.python: expected task.reward.costs: always beside costs in Python ({', '.join(costs)}), got held"
            )
        if self._observation and config.policy.mirror:
            raise UserError("task.python: expected policy.mirror: false beside observations in Python, got true")
        self._arrays: Mapping[str, Any] = {}
        self.observations = sum(self._seen(name, given).shape[1] for name, given in self._observation.items())
        self.rewards = len(self._reward)

    def use(self, arrays: Mapping[str, Any]) -> None:
        """Take the arrays of the rollout that begins."""
        self._arrays = arrays

    def see(self, observations: NDArray[np.float32], which: NDArray[np.bool_] | None = None) -> None:
        """Write the last columns of observations (N, D), of all humans or of those of `which` (N,)."""
        if not self._observation:
            return
        self.scene.forget()
        rows = slice(None) if which is None else which
        column = observations.shape[1] - self.observations
        for name, given in self._observation.items():
            seen = self._seen(name, given)[rows]
            self._check(name, seen)
            observations[rows, column : column + seen.shape[1]] = seen
            column += seen.shape[1]

    def judge(self, t: int) -> None:
        """Judge control step t of the rollout, in which all humans have moved."""
        arrays = self._arrays
        self.scene.forget()
        self.scene.actions = arrays["actions"][t]
        going = arrays["diverged"][t] == 0
        self.see(arrays["observations"][t + 1], going)
        for k, (name, (given, weight)) in enumerate(self._reward.items()):
            values = np.where(going, self._call(name, given, np.float64), 0.0)
            self._check(name, values)
            arrays["rewards"][t] += (weight * values).astype(np.float32)
            arrays["term_sums"][:, self._native_rewards + k] += values
        for name, given in self._termination.items():
            arrays["terminated"][t] |= self._call(name, given, np.bool_).astype(np.uint8)

    def observe(self, t: int) -> None:
        """See the humans whose episodes have begun anew in control step t."""
        arrays = self._arrays
        over = (arrays["terminated"][t] | arrays["truncated"][t]) == 1
        self.see(arrays["observations"][t + 1], over)

    def _seen(self, name: str, given: Mapping[str, float]) -> Floats:
        values: Floats = self._call(name, given, np.float64, columns=True)
        return values[:, None] if values.ndim == 1 else values

    def _call(self, name: str, given: Mapping[str, float], kind: Any, columns: bool = False) -> Any:
        try:
            values = np.asarray(self._terms[name].work(self.scene, **given))
        except Exception as error:
            raise UserError(f"task.python: {self._file}: {name}: {described(error)}") from None
        count = self.scene.count
        if values.shape[:1] != (count,) or values.ndim > 1 + columns or values.dtype.kind not in "bif":
            wanted = f"({count},) or ({count}, columns)" if columns else f"({count},)"
            raise UserError(
                f"task.python: {self._file}: {name}: expected numbers of shape {wanted}, got {values.shape} of"
                f" {values.dtype}"
            )
        return values.astype(kind)

    def _check(self, name: str, values: Floats) -> None:
        if not np.isfinite(values).all():
            human = int(np.argwhere(~np.isfinite(values))[0, 0])
            raise UserError(f"task.python: {self._file}: {name}: expected finite numbers, got others for human {human}")


def called(work: Callable[[Any, int], None], terms: Any) -> Callable[[int], None]:
    """Return a function of the step that holds its terms weakly: the core, which holds it, is theirs."""

    def call(t: int) -> None:
        found = terms()
        if found is not None:
            work(found, t)

    return call
