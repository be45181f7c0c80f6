"""From presets, YAML files and command-line flags to a Config, with errors that name the key; and back to YAML.

This is the edge: nothing below reads YAML, flags or environment variables. The data itself is described in schema.py.
"""

import os
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from soleus import aliases, sources
from soleus.crew import EnvironmentConfig, ParallelConfig
from soleus.errors import UserError, nearest
from soleus.schema import (
    Config,
    ControlConfig,
    CoordinationConfig,
    EnvConfig,
    PolicyConfig,
    PpoConfig,
    RewardConfig,
    RunConfig,
    TaskConfig,
    TrainConfig,
)
from soleus.section import Fixed, is_url
from soleus.strict_yaml import parse_yaml

__all__ = [
    "Config",
    "ControlConfig",
    "CoordinationConfig",
    "EnvConfig",
    "EnvironmentConfig",
    "ParallelConfig",
    "PolicyConfig",
    "PpoConfig",
    "RewardConfig",
    "RunConfig",
    "TaskConfig",
    "TrainConfig",
    "dump_config",
    "fixed_keys",
    "is_of_env",
    "known_keys",
    "load_config",
    "load_human_config",
    "names",
    "parse_overrides",
    "parts",
    "summary_of",
    "takes_no_value",
]

_FREE = (
    "task.observation.",
    "task.reward.terms.",
    "task.termination.",
    "env.options.",
    "env.evaluation.",
    "env.numbered.",
    "motion.names.",
)
_BASE_OF_SCHEME = {"procgen": "procgen-coinrun"}  # the preset below an environment that is given alone
_TERM_TABLES = (("observation",), ("reward", "terms"), ("termination",))


def names(kind: str) -> list[str]:
    """Names of the built-in files of a kind, "presets" or "tasks"."""
    folder = resources.files("soleus") / kind
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def is_of_env(preset: str) -> bool:
    """Whether a built-in preset is of environments that are not ours, rather than of a model."""
    return "env" in _read("presets", preset, Path())


def summary_of(preset: str) -> str:
    """Return the first comment line of a preset, which says what it is."""
    text = (resources.files("soleus") / "presets" / f"{preset}.yaml").read_text()
    return text.splitlines()[0].lstrip("# ")


def _merge(below: Any, above: Any) -> Any:
    """Return `above` laid over `below`, mapping by mapping."""
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    return {**below, **{key: _merge(below.get(key), value) for key, value in above.items()}}


def _absolute(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Files are meant relative to the file that names them; a bare model or motion may be a name."""
    for path in sources.PATHS:
        value: Any = raw
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        a_file = len(path) > 1 or (isinstance(value, str) and Path(value).suffix and os.path.isfile(folder / value))
        if isinstance(value, str) and a_file and not is_url(value):
            raw = _merge(raw, _nested({".".join(path): str((folder / value).resolve())}))
    return raw


def _read(kind: str, name: str, folder: Path, above: tuple[Any, ...] = ()) -> dict[str, Any]:
    """Return the mapping in a built-in file or a YAML file, laid over its `base` where it names one.

    above: the files that build on this one.
    """
    path = folder / name
    built_in = name in names(kind)
    if not built_in and not path.is_file():
        known = names(kind)
        word = kind.removesuffix("s")
        raise UserError(
            f"unknown {word} '{name}'{nearest(name, known)}; expected a YAML file or one of {', '.join(known)}"
        )
    source = resources.files("soleus") / kind / f"{name}.yaml" if built_in else path.resolve()
    if source in above:
        raise UserError(f"{name}: expected a base that builds on other files, but it builds on itself")
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{name}: expected a readable YAML file, but {error}") from None
    raw = parse_yaml(text, name)
    if not isinstance(raw, dict):
        raise UserError(f"{name}: expected a mapping of keys, got {type(raw).__name__}")
    if kind == "presets":
        raw = aliases.translate(_absolute(raw, path.parent))
    base = _read(kind, str(raw["base"]), path.parent, (*above, source)) if "base" in raw else {}
    own = {key: value for key, value in raw.items() if key != "base"}
    merged: dict[str, Any] = _over(base, own, path.parent) if kind == "presets" else _merge(base, own)
    return merged


def _over(below: dict[str, Any], above: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a configuration laid over another. A task with a name or a base of its own replaces the one below."""
    task = _task_over(below.get("task"), above.get("task"), folder)
    if above.get("parallel") == "auto":
        above = {**above, "parallel": {"num_workers": "auto", "num_envs_per_worker": "auto"}}
    merged: dict[str, Any] = _merge(below, above)
    if "env" in above:
        merged["env"] = _env_over(below.get("env"), above["env"])
    for key in ("model", "motion"):
        given, base = above.get(key), sources.spelled_out(below.get(key))
        if isinstance(given, dict) and isinstance(base, str) and not given.keys() & sources.KINDS:
            first = next(iter(given), "keys")
            kind = "a model file (.xml, .mjb)" if key == "model" else "a clip (.bvh) or a table (.csv)"
            raise UserError(f"{key}.{first}: expected {kind}, which it is a key of, got {key}: {base}")
        if isinstance(given, dict) and isinstance(base, dict):
            merged[key] = given if given.keys() & sources.KINDS - base.keys() else _merge(base, given)  # of one kind
    ppo = above.get("ppo")
    if isinstance(ppo, Mapping) and "minibatches" in ppo:  # the way of counting that is given last stands alone
        merged["ppo"] = {**merged["ppo"], "batch_size": ppo.get("batch_size")}
    return {**merged, "task": task} if "task" in above else merged


def _task_over(below: Any, task: Any, folder: Path) -> Any:
    """Return a task laid over another; one that is named, or has a base or all terms of its own, replaces it."""
    if isinstance(task, str):
        return _read("tasks", task, folder)
    if not isinstance(task, dict):
        return _merge(below, task)
    own = {key: value for key, value in task.items() if key != "base"}
    if "base" in task:
        return _merge(_read("tasks", str(task["base"]), folder), own)
    known, name = names("tasks"), task.get("name")
    if name is None or (isinstance(below, Mapping) and name == below.get("name")):
        return _merge(below, task)
    if {"observation", "reward"} <= task.keys():
        return task
    if name in known:
        return _merge(_read("tasks", name, folder), own)
    raise UserError(
        f"task.name: unknown task '{name}'{nearest(str(name), known)}; expected one of {', '.join(known)}; a task of"
        f" another name says what it builds on, such as base: {known[0]}"
    )


def _env_over(below: Any, above: Any) -> Any:
    """Return one environment laid over another, whose options count only where both are made in the same way."""
    below, above = ({"id": one} if isinstance(one, str) else one for one in (below, above))
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    schemes = [str(one.get("id", below.get("id"))).partition(":")[0] for one in (below, above)]
    return _merge(below, above) if schemes[0] == schemes[1] else above


def _without_removed_terms(task: Any) -> Any:
    """Drop the terms set to null: how a task or a flag takes a term of its base away."""
    for path in _TERM_TABLES:
        table: Any = task
        for key in path:
            table = table.get(key) if isinstance(table, dict) else None
        if isinstance(table, dict):
            kept: Any = {term: parameters for term, parameters in table.items() if parameters is not None}
            for key in reversed(path[1:]):
                kept = {**task[path[0]], key: kept}
            task = {**task, path[0]: kept}
    return task


def _nested(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return {"ppo": {"epochs": 4}} for {"ppo.epochs": 4}."""
    nested: dict[str, Any] = {}
    for key, value in overrides.items():
        if key == "env" and isinstance(value, str):  # in short, beside which other keys of env may be given
            key = "env.id"
        for part in reversed(key.split(".")):
            value = {part: value}
        nested = _merge(nested, value)
    return nested


def load_config(preset_or_path: str | Path | None, overrides: Mapping[str, Any] | None = None) -> RunConfig:
    """Return the configuration of a preset or a YAML file, with overrides by dotted key laid over it.

    A file may build on a preset (`base: walk2d`); its task is a name or a mapping, which may build on a task
    (`base: imitate`) and take terms away by setting them to null. It is of humans (Config, with a `model`) or of other
    environments (EnvConfig, with `env`). Without a preset the overrides have to give `env`. Raises UserError naming the
    key that is wrong.
    """
    if overrides is not None and not (
        isinstance(overrides, Mapping) and all(isinstance(key, str) for key in overrides)
    ):
        raise UserError(f"overrides: expected values by dotted key, such as {{'ppo.epochs': 4}}, got {overrides!r:.60}")
    above = aliases.translate(_absolute(_nested(overrides or {}), Path()))
    name = str(preset_or_path) if preset_or_path is not None else _base_of(above.get("env"))
    raw = _over(_read("presets", name, Path()), above, Path())
    if "task" in raw:
        raw["task"] = _without_removed_terms(raw["task"])
    elif "model" in raw and raw.get("motion") is not None:
        raw["task"] = _read("tasks", "imitate", Path())
    if "env" in raw and "model" in raw:
        raise UserError(f"{name}: expected a model or env, got both: '{raw['model']}' and '{raw['env']}'")
    kind: type[Config] | type[EnvConfig] = EnvConfig if "env" in raw else Config
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"{name}: {_explain(error, kind)}") from None


def load_human_config(preset_or_path: str | Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Like load_config, where only humans will do."""
    config = load_config(preset_or_path, overrides)
    if not isinstance(config, Config):
        raise UserError(f"{preset_or_path}: expected a configuration with a model, got one of '{config.subject}'")
    return config


def _base_of(env: Any) -> str:
    """Return the preset below an environment that is given alone."""
    scheme = str(env.get("id") if isinstance(env, Mapping) else env).partition(":")[0]
    return _BASE_OF_SCHEME.get(scheme, "gymnasium")


def known_keys() -> dict[str, Any]:
    """Every dotted key of the configuration, ours and those that are translated, with its annotation."""
    return {**dict(_keys(Config)), **dict(_keys(EnvConfig)), **dict.fromkeys(aliases.KEYS, Any)}


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every dotted key of a part of the schema, with its annotation."""
    for field_name, field in model.model_fields.items():
        key = prefix + (field.alias or field_name)
        yield key, field.annotation
        for part in parts(field.annotation):
            yield from _keys(part, f"{key}.")


def fixed_keys() -> dict[str, str]:
    """Every dotted key that a run cannot go on with another value of, and why."""
    return {**dict(_fixed(Config)), **dict(_fixed(EnvConfig))}


def _fixed(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    for field_name, field in model.model_fields.items():
        key = prefix + (field.alias or field_name)
        yield from ((key, one.why) for one in field.metadata if isinstance(one, Fixed))
        for part in parts(field.annotation):
            yield from _fixed(part, f"{key}.")


def parts(annotation: Any) -> Iterator[type[BaseModel]]:
    """Parts of the schema that an annotation allows."""
    for one in _alternatives(annotation):
        if isinstance(one, type) and issubclass(one, BaseModel):
            yield one


def _explain(error: ValidationError, schema: type[BaseModel]) -> str:
    """One line for the first thing that is wrong: the key, what was expected, what came."""
    first = min(
        error.errors(), key=lambda one: one["type"] != "extra_forbidden"
    )  # a misspelt key also reads as missing
    parts = [part for part in map(str, first["loc"]) if "[" not in part and "-" not in part]  # without those of unions
    key, kind, message = ".".join(parts), first["type"], first["msg"]
    if kind == "extra_forbidden":
        of = "" if key.partition(".")[0] not in known_keys() else " of env" if schema is EnvConfig else " of a model"
        return f"unknown key '{key}'{of}{nearest(key, [known for known, _ in _keys(schema)])}"
    if kind == "missing":
        return f"{key}: expected a value, got none"
    if kind == "value_error":
        message = str(first["ctx"]["error"])
        if not message.startswith("expected"):  # a check over several keys, which names the one at fault itself
            return f"{key}.{message}" if key else message
        if ", got " in message:
            return f"{key}: {message}"
    message = message[0].lower() + message[1:].replace("valid tuple", "list")
    message = re.sub("valid dictionary( or instance of .*)?", "mapping", message)
    return f"{key}: {message.replace('input should be', 'expected')}, got {first['input']!r}"


def _is_text(annotation: Any, given: str) -> bool:
    """Whether a value is the text that was given, rather than YAML."""
    if given == "null" or (given.startswith("{") and any(parts(annotation))):
        return False
    return str in _alternatives(annotation)


def _alternatives(annotation: Any) -> Iterator[Any]:
    """What an annotation allows, one by one; nothing of a generic type's arguments."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) in (typing.Union, typing.Annotated):
        for argument in typing.get_args(annotation):
            yield from _alternatives(argument)
    else:
        yield annotation


def _key_of(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


def takes_no_value(flag: str) -> bool:
    """Whether a flag is a switch, which may stand alone."""
    return known_keys().get(_key_of(flag)) is bool


def parse_overrides(arguments: Sequence[str]) -> dict[str, Any]:
    """Return values by dotted key for flags such as `--ppo.epochs 4`, `--control.mode=torque`, `--policy.mirror`.

    Values are YAML, except where the schema wants text; a flag of a switch may stand alone. Raises UserError for a flag
    that is no key of the configuration or lacks its value.
    """
    known = known_keys()
    overrides: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        flag, equals, text = rest.pop(0).partition("=")
        if not flag.startswith("--"):
            raise UserError(f"expected a flag such as --ppo.epochs, got '{flag}'")
        key = _key_of(flag)
        free = key.startswith(_FREE)
        if key not in known and not free:
            inner = next((f"; expected one in it, such as {one}" for one in known if one.startswith(f"{key}.")), None)
            raise UserError(f"unknown key '{key}'{inner or nearest(key, known)}")
        if not equals:
            if rest and not rest[0].startswith("--"):
                text = rest.pop(0)
            elif takes_no_value(key):
                text = "true"
            else:
                raise UserError(f"--{key}: expected a value, got none")
        overrides[key] = text if _is_text(known.get(key), text) else parse_yaml(text, f"--{key}")
    return overrides


def dump_config(config: RunConfig) -> str:
    """Return the whole configuration as YAML, which load_config reads back to the same Config."""
    content = config.model_dump(mode="json", by_alias=True)
    own = {key: content[key] for key in content if key not in RunConfig.model_fields}  # what it is about comes first
    text: str = yaml.safe_dump({**own, **content}, sort_keys=False, width=120)
    return text
