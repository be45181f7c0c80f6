"""BVH files of motion capture: a hierarchy of joints, then one row of channels a frame (the format of Biovision)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.motions.cutting import part_of

Floats = NDArray[np.float64]

_CHANNELS = ("Xposition", "Yposition", "Zposition", "Xrotation", "Yrotation", "Zrotation")
_KNOWN = {name.lower(): index for index, name in enumerate(_CHANNELS)}
_KEYWORDS = ("hierarchy", "root", "joint", "end", "offset", "channels", "motion", "{", "}")
_MOST = 1e9  # of any unit of length or angle
_RESTING = 3  # frames that a file of one frame stands for
_SHOWN = 40  # characters of what came


@dataclass(frozen=True, eq=False)
class Clip:
    """F frames of J joints, as they lie in the file: its axes, its unit of length."""

    path: Path
    joints: tuple[str, ...]
    """Names in the file's order: the root first, every parent before its children."""
    parents: tuple[int, ...]
    """Index of each joint's parent, -1 of the root."""
    offsets: Floats
    """(J, 3) from the parent, file units"""
    frame_time: float
    """[s] from one frame to the next"""
    rotations: Floats
    """(F, J, 3, 3) of each joint in its parent: the product of its rotations in the order of its channels"""
    positions: Floats
    """(F, 3) of the root, file units: its channels alone, which files write in place of its offset"""
    most_angle: float = np.inf
    """Of all rotations, as the file has them."""
    first: int = 0
    """Number of the first of these frames in the file."""

    @property
    def frames(self) -> int:
        """F."""
        return len(self.rotations)

    def cut(self, start: float | None, end: float | None) -> "Clip":
        """Return the frames from one time [s] to another. Raises UserError where the file does not have them."""
        times: Floats = self.frame_time * np.arange(self.frames, dtype=np.float64)
        part = part_of(f"BVH file '{self.path}'", times, start, end)
        return replace(self, rotations=self.rotations[part], positions=self.positions[part], first=part.start)


def read_bvh(path: Path, radians: bool = False) -> Clip:
    """Read a file: one root, any order and number of channels; positions are taken of the root alone.

    radians: what its rotations are in, in place of the format's degrees.

    Raises UserError, one line with the file and its line: no BVH, a broken hierarchy, rows that do not fit it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"BVH file '{path}' cannot be read: {error.strerror}") from error
    if b"\0" in content:
        raise UserError(f"BVH file '{path}' line 1: expected text that begins with HIERARCHY, got binary data")
    # Names may be in any encoding: they only have to differ.
    lines = content.decode("utf-8-sig", errors="backslashreplace").splitlines()
    words = _Words(path, lines)
    joints = _read_hierarchy(words)
    frame_time, table = _read_motion(path, lines, words.line, sum(len(joint.channels) for joint in joints))
    rotations, positions = _pose(joints, table if radians else np.where(_turning(joints), np.deg2rad(table), table))
    angles = np.abs(table[:, _turning(joints)])
    offsets = np.array([joint.offset for joint in joints])
    names, parents = tuple(joint.name for joint in joints), tuple(joint.parent for joint in joints)
    return Clip(path, names, parents, offsets, frame_time, rotations, positions, float(angles.max(initial=0)))


@dataclass
class _Joint:
    name: str
    parent: int
    offset: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    channels: list[int] = field(default_factory=list)  # indices into _CHANNELS


def _fail(path: Path, line: int, expected: str, got: str | None) -> NoReturn:
    came = "the end of the file" if got is None else f"'{got[:_SHOWN]}{'...' if len(got) > _SHOWN else ''}'"
    raise UserError(f"BVH file '{path}' line {line}: expected {expected}, got {came}")


class _Words:
    """The words of the hierarchy, one after the other, and the line each is on."""

    def __init__(self, path: Path, lines: list[str]) -> None:
        self.path, self.line = path, 1
        self._words = self._split(lines)
        self._next = next(self._words, None)

    @staticmethod
    def _split(lines: list[str]) -> Iterator[tuple[str, int]]:
        for number, text in enumerate(lines, start=1):
            for word in text.replace("{", " { ").replace("}", " } ").split():
                yield word, number

    def peek(self) -> str | None:
        """The next word, left where it is; None at the end."""
        return self._next[0] if self._next else None

    def take(self) -> str | None:
        """The next word, whose line is `line` from now on."""
        if self._next is None:
            return None
        word, self.line = self._next
        self._next = next(self._words, None)
        return word

    def expect(self, keyword: str) -> None:
        word = self.take()
        if word is None or word.lower() != keyword.lower():
            self.fail(keyword, word)

    def until_keyword(self) -> list[str]:
        """The words before the next keyword or brace."""
        taken = []
        while (word := self.peek()) is not None and word.lower() not in _KEYWORDS:
            taken.append(word)
            self.take()
        return taken

    def until_line_ends(self) -> list[str]:
        """The words before the end of this line or the next brace."""
        taken = []
        while self._next is not None and self._next[1] == self.line and self._next[0] not in ("{", "}"):
            taken.append(self._next[0])
            self.take()
        return taken

    def number(self, what: str) -> float:
        word = self.take()
        value = _number(word or "")
        if value is None:
            self.fail(what, word)
        return value

    def fail(self, expected: str, got: str | None) -> NoReturn:
        _fail(self.path, self.line, expected, got)


def _read_hierarchy(words: _Words) -> list[_Joint]:
    """The joints of the file; the words stop behind MOTION."""
    words.expect("HIERARCHY")
    words.expect("ROOT")
    joints: list[_Joint] = []
    _open_joint(words, joints, -1)
    open_joints = [0]
    while open_joints:
        word = words.take()
        keyword = (word or "").lower()
        joint = joints[open_joints[-1]]
        if keyword == "offset":
            joint.offset = _offset(words, joint.name)
        elif keyword == "channels":
            joint.channels = _channels(words, joint.name)
        elif keyword == "joint":
            _open_joint(words, joints, open_joints[-1])
            open_joints.append(len(joints) - 1)
        elif keyword == "end":
            _end_site(words)
        elif keyword == "}":
            open_joints.pop()
        else:
            words.fail(f"OFFSET, CHANNELS, JOINT, End Site or the closing brace of '{joint.name}'", word)
    words.expect("MOTION")
    return joints


def _open_joint(words: _Words, joints: list[_Joint], parent: int) -> None:
    name = " ".join(words.until_line_ends())
    if not name:
        words.fail("the name of a joint", words.peek())
    if any(name == joint.name for joint in joints):
        words.fail("another name for each joint", name)
    joints.append(_Joint(name, parent))
    words.expect("{")


def _end_site(words: _Words) -> None:
    words.expect("Site")
    words.until_line_ends()
    words.expect("{")
    words.expect("OFFSET")
    _offset(words, "End Site")
    words.expect("}")


def _offset(words: _Words, name: str) -> list[float]:
    return [words.number(f"three finite numbers behind the OFFSET of '{name}'") for _ in range(3)]


def _channels(words: _Words, name: str) -> list[int]:
    count, line = words.take(), words.line
    if count not in ("0", "1", "2", "3", "4", "5", "6"):
        words.fail(f"a number of CHANNELS from 0 to 6 for '{name}'", count)
    channels = []
    for word in words.until_keyword():
        if word.lower() not in _KNOWN:
            words.fail(f"a channel of '{name}' out of {', '.join(_CHANNELS)}", word)
        channels.append(_KNOWN[word.lower()])
    if len(set(channels)) != len(channels):
        _fail(words.path, line, f"channels of '{name}' that differ", " ".join(_CHANNELS[c] for c in channels))
    if len(channels) != int(count):
        _fail(words.path, line, f"{count} channels of '{name}', as CHANNELS says", f"{len(channels)}")
    return channels


def _read_motion(path: Path, lines: list[str], line: int, width: int) -> tuple[float, Floats]:
    """Frame time [s] and channels (F, width), from the lines behind MOTION, which is line number `line`."""
    rows = [(number, text) for number, text in enumerate(lines[line:], start=line + 1) if text.strip()]
    texts = iter(rows)
    number, text = next(texts, (len(lines), None))
    found = re.fullmatch(r"frames\s*:\s*(\d{1,9})", (text or "").strip(), re.IGNORECASE)
    if not found:
        _fail(path, number, "'Frames:' and a whole number", text and text.strip())
    frames = int(found[1])
    if frames < 1:
        _fail(path, number, "at least 1 frame", found[1])
    number, text = next(texts, (len(lines), None))
    found = re.fullmatch(r"frame\s+time\s*:\s*(\S+)", (text or "").strip(), re.IGNORECASE)
    frame_time = _number(found[1]) if found else None
    if frame_time is None or frame_time <= 0:
        _fail(path, number, "'Frame Time:' and a positive number of seconds", text and text.strip())
    table = [_row(path, number, text, width) for number, text in rows[2 : 2 + frames]]
    if len(rows) != 2 + frames:
        at = len(lines) if len(table) < frames else rows[2 + frames][0]
        _fail(path, at, f"{frames} frames, as 'Frames:' says", f"{len(rows) - 2}")
    # A pose alone is a motion that rests in it, whose laps are as short as can be.
    return frame_time, np.array(table if len(table) > 1 else table * _RESTING)


def _number(word: str) -> float | None:
    """A finite number, none that is out of all proportion, or None."""
    try:
        value = float(word)
    except ValueError:
        return None
    return value if abs(value) <= _MOST else None


def _row(path: Path, number: int, text: str, width: int) -> list[float]:
    words = text.split()
    if len(words) != width:
        which = "few" if len(words) < width else "many"
        raise UserError(
            f"BVH file '{path}' line {number}: too {which} channels: expected {width} numbers, got {len(words)}"
        )
    values = []
    for word in words:
        value = _number(word)
        if value is None:
            _fail(path, number, "finite numbers", word)
        values.append(value)
    return values


def _turning(joints: list[_Joint]) -> NDArray[np.bool_]:
    """(C,) whether a channel is a rotation."""
    return np.array([channel >= 3 for joint in joints for channel in joint.channels], dtype=np.bool_)


def _pose(joints: list[_Joint], table: Floats) -> tuple[Floats, Floats]:
    """Rotations (F, J, 3, 3) of the joints and positions (F, 3) of the root from channels (F, C), angles in radians."""
    rotations = np.tile(np.eye(3), (len(table), len(joints), 1, 1))
    positions = np.zeros((len(table), 3))
    columns = iter(table.T)
    for j, joint in enumerate(joints):
        for channel in joint.channels:
            values = next(columns)
            if channel >= 3:
                rotations[:, j] = rotations[:, j] @ _turns(channel - 3, values)
            elif j == 0:
                positions[:, channel] = values
    return rotations, positions


def _turns(axis: int, angles: Floats) -> Floats:
    """Rotations (F, 3, 3) about the x, y or z axis by angles (F,) [rad]."""
    result = np.zeros((len(angles), 3, 3))
    after, last = (axis + 1) % 3, (axis + 2) % 3
    result[:, axis, axis] = 1.0
    result[:, after, after] = result[:, last, last] = np.cos(angles)
    result[:, last, after] = np.sin(angles)
    result[:, after, last] = -np.sin(angles)
    return result
