"""The page: one HTML file that opens without a network, its pictures inside it.

Every number on it is a <data> element whose value is that of the JSON to the last digit, and whose data-path says where
there: keys joined by dots.
"""

import base64
import html
from collections.abc import Mapping
from typing import Any

from soleus.gait.cycles import REASONS

_TITLES = {
    "angles": "Joint angles",
    "forces": "Ground reaction forces",
    "activations": "Muscle activations by function",
    "muscles": "Muscle activations one by one",
    "curves": "Learning curves",
}
_TILES = {
    "speed": "Speed",
    "cadence": "Cadence",
    "step_length": "Step length",
    "stance_share": "Stance",
    "cost_of_transport": "Cost of transport",
}
_DIGITS = {"cadence": 1, "stance_share": 1, "double_support": 1, "flight": 1}
_DASH = "–"

_STYLE = """
:root { --ink: #1f2430; --soft: #667085; --rule: #e4e7ec; --paper: #ffffff; --ground: #f5f6f8; --accent: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.5;
  font: 16px/1.5 system-ui, "Segoe UI", "Helvetica Neue", "Noto Sans", "DejaVu Sans", Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 72px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.01em; }
h2 { font-size: 20px; margin: 0 0 4px; }
p { margin: 0 0 14px; max-width: 96ch; }
.meta, .caption { color: var(--soft); }
.caption { font-size: 15px; }
.meta { max-width: none; }
summary { cursor: pointer; color: var(--soft); margin-top: 12px; }
.note { max-width: none; border-left: 4px solid var(--accent); background: #eaf3f9; padding: 10px 16px;
  margin: 20px 0; }
.note.few { border-color: #d55e00; background: #fdf0e6; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 14px; margin: 22px 0; }
.tile { background: var(--paper); border: 1px solid var(--rule); border-radius: 10px; padding: 14px 14px; }
.tile b { display: block; font-size: 24px; white-space: nowrap;
  line-height: 1.25; font-weight: 650; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: 14px; }
.tile b small { font-size: 13px; font-weight: 500; color: var(--soft); }
section { background: var(--paper); border: 1px solid var(--rule); border-radius: 10px; padding: 24px; margin: 22px 0; }
section img { width: 100%; height: auto; display: block; margin-top: 12px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14.5px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 6px 10px; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
th:first-child, td:first-child { text-align: left; }
.even { table-layout: fixed; min-width: 720px; }
.even th { white-space: normal; vertical-align: bottom; }
td.words { white-space: normal; text-align: left; }
tr:last-child td { border-bottom: 0; }
footer { color: var(--soft); font-size: 14px; }
@media print { body { background: white; } section, .tile { break-inside: avoid; } }
"""


def page(report: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """Return the HTML of a report, which is the content of its JSON; pictures: PNGs by name."""
    sections = [_figures(report), _phases(report)]
    sections += [_picture(report, name, pictures[name]) for name in _TITLES if name in pictures]
    name = html.escape(str(report.get("run", {}).get("name") or report["model"]))
    return f"""<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gait report: {name}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<header>
<h1>Gait report: {name}</h1>
<p class="meta">{_meta(report)}</p>
</header>
{_note(report)}
<div class="tiles">{"".join(_tile(report, key) for key in _TILES)}{_residual(report)}</div>
{"".join(sections)}
<footer>{_METHODS}</footer>
</main>
</body>
</html>
"""


def _at(report: Mapping[str, Any], path: str) -> Any:
    value: Any = report
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else value.get(key) if isinstance(value, Mapping) else None
    return value


def number(report: Mapping[str, Any], path: str, digits: int = 2) -> str:
    """Return the number at a path of the report as HTML, rounded for the eye; a dash where there is none."""
    value = _at(report, path)
    if value is None:
        return _DASH
    text = f"{value:,.0f}" if isinstance(value, int) else f"{value:.{digits}f}".replace("-", "−")
    return f'<data value="{value!r}" data-path="{html.escape(path)}">{text}</data>'


def _meta(report: Mapping[str, Any]) -> str:
    run = report.get("run", {})
    parts = [f"Model {html.escape(str(report['model']))}, {number(report, 'mass_kg', 1)} kg"]
    if run.get("checkpoint"):
        parts.append(f"checkpoint {html.escape(str(run['checkpoint']))}")
    if run.get("steps") is not None:
        parts.append(f"{number(report, 'run.steps')} steps of training")
    parts.append(f"{number(report, 'episodes')} episodes, {number(report, 'seconds', 1)} s together")
    return " · ".join(parts)


def _note(report: Mapping[str, Any]) -> str:
    strides = report["strides"]
    right, left = number(report, "strides.right"), number(report, "strides.left")
    said = f"Means are over {right} strides of the right foot and {left} of the left"
    if not strides["enough"]:
        said += f": fewer than the {number(report, 'strides.wanted')} of each that they should be over"
    out = [f"{number(report, f'strides.left_out.{key}')} {html.escape(REASONS[key])}" for key in strides["left_out"]]
    left_out = f" Left out are strides: {'; '.join(out)}." if out else ""
    return f'<p class="note{"" if strides["enough"] else " few"}">{said}.{left_out}</p>'


def _tile(report: Mapping[str, Any], key: str) -> str:
    measure = report["measures"][key]
    unit = "%" if measure["unit"].startswith("%") else html.escape(measure["unit"])
    usual = number(report, f"measures.{key}.usual.value", _DIGITS.get(key, 2)) if measure["usual"] else _DASH
    value = number(report, f"measures.{key}.mean", _DIGITS.get(key, 2))
    shown = f"<b>{value} <small>{unit}</small></b>"
    return f'<div class="tile"><span>{_TILES[key]}</span>{shown}<span>usual {usual}</span></div>'


def _residual(report: Mapping[str, Any]) -> str:
    value = number(report, "torque_residual", 3)
    return f'<div class="tile"><span>Torque residual</span><b>{value}</b><span>of the coordination</span></div>'


def _figures(report: Mapping[str, Any]) -> str:
    rows = []
    for key, measure in report["measures"].items():
        digits = _DIGITS.get(key, 2)
        parts = {"mean": digits, "sd": digits + 1, "right": digits, "left": digits}
        cells = [number(report, f"measures.{key}.{part}", precision) for part, precision in parts.items()]
        cells.append(number(report, f"symmetry_percent.{key}", 1))
        cells.append(number(report, f"measures.{key}.usual.value", digits))
        label = f"{html.escape(measure['label'])} [{html.escape(measure['unit'])}]"
        rows.append(f"<tr><td>{label}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    head = "".join(f"<th>{name}</th>" for name in ("", "mean", "SD", "right", "left", "right − left [%]", "usual"))
    return f"""<section>
<h2>The gait in figures</h2>
<p class="caption">SD over strides. Right − left is over the mean of both (Robinson et al. 1987): 0 % is even.
Usual is what adults do who walk at their own speed, or who run at 3 m/s. The cost of transport is metabolic energy
over mass and the pelvis' path along the ground, of whole episodes.</p>
<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>
</section>
"""


def _phases(report: Mapping[str, Any]) -> str:
    known = list(enumerate(report["phases"]))
    names = "".join(f"<th>{html.escape(phase['name'].capitalize())}</th>" for _, phase in known)
    rows = "<tr><td>short</td>" + "".join(f"<td>{html.escape(phase['short'])}</td>" for _, phase in known) + "</tr>"
    for end, label in (("start", "from [%]"), ("end", "to [%]")):
        cells = "".join(f"<td>{number(report, f'phases.{i}.{end}', 1)}</td>" for i, _ in known)
        rows += f"<tr><td>{label}</td>{cells}</tr>"
    return f"""<section>
<h2>Phases of gait</h2>
<p class="caption">The eight phases of Perry and Burnfield (2010), whose stance is 62 % of the cycle, stretched to the
stance measured, {number(report, "stance_percent", 1)} %. Their short names stand above every picture; the dark rule is
toe-off.{_running(report)}</p>
<div class="scroll"><table class="even"><thead><tr><th></th>{names}</tr></thead><tbody>{rows}</tbody></table></div>
</section>
"""


def _running(report: Mapping[str, Any]) -> str:
    if report["stance_percent"] >= 50:
        return ""
    return (
        " A stance below half of the cycle is that of a run: both feet are off the ground in between, and no phase of"
        " walking is quite what its name says."
    )


def _picture(report: Mapping[str, Any], name: str, png: bytes) -> str:
    title, encoded = _TITLES[name], base64.b64encode(png).decode()
    below = {"angles": _angle_table, "activations": _members}.get(name, lambda _: "")(report)
    return f"""<section>
<h2>{title}</h2>
<p class="caption">{_CAPTIONS[name]}</p>
<img src="data:image/png;base64,{encoded}" alt="{title}">
{below}
</section>
"""


_CAPTIONS = {
    "angles": """Each leg over its own cycle, from the strike of its foot to its next. Flexion, dorsiflexion, adduction
and internal rotation are positive; zero is the standing pose. The dotted line is the mean of healthy adults at their
own speed, a composite after Winter (1991), Perry and Burnfield (2010), Kadaba et al. (1990) and Bovi et al. (2011). The
grey band is one standard deviation between people on both sides of it, by the norm that ships with SCONE. Where no
standard deviation is published there is no band.""",
    "forces": """Force of the ground on each foot over that foot's cycle, in body weights. Forward is the way the person
goes; lateral is positive towards the other foot.""",
    "activations": """Mean activation of the muscles that share a function. Functions follow from the signs of their
moment arms about the joints in the standing pose; a muscle with two functions is in both groups.""",
    "muscles": """Mean activation of every muscle that moves a leg, each once, under the function with its longest
moment arm.""",
    "curves": "From the run's own records.",
}


def _angle_table(report: Mapping[str, Any]) -> str:
    parts = ("least", "most", "range", "mean_sd", "rms_from_normal", "percent_within_band")
    rows = []
    for name, curve in report["angles"].items():
        for side in curve["summary"]:
            path = f"angles.{name}.summary.{side}"
            digits = 1 if curve["unit"] == "degree" else 3
            cells = "".join(f"<td>{number(report, f'{path}.{part}', digits)}</td>" for part in parts)
            rows.append(f"<tr><td>{html.escape(curve['label'])} [{curve['unit']}]</td><td>{side}</td>{cells}</tr>")
    head = "".join(
        f"<th>{name}</th>"
        for name in ("", "", "least", "most", "range", "SD over strides", "from normal, rms", "within the band [%]")
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _members(report: Mapping[str, Any]) -> str:
    rows = ""
    for curve in report["activations"].values():
        names = html.escape(", ".join(curve["muscles"]))
        rows += f'<tr><td>{html.escape(curve["label"])}</td><td class="words">{names}</td></tr>'
    return f"<details><summary>Which muscles are in which group</summary><table><tbody>{rows}</tbody></table></details>"


_METHODS = """Cycles are cut where the force on a foot begins after a swing; bounces on landing and grazes in swing are
no strikes. The torque residual is the root of the summed squares of the torque that muscles missed, over that of the
one wanted. The usual cost of transport is that of Ralston (1958) for walking, and of Margaria et al.
(1963) above rest for running. The same numbers, and every curve, are in
report.json."""
