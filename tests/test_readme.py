"""What the README and the pages of the documentation show is what there is."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import soleus
from commands import assert_understood
from soleus.cli.verbs import VERBS
from soleus.config import EnvRunConfig, load_config, parse_overrides
from soleus.config.resolve import resolve
from soleus.environments import make_group

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
ENVIRONMENTS = (REPOSITORY / "docs/environments.md").read_text()
PAGES = {path.name: path.read_text() for path in sorted((REPOSITORY / "docs").glob("*.md"))}
TEXT = "\n".join([README, *PAGES.values()])


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


COMMANDS = [
    line.split("soleus ", 1)[1]
    for block in blocks(TEXT, "sh")
    for line in block.splitlines()
    if re.match(r"(\S*/)?soleus ", line)
]


def test_no_number_is_left_out() -> None:
    assert re.findall(r"\bEXPECT_\w+|\bTODO\b|\bTBD\b", TEXT) == []


# The picture of a run's curves takes longer than the trainings of the snippets.
_WITHOUT_CURVES = "import soleus.run.live as _live; _live.draw_curves = lambda folder: None\n"


@pytest.mark.parametrize("snippet", blocks(TEXT, "python"), ids=lambda text: text.split("\n\n")[-1][:30])
def test_a_python_snippet_runs(snippet: str, tmp_path: Path) -> None:
    for package in re.findall(r"^import (\w+)$", snippet, re.MULTILINE):
        pytest.importorskip(package)
    path = os.pathsep.join([str(Path(soleus.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, "-c", f"{_WITHOUT_CURVES}{snippet}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout


def test_there_are_commands_of_every_verb() -> None:
    assert {command.split()[0] for command in COMMANDS} == set(VERBS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_understood(command: str) -> None:
    assert_understood(command)


NAMED = [block for block in blocks(TEXT, "yaml") if block.startswith("# ")]


@pytest.mark.parametrize("block", NAMED, ids=lambda block: block.split()[1])
def test_a_configuration_is_understood(block: str, tmp_path: Path) -> None:
    name, command = re.match(r"# (\S+\.yaml), for: soleus (train .*)\n", block).groups()  # type: ignore[union-attr]
    assert command == f"train {name}"
    (tmp_path / name).write_text(block)
    config = load_config(tmp_path / name)
    resolve(config, cpus=4)
    if isinstance(config, EnvRunConfig) and config.env.scheme == "gymnasium":
        make_group(config.env, 1).close()


@pytest.mark.parametrize("block", [block for block in blocks(TEXT, "yaml") if block not in NAMED])
def test_another_configuration_has_keys_that_there_are(block: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(block)
    load_config(tmp_path / "mine.yaml")


def test_the_table_of_cores_is_right() -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", ENVIRONMENTS, re.MULTILINE)
    assert [row[0] for row in rows] == ["4", "8", "16", "32"]
    for cores, each, size, envs in (map(int, row) for row in rows):
        given = {"parallel.num_envs_per_worker": each, "ppo.batch_size": size}
        config, _ = resolve(load_config("procgen-coinrun", given), cpus=cores)
        collection = config.parallel.num_workers, config.train.num_envs, config.batch_size
        assert collection == (cores, envs, size)


def test_targets_of_the_makefile_are_there() -> None:
    targets = set(re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert {"train", "test", "setup", "compare"} <= named <= targets


@pytest.mark.parametrize(("folder", "text"), [(".", README), *(("docs", text) for text in PAGES.values())])
def test_links_lead_somewhere(folder: str, text: str) -> None:
    made = {
        "reference/keys.md",
        "reference/presets.md",
        "reference/policies.md",
        "reference/terms.md",
        "reference/metrics.md",
    }  # docs/reference.py
    for link in set(re.findall(r"\]\((?!http)([^)#]+)(?:#[^)]*)?\)", text)) - made:
        assert (REPOSITORY / folder / link).exists(), link


@pytest.mark.parametrize("flag", re.findall(r"`(--[a-z_]+\.[^`]*)`", TEXT))
def test_a_flag_is_a_key(flag: str) -> None:
    key = flag.split()[0].removeprefix("--").partition(".")[0]
    if key in ("model", "motion"):
        parse_overrides(flag.split())  # keys of a file, which no preset has
        return
    of_env = key in ("env", "parallel", "training") or flag.startswith("--policy.network")
    load_config("procgen-coinrun" if of_env else "walk-myolegs", parse_overrides(flag.split()))
