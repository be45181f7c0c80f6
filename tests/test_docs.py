"""The documentation: its snippets, and the reference that is made from the code."""

import re
import sys
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType

import pytest

from loose_module import load_module
from soleus import _core
from soleus.config import names
from soleus.config.builtin import policies
from soleus.config.keys import known_keys, parts
from soleus.config.schema import EnvRunConfig, HumanRunConfig
from soleus.run.log import METRICS

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"


def _module(name: str) -> ModuleType:
    sys.modules[name] = load_module(DOCS / f"{name}.py")
    return sys.modules[name]


@pytest.fixture(scope="module")
def reference() -> dict[str, str]:
    return _module("reference").pages()


@pytest.fixture(scope="module")
def site() -> ModuleType:
    pytest.importorskip("mkdocs")
    _module("reference")
    return _module("pages")


def test_every_key_is_in_the_reference(reference: dict[str, str]) -> None:
    listed = set(re.findall(r"^\| `([\w.]+)` \|", reference["reference/keys.md"], re.MULTILINE))
    headed = set(re.findall(r"^## (\w+)$", reference["reference/keys.md"], re.MULTILINE))
    sections = {**HumanRunConfig.model_fields, **EnvRunConfig.model_fields}
    assert headed == set(sections)
    alone = {name for name, field in sections.items() if not list(parts(field.annotation))}
    leaves = alone | {key for key in known_keys() if "." in key and not key.startswith("training.")}
    holders = {
        f"{name}.{inner}"
        for name, field in sections.items()
        for one in parts(field.annotation)
        for inner, of in one.model_fields.items()
        if of.is_required() and list(parts(of.annotation))
    }
    assert leaves - holders == listed


def test_every_preset_and_task_is_in_the_reference(reference: dict[str, str]) -> None:
    headed = re.findall(r"^## (.+)$", reference["reference/presets.md"], re.MULTILINE)
    assert headed == names("presets") + [f"Task {name}" for name in names("tasks")]


def test_every_policy_is_in_the_reference(reference: dict[str, str]) -> None:
    rows = re.findall(r"^\| `(.+?)` \| `(.+?)`.* \| 20 of 20 \|", reference["reference/policies.md"], re.MULTILINE)
    assert [name for name, _ in rows] == policies()
    assert {preset for _, preset in rows} <= set(names("presets"))


def test_every_term_and_parameter_is_in_the_reference(reference: dict[str, str]) -> None:
    page = reference["reference/terms.md"]
    for terms in _core.catalog().values():
        for term, facts in terms.items():
            (row,) = [line for line in page.splitlines() if line.startswith(f"| `{term}` | {facts['meaning']}")]
            assert [f"`{name}`" in row for name in facts["parameters"]] == [True] * len(facts["parameters"])


def test_every_metric_is_in_the_reference(reference: dict[str, str]) -> None:
    assert re.findall(r"^\| `(.+?)` \|", reference["reference/metrics.md"], re.MULTILINE) == list(METRICS)


def test_tables_have_as_many_cells_in_every_row(reference: dict[str, str]) -> None:
    for place, page in reference.items():
        for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
            cells = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
            assert len(cells) == 1, f"{place}: {table}"


@pytest.mark.parametrize(
    ("page", "link", "expected"),
    [
        ("index.md", "[runs](docs/runs.md#going-on)", "[runs](runs.md#going-on)"),
        ("index.md", "![a strip](docs/strip.png)", "![a strip](strip.png)"),
        ("index.md", "[CHANGELOG.md](CHANGELOG.md)", "[CHANGELOG.md](changelog.md)"),
        ("index.md", "[LICENSE](LICENSE)", "LICENSE"),
        ("runs.md", "[environments.md](environments.md)", "[environments.md](environments.md)"),
        ("runs.md", "[the start](../README.md)", "[the start](index.md)"),
        ("benchmarks.md", "[benchmarks/](../benchmarks)", "benchmarks/"),
        ("reference/presets.md", "[keys](keys.md)", "[keys](keys.md)"),
        ("reference/terms.md", "[walks](../walks.md)", "[walks](../walks.md)"),
        ("runs.md", "[nothing](../nothing.md)", "[nothing](../nothing.md)"),
        ("runs.md", "[elsewhere](https://example.org/a.md)", "[elsewhere](https://example.org/a.md)"),
    ],
)
def test_links_between_files_become_links_between_pages(site: ModuleType, page: str, link: str, expected: str) -> None:
    assert site.site_links(f"See {link}.", page) == f"See {expected}."


def test_the_site_is_built_and_a_link_that_leads_nowhere_is_an_error(site: ModuleType, tmp_path: Path) -> None:
    from mkdocs.commands.build import build
    from mkdocs.config import load_config
    from mkdocs.exceptions import Abort

    built = tmp_path / "site"
    build(load_config(str(REPOSITORY / "mkdocs.yml"), site_dir=str(built), strict=True))
    for page in ("index.html", "walks/index.html", "reference/keys/index.html", "changelog/index.html"):
        assert (built / page).stat().st_size > 1000
    assert "ppo.epochs" in (built / "reference/keys/index.html").read_text()
    for text, leads in (("[an anchor](#one)", True), ("[a page](nothing.md)", False), ("[an anchor](#two)", False)):
        (tmp_path / "docs").mkdir(exist_ok=True)
        (tmp_path / "docs/index.md").write_text(f"# One\n\n{text}\n")
        config = load_config(
            str(REPOSITORY / "mkdocs.yml"),
            **{
                "docs_dir": str(tmp_path / "docs"),
                "site_dir": str(built),
                "strict": True,
                "nav": [{"One": "index.md"}],
                "hooks": [],
            },
        )
        with nullcontext() if leads else pytest.raises(Abort):
            build(config)
