"""The configuration read from presets and YAML files, with overrides laid over it; and written back as YAML.

This is the edge: nothing below reads YAML, flags or environment variables. The data itself is described in schema.py.
"""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from soleus.config import aliases, builtin, sources
from soleus.config.explain import explain
from soleus.config.fields import Mark, is_url
from soleus.config.keys import ANY, found_at, marked
from soleus.config.merge import env_over, merge, nested, placed, without_removed_terms
from soleus.config.schema import EnvRunConfig, HumanRunConfig, RunConfig
from soleus.config.strict_yaml import parse_yaml
from soleus.errors import UserError, nearest

_A_CLIP = f"motion.clips.{ANY}"
_NAMES_OR_FILES = ("model", "model.mjcf", "motion", "motion.cycle", _A_CLIP, f"{_A_CLIP}.file", f"{_A_CLIP}.file.cycle")
_A_RUN = "train.start_from"
_BASE_OF_SCHEME = {"procgen": "procgen-coinrun"}  # the preset below an environment that is given alone


def is_of_env(preset: str) -> bool:
    """Whether a built-in preset is of environments that are not ours, rather than of a model."""
    return "env" in _read("presets", preset, Path())


def _absolute(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Files are meant relative to the file that names them; a bare model, motion or run may be a name."""
    raw = _clips_listed(raw, folder)
    for dotted in (*marked(Mark.FILE), _A_CLIP):
        for key, value in found_at(raw, dotted):
            if not isinstance(value, str) or is_url(value):
                continue
            a_name = dotted in _NAMES_OR_FILES and not (Path(value).suffix and os.path.isfile(folder / value))
            a_name = a_name or (dotted == _A_RUN and builtin.is_policy(value, folder))
            if not a_name:
                raw = placed(raw, key, str((folder / value).resolve()))
    return raw


def _clips_listed(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Put the files of a folder of motions in its place."""
    for key, value in found_at(raw, "motion.clips"):
        if isinstance(value, str):
            if not (folder / value).is_dir():
                raise UserError(f"{key}: expected a list of motions or a folder of them, got '{value}'")
            if not (files := sources.clips_in((folder / value).resolve())):
                raise UserError(f"{key}: expected a folder with files of motions, got none in '{value}'")
            raw = placed(raw, key, files)
    return raw


def _read(kind: str, name: str, folder: Path, above: tuple[Any, ...] = ()) -> dict[str, Any]:
    """Return the mapping in a built-in file or a YAML file, laid over its `base` where it names one.

    above: the files that build on this one.
    """
    path = folder / name
    built_in = name in builtin.names(kind)
    if not built_in and not path.is_file():
        known = builtin.names(kind)
        word = kind.removesuffix("s")
        raise UserError(
            f"unknown {word} '{name}'{nearest(name, known)}; expected a YAML file or one of {', '.join(known)}"
        )
    source = builtin.file(kind, name) if built_in else path.resolve()
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
    if "needs" in own and not built_in:
        raise UserError(f"{name}: unknown key 'needs'")
    if "needs" in own:  # what is to be given is not taken from what it builds on
        base = {key: value for key, value in base.items() if key not in {one.partition(".")[0] for one in own["needs"]}}
    merged: dict[str, Any] = _over(base, own, path.parent) if kind == "presets" else merge(base, own)
    return merged


def _over(below: dict[str, Any], above: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a configuration laid over another. A task with a name or a base of its own replaces the one below."""
    task = _task_over(below.get("task"), above.get("task"), folder)
    if above.get("parallel") == "auto":
        above = {**above, "parallel": {"num_workers": "auto", "num_envs_per_worker": "auto"}}
    merged: dict[str, Any] = merge(below, above)
    if "env" in above:
        merged["env"] = env_over(below.get("env"), above["env"])
    for key in ("model", "motion"):
        given, base = above.get(key), sources.spelled_out(below.get(key))
        if isinstance(base, dict) and not base.keys() & sources.KINDS and key in above:  # its file is given now
            merged[key] = merge(base, sources.spelled_out(given))
            continue
        if isinstance(given, dict) and isinstance(base, str) and not given.keys() & sources.KINDS:
            first = next(iter(given), "keys")
            tables = ", ".join(sources.TABLE_ENDINGS)
            kind = "a model file (.xml, .mjb)" if key == "model" else f"a clip (.bvh) or a table ({tables})"
            raise UserError(f"{key}.{first}: expected it beside {kind}, got it beside {key}: {base}")
        if isinstance(given, dict) and isinstance(base, dict):
            merged[key] = given if given.keys() & sources.KINDS - base.keys() else merge(base, given)  # of one kind
    ppo = above.get("ppo")
    if isinstance(ppo, Mapping) and "minibatches" in ppo:  # the way of counting that is given last stands alone
        merged["ppo"] = {**merged["ppo"], "batch_size": ppo.get("batch_size")}
    return {**merged, "task": task} if "task" in above else merged


def _task_over(below: Any, task: Any, folder: Path) -> Any:
    """Return a task laid over another; one that is named, or has a base or all terms of its own, replaces it."""
    if isinstance(task, str):
        return _read("tasks", task, folder)
    if not isinstance(task, dict):
        return merge(below, task)
    own = {key: value for key, value in task.items() if key != "base"}
    if "base" in task:
        return merge(_read("tasks", str(task["base"]), folder), own)
    known, name = builtin.names("tasks"), task.get("name")
    if name is None or (isinstance(below, Mapping) and name == below.get("name")):
        return merge(below, task)
    if {"observation", "reward"} <= task.keys():
        return task
    if name in known:
        return merge(_read("tasks", name, folder), own)
    raise UserError(
        f"task.name: unknown task '{name}'{nearest(str(name), known)}; expected one of {', '.join(known)}; a task of"
        f" another name says what it builds on, such as base: {known[0]}"
    )


def load_config(preset_or_path: str | Path | None, overrides: Mapping[str, Any] | None = None) -> RunConfig:
    """Return the configuration of a preset or a YAML file, with overrides by dotted key laid over it.

    A file may build on a preset (`base: walk2d`); its task is a name or a mapping, which may build on a task
    (`base: imitate`) and take terms away by setting them to null. It is of humans (HumanRunConfig, with a `model`) or
    of other environments (EnvRunConfig, with `env`). Without a preset the overrides have to give `env`. Raises
    UserError naming the key that is wrong.
    """
    if overrides is not None and not (
        isinstance(overrides, Mapping) and all(isinstance(key, str) for key in overrides)
    ):
        raise UserError(f"overrides: expected values by dotted key, such as {{'ppo.epochs': 4}}, got {overrides!r:.60}")
    above = aliases.translate(_absolute(nested(overrides or {}), Path()))
    name = str(preset_or_path) if preset_or_path is not None else _base_of(above.get("env"))
    raw = _over(_read("presets", name, Path()), above, Path())
    _check_needs(name, raw, raw.pop("needs", {}))
    if "task" in raw:
        raw["task"] = without_removed_terms(raw["task"])
    elif "model" in raw and raw.get("motion") is not None:
        raw["task"] = _read("tasks", "imitate", Path())
    if "env" in raw and "model" in raw:
        raise UserError(f"{name}: expected a model or env, got both: '{raw['model']}' and '{raw['env']}'")
    kind: type[HumanRunConfig] | type[EnvRunConfig] = EnvRunConfig if "env" in raw else HumanRunConfig
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"{name}: {explain(error, kind)}") from None


def _check_needs(name: str, raw: Mapping[str, Any], needs: Mapping[str, Any]) -> None:
    """Raise UserError where a preset has not been given what it needs; needs: by key, a file such as it may be."""

    def given(key: str) -> bool:
        found = found_at(raw, key)
        return bool(found) and not (
            key in ("model", "motion") and isinstance(found[0][1], Mapping) and not found[0][1].keys() & sources.KINDS
        )

    missing = [key for key in needs if not given(key)]
    if missing:
        flags = " ".join(f"--{key} {shlex.quote(str(example))}" for key, example in needs.items())
        raise UserError(
            f"{name}: expected files of yours for {', '.join(missing)}, got none: soleus train {name} {flags}"
        )


def load_human_config(preset_or_path: str | Path, overrides: Mapping[str, Any] | None = None) -> HumanRunConfig:
    """Like load_config, where only humans will do."""
    config = load_config(preset_or_path, overrides)
    if not isinstance(config, HumanRunConfig):
        raise UserError(f"{preset_or_path}: expected a configuration with a model, got one of '{config.subject}'")
    return config


def config_of_model(model: str, motion: str | Mapping[str, Any] | None = None) -> HumanRunConfig:
    """Return a configuration about a model alone, with defaults for the rest: its task is to walk, or to imitate a
    motion, which is a name, a file, or the keys of one. Raises UserError naming the key that is wrong."""
    raw = _absolute({"model": model, **({"motion": motion} if motion else {})}, Path())
    raw["task"] = _read("tasks", "imitate" if motion else "walk", Path())
    try:
        return HumanRunConfig.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"{model}: {explain(error, HumanRunConfig)}") from None


def _base_of(env: Any) -> str:
    """Return the preset below an environment that is given alone."""
    scheme = str(env.get("id") if isinstance(env, Mapping) else env).partition(":")[0]
    return _BASE_OF_SCHEME.get(scheme, "gymnasium")


def dump_config(config: RunConfig) -> str:
    """Return the whole configuration as YAML, which load_config reads back to the same configuration."""
    content = config.model_dump(mode="json", by_alias=True)
    own = {key: content[key] for key in content if key not in RunConfig.model_fields}  # what it is about comes first
    text: str = yaml.safe_dump({**own, **content}, sort_keys=False, width=120)
    return text
