"""What a run was given, kept in its folder: copies of the files that its configuration names, and where they came from.

inputs/index.json lists the copies with their checksums and where each came from, the versions of the packages that
models come from, and the modules of the user's environments. So a run that is copied elsewhere has all that it needs,
and what has changed since it was trained can be reported.
"""

import hashlib
import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from soleus.config import EnvRunConfig, HumanRunConfig, RunConfig, dump_config
from soleus.config.fields import Mark
from soleus.config.keys import found_at, marked
from soleus.config.merge import placed
from soleus.errors import UserError
from soleus.machine.files import write_bytes

FOLDER = "inputs"
INDEX = f"{FOLDER}/index.json"
_PACKAGES = ("mujoco", "myo-sim")  # of which another version may have another model under the same name
MADE = "made when the run began"  # in place of where a copy came from
_OF_A_COPY = ("from", "sha256", "sha256_there")
_PATHS_IN_XML = re.compile(r"""((?:file|meshdir|texturedir|assetdir)\s*=\s*)(["'])(/[^"']*)\2""")


@dataclass(frozen=True)
class _Source:
    """One file of the configuration, and all that it takes to read it."""

    key: str
    path: Path
    others: tuple[Path, ...]
    """Files that it names itself: included ones, meshes, textures."""

    @property
    def top(self) -> Path:
        """The folder above all of them."""
        return Path(os.path.commonpath([one.parent for one in (self.path, *self.others)]))

    def place(self, path: Path) -> str:
        """Path of one of these files in a run's folder; the files keep their places relative to one another."""
        return f"{FOLDER}/{self.key}/{path.relative_to(self.top).as_posix()}"


class Inputs:
    """The inputs of a run that is about to begin."""

    def __init__(self, config: RunConfig, folder: Path) -> None:
        """folder: of the run. Nothing is written yet. Raises UserError for a file that cannot be read."""
        self.folder = folder.absolute()
        self._sources = [_Source(key, path, _named_by(path)) for key, path in _files_of(config).items()]
        self.config = with_files(config, {one.key: str(self.folder / one.place(one.path)) for one in self._sources})
        """The same configuration with the paths of the copies."""
        self._made: dict[str, tuple[str, bytes]] = {}

    def make(self, key: str, name: str, data: bytes) -> None:
        """Give the run a file that was made for it: its configuration names it from then on, and copy() writes it."""
        place = f"{FOLDER}/{key}/{name}"
        self._made[key] = (place, data)
        self.config = with_files(self.config, {key: str(self.folder / place)})

    def copy(self) -> None:
        """Write the copies and the index. Raises UserError where a file cannot be read, or the disk refuses."""
        files: dict[str, Any] = {}
        for key, (place, data) in self._made.items():
            (self.folder / place).parent.mkdir(parents=True, exist_ok=True)
            write_bytes(self.folder / place, data)
            files[key] = {place: {"from": MADE, "sha256": _sum(data), "sha256_there": _sum(data)}}
        for source in self._sources:
            sums = {}
            for path in (source.path, *source.others):
                there = _read(path)
                data = _relocated(there, path, source) if path.suffix.lower() == ".xml" else there
                to = self.folder / source.place(path)
                to.parent.mkdir(parents=True, exist_ok=True)
                write_bytes(to, data)
                sums[source.place(path)] = {"from": str(path), "sha256": _sum(data), "sha256_there": _sum(there)}
            files[source.key] = sums
        index = {
            "started_in": str(Path.cwd()),
            "files": files,
            "modules": _modules(self.config),
            "versions": _versions() if isinstance(self.config, HumanRunConfig) else {},
        }
        (self.folder / FOLDER).mkdir(exist_ok=True)
        write_bytes(self.folder / INDEX, (json.dumps(index, indent=2) + "\n").encode())


def config_text(config: RunConfig, folder: Path) -> str:
    """Return the configuration of a run as its config.yaml has it: files in the run's folder by paths within it."""
    within = {
        key: path.relative_to(folder.absolute()).as_posix()
        for key, path in _files_of(config, there=False).items()
        if path.is_relative_to(folder.absolute())
    }
    if not within:
        return dump_config(config)
    raw = yaml.safe_load(dump_config(config))
    for key, path in within.items():
        raw = placed(raw, key, path)
    text: str = yaml.safe_dump(raw, sort_keys=False, width=120)
    return text


def with_files(config: RunConfig, files: Mapping[str, str]) -> RunConfig:
    """Return a configuration with other files for some keys, such as {"model.mjcf": "/x/person.xml"}."""
    if not files:
        return config
    raw = yaml.safe_load(dump_config(config))
    for key, path in files.items():
        raw = placed(raw, key, path)
    return type(config).model_validate(raw)


def _files_of(config: RunConfig, there: bool = True) -> dict[str, Path]:
    """Return the files that a configuration names, absolute, by key; built-in names are left out.

    there: only files that exist.
    """
    raw = config.model_dump(mode="json", by_alias=True)
    found = {}
    for key in marked(Mark.FILE):
        if key == "train.start_from":  # a run has its own weights from its first checkpoint on
            continue
        for place, value in found_at(raw, key):
            if isinstance(value, str) and (os.path.isfile(value) if there else os.path.isabs(value)):
                found[place] = Path(os.path.normpath(os.path.join(os.getcwd(), value)))
    return found


def _named_by(path: Path) -> tuple[Path, ...]:
    """Return the files that an MJCF file names, absolute; nothing for any other file."""
    if path.suffix.lower() != ".xml":
        return ()
    import mujoco

    with suppress(Exception):  # a file that is no MJCF is refused by whoever reads it as such, in words of its own
        found = [Path(os.path.normpath(one)) for one in mujoco.mju_getXMLDependencies(str(path))]
        texts = [one for one in (path, *found) if one.suffix.lower() == ".xml"]
        # MuJoCo looks for a file of an included file beside that too, and lists it where it is not.
        beside = [text.parent / one.name for one in found if not one.is_file() for text in texts]
        return tuple(sorted({one for one in (*found, *beside) if one != path and one.is_file()}))
    return ()


def _relocated(data: bytes, path: Path, source: _Source) -> bytes:
    """Return an XML file whose absolute paths lead to the copies; any other file stays as it is, byte for byte."""
    text = data.decode("utf-8", errors="surrogateescape")
    known = {str(one) for one in (source.path, *source.others)}
    folders = {str(up) for one in known for up in Path(one).parents if up.is_relative_to(source.top)}
    base = source.path.parent  # MJCF's paths count from the main file, whoever is included

    def relative(match: re.Match[str]) -> str:
        target = os.path.normpath(match[3])
        if target not in known and target not in folders:
            return match[0]
        return f"{match[1]}{match[2]}{os.path.relpath(target, base)}{match[2]}"

    return _PATHS_IN_XML.sub(relative, text).encode("utf-8", errors="surrogateescape")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: expected a file that can be read, but {error.strerror}") from None


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in _PACKAGES}


def _modules(config: RunConfig) -> dict[str, str]:
    """Return the modules that make a run's environments, by name, and their files."""
    if not isinstance(config, EnvRunConfig):
        return {}
    named = [config.env.name] if config.env.scheme == "gymnasium" else []
    names = [one.rpartition(":")[0] for one in (*named, *(key for wrapper in config.env.wrappers for key in wrapper))]
    return {name: _file_of(name) or "" for name in names if name}


def _file_of(module: str) -> str | None:
    """Return the file of a module's first part, or None where it is not found."""
    top = module.partition(".")[0]
    if top in sys.modules:
        return str(getattr(sys.modules[top], "__file__", None) or "")
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    return None if found is None else str(found.origin or "")


def read_index(folder: Path) -> dict[str, Any] | None:
    """Return the index of a run's inputs; None for a run without an index. Raises UserError for another file."""
    path = folder / INDEX
    if not path.is_file():
        if path.parent.is_dir():
            raise UserError(f"{path}: expected the index of a run's inputs, got none")
        return None
    try:
        return parse_index(path.read_bytes())
    except (OSError, ValueError):
        raise UserError(f"{path}: expected the index of a run's inputs, got another file") from None


def parse_index(data: bytes) -> dict[str, Any]:
    """Return an index from its file's content. Raises ValueError for what is none."""
    index = json.loads(data)
    if not isinstance(index, dict):
        raise ValueError("no mapping")
    for name in ("files", "modules", "versions"):
        if not isinstance(index.get(name), dict):
            raise ValueError(f"no {name}")
    kept = list(index["files"].values())
    if not all(isinstance(one, dict) for one in kept):
        raise ValueError("no files by name")
    for name, facts in ((name, facts) for one in kept for name, facts in one.items()):
        known = isinstance(facts, dict) and all(isinstance(facts.get(key), str) for key in _OF_A_COPY)
        if not name.startswith(f"{FOLDER}/") or ".." in Path(name).parts or not known:
            raise ValueError(f"{name} is no file of a run")
    texts = [index.get("started_in"), *index["modules"].values(), *index["versions"].values()]
    if not all(isinstance(one, str) for one in texts):
        raise ValueError("no text where one is needed")
    return index


def copies(index: Mapping[str, Any]) -> list[str]:
    """Return the files that an index lists, as seen from the run's folder."""
    return [name for kept in index["files"].values() for name in kept]


def check(folder: Path, without: Iterable[str] = ()) -> None:
    """Compare the inputs of a run with what they were when it began, and say what has changed.

    A copy in the folder that is gone or changed is a UserError: nobody knows what the policy would act on. If the
    original of a copy has changed, or a package, a warning says so; the run uses what it was trained with.

    without: keys that have been given other values.
    """
    index = read_index(folder)
    if index is None:
        return
    for key, kept in index["files"].items():
        if any(key == one or key.startswith(f"{one}.") for one in without):
            continue
        for name, known in kept.items():
            path = folder / name
            if not path.is_file() or _sum(_read(path)) != known["sha256"]:
                got = "another file" if path.is_file() else "none"
                raise UserError(f"{path}: expected the {_word(key)} that the run was trained with, got {got}")
            there = Path(known["from"])
            if there.is_file() and os.access(there, os.R_OK) and _sum(_read(there)) != known["sha256_there"]:
                print(
                    f"warning: {there} has changed since the run was trained with it as its {_word(key)}:"
                    f" the run's own copy is used, {path}",
                    file=sys.stderr,
                )
    here = _versions() if index["versions"] else {}
    for package, version in index["versions"].items():
        if here.get(package) != version:
            print(
                f"warning: the run's model was made with {package} {version}, here is {here.get(package)}:"
                " the model may differ",
                file=sys.stderr,
            )


def _word(key: str) -> str:
    return {"coordination.weights": "initial weights"}.get(key, key.partition(".")[0])


def find_modules(folder: Path) -> None:
    """Make the modules of a run's environments importable: from where Python finds them, beside the run's folder, where
    the run was started, or where they were then.

    Raises UserError for a module that is in none of these places.
    """
    index = read_index(folder)
    for module, file in (index or {"modules": {}})["modules"].items():
        top = module.partition(".")[0]
        if _file_of(top) is not None:
            continue
        there = Path(file).parent.parent if Path(file).name == "__init__.py" else Path(file).parent
        for place in (folder.absolute().parent, Path((index or {})["started_in"]), there):
            if str(place) not in sys.path and ((place / f"{top}.py").is_file() or (place / top).is_dir()):
                sys.path.append(str(place))
                break
        if _file_of(top) is None:
            raise UserError(
                f"{folder}: expected the module '{module}' of its environment, which was at"
                f" {file or 'an unknown place'}, but it is gone: run this in the folder that holds {top}, or add that"
                " folder to PYTHONPATH"
            )
