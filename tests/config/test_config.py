import functools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import point_mass
import preset_files
from soleus.config import (
    HumanRunConfig,
    dump_config,
    load_config,
    names,
    parse_overrides,
    parts,
    summary_of,
)
from soleus.config.fields import is_time, parse_hours, parse_seconds
from soleus.config.sources import BvhMotion, ModelFiles
from soleus.errors import UserError, nearest
from soleus.tasks.catalog import check_terms

TASK = {
    "name": "hold",
    "observation": {"phase": {}},
    "reward": {"terms": {"pose": {"weight": 1, "scale": 0.2}, "effort": {"weight": 0.1}}},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump({"model": "walk2d", "task": TASK}))
    return path


def message_of(path: Path, *flags: str) -> str:
    with pytest.raises(UserError) as error:
        load_config(path, parse_overrides(flags))
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{path}: ")


def test_yaml_round_trip(file: Path, tmp_path: Path) -> None:
    config = load_config(file, {"train.duration": "15m", "ppo.lambda": 0.9, "policy.hidden": [64, 32]})
    assert (config.train.duration, config.ppo.lambda_, config.policy.hidden) == (900.0, 0.9, (64, 32))
    (tmp_path / "config.yaml").write_text(dump_config(config))
    assert load_config(tmp_path / "config.yaml") == config


def test_config_is_frozen(file: Path) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_config(file).train.seed = 1  # type: ignore[misc]


def test_exponents_without_a_point_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump({"model": "m", "task": TASK}) + "ppo: {learning_rate: 3e-4}\n")
    assert load_config(path).ppo.learning_rate == 3e-4


@pytest.mark.parametrize(
    ("flags", "key", "value"),
    [
        (["--ppo.epochs", "4"], "ppo.epochs", 4),
        (["--ppo.epochs=4"], "ppo.epochs", 4),
        (["--control.mode", "torque"], "control.mode", "torque"),
        (["--train.num-envs", "8"], "train.num_envs", 8),
        (["--policy.mirror"], "policy.mirror", True),
        (["--policy.mirror", "false"], "policy.mirror", False),
        (["--policy.hidden", "[64, 32]"], "policy.hidden", [64, 32]),
        (["--ppo.target_kl", "null"], "ppo.target_kl", None),
        (["--motion", "1"], "motion", "1"),
        (["--task.reward.terms.pose.weight", "-2e-1"], "task.reward.terms.pose.weight", -0.2),
    ],
)
def test_flags_have_the_types_of_the_schema(flags: list[str], key: str, value: object) -> None:
    assert parse_overrides(flags) == {key: value}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--ppo.epoch", "4"], "unknown key 'ppo.epoch' (did you mean 'ppo.epochs'?)"),
        (["--epochs", "4"], "unknown key 'epochs' (did you mean 'ppo.epochs'?)"),
        (["--ppo.epochs"], "--ppo.epochs: expected a value, got none"),
        (["--ppo.epochs", "x"], "ppo.epochs: expected a valid integer, got 'x'"),
        (["--ppo.epochs", "1.5"], "ppo.epochs: expected a whole number such as 500000, 5e5, 500k, 1.5M or 2G, got 1.5"),
        (["--ppo.epochs", "0"], "ppo.epochs: expected greater than or equal to 1, got 0"),
        (["--ppo.gamma", "1"], "ppo.gamma: expected less than 1, got 1"),
        (["--train.num_envs", "0"], "train.num_envs: expected greater than or equal to 1, got 0"),
        (["--control.mode", "muscel"], "control.mode: expected 'excitation', 'torque' or 'muscle', got 'muscel'"),
        (["--control.sim_hz", "500"], "control.sim_hz: expected a multiple of policy_hz (30), got 500"),
        (
            ["--train.duration", "15x"],
            "train.duration: expected a time such as 90s, 15m, 1h30m or 0.5",
        ),
        (["--policy.hidden", "3,x"], "policy.hidden.1: expected a valid integer, got 'x'"),
        (["--policy.hidden", "[3, 0]"], "policy.hidden.1: expected greater than or equal to 1, got 0"),
        (["--ppo", "3"], "ppo: expected a mapping, got 3"),
        (["--ppo.target_kl", "null"], "ppo.target_kl: expected a number for the adaptive schedule, got null"),
        (
            ["--ppo.minibatches", "4096"],
            "ppo.minibatches: expected at most the 2048 samples of a round (32 environments x 64 steps), got 4096",
        ),
        (
            ["--task.initial", "x"],
            "task.initial: expected reference, rest or key:NAME of a keyframe of the model, got 'x'",
        ),
        (["--task.reward.terms.pose.weight", "x"], "task.reward.terms.pose.weight: expected a valid number, got 'x'"),
        (["--task.reward.terms.new", "{scale: 1}"], "task.reward.terms.new: expected a weight, got {'scale': 1.0}"),
        (["--task.unknown", "1"], "unknown key 'task.unknown'"),
        (["--task.task", "x"], "unknown key 'task.task'"),
        (["--ppo.learning_rate", ".inf"], "ppo.learning_rate: expected a finite number, got inf"),
        (["--ppo.gamma", ".nan"], "ppo.gamma: expected a finite number, got nan"),
        (["--train.duration", ".inf"], "train.duration: expected a finite number, got inf"),
        (["--train.duration", "9" * 400 + "s"], "train.duration: expected a finite number, got "),
        (
            ["--task.reward.terms.pose.weight", ".nan"],
            "task.reward.terms.pose.weight: expected a finite number, got nan",
        ),
        (
            ["--task.episode_seconds", "0.03"],
            "task.episode_seconds: expected at least one control step (1/30 s), got 0.03",
        ),
        (["--train.seed", "[1"], "--train.seed line 1: expected valid YAML, but expected ',' or ']'"),
        (["ppo.epochs"], "expected a flag such as --ppo.epochs, got 'ppo.epochs'"),
    ],
)
def test_wrong_flags(file: Path, flags: list[str], message: str) -> None:
    assert message_of(file, *flags).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("modle: x", "unknown key 'modle' (did you mean 'model'?)"),
        ("model: x", "task: expected a value, got none"),
        ("model: 3", "model: expected a valid string, got 3"),
        ("- 1", "expected a mapping of keys, got list"),
        ("a: [", " line 1: expected valid YAML, but"),
        ("model: x\nmodel: y", " line 1: expected valid YAML, but key 'model' is given twice"),
        ("base: walk2", "unknown preset 'walk2' (did you mean 'walk2d'?); expected a YAML file or one of "),
        ("model: x\ntask: {base: nosuch}", "unknown task 'nosuch'"),
        ("model: x\ntask: nosuch", "unknown task 'nosuch'"),
        ("base: my.yaml", "my.yaml: expected a base that builds on other files, but it builds on itself"),
    ],
)
def test_wrong_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(text)
    assert message_of(path).removeprefix(str(path)).startswith(message)


def test_files_that_build_on_each_other(tmp_path: Path) -> None:
    for name, base in (("a", "b"), ("b", "a")):
        (tmp_path / f"{name}.yaml").write_text(f"base: {base}.yaml")
    (tmp_path / "task.yaml").write_text("base: ./task.yaml")
    (tmp_path / "my.yaml").write_text("model: x\ntask: task.yaml")
    with pytest.raises(UserError, match=r"a.yaml: expected a base that builds on other files, but it builds on itself"):
        load_config(tmp_path / "a.yaml")
    with pytest.raises(UserError, match=r"task.yaml: expected a base that builds on other files, but it builds on its"):
        load_config(tmp_path / "my.yaml")
    (tmp_path / "task.yaml").write_text("name: x\ntask: task.yaml")
    with pytest.raises(UserError, match=r"my.yaml: unknown key 'task.task'"):
        load_config(tmp_path / "my.yaml")


def test_one_control_step_is_an_episode(file: Path) -> None:
    assert load_config(file, {"task.episode_seconds": 1 / 30}).task.episode_seconds == 1 / 30


def test_unknown_preset() -> None:
    with pytest.raises(UserError, match=r"unknown preset 'walk2' \(did you mean 'walk2d'\?\); expected a YAML file or"):
        load_config("walk2")


def test_a_task_builds_on_a_base_and_drops_terms(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(TASK))
    path = tmp_path / "my.yaml"
    own = {"base": "base.yaml", "reward": {"terms": {"effort": None, "pose": {"weight": 3}}}}
    path.write_text(yaml.safe_dump({"model": "walk2d", "task": own}))
    task = load_config(path).task
    assert task.name == "hold"
    assert task.reward.terms == {"pose": {"weight": 3.0, "scale": 0.2}}
    task = load_config(path, parse_overrides(["--task.observation.phase", "null", "--task.observation.height={}"])).task
    assert task.observation == {"height": {}}


@pytest.mark.parametrize("way", ["mapping", "flag", "over"])
def test_a_task_that_is_named_has_its_own_terms(way: str, tmp_path: Path) -> None:
    path = tmp_path / "named.yaml"
    if way == "over":
        path.write_text("base: walk2d\ntask: {name: walk, initial_noise: 0.5, reward: {terms: {alive: {weight: 3}}}}\n")
    else:
        path.write_text("base: walk2d\n" + ("task: {name: walk}\n" if way == "mapping" else ""))
    task = load_config(path, {"task.name": "walk"} if way == "flag" else {}).task
    plain = load_config("walk2d", {"task": "walk"}).task
    if way == "over":
        assert (task.initial_noise, task.reward.terms["alive"]) == (0.5, {"weight": 3.0})
        task = task.model_copy(update={"initial_noise": plain.initial_noise})
        assert task.reward.terms.keys() == plain.reward.terms.keys()
    else:
        assert task == plain
    path.write_text(dump_config(load_config(path)))
    assert load_config(path).task.name == ("imitate" if way == "flag" else "walk")


def test_a_name_of_its_own_needs_a_base_or_all_terms(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "named.yaml"
    path.write_text("base: walk2d\ntask: {name: wlak, episode_seconds: 3}\n")
    with pytest.raises(UserError, match=r"task\.name: unknown task 'wlak' \(did you mean 'walk'\?\).*base: imitate"):
        load_config(path)
    path.write_text("base: walk2d\ntask: {name: mine, base: imitate, episode_seconds: 3}\n")
    assert load_config(path).task.name == "mine"
    path.write_text(yaml.safe_dump({"base": "walk2d", "task": {**TASK, "name": "mine"}}))
    assert load_config(path).task.observation == load_config(file).task.observation  # and nothing of imitation


def test_a_named_task_replaces_the_one_below(file: Path, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(yaml.safe_dump({**TASK, "name": "other", "observation": {"height": {}}}))
    (tmp_path / "named.yaml").write_text("base: my.yaml\ntask: other.yaml\n")
    assert load_config(tmp_path / "named.yaml").task.observation == {"height": {}}
    assert load_config(file, {"task": str(tmp_path / "other.yaml")}).task.observation == {"height": {}}
    (tmp_path / "laid.yaml").write_text("base: my.yaml\ntask: {observation: {height: {}}}\n")
    assert load_config(tmp_path / "laid.yaml").task.observation == {"phase": {}, "height": {}}


def test_a_file_builds_on_a_file_and_names_files_beside_it(file: Path, tmp_path: Path) -> None:
    (tmp_path / "leg.xml").touch()
    own = tmp_path / "own.yaml"
    own.write_text("base: my.yaml\nmodel: leg.xml\nppo: {epochs: 2}\n")
    config = load_config(own)
    assert config.model == str((tmp_path / "leg.xml").resolve())
    assert config.ppo.epochs == 2
    assert config.task == load_config(file).task


@pytest.mark.parametrize("preset", names("presets"))
def test_presets_load_and_are_short(preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("gait2392.osim", "gait10dof18musc.osim", "rajagopal_walk.osim"):
        (tmp_path / name).touch()
    config = load_config(preset, preset_files.NAMES.get(preset))
    assert config.train.steps or config.train.duration
    assert summary_of(preset)
    (tmp_path / "again.yaml").write_text(dump_config(config))
    assert load_config(tmp_path / "again.yaml") == config


@pytest.mark.parametrize("preset", list(preset_files.NAMES))
def test_a_preset_says_which_files_it_needs(preset: str) -> None:
    with pytest.raises(UserError, match=rf"^{preset}: expected files of yours for model.*, got none: ") as error:
        load_config(preset)
    command = shlex.split(str(error.value).rpartition(f"soleus train {preset} ")[2])
    assert parse_overrides(command).keys() == preset_files.NAMES[preset].keys()
    assert load_config(preset, parse_overrides(command))


def test_a_file_and_keys_beside_it_may_be_flags_in_any_order() -> None:
    for flags in (["--model", "a.xml", "--model.root", "hip"], ["--model.root", "hip", "--model", "a.xml"]):
        config = load_config("walk2d", parse_overrides([*flags, "--motion", "b.bvh", "--motion.hz", "30"]))
        assert isinstance(config, HumanRunConfig)
        assert isinstance(config.model, ModelFiles)
        assert isinstance(config.motion, BvhMotion)
        assert (str(config.model), config.model.root, str(config.motion), config.motion.hz) == ("a", "hip", "b", 30)


def test_keys_of_a_file_that_is_still_to_be_given_stay_when_it_is(tmp_path: Path) -> None:
    given = {"model": "legs.osim", "motion": "lap.mot"}
    locked = ("mtp_angle_*", "subtalar_angle_*")
    for overrides in (given, {"model.osim": "legs.osim", "motion.table": "lap.mot"}):
        config = load_config("walk-gait2392", overrides)
        assert isinstance(config, HumanRunConfig)
        assert isinstance(config.model, ModelFiles)
        assert (str(config.model), Path(str(config.motion)).stem, config.model.lock) == ("legs", "lap", locked)
    (tmp_path / "own.yaml").write_text("base: walk-gait2392\nmodel: {osim: legs.osim, lock: []}\nmotion: null\n")
    config = load_config(tmp_path / "own.yaml")
    assert isinstance(config, HumanRunConfig)
    assert isinstance(config.model, ModelFiles)
    assert (config.model.osim, config.model.lock, config.motion) == (str(tmp_path / "legs.osim"), (), None)
    with pytest.raises(UserError, match=r"^walk-gait2392: expected files of yours for model, got none: "):
        load_config("walk-gait2392", {"motion": "lap.mot", "model.yaw": 3.0})
    (tmp_path / "needy.yaml").write_text("base: walk2d\nneeds: {model: x.xml}\n")
    with pytest.raises(UserError, match=r"needy\.yaml: unknown key 'needs'$"):
        load_config(tmp_path / "needy.yaml")


def test_terms_are_those_of_the_catalog() -> None:
    catalog = {"observation": {"phase": {}}, "reward": {"pose": {"scale": 1.0}, "effort": {}}, "termination": {}}

    def check(**tables: object) -> None:
        check_terms(HumanRunConfig.model_validate({**point_mass.CONFIG, "task": {**TASK, **tables}}).task, catalog)

    check()
    with pytest.raises(UserError, match=r"task.observation: unknown term 'phaze' \(did you mean 'phase'\?\)"):
        check(observation={"phaze": {}})
    with pytest.raises(
        UserError, match=r"task.reward.terms.pose: unknown parameter 'scael' \(did you mean 'scale'\?\)"
    ):
        check(reward={"terms": {"pose": {"weight": 1, "scael": 2}}})
    with pytest.raises(UserError, match=r"task.termination: unknown term 'fall'"):
        check(termination={"fall": {}})


def test_durations() -> None:
    assert [parse_hours(text) for text in ("90s", "15m", "1.5h", 3, "0.5", None)] == [90, 900, 5400, 10800, 1800, None]
    assert [parse_seconds(text) for text in ("90s", "15m", "1.5h", 3, "0.5", None)] == [90, 900, 5400, 3, 0.5, None]
    assert [parse_seconds(text) for text in ("40ms", "1s 500ms", "2m", "2m5ms")] == [0.04, 1.5, 120, 120.005]
    assert parse_hours(10**400) == float("inf")


def _fields(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}", field
        for part in parts(field.annotation):
            yield from _fields(part, f"{prefix}{name}.")


def test_what_a_bare_time_means_is_what_its_key_says(file: Path) -> None:
    """Every key that takes a time says [s], and reads a bare number so, or says what else it is."""
    of_time = {key: field for key, field in _fields(HumanRunConfig) if any(map(is_time, field.metadata))}
    task = {**TASK, "pushes": {"force": 50}, "noise": {"motor": 0.1}}
    file.write_text(yaml.safe_dump({"model": "walk2d", "task": task}))
    assert {"train.duration", "train.video_every", "task.episode_seconds", "parallel.round_timeout"} <= of_time.keys()
    for key, field in of_time.items():
        read = load_config(file, parse_overrides([f"--{key}", "0.25"]))
        found = functools.reduce(getattr, key.split("."), read)
        said = str(field.description)
        assert found == (0.25 * 3600 if "bare number is hours" in said else 0.25), key
        assert said.startswith("[s] ") == (found == 0.25), key
        with_unit = load_config(file, parse_overrides([f"--{key}", "250ms"]))
        assert functools.reduce(getattr, key.split("."), with_unit) == 0.25, key
        example = "0.5 (hours)" if found > 0.25 else "90 (seconds)"
        assert (
            message_of(file, f"--{key}", "7x")
            == f"{key}: expected a time such as 90s, 15m, 1h30m or {example}, got '7x'"
        )


def test_nearest() -> None:
    assert nearest("walk2", ["walk2d", "run"]) == " (did you mean 'walk2d'?)"
    assert nearest("zzz", ["walk2d"]) == ""
    assert nearest("seed", ["train.num_envs", "train.seed"]) == " (did you mean 'train.seed'?)"


@pytest.mark.parametrize(
    ("flag", "text", "value"),
    [
        ("train.steps", "1e6", 1_000_000),
        ("train.steps", "2.5e3", 2500),
        ("train.num_envs", "16.0", 16),
        ("train.seed", "1e3", 1000),
        ("train.steps", "1k", 1000),
        ("train.steps", "1.5M", 1_500_000),
        ("train.steps", "2 G", 2_000_000_000),
        ("train.eval_interval", "1.1K", 1100),
        ("train.seed", "3k", 3000),
        ("train.num_envs", ".016k", 16),
        ("coordination.hidden", "1k, 8", (1000, 8)),
        ("parallel.num_collectors", "1k", 1000),
        ("task.episode_seconds", "10s", 10.0),
        ("task.episode_seconds", "1m", 60.0),
        ("task.episode_seconds", "2.5", 2.5),
        ("parallel.round_timeout", "90", 90.0),
        ("ppo.batch_size", "5.12e2", 512),
        ("train.duration", "1h30m", 5400.0),
        ("train.duration", "1h 30m 5s", 5405.0),
        ("train.duration", "2m30s", 150.0),
        ("train.duration", "45min", 2700.0),
        ("train.duration", "1.5", 5400.0),
        ("policy.hidden", "32,16", (32, 16)),
        ("policy.hidden", "[32, 16]", (32, 16)),
        ("policy.hidden", "64", (64,)),
        ("coordination.hidden", "8, 8", (8, 8)),
    ],
)
def test_numbers_times_and_lists_as_people_write_them(file: Path, flag: str, text: str, value: object) -> None:
    config: Any = load_config(file, parse_overrides([f"--{flag}", text]))
    for part in flag.split("."):
        config = getattr(config, part)
    assert config == value
    assert type(config) is type(value)


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        *(
            ("train.steps", text)
            for text in ("1.5", "1e-3", "1m", "1kk", "1.0001k", "10s", "k1", "9" * 50 + "k", ".inf")
        ),
        *(("train.num_envs", "true"), ("parallel.num_workers", "1.5"), ("policy.hidden", "8,1.5")),
    ],
)
def test_what_is_no_whole_number(file: Path, flag: str, text: str) -> None:
    said = message_of(file, f"--{flag}", text)
    assert re.match(
        rf"{flag}[.\d]*: expected a (whole number such as 500000, 5e5, 500k, 1.5M or 2G|valid integer), got ", said
    )


def test_numbers_are_decimal_and_a_colon_makes_no_hour(file: Path) -> None:
    """YAML 1.1 reads 010 as 8 and 1:30 as 90."""
    config = load_config(file, parse_overrides(["--train.steps", "010", "--train.seed", "1_000"]))
    assert (config.train.steps, config.train.seed) == (10, 1000)
    assert message_of(file, "--train.duration", "1:30").startswith("train.duration: expected a time such as")
    assert message_of(file, "--train.steps", "1:30").endswith("1.5M or 2G, got '1:30'")


@pytest.mark.parametrize(
    "value", ["!!int ''", "!!float x", "!!bool perhaps", "2001-99-99", "!!timestamp x", "9" * 5000]
)
def test_values_that_are_not_of_their_tag_are_one_line(tmp_path: Path, value: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"base: walk2d\ntrain: {{steps: {value}}}\n")
    with pytest.raises(UserError, match=r"mine.yaml: .*expected|train.steps: expected"):
        load_config(file)
