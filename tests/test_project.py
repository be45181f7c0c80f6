"""What the files about the project say fits together."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

import soleus

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def project() -> Any:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def citation() -> Any:
    return yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())


def test_the_version_is_that_of_the_package() -> None:
    assert soleus.__version__ == metadata.version("soleus")


def test_sources_that_are_not_installed_have_no_version() -> None:
    source = Path(soleus.__file__).parents[1]
    code = (
        f"import sys; sys.path.insert(0, {str(source)!r}); import importlib.metadata as metadata\n"
        "def missing(name): raise metadata.PackageNotFoundError(name)\n"
        "metadata.version = missing\n"
        "import soleus; print(hasattr(soleus, '__version__'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["False"], done.stderr


def test_the_version_is_in_the_changelog(project: Any) -> None:
    headings = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", (REPOSITORY / "CHANGELOG.md").read_text(), re.M)
    assert headings[0] == ("Unreleased", "")
    assert project["version"] in [version for version, date in headings[1:] if date]


def test_the_licence_is_the_same_everywhere(project: Any, citation: Any) -> None:
    text = (REPOSITORY / "LICENSE").read_text()
    assert re.search(r"Apache License\s+Version 2\.0, January 2004", text)
    assert "END OF TERMS AND CONDITIONS" in text
    assert project["license"] == citation["license"] == "Apache-2.0"


def test_the_citation_has_what_its_format_requires(project: Any, citation: Any) -> None:
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["authors"] == project["authors"]


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(soleus.__file__).parent / "py.typed").exists()


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(page: str) -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", (REPOSITORY / page).read_text()):
        assert (REPOSITORY / link).exists(), link


def test_targets_that_contributors_are_told_of_are_there() -> None:
    targets = set(re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)`", (REPOSITORY / "CONTRIBUTING.md").read_text()))
    assert {"setup", "test"} <= named <= targets
