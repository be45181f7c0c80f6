"""The reference pages of the documentation, made from the code: keys, presets, tasks, policies, terms and metrics."""

from collections.abc import Iterable

import mujoco  # noqa: F401  loads the library that the core links against

from soleus import _core
from soleus.cli.key_help import NOTATION, groups
from soleus.cli.terms import HEADS
from soleus.config import names, summary_of
from soleus.config.builtin import file, policies
from soleus.run.log import METRICS
from soleus.run.shipped import Record, record_of


def pages() -> dict[str, str]:
    """Return the Markdown of every page by its place in the documentation."""
    return {
        "reference/keys.md": _keys(),
        "reference/presets.md": _presets(),
        "reference/policies.md": _policies(),
        "reference/terms.md": _terms(),
        "reference/metrics.md": _metrics(),
    }


def _keys() -> str:
    lines = [
        "# Keys of the configuration",
        "",
        "Each is a flag, such as `--ppo.epochs 4`, and a key of a YAML file, such as `ppo: {epochs: 4}`.",
        f"{NOTATION} `soleus train --help` lists them too.",
    ]
    for group in groups():
        lines += ["", f"## {group.name}", "", _sentence(group.meaning)]
        if group.keys:
            rows = ([_code(key.name), _code(key.default), _cell(key.meaning)] for key in group.keys)
            lines += ["", *_table(("key", "default", "meaning"), rows)]
    return "\n".join(lines) + "\n"


def _presets() -> str:
    lines = [
        "# Presets and tasks",
        "",
        "`soleus train PRESET` trains a preset; `base: PRESET` in a YAML file builds on one. Keys that a preset does",
        "not set have the defaults of [the reference of keys](keys.md).",
    ]
    for name in names("presets"):
        content = file("presets", name).read_text().partition("\n")[2]  # its first line is what it is
        lines += ["", f"## {name}", "", _sentence(summary_of(name)), "", *_yaml(content)]
    lines += ["", "# Tasks", "", "`task: NAME` takes a task. [Terms](terms.md) explains what it is made of."]
    for name in names("tasks"):
        comment, _, content = file("tasks", name).read_text().partition("\n")
        lines += ["", f"## Task {name}", "", _sentence(comment.lstrip("# ")), "", *_yaml(content)]
    return "\n".join(lines) + "\n"


def _policies() -> str:
    lines = [
        "# Policies that come along",
        "",
        "Wherever a verb takes a `RUN`, [a policy's name](../policies.md) is one. `soleus policies` lists them too.",
        "Each was played when it was put into the package; a likeness is that of [the yardsticks](../likeness.md).",
        "",
    ]
    heads = ("policy", "preset", "seed", "steps", "version", "episodes to the end", "speed [m/s]", "likeness")
    rows = (_policy(name, record_of(name)) for name in policies())
    return "\n".join([*lines, *_table(heads, rows)]) + "\n"


def _policy(name: str, record: Record) -> list[str]:
    found = record.evaluation
    changes = "".join(f", `{key} {value}`" for key, value in record.changes.items())
    return [
        _code(name),
        f"`{record.preset}`{_cell(changes)}",
        f"{record.seed}",
        f"{record.steps:,}",
        record.version,
        f"{found['share_full'] * found['episodes']:.0f} of {found['episodes']:.0f}",
        f"{found['mean_speed_m_s']:.2f}",
        "" if record.likeness is None else f"{record.likeness:.2f}",
    ]


def _terms() -> str:
    lines = [
        "# Terms of tasks",
        "",
        "A task is made of these terms; `soleus terms` lists them too. A parameter that is not given has its default.",
    ]
    catalog = _core.catalog()
    for kind, head in HEADS.items():
        lines += ["", f"## {kind.capitalize()}", "", _sentence(head)]
        rows = []
        for term, facts in catalog[kind].items():
            meaning = f"{facts['meaning']}{' (needs a motion)' if facts['needs_motion'] else ''}"
            parameters = (f"`{name}` {default:g}: {about}" for name, (default, about) in facts["parameters"].items())
            rows.append([_code(term), _cell(meaning), _cell("; ".join(parameters))])
        lines += ["", *_table(("term", "meaning", "parameters, defaults and units"), rows)]
    return "\n".join(lines) + "\n"


def _metrics() -> str:
    intro = "A row of `metrics.jsonl` is one iteration, or one evaluation. Loggers use the same names."
    rows = ([_code(key), _cell(meaning)] for key, meaning in METRICS.items())
    return "\n".join(["# Metrics", "", intro, "", *_table(("metric", "meaning"), rows)]) + "\n"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    heads = list(heads)
    return [_row(heads), _row(["---"] * len(heads)), *map(_row, rows)]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    return f"`{_cell(text)}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _sentence(text: str) -> str:
    """Return a text as a sentence: of keys and terms it begins in lower case and ends without a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}" if text else ""


def _yaml(text: str) -> list[str]:
    return ["```yaml", *text.strip().splitlines(), "```"]
