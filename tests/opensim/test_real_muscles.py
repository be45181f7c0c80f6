"""The muscles of real models against OpenSim itself, by the bounds that the import promises."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osim_files import REAL, real
from soleus import _core, models
from soleus.config import load_human_config
from soleus.config.sources import ModelFiles
from soleus.importing.opensim import import_opensim
from soleus.importing.opensim.ranges import fitted_range
from soleus.importing.opensim.sampling import PathSampler
from soleus.models import Human
from soleus.sim.handover import human_data

pytestmark = pytest.mark.slow
opensim: Any = pytest.importorskip("opensim")
LANES: int = _core.LANES
JUMPS = {  # whose paths slip off what they are wrapped round in OpenSim, as the import says
    "rajagopal_walk": ("glmax1", "glmax2", "iliacus", "psoas"),
}


@dataclass(eq=False)
class Pair:
    """A model of OpenSim's and what was imported of it."""

    name: str
    model: Any
    human: Human
    sampler: PathSampler
    tile: Any
    seconds: float

    @property
    def crossed(self) -> tuple[str, ...]:
        """Names of the coordinates that muscles cross."""
        human = self.human
        return tuple(human.coordinate_names[c] for c in np.unique(human.actuated[human.crossing]))

    def box(self) -> np.ndarray:
        """(nk, 2) range of each of them that paths were fitted over."""
        ranges = []
        for name in self.crossed:
            one = self.model.getCoordinateSet().get(name)
            ranges.append(fitted_range(name, one.getRangeMin(), one.getRangeMax(), one.getDefaultValue(), {}))
        return np.array(ranges)

    def ours(self, poses: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lengths (n, nm), moment arms (n, nm, nk), and forces (n, nm) at rest and full activation."""
        human, index = self.human, [self.human.coordinate_names.index(name) for name in self.crossed]
        address = human.model.jnt_qposadr[human.model.dof_jntid[human.coordinate_dof[index]]]
        muscle = np.repeat(np.arange(len(human.muscle_names)), np.diff(human.crossing_adr))
        place = np.searchsorted(index, human.actuated[human.crossing])
        out: tuple[list[np.ndarray], ...] = ([], [], [])
        for first in range(0, len(poses), LANES):
            own = poses[first : first + LANES]
            qpos = np.tile(human.qpos_rest, (LANES, 1))
            qpos[: len(own), address] = own
            self.tile.set(human.consistent(qpos), np.zeros((LANES, human.model.nv)))
            arms = np.zeros((LANES, len(human.muscle_names), len(index)))
            arms[:, muscle, place] = -np.asarray(self.tile.muscle_moments)
            force = -np.asarray(self.tile.muscle_gains) - np.asarray(self.tile.muscle_biases)
            for values, found in zip(out, (np.asarray(self.tile.muscle_lengths), arms, force), strict=True):
                values.append(found[: len(own)].copy())
        return tuple(np.concatenate(values) for values in out)  # type: ignore[return-value]


@pytest.fixture(scope="module", params=REAL)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    path, _ = real(request.param)
    start = time.process_time()
    files = import_opensim(path, out=tmp_path_factory.mktemp("imported")).files
    seconds = time.process_time() - start
    human = models.load(ModelFiles(mjcf=str(files[0]), muscles=str(files[1])))
    tile = _core.DynamicsTile(human.model._address, human_data(human, load_human_config("walk2d")), muscles=True)
    model = _with_the_same_law(path)
    crossed = np.unique(human.actuated[human.crossing])
    names = [human.coordinate_names[c] for c in crossed]
    return Pair(
        request.param, model, human, PathSampler(opensim, model, list(model.getMuscles()), names), tile, seconds
    )


def _with_the_same_law(path: Path) -> Any:
    """A model whose muscles are OpenSim's own of De Groote et al. (2016), with rigid tendons."""
    model = opensim.Model(str(path))
    model.initSystem()
    opensim.DeGrooteFregly2016Muscle.replaceMuscles(model, True)
    for muscle in model.getMuscles():
        own = opensim.DeGrooteFregly2016Muscle.safeDownCast(muscle)
        own.set_ignore_tendon_compliance(True)
        own.set_passive_fiber_strain_at_one_norm_force(0.6)
        own.set_active_force_width_scale(1.0)
        own.set_fiber_damping(0.0)
    model.initSystem()
    return model


def test_an_import_takes_less_than_three_minutes(pair: Pair) -> None:
    assert pair.seconds < 180  # of processor time, so that a busy machine does not matter


def test_lengths_and_moment_arms_are_opensims(pair: Pair) -> None:
    rng = np.random.default_rng(8)
    poses = rng.uniform(*pair.box().T, (200, len(pair.crossed)))
    lengths, arms, _ = pair.ours(poses)
    crossed = np.abs(arms).max(axis=0) > 0
    wanted, gradients, _ = pair.sampler.sample(poses, crossed)
    assert [str(muscle.getName()) for muscle in pair.model.getMuscles()] == list(pair.human.muscle_names)
    length = np.sqrt(np.mean((lengths - wanted) ** 2, axis=0))
    off = np.abs(arms + gradients)
    moment, worst = np.sqrt(np.nanmean(off**2, axis=0)).max(axis=-1), np.nanmax(off, axis=(0, 2))
    jumping = np.array([name[:-2] in JUMPS.get(pair.name, ()) for name in pair.human.muscle_names])
    assert np.median(length) < 0.1e-3
    assert length[~jumping].max() < 0.5e-3
    assert moment[~jumping].max() < 1e-3
    assert np.mean(worst[~jumping] < 3e-3) > 0.9
    if jumping.any():  # they are followed on one side of the jump, where most poses are
        assert np.median(np.abs(lengths - wanted)[:, jumping], axis=0).max() < 0.2e-3


def test_maximal_isometric_torques_are_opensims(pair: Pair) -> None:
    """Over the range of each joint, others at rest: the sum of what pulls either way, of the greatest of the range."""
    box, rest = pair.box(), np.zeros(len(pair.crossed))
    for k, name in enumerate(pair.crossed):
        poses = np.tile(np.clip(rest, *box.T), (25, 1))
        poses[:, k] = np.linspace(*box[k], 27)[1:-1]
        _, arms, force = pair.ours(poses)
        _, gradients, _ = pair.sampler.sample(poses, np.abs(arms).max(axis=0) > 0)
        theirs = np.array([_forces(pair.model, pair.crossed, pose) for pose in poses])
        jumps = np.isnan(gradients[:, :, k])  # a pose right where a conditional point comes has no moment arm
        own, wanted = (np.where(jumps, 0.0, arm) for arm in (arms[:, :, k] * force, -gradients[:, :, k] * theirs))
        jumping = np.array([muscle[:-2] in JUMPS.get(pair.name, ()) for muscle in pair.human.muscle_names])
        own, wanted = own[:, ~jumping], wanted[:, ~jumping]
        for sign in (1, -1):
            ours, full = (np.maximum(sign * torque, 0).sum(axis=1) for torque in (own, wanted))
            if full.max() > 1.0:
                assert np.abs(ours - full).max() / full.max() < 0.03, name


def _forces(model: Any, names: tuple[str, ...], pose: np.ndarray) -> np.ndarray:
    """Forces (nm,) [N] along the tendons at full activation, of OpenSim."""
    state = model.updWorkingState()
    for name, value in zip(names, pose, strict=True):
        model.getCoordinateSet().get(name).setValue(state, float(value), False)
    model.assemble(state)
    for muscle in model.getMuscles():
        muscle.setActivation(state, 1.0)
    model.realizeDynamics(state)
    return np.array([muscle.getTendonForce(state) for muscle in model.getMuscles()])
