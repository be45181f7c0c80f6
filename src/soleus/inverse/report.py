"""What was learnt and what was found, as text for a terminal and as numbers."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from soleus.inverse.backward import STAGES, Found
from soleus.inverse.columns import UNITS
from soleus.inverse.forward import Forward
from soleus.inverse.given import Given
from soleus.inverse.learning import Error

_DIGITS = 4  # of a value that is asked for
_FARTHER = 2.0  # times as far off as strides are: said, as the policy does not walk like that under any conditions


def table_of_errors(errors: Sequence[Error], motions: int) -> str:
    """Return the errors of a network as a table. motions: that it has not learnt from, which they are of."""
    rows = [["", "error", "strides", "motions", ""]]
    rows += [[one.name, *(f"{x:.3g}" for x in (one.error, one.strides, one.motions)), one.unit] for one in errors]
    said = (
        f"Root mean squares over the cycle and over {motions} motions not learnt from: of the network, of strides about"
        " their person's mean, of motions about the mean one"
    )
    return f"{said}\n{_table(rows)}"


def at_of(found: Found) -> str:
    """Return the conditions that were found as --at takes them."""
    said = []
    for name, one in found.conditions.items():
        value = min(max(round(one.found, _DIGITS), one.range[0]), one.range[1])
        said.append(f"{name}={value!r}")
    return ",".join(said)


def as_text(forward: Forward, given: Given, found: Found, subject: str, walked: bool) -> str:
    """Return what was found as lines for a terminal. walked: whether the policy has, so that it says the errors."""
    lines = [f"{given.name}: {len(given.gait.rows)} cycles"]
    if given.left_out:
        lines.append(f"The motion does not tell of {', '.join(given.left_out)}: left out of the comparison")
    rows = [["condition", "found", "of ten answers eight", "range", ""]]
    for name, one in found.conditions.items():
        ends = [f"{low:.4g} to {high:.4g}" for low, high in ((one.low, one.high), one.range)]
        remark = "given" if one.held else "" if one.told else "the gait does not tell it"
        rows.append([name, f"{one.found:.4g}", *ends, remark])
    lines += ["", _table(rows), ""]
    units = {column.joint: UNITS[column.kind][0] for column in forward.columns}
    parts = list(dict.fromkeys(forward.columns[k].joint for k in given.compared))
    rows = [["off by", *STAGES, ""]]
    for part in parts:
        rows.append([part, *(_said(one[part] if one else None) for one in found.errors.values()), units[part]])
    rows.append(["joints together", *(_said(one) for one in found.degrees.values()), "degree"])
    who = "as the policy walks" if walked else "as the network says"
    fell = "; fell: the policy did" if None in found.errors.values() else ""
    lines += [_table(rows), f"Root mean squares over the cycle, {who}{fell}", ""]
    if found.untold:
        lines.append(f"The gait does not tell {', '.join(found.untold)}")
    off = found.degrees["found"]
    if off is not None and off > _FARTHER * found.usual:
        lines.append(
            f"The gait stays {off:.1f} degrees off, where strides of one person are {found.usual:.1f}: no conditions of"
            " this policy make it"
        )
    lines.append(f"--at {at_of(found)}" if not walked else f"soleus report {subject} --at {at_of(found)}")
    return "\n".join(lines)


def as_json(forward: Forward, given: Given, found: Found) -> dict[str, Any]:
    """Return all that was found as plain data."""
    return {
        "motion": given.name,
        "cycles": len(given.gait.rows),
        "left_out": list(given.left_out),
        "notes": list(given.notes),
        "network": asdict(forward.facts),
        "conditions": {name: {**asdict(one), "told": one.told} for name, one in found.conditions.items()},
        "at": at_of(found),
        "untold": found.untold,
        "errors": found.errors,
        "units": {forward.columns[k].joint: UNITS[forward.columns[k].kind][0] for k in given.compared},
        "degrees": found.degrees,
        "usual_degrees": found.usual,
        "fell": found.fell,
    }


def _said(error: float | None) -> str:
    return "fell" if error is None else f"{error:.2f}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Columns beside one another: the first and the last to the left, numbers to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    last = len(widths) - 1
    return "\n".join(
        "  ".join(
            one.ljust(width) if k in (0, last) else one.rjust(width)
            for k, (one, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
