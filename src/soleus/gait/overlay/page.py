"""The page of gaits that are laid over one another. Its numbers are those of the JSON, as on the page of one gait."""

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from soleus.compare.picture import run_style
from soleus.gait.cycles import SIDES
from soleus.gait.document import DASH, document, image, number, row, section, table
from soleus.gait.page import DIGITS, TITLES

_UNITS = {"angles": 1, "forces": 3, "activations": 3, "exoskeleton": 3}  # key of laying.KINDS: digits behind the point


def page(content: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """Return the HTML of what report.json holds; pictures: PNGs by name."""
    labels = [gait["label"] for gait in content["gaits"]]
    parts = [_notes(content), _figures(content)]
    parts += [_picture(content, name, pictures[name]) for name in pictures]
    if content["not_shared"]:
        said = "".join(f"<li>{html.escape(one)}</li>" for one in content["not_shared"])
        parts.append(section("What they do not share", _NOT_SHARED, f"<ul>{said}</ul>"))
    meta = f"Differences are from {html.escape(content['compared_with'])}, the first of them"
    return document(f"Gaits over one another: {', '.join(labels)}", meta, "\n".join(parts), _METHODS)


def _name(content: Mapping[str, Any], position: int) -> str:
    """The name of a gait behind a stroke of its colour."""
    colour = run_style(position)["color"]
    label = html.escape(content["gaits"][position]["label"])
    return f'<span style="border-left: 14px solid {colour}; padding-left: 6px">{label}</span>'


def _notes(content: Mapping[str, Any]) -> str:
    rows = []
    for k, gait in enumerate(content["gaits"]):
        path, run = f"gaits.{k}", gait["run"]
        rows.append(
            row(
                [
                    _name(content, k), html.escape(str(gait["model"])), number(content, f"{path}.mass_kg", 1),
                    html.escape(str(run.get("checkpoint") or DASH)), number(content, f"{path}.run.steps"),
                    number(content, f"{path}.episodes"), number(content, f"{path}.strides.right"),
                    number(content, f"{path}.strides.left"), number(content, f"{path}.torque_residual", 3),
                    number(content, f"{path}.likeness.figure"),
                ]
            )
        )  # fmt: skip
    few = [html.escape(gait["label"]) for gait in content["gaits"] if not gait["strides"]["enough"]]
    wanted = number(content, "gaits.0.strides.wanted")
    note = f'<p class="note few">Fewer than the {wanted} strides of each foot that means should be over: '
    head = (
        "",
        "model",
        "mass [kg]",
        "checkpoint",
        "steps",
        "episodes",
        "right strides",
        "left strides",
        "residual",
        "likeness",
    )
    return (f"{note}{', '.join(few)}.</p>" if few else "") + section("The gaits", _GAITS, table(head, rows))


def _figures(content: Mapping[str, Any]) -> str:
    keys, count = list(content["gaits"][0]["measures"]), len(content["gaits"])
    rows = []
    for key in keys:
        measure, digits = content["gaits"][0]["measures"][key], DIGITS.get(key, 2)
        label = f"{html.escape(measure['label'])} [{html.escape(measure['unit'])}]"
        rows.append(f'<tr><th colspan="8">{label}</th></tr>')
        for k in range(count):
            path = f"gaits.{k}.measures.{key}"
            parts = {"mean": digits, "sd": digits + 1, "right": digits, "left": digits}
            cells = [number(content, f"{path}.{part}", precision) for part, precision in parts.items()]
            cells.append(number(content, f"gaits.{k}.symmetry_percent.{key}", 1))
            cells += _difference(content, k, f"measures.{key}", digits)
            rows.append(row([_name(content, k), *cells]))
    head = ("", "mean", "SD", "right", "left", "right − left [%]", "difference", "its spread")
    return section("The gaits in figures", _FIGURES, table(head, rows))


def _difference(content: Mapping[str, Any], position: int, path: str, digits: int) -> list[str]:
    """The difference of a gait from the first, and how much it varies; empty cells of the first itself."""
    if position == 0:
        return ["", ""]
    found = f"differences.{position - 1}.{path}"
    return [number(content, f"{found}.mean", digits), number(content, f"{found}.spread", digits + 1)]


def _picture(content: Mapping[str, Any], name: str, png: bytes) -> str:
    head = ("", "", "", "rms", "largest", "at [%]", "its spread there")
    rows = table(head, _curves(content, name, content["shared"][name]))
    below = f"<details><summary>Differences in figures</summary>{rows}</details>"
    return section(TITLES[name], _CAPTIONS[name], f"{image(png, TITLES[name])}\n{below}")


def _curves(content: Mapping[str, Any], kind: str, names: Sequence[str]) -> Iterator[str]:
    """Rows of a table: the differences of each curve and side."""
    for name in names:
        curve = content["gaits"][0][kind][name]
        label = f"{html.escape(curve['label'])} [{html.escape(curve['unit'])}]"
        for k, difference in enumerate(content["differences"]):
            for side in (one for one in SIDES if one in difference["curves"][kind][name]):
                path = f"differences.{k}.curves.{kind}.{name}.{side}"
                parts = {"rms": _UNITS[kind], "most": _UNITS[kind], "at_percent": 0, "spread": _UNITS[kind]}
                cells = [number(content, f"{path}.{part}", digits) for part, digits in parts.items()]
                yield row([label, side, _name(content, k + 1), *cells])


_GAITS = """The first is what the others are compared with. Gaits have the same colour throughout. The likeness is that
to people who walk."""
_FIGURES = """SD over strides; right − left is over the mean of both (Robinson et al. 1987). The difference is that from
the first gait. Its spread is the root of the sum of both variances over strides: how much the difference varies between
a stride of the one and a stride of the other. The cost of transport is one number of all episodes, without a spread."""
_LEGS = """Each leg over its own cycle, from the strike of its foot to its next; the right leg and the left beside one
another on one scale. Lines are means over strides, shades one standard deviation over them, vertical rules toe-off."""
_CAPTIONS = {
    "angles": f"""{_LEGS} Flexion, dorsiflexion, adduction and internal rotation are positive; zero is the standing
pose. The dotted line and the grey band are what is normal, as in the report of one gait.""",
    "forces": f"{_LEGS} Force of the ground in body weights. Lateral is positive towards the other foot.",
    "activations": f"{_LEGS} Mean activation of the muscles that share a function.",
    "exoskeleton": f"""{_LEGS} Torque of each device, torque that the person has at the same joint beside it, and power
of the device, over body mass. Both legs have the sense of the right coordinate of the model.""",
}
_NOT_SHARED = "Pictures and differences show what all the gaits have. This is the rest."
_METHODS = "The same numbers, and the whole report of every gait, are in report.json."
