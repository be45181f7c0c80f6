"""What the pages of gait reports share: HTML in one file that opens without a network, its pictures inside it.

Every number on a page is a <data> element whose value is that of the JSON to the last digit, and whose data-path says
where there: keys joined by dots.
"""

import base64
import html
from collections.abc import Iterable, Mapping
from typing import Any

DASH = "–"
"""What stands where there is no number."""

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


def document(title: str, meta: str, body: str, footer: str) -> str:
    """Return a page. title: text; meta, body, footer: HTML."""
    name = html.escape(title)
    return f"""<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<header>
<h1>{name}</h1>
<p class="meta">{meta}</p>
</header>
{body}
<footer>{footer}</footer>
</main>
</body>
</html>
"""


def section(title: str, caption: str, content: str) -> str:
    """Return a part of a page below its heading. title: text; caption, content: HTML."""
    return f"""<section>
<h2>{html.escape(title)}</h2>
<p class="caption">{caption}</p>
{content}
</section>
"""


def table(head: Iterable[str], rows: Iterable[str], kind: str = "") -> str:
    """Return a table that scrolls where it is wide. head: HTML of its cells; rows: <tr> elements; kind: its class."""
    cells = "".join(f"<th>{cell}</th>" for cell in head)
    opened = f'<table class="{kind}">' if kind else "<table>"
    return f'<div class="scroll">{opened}<thead><tr>{cells}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def row(cells: Iterable[str]) -> str:
    """Return a row of a table. cells: HTML."""
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def image(png: bytes, title: str) -> str:
    """Return a picture that is inside the page."""
    return f'<img src="data:image/png;base64,{base64.b64encode(png).decode()}" alt="{html.escape(title)}">'


def at(report: Mapping[str, Any], path: str) -> Any:
    """Return what is at a path of the report; None where there is nothing."""
    value: Any = report
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else value.get(key) if isinstance(value, Mapping) else None
    return value


def number(report: Mapping[str, Any], path: str, digits: int = 2) -> str:
    """Return the number at a path of the report as HTML, rounded for the eye; a dash where there is none."""
    value = at(report, path)
    if value is None:
        return DASH
    rounded = round(float(value), digits) + 0.0  # of -0.0 too
    text = f"{value:,.0f}" if isinstance(value, int) else f"{rounded:.{digits}f}".replace("-", "−")
    return f'<data value="{value!r}" data-path="{html.escape(path)}">{text}</data>'
