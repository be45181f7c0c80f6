"""Units of length that motion files come in: which of them fits what came."""

import numpy as np

LENGTHS = {"metres": 1.0, "feet": 0.3048, "inches": 0.0254, "centimetres": 0.01, "millimetres": 0.001}
"""[m]"""


def fitting(metres: float, within: float) -> str | None:
    """Return the unit nearest to a length [m], None where it is that many times as large or small, or more."""
    unit = min(LENGTHS, key=lambda name: abs(np.log(metres / LENGTHS[name])))
    return unit if 1 / within < metres / LENGTHS[unit] < within else None


def said(metres: float, within: float) -> str:
    """Return a value of a key that says a unit, such as "0.01 for centimetres"."""
    unit = fitting(metres, within)
    return f"{LENGTHS[unit]:g} for {unit}" if unit else f"about {metres:.3g}"
