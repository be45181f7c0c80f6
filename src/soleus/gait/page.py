"""The page of a gait report."""

import html
from collections.abc import Mapping
from typing import Any

from soleus.gait.cycles import REASONS, SIDES
from soleus.gait.document import DASH, at, document, image, number, row, section, table
from soleus.gait.likeness.yardstick import FAR, OUTSIDE, TOPICS

TITLES = {
    "angles": "Joint angles",
    "forces": "Ground reaction forces",
    "loads": "Joint torques and powers",
    "timing": "Timing of muscles",
    "activations": "Muscle activations by function",
    "muscles": "Muscle activations one by one",
    "exoskeleton": "Exoskeleton",
    "curves": "Learning curves",
}
"""Headings of the pictures, by name."""
_TILES = {
    "speed": "Speed",
    "cadence": "Cadence",
    "step_length": "Step length",
    "stance_share": "Stance",
    "cost_of_transport": "Cost of transport",
}
DIGITS = {"cadence": 1, "stance_share": 1, "double_support": 1, "flight": 1}
"""Behind the point of figures that are not shown with two, by key."""


def page(report: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """Return the HTML of a report, which is the content of its JSON; pictures: PNGs by name."""
    sections = [_figures(report), _likeness(report), _beside(report), _phases(report)]
    sections += [_picture(report, name, pictures[name]) for name in TITLES if name in pictures]
    tiles = "".join(_tile(report, key) for key in _TILES) + _residual(report) + _likeness_tile(report)
    tiles = f'<div class="tiles">{tiles}</div>'
    name = str(report.get("run", {}).get("name") or report["model"])
    body = "\n".join([_note(report), tiles, "".join(sections)])
    return document(f"Gait report: {name}", _meta(report), body, _METHODS)


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
    usual = number(report, f"measures.{key}.usual.value", DIGITS.get(key, 2)) if measure["usual"] else DASH
    value = number(report, f"measures.{key}.mean", DIGITS.get(key, 2))
    shown = f"<b>{value} <small>{unit}</small></b>"
    return f'<div class="tile"><span>{_TILES[key]}</span>{shown}<span>usual {usual}</span></div>'


def _residual(report: Mapping[str, Any]) -> str:
    value = number(report, "torque_residual", 3)
    return f'<div class="tile"><span>Torque residual</span><b>{value}</b><span>of the coordination</span></div>'


def _figures(report: Mapping[str, Any]) -> str:
    rows = []
    for key, measure in report["measures"].items():
        digits = DIGITS.get(key, 2)
        parts = {"mean": digits, "sd": digits + 1, "right": digits, "left": digits}
        cells = [number(report, f"measures.{key}.{part}", precision) for part, precision in parts.items()]
        cells.append(number(report, f"symmetry_percent.{key}", 1))
        cells.append(number(report, f"measures.{key}.usual.value", digits))
        rows.append(row([f"{html.escape(measure['label'])} [{html.escape(measure['unit'])}]", *cells]))
    head = ("", "mean", "SD", "right", "left", "right − left [%]", "usual")
    return section("The gait in figures", _FIGURES, table(head, rows))


def _likeness_tile(report: Mapping[str, Any]) -> str:
    value = number(report, "likeness.figure")
    return f'<div class="tile"><span>Likeness</span><b>{value}</b><span>to people who walk</span></div>'


def _likeness(report: Mapping[str, Any]) -> str:
    """Every yardstick, topic by topic; what is far outside is in bold, and said."""
    likeness = report["likeness"]
    if likeness is None:
        return section("Likeness to people", "Likeness is that of a walk: nobody who runs is judged by it.", "")
    rows = []
    for topic, label in TOPICS.items():
        own = {key: y for key, y in likeness["yardsticks"].items() if y["topic"] == topic}
        if own:
            score = number(report, f"likeness.topics.{topic}")
            rows.append(row([f"<b>{html.escape(label)}</b>", "", "", "", f"<b>{score}</b>", "", ""]))
        rows += [_yardstick(report, key, y) for key, y in own.items()]
    head = ("", "value", "normal", "spread", "score", "", "source")
    sources = "".join(
        f"<li>{html.escape(name)}: {html.escape(said)}</li>" for name, said in likeness["sources"].items()
    )
    missing = html.escape(", ".join(likeness["missing"]))
    below = f"<p>What this model cannot tell of is left out: {missing}.</p>" if missing else ""
    below += f"<details><summary>Where what is normal is from</summary><ul>{sources}</ul></details>"
    return section("Likeness to people", _LIKENESS, table(head, rows, "yardsticks") + below)


def _beside(report: Mapping[str, Any]) -> str:
    """How alike each curve is to the recorded one; nothing without a recording."""
    found = report["beside"]
    if found is None:
        return ""
    rows = []
    for kind, matches in found["matches"].items():
        for name, own in matches.items():
            curve = report[kind][name]
            unit = "" if kind == "timing" else f" [{html.escape(curve['unit'])}]"
            for side in own:
                path = f"beside.matches.{kind}.{name}.{side}"
                cells = [number(report, f"{path}.r", 3), number(report, f"{path}.rms")]
                rows.append(row([html.escape(TITLES[kind]), html.escape(curve["label"]) + unit, side, *cells]))
    cycles = (
        f"{number(report, 'beside.cycles.right')} cycles of the right foot and {number(report, 'beside.cycles.left')}"
    )
    notes = html.escape(" ".join(found["notes"]))
    caption = f"Beside {html.escape(found['name'])}, {cycles} of the left. {_BESIDE} {notes}"
    return section("Beside the recording", caption, table(("", "", "", "correlation", "rms difference"), rows))


def _yardstick(report: Mapping[str, Any], key: str, yardstick: Mapping[str, Any]) -> str:
    digits = _YARDSTICK_DIGITS.get(yardstick["unit"], 2)
    path = f"likeness.yardsticks.{key}"
    cells = [number(report, f"{path}.{part}", digits) for part in ("value", "normal", "spread")]
    unit = f" [{html.escape(yardstick['unit'])}]" if yardstick["unit"] else ""
    far = "<b>outside</b>" if yardstick["outside"] else ""
    label = html.escape(yardstick["label"]) + unit
    return row([label, *cells, number(report, f"{path}.score"), far, html.escape(yardstick["source"])])


def _phases(report: Mapping[str, Any]) -> str:
    known = list(enumerate(report["phases"]))
    rows = [row(["short", *(html.escape(phase["short"]) for _, phase in known)])]
    for end, label in (("start", "from [%]"), ("end", "to [%]")):
        rows.append(row([label, *(number(report, f"phases.{i}.{end}", 1) for i, _ in known)]))
    caption = f"""The eight phases of Perry and Burnfield (2010), whose stance is 62 % of the cycle, stretched to the
stance measured, {number(report, "stance_percent", 1)} %. Their short names stand above every picture; the dark rule is
toe-off.{_running(report)}"""
    head = ["", *(html.escape(phase["name"].capitalize()) for _, phase in known)]
    return section("Phases of gait", caption, table(head, rows, "even"))


def _running(report: Mapping[str, Any]) -> str:
    if report["stance_percent"] >= 50:
        return ""
    return (
        " A stance below half of the cycle is that of a run: both feet are off the ground in between, and no phase of"
        " walking is quite what its name says."
    )


def _picture(report: Mapping[str, Any], name: str, png: bytes) -> str:
    below = {"angles": _angle_table, "activations": _members, "timing": _acts, "exoskeleton": _device_table}.get(
        name, lambda _: ""
    )(report)
    caption = _CAPTIONS[name]
    if report["beside"] and report["beside"]["matches"].get(name):
        caption += " <b>Here the recording stands in the place of what is normal.</b>"
    return section(TITLES[name], caption, f"{image(png, TITLES[name])}\n{below}")


_YARDSTICK_DIGITS = {"m": 3, "%": 1, "% of the cycle": 1, "degree": 1}  # by unit; of the others 2
_LIKENESS = f"""How alike the walk is to people's. The figure is the mean of the topics' scores, and a topic's score is
the mean of those of its yardsticks. A correlation or a share has itself for a score, over what is normal. Another value
scores 1 up to one spread from what is normal, and 0 from {FAR:g} spreads on; beyond {OUTSIDE:g} it is said to be
outside."""
_BESIDE = """The recording takes the place of what is normal in the pictures below: dotted is its mean, the band one
standard deviation over its cycles. Each leg is compared with the same one. Likeness above is to people still."""
_FIGURES = """SD over strides. Right − left is over the mean of both (Robinson et al. 1987): 0 % is even.
Usual is what adults do who walk at their own speed, or who run at 3 m/s. The cost of transport is metabolic energy
over mass and the pelvis' path along the ground, of whole episodes: of the muscles after Bhargava, Pandy and Anderson
(2004), and 1.51 W/kg at rest."""
_CAPTIONS = {
    "angles": """Each leg over its own cycle, from the strike of its foot to its next. Flexion, dorsiflexion, adduction
and internal rotation are positive; zero is the standing pose. The dotted line is the mean of healthy adults at their
own speed, a composite after Winter (1991), Perry and Burnfield (2010), Kadaba et al. (1990) and Bovi et al. (2011). The
grey band is one standard deviation between people on both sides of it, by the norm that ships with SCONE. Where no
standard deviation is published there is no band.""",
    "forces": """Force of the ground on each foot over that foot's cycle, in body weights. Forward is the way the person
goes; lateral is positive towards the other foot. The grey band is the norm of healthy adults that ships with SCONE; the
dotted line of the fore-aft force is by the times and heights of textbooks.""",
    "loads": """Net torque of each joint by inverse dynamics, from poses filtered at 15 Hz and the forces of the ground,
and its power, over body mass. Torques that extend the leg are positive, and powers that a joint gives. Bands are those
of Schwartz et al. (2008), of children, the largest set that is published over the whole cycle.""",
    "timing": """Mean excitation of eight groups of muscles, found by their names: what electrodes see, which activation
follows. The grey area is people's electromyography, scaled to the same height: only its timing can be compared. The bar
above says from when to when people's muscles act.""",
    "activations": """Mean activation of the muscles that share a function. Functions follow from the signs of their
moment arms about the joints in the standing pose; a muscle with two functions is in both groups.""",
    "muscles": """Mean activation of every muscle that moves a leg, each once, under the function with its longest
moment arm.""",
    "exoskeleton": """Torque of each device, torque that the muscles (or stable PD, where torques take their place) have
at the same joint beside it, and power of the device: its torque times the joint's speed, above 0 where it drives. Over
body mass, which the devices' masses are part of. Both legs have the sense of the right coordinate of the model.""",
    "curves": "From the run's own records.",
}


def _angle_table(report: Mapping[str, Any]) -> str:
    parts = ("least", "most", "range", "mean_sd", "rms_from_normal", "percent_within_band")
    rows = []
    for name, curve in report["angles"].items():
        for side in curve["summary"]:
            path = f"angles.{name}.summary.{side}"
            digits = 1 if curve["unit"] == "degree" else 3
            cells = [number(report, f"{path}.{part}", digits) for part in parts]
            rows.append(row([f"{html.escape(curve['label'])} [{curve['unit']}]", side, *cells]))
    head = ("", "", "least", "most", "range", "SD over strides", "from normal, rms", "within the band [%]")
    return table(head, rows)


def _device_table(report: Mapping[str, Any]) -> str:
    rows = []
    for name, curve in report["exoskeleton"].items():
        for side in curve["summary"]:
            path = f"exoskeleton.{name}.summary.{side}"
            cells = [number(report, f"{path}.{part}", 3) for part in ("least", "most", "mean")]
            rows.append(row([f"{html.escape(curve['label'])} [{html.escape(curve['unit'])}]", side, *cells]))
    return table(("", "", "least", "most", "mean over the cycle"), rows)


def _acts(report: Mapping[str, Any]) -> str:
    """When each group acts, and when people's does, every burst from on to off."""
    rows = []
    for key, group in report["timing"].items():
        cells = [_bursts(report, f"timing.{key}.acts.{side}") for side in SIDES if side in group["acts"]]
        rows.append(row([html.escape(group["label"]), *cells, _bursts(report, f"timing.{key}.people.acts")]))
    head = ("acts from – to [%]", *(side for side in SIDES), "people")
    return table(head, rows)


def _bursts(report: Mapping[str, Any], path: str) -> str:
    spans = range(len(at(report, path)))
    return ", ".join(f"{number(report, f'{path}.{k}.0', 0)} – {number(report, f'{path}.{k}.1', 0)}" for k in spans)


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
