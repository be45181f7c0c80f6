"""N humans in the native core, as Python steps them."""

import os
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import mujoco
import numpy as np

from soleus import _core
from soleus.config.sources import is_clip_or_table
from soleus.errors import UserError
from soleus.exchange.batch import Layout
from soleus.exchange.seeds import check_seed
from soleus.exchange.spaces import ActionSpec, ObservationSpec
from soleus.exchange.weights import NetworkSpec, check_state, core_policy, layers, muscle_network, policy_network
from soleus.exoskeleton import device_data
from soleus.machine.memory import check_memory
from soleus.models import Human
from soleus.sim.handover import condition_data, control_data, human_data, motion_data, muscle_layout, task_data
from soleus.sim.outer_terms import OuterTerms, Scene, called
from soleus.sim.scenario import Scenario


def one_human(scenario: Scenario) -> _core.HumanState:
    """Return one human in the core, to be put into poses and looked at. Raises UserError."""
    try:
        return _core.HumanState(scenario.human.model._address, human_data(scenario.human, scenario.config))
    except ValueError as error:
        raise UserError(f"{scenario.config.subject}: {error}") from None


def _poses_from(scenario: Scenario, error: str) -> str:
    """Return which file starts come from, where it is starts that are wrong."""
    source = scenario.config.motion
    if scenario.clips is None or scenario.config.task.initial != "reference" or "expected a start" not in error:
        return ""
    file = getattr(source, "table", None) or getattr(source, "bvh", None) or source
    units = ": its units and axes are motion.scale, motion.unit and motion.up" if is_clip_or_table(source) else ""
    return f", or motion '{file}', in whose poses episodes start{units}"


class Simulation:
    """N humans in the native core. Errors of the core come out as UserError."""

    def __init__(
        self,
        scenario: Scenario,
        num_envs: int,
        num_threads: int,
        seed: int,
        shard_size: int = 0,
        first: int = 0,
        variants: Sequence[Human] = (),
        variant_of: Sequence[int] = (),
    ) -> None:
        """first: number of the first human among all that share the seed. variants: people of the scenario's structure
        with other numbers, and variant_of, (num_envs,): which of them each human is; none: all are the scenario's."""
        num_envs, num_threads = check_count("num_envs", num_envs), check_count("num_threads", num_threads)
        config, human = scenario.config, scenario.human
        self.scenario = scenario
        each = mujoco.MjData(human.model)
        humans = f"{config.subject}: the simulations of {num_envs:,} humans"
        check_memory(humans, num_envs * each.nbuffer, num_envs * each.narena)
        cpus = sorted(os.sched_getaffinity(0)) if config.train.pin_threads else []
        try:
            self.core = _core.Rollout(
                human.model._address,
                human_data(human, config, scenario.paths),
                [motion_data(one) for one in scenario.clips.motions] if scenario.clips else [],
                task_data(config, human, scenario.terms),
                control_data(config, scenario.engine.name, device_data(scenario.devices, human, scenario.clips)),
                num_envs,
                min(num_threads, num_envs),
                cpus,
                check_seed(seed),
                shard_size,
                first,
                [(one.model._address, human_data(one, config)) for one in variants],
                list(variant_of),
                condition_data(scenario.conditions),
            )
        except ValueError as error:
            raise UserError(f"{config.subject}: {error}{_poses_from(scenario, str(error))}") from None
        self.muscle_layout = muscle_layout(human)
        if scenario.conditions and scenario.conditions.asked is not None:
            self.set_conditions(np.tile(scenario.conditions.asked, (num_envs, 1)))
        self.outer = self._outer_terms() if scenario.terms else None
        self.policy_spec = policy_network(config.policy, self.core.observation_size, self.core.action_size)
        self.core.set_policy(list(self.policy_spec.sizes), self.policy_spec.activations)
        self.muscle_spec: NetworkSpec | None = None
        if config.trains_muscle_network:
            layout = self.muscle_layout
            self.muscle_spec = muscle_network(
                config.coordination, len(layout.crossing), layout.num_actuated, layout.num_muscles
            )
            self.core.set_muscle(list(self.muscle_spec.sizes), self.muscle_spec.activations)

    def stepped_model(self, human: Human | None = None) -> mujoco.MjModel:
        """Return a copy of a human's model as the core steps it: without what is not simulated or rests.

        human: with other numbers, by default the scenario's.
        """
        model = (human or self.scenario.person).model.__copy__()
        groups = np.zeros(model.nactuator, np.int32)
        model.opt.disableflags = self.core.disable_flags
        model.opt.disableactuator = self.core.rest_actuators(groups)
        model.actuator_group[:] = groups
        return model

    @property
    def layout(self) -> Layout:
        """Sizes of what the core gives."""
        control = self.scenario.config.control
        return Layout(
            self.core.humans,
            ObservationSpec((self.core.observation_size,)),
            ActionSpec.continuous(self.core.action_size),
            1.0 / control.policy_hz,
            self.muscle_layout if self.muscle_spec else None,
        )

    def _outer_terms(self) -> OuterTerms:
        """Return the terms in Python, which the core calls from now on."""
        scenario, core = self.scenario, self.core
        core.reset(0, np.zeros((core.humans, core.observation_size), np.float32))
        names = scenario.conditions.names if scenario.conditions else ()
        scene = Scene(core, scenario.human, names, 1.0 / scenario.config.control.policy_hz)
        outer = OuterTerms(scenario.config, scenario.terms, scene)
        held = weakref.ref(outer)
        judge, observe = called(OuterTerms.judge, held), called(OuterTerms.observe, held)
        core.set_outer(judge, observe, outer.observations, outer.rewards)
        return outer

    def set_conditions(self, values: np.ndarray | None) -> None:
        """Give each human values (N, n) of the conditions from its next episode on; None: they are drawn again.

        Raises UserError for another shape, or values out of their ranges.
        """
        try:
            self.core.ask(None if values is None else np.ascontiguousarray(values, np.float64))
        except (ValueError, TypeError) as error:
            raise UserError(f"conditions: {error}") from None

    def conditions(self) -> np.ndarray:
        """Return the values of the conditions that each human has now, (N, n) float64."""
        count = len(self.scenario.conditions.names) if self.scenario.conditions else 0
        out = np.zeros((self.core.humans, count))
        self.core.conditions(out)
        return out

    def load_policy(self, state: Mapping[str, Any]) -> None:
        """Swap the policy's weights whole; raises UserError, the old ones staying, for a state that does not fit."""
        self.core.load_policy(*core_policy(self.policy_spec, state))

    def load_muscle(self, state: Mapping[str, Any]) -> None:
        """Swap the muscle network's weights whole; raises UserError, the old ones staying, for what does not fit."""
        if self.muscle_spec is None:
            raise UserError("load_muscle: expected coordination.method network, got static_optimization")
        check_state(self.muscle_spec, state, "muscle network")
        self.core.load_muscle(layers(self.muscle_spec, state))

    def reset(self, seed: int, observations: np.ndarray) -> None:
        """Start episode 0 of every human under this seed and write what they see first, (N, D) float32."""
        self.core.reset(check_seed(seed), observations)
        if self.outer:
            self.outer.see(observations)
        if not np.isfinite(observations).all():
            human = int(np.argwhere(~np.isfinite(observations))[0, 0])
            raise UserError(
                f"{self.scenario.config.subject}: expected finite first observations, got others for human {human}"
            )

    def save(self) -> np.ndarray:
        """Return what each human's future depends on, (N, state size) float64."""
        states = np.zeros((self.core.humans, self.core.state_size))
        self.core.save(states)
        return states

    def restore(self, states: np.ndarray) -> None:
        """Go on from what save() gave. Raises UserError for another shape."""
        try:
            self.core.restore(np.ascontiguousarray(states, np.float64))
        except ValueError as error:
            raise UserError(str(error)) from None

    def look(self, name: str) -> np.ndarray:
        """Return what there is to see of the humans by a name of core.sight_sizes(), (N, columns) float64."""
        out = np.zeros((self.core.humans, self.core.sight_sizes()[name]))
        self.core.look(name, out)
        return out

    def qpos(self) -> np.ndarray:
        """Return the generalized positions, (N, nq) float64."""
        out = np.zeros((self.core.humans, self.scenario.human.model.nq))
        self.core.qpos(out)
        return out

    def reference(self) -> tuple[np.ndarray, np.ndarray]:
        """Return where the motion is: poses (N, nq) and phases (N) in [0, 1). Raises UserError without a motion."""
        qpos, phase = np.zeros((self.core.humans, self.scenario.human.model.nq)), np.zeros(self.core.humans)
        try:
            self.core.reference(qpos, phase)
        except ValueError as error:
            raise UserError(f"{self.scenario.config.subject}: {error}") from None
        return qpos, phase


def check_count(name: str, value: Any) -> int:
    """Return how many there are to be; raises UserError for anything but a whole number from 1 on."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise UserError(f"{name}: expected a whole number of at least 1, got {value!r}")
    return int(value)
