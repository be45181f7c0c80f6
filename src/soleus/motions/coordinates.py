"""The coordinates of OpenSim's files as poses of a model: joints by name, the pelvis as the model's root."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.config.sources import TableMotion, Unit
from soleus.errors import UserError, nearest
from soleus.models.human import Human
from soleus.models.sides import other_side
from soleus.motions.meanings import Meaning, knees_of, meanings_of
from soleus.motions.plausible import check_angles, check_spans
from soleus.motions.posing import root_slots
from soleus.motions.recording import Recording, cut, wrong
from soleus.motions.rooting import facing_x, set_root
from soleus.motions.rotations import cardan, continuous, exp, multiply
from soleus.motions.storage import coordinate_of, read_storage, word_of

Floats = NDArray[np.float64]

_JOINT = mujoco.mjtJoint
_PLACE = ("pelvis_tx", "pelvis_tz", "pelvis_ty")  # along x, y and z of the world, y the other way
# OpenSim's ground_pelvis turns about these in this order, each carried along by those before; x forward, y left, z up.
_TURNS = {"pelvis_tilt": (0.0, -1.0, 0.0), "pelvis_list": (1.0, 0.0, 0.0), "pelvis_rotation": (0.0, 0.0, 1.0)}
# [rad] on average beyond a joint's limits: of an angle of the other sign, and of a good one.
_BACKWARD, _RIGHT = 0.2, 0.05
_TURN = 2 * np.pi  # [rad] of a ball's angles: nobody turns a joint farther


@dataclass(frozen=True)
class _Source:
    column: int
    sign: float


def read_coordinates(path: Path, human: Human, how: TableMotion) -> Recording:
    """Read a .mot or .sto file as poses of a human.

    A joint follows the column of its name, or the one that `how.columns` says. Legs, trunk and arms whose joints have
    other names, or are balls, follow OpenSim's coordinates of what they mean. Other joints rest. The pelvis is the
    model's root, and faces along x on average where the root is not free. Its height is the file's.
    Raises UserError, one line, for columns that are not there, numbers that are none, and angles that do not fit.
    """
    storage = read_storage(path)
    lines, table = cut(path, storage.lines, np.column_stack([storage.times, storage.values]), how)
    unit = _unit_of(path, storage.unit, how)
    joints, meanings = _joints(human), meanings_of(human)
    own = storage.model == word_of(human.name)
    sources = _sources(path, storage.names, joints, meanings, human, how)
    used = {name: source.sign * table[:, 1 + source.column] for name, source in sources.items()}
    for name, source in sources.items():
        for k in np.flatnonzero(~np.isfinite(used[name]))[:1]:
            raise wrong(path, lines[k], f"a finite number for '{storage.names[source.column]}'", "none")
    radians = np.pi / 180 if unit == "degree" else 1.0
    qpos, columns = np.tile(human.qpos_rest, (len(table), 1)), [""] * human.model.nq
    for name, joint in joints.items():
        if name in used:
            adr = int(human.model.jnt_qposadr[joint])
            hinge = human.model.jnt_type[joint] == _JOINT.mjJNT_HINGE
            qpos[:, adr] = used[name] * (radians if hinge else how.scale)
            columns[adr] = storage.names[sources[name].column]
    turned, turning = _upwards(used, meanings, joints, how)
    put = _put_meanings(qpos, meanings, turned, joints, radians)
    for joint, (first, *_) in put.items():
        columns[int(human.model.jnt_qposadr[joint])] = storage.names[sources[first].column]
    said = "motion.unit" if storage.unit is None else "inDegrees in the file's header"
    on_balls = {name: radians * turned[name] for joint in _balls(human).values() for name in put.get(joint, [])}
    if on_balls:
        names = [storage.names[sources[name].column] for name in on_balls]
        ranges = np.tile([-_TURN, _TURN], (len(names), 1))
        check_spans(f"motion table '{path}'", names, np.stack(list(on_balls.values()), axis=1), ranges, unit, said)
    _check_signs(path, qpos, joints, sources, storage.names, human)
    check_angles(path, columns, qpos, human, unit, said)
    _set_pelvis(qpos, human, used, radians, how.scale)
    root = tuple(storage.names[sources[name].column] if name in sources else "" for name in _PLACE)
    _name_root(columns, human, {name: storage.names[source.column] for name, source in sources.items()})
    resting = [name for name, joint in (joints | _balls(human)).items() if name not in sources and joint not in put]
    notes = () if own else (*_notes(storage.names, sources, resting), *turning)
    return Recording(
        path, lines, "line", table[:, 0], human.consistent(qpos), columns, (root[0], root[1], root[2]), unit, said,
        how.scale, notes, own,
    )  # fmt: skip


def _upwards(
    given: Mapping[str, Floats], meanings: Sequence[Meaning], named: Mapping[str, int], how: TableMotion
) -> tuple[dict[str, Floats], tuple[str, ...]]:
    """Return the columns with knees that grow as they are flexed, and a note where that turned their sign.

    Both knees count alike. A knee that is a joint of the model, or whose column `how` names with its sign, is as given.
    """
    knees = [name for name in knees_of(meanings) if name in given and name not in named and name not in how.columns]
    together = np.concatenate([given[name] for name in knees]) if knees else np.zeros(1)
    if abs(together.min()) <= abs(together.max()):
        return dict(given), ()
    said = f"knees are flexed downwards in the file, and are turned round: {', '.join(knees)}"
    return {**given, **{name: -given[name] for name in knees}}, (said,)


def _put_meanings(
    qpos: Floats, meanings: Sequence[Meaning], used: Mapping[str, Floats], named: Mapping[str, int], radians: float
) -> dict[int, list[str]]:
    """Set the joints that no column names by what coordinates mean, in poses (K, nq), in place; return the coordinates
    of each."""
    taken = {joint for name, joint in named.items() if name in used}
    done = dict[int, list[str]]()
    for meaning in meanings:
        given = {name: radians * used[name] for name in meaning.coordinates if name in used}
        if given and not taken & set(meaning.joints):
            meaning.put(qpos, given)
            done |= {joint: list(given) for joint in meaning.joints}
    return done


def coordinates_of(human: Human, qpos: Floats) -> dict[str, Floats]:
    """Return poses (K, nq) as OpenSim's coordinates, (K,) each by name, in degrees and metres: the pelvis', then those
    of all hinges and slides. read_coordinates() makes the same poses of them. Raises UserError for a ball joint.
    """
    model, data, radians = human.model, mujoco.MjData(human.model), np.pi / 180
    places, turns = np.zeros((len(qpos), 3)), np.zeros((len(qpos), 4))
    for k, pose in enumerate(qpos):
        data.qpos[:] = pose
        mujoco.mj_kinematics(model, data)
        places[k], turns[k] = data.xpos[human.root_body], data.xquat[human.root_body]
    angles = np.unwrap(cardan(multiply(turns, human.root_align)), axis=0) / radians
    found = dict(zip(_PLACE, (places * [1.0, -1.0, 1.0]).T, strict=True))
    found |= {name: angles[:, :3] @ np.array(axis) for name, axis in _TURNS.items()}
    for joint in range(model.njnt):
        kind, name = _JOINT(model.jnt_type[joint]), model.joint(joint).name or f"joint{joint}"
        if model.jnt_bodyid[joint] == human.root_body or not np.isin(model.jnt_bodyid[joint], human.own_bodies):
            continue
        if kind == _JOINT.mjJNT_BALL:
            raise UserError(
                f"expected joints that are coordinates of OpenSim's, got '{name}' of '{human.name}', a ball"
            )
        values = qpos[:, model.jnt_qposadr[joint]]
        found[name] = values / radians if kind == _JOINT.mjJNT_HINGE else values
    return found


def _unit_of(path: Path, said: Unit | None, how: TableMotion) -> Unit:
    if said and how.unit and said != how.unit:
        word = "yes" if said == "degree" else "no"
        raise UserError(
            f"motion.unit: expected {said}, as inDegrees={word} in the header of '{path}' says, got {how.unit}"
        )
    return said or how.unit or "radian"


def _joints(human: Human) -> dict[str, int]:
    """The person's hinges and slides but for the root's, by name; not those that follow others."""
    return _of_kinds(human, _JOINT.mjJNT_HINGE, _JOINT.mjJNT_SLIDE)


def _balls(human: Human) -> dict[str, int]:
    """The person's ball joints, by name."""
    return _of_kinds(human, _JOINT.mjJNT_BALL)


def _of_kinds(human: Human, *kinds: mujoco.mjtJoint) -> dict[str, int]:
    model = human.model
    return {
        model.joint(j).name: j
        for j in range(model.njnt)
        if _JOINT(model.jnt_type[j]) in kinds
        and np.isin(model.jnt_bodyid[j], human.own_bodies)
        and model.jnt_bodyid[j] != human.root_body
        and not human.dof_coupled[model.jnt_dofadr[j]]
    }


def _sources(
    path: Path,
    names: list[str],
    joints: Mapping[str, int],
    meanings: Sequence[Meaning],
    human: Human,
    how: TableMotion,
) -> dict[str, _Source]:
    """Column of each joint, of each coordinate that means some of them, and of each of the pelvis' that has one."""
    short = {name: k for k, name in reversed(list(enumerate(names)))}
    for k, name in enumerate(names):
        short.setdefault(coordinate_of(name), k)
    meant = [name for meaning in meanings for name in meaning.coordinates if name not in joints]
    wanted = [*joints, *meant, *_PLACE, *_TURNS]
    result = {name: _Source(short[name], 1.0) for name in wanted if name in short}
    for name, column in how.columns.items():
        if name not in wanted:
            raise UserError(
                f"motion.columns.{name}: expected a hinge or slide of '{human.name}' that follows no other, or"
                f" {', '.join([*meant, *_PLACE, *_TURNS])}, got '{name}'{nearest(name, wanted)}"
            )
        bare = column.removeprefix("-")
        if bare not in short:
            raise UserError(
                f"motion.columns.{name}: expected a column of '{path}', got '{bare}', which it"
                f" lacks{nearest(bare, short)}"
            )
        result[name] = _Source(short[bare], -1.0 if column.startswith("-") else 1.0)
    if not {*joints, *meant} & result.keys():
        raise UserError(
            f"motion table '{path}': expected columns with the names of joints of '{human.name}'"
            f" ({', '.join([*joints, *meant]) or 'it has no hinges'}), got {', '.join(names)}:"
            " motion.columns says which column each joint follows"
        )
    _check_sides(path, [*joints, *meant], result)
    return result


def _check_sides(path: Path, joints: Sequence[str], sources: Mapping[str, _Source]) -> None:
    """Raise UserError for joints that would rest while those of the other side move, all in one message."""
    lost = [name for name in joints if name not in sources and other_side(name) in sources and other_side(name) != name]
    if lost:
        quoted = ", ".join(f"'{name}'" for name in lost)
        raise UserError(
            f"motion table '{path}': expected columns for both sides, got none for {quoted}: motion.columns says which"
            " column each follows, and model.lock keeps a joint where it is"
        )


def _check_signs(
    path: Path, qpos: Floats, joints: Mapping[str, int], sources: Mapping[str, _Source], names: list[str], human: Human
) -> None:
    """Raise UserError for joints whose limits fit the angles of the other sign alone, all in one message."""
    turned = []
    for name, joint in joints.items():
        if name not in sources or not human.model.jnt_limited[joint]:
            continue
        low, high = human.model.jnt_range[joint]
        values = qpos[:, human.model.jnt_qposadr[joint]]
        as_is, other = (float(np.mean(np.maximum(low - v, 0) + np.maximum(v - high, 0))) for v in (values, -values))
        if as_is > _BACKWARD and other < _RIGHT:
            turned.append((name, sources[name]))
    if turned:
        columns = ", ".join(f"'{names[source.column]}'" for _, source in turned)
        keys = ", ".join(f"{name}: {'-' if source.sign > 0 else ''}{names[source.column]}" for name, source in turned)
        raise UserError(
            f"motion table '{path}': expected angles that count as the joints of '{human.name}' do, got the other sign"
            f" in {columns}: say motion.columns: {{{keys}}}"
        )


def _set_pelvis(qpos: Floats, human: Human, used: Mapping[str, Floats], radians: float, scale: float) -> None:
    zero = np.zeros(len(qpos))
    place = [scale * used.get(name, zero) for name in _PLACE]
    height = place[2] if _PLACE[2] in used else zero + human.root_height + human.ground_height
    places = np.stack([place[0], -place[1], height], axis=1)
    turns = np.tile([1.0, 0.0, 0.0, 0.0], (len(qpos), 1))
    for name, axis in _TURNS.items():
        turns = multiply(turns, exp(radians * used.get(name, zero)[:, None] * np.array(axis)))
    if root_slots(human).quaternion < 0:
        places, turns = facing_x(places, turns)
    set_root(qpos, human, places, continuous(turns))


def _name_root(columns: list[str], human: Human, given: Mapping[str, str]) -> None:
    """Put the names of the pelvis' columns where the root is in qpos, in place."""
    slots = root_slots(human)
    for name, adr in zip(_PLACE, slots.shift, strict=True):
        if adr >= 0:
            columns[adr] = given.get(name, name)
    if slots.quaternion >= 0:
        columns[slots.quaternion] = given.get("pelvis_rotation", "pelvis_rotation")
    if slots.tilt >= 0:
        columns[slots.tilt] = given.get("pelvis_tilt", "pelvis_tilt")


def _notes(names: list[str], sources: Mapping[str, _Source], resting: Sequence[str]) -> tuple[str, ...]:
    taken = {source.column for source in sources.values()}
    ignored = [name for k, name in enumerate(names) if k not in taken]
    level = [name for name in (*_PLACE, *_TURNS) if name not in sources]
    said = []
    if ignored:
        said.append(f"the model has no joint for these columns, which are ignored: {', '.join(ignored)}")
    if resting:
        said.append(f"the file has no column for these joints, which rest: {', '.join(resting)}")
    if level:
        said.append(f"the file has no column for these coordinates of the pelvis, which rest: {', '.join(level)}")
    return tuple(said)
