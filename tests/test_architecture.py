"""The arrows between modules, and the sizes of files and functions."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import soleus

SOURCE = Path(soleus.__file__).parent
REPOSITORY = Path(__file__).parents[1]

# Layer of each package or module, top to bottom: a module imports from its own layer or from those below it.
LAYERS = [
    {"cli", "__main__"},
    {"doctor", "bench", "api"},
    {"training"},
    {"gait", "compare", "evaluation", "show", "rollouts", "sweep", "inverse"},
    {"run"},
    {"collect", "learn"},
    {"environments"},
    {"sim", "nets", "importing"},
    {"motions", "render", "paths", "conditions", "exoskeleton"},
    {"exchange", "models", "tasks"},
    {"config", "machine"},
    {"errors", "_core"},
]
APART = [("collect", "learn")]
# The same of the folders of the native core.
CORE_LAYERS = [
    {"python"},
    {"rollout"},
    {"control", "tasks"},
    {"dynamics", "learn"},
    {"model"},
    {"muscles", "nets", "images"},
    {"base"},
]
CORE = REPOSITORY / "cpp"


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        if parts != ("__init__",):
            yield parts[0], path


def imported(path: Path) -> Iterator[str]:
    """Top-level parts of the package that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = (
                [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "soleus" else [node.module]
            )
        for name in names:
            parts = name.split(".")
            if parts[0] == "soleus" and len(parts) > 1:
                yield parts[1]


def test_few_modules_lie_at_the_root() -> None:
    assert len(list(SOURCE.glob("*.py"))) <= 5
    assert len(LAYERS) <= 12


def test_packages_import_one_another_in_no_circle() -> None:
    above: dict[str, set[str]] = {}
    for part, path in modules():
        above.setdefault(part, set()).update(set(imported(path)) - {part})
    while above:
        free = [part for part, targets in above.items() if not targets & above.keys()]
        assert free, f"{sorted(above)} import one another in a circle"
        for part in free:
            del above[part]


def layer_of(part: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if part in layer)


@pytest.mark.parametrize(("part", "path"), list(modules()), ids=lambda value: str(value).removeprefix(str(SOURCE)))
def test_arrows_point_down(part: str, path: Path) -> None:
    for target in imported(path):
        assert layer_of(target) >= layer_of(part), f"{path.name} ({part}) imports {target}, which lies above it"
        assert (part, target) not in APART, f"{part} and {target} meet in train alone"
        assert (target, part) not in APART, f"{part} and {target} meet in train alone"


@pytest.mark.parametrize(
    "path", sorted([*CORE.glob("*/*.cc"), *CORE.glob("*/*.h")]), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_arrows_of_the_core_point_down(path: Path) -> None:
    def layer(folder: str) -> int:
        return next(number for number, names in enumerate(CORE_LAYERS) if folder in names)

    for target in re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE):
        folder = target.partition("/")[0]
        own = folder == path.parent.name
        assert own or layer(folder) > layer(path.parent.name), f"{path.name} includes {target}, which lies above it"


@pytest.mark.parametrize(
    "path",
    [*SOURCE.rglob("*.py"), *(REPOSITORY / "tests").rglob("*.py"), *CORE.glob("*/*.cc"), *CORE.glob("*/*.h")],
    ids=lambda path: path.name,
)
def test_a_file_is_one_idea(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") < 500
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno is not None
                assert node.end_lineno - node.lineno < 60, f"{node.name} is long"


@pytest.mark.parametrize("path", sorted((SOURCE / "presets").glob("*.yaml")), ids=lambda path: path.name)
def test_presets_are_short(path: Path) -> None:
    assert path.read_text().count("\n") < 60
