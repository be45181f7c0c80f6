"""XML with the line of every element, and attributes that are checked where they are read."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError, nearest

LEAST, MOST = 1e-6, 1e6
"""Of whatever is measured here, in the file's units: beyond them no simulation holds."""
_LABELS = ("name", "body")  # attributes that tell an element from its neighbours


@dataclass(eq=False)
class Element:
    """An element of a file."""

    path: Path
    tag: str
    attributes: dict[str, str]
    line: int
    children: list["Element"] = field(default_factory=list)

    def fail(self, reason: str) -> NoReturn:
        """Raise UserError naming the file, the line, the element and the reason."""
        label = next((f" '{self.attributes[key]}'" for key in _LABELS if key in self.attributes), "")
        raise UserError(f"{self.path} line {self.line}: <{self.tag}>{label}: {reason}")

    def only(self, attributes: Collection[str], children: Collection[str] = ()) -> None:
        """Raise UserError for an attribute or a child that is none of these, naming the nearest that is."""
        for key in self.attributes:
            if key not in attributes:
                expected = f"; expected one of {', '.join(attributes)}" if attributes else ""
                self.fail(f"unknown attribute '{key}'{nearest(key, attributes) or expected}")
        for child in self.children:
            if child.tag not in children:
                expected = f"; expected <{'>, <'.join(children)}>" if children else ""
                child.fail(f"unknown element in <{self.tag}>{nearest(child.tag, children) or expected}")

    def all(self, tag: str) -> Iterator["Element"]:
        """Children of a tag, in order."""
        return (child for child in self.children if child.tag == tag)

    def one(self, tag: str) -> "Element":
        """Return the only child of a tag; raises UserError for none or several."""
        found = list(self.all(tag))
        if len(found) != 1:
            self.fail(f"expected one <{tag}>, got {len(found) or 'none'}")
        return found[0]

    def text(self, key: str) -> str:
        """Return an attribute; raises UserError where it is missing or empty."""
        value = self.attributes.get(key, "").strip()
        if not value:
            self.fail(f"expected the attribute '{key}', got none")
        return value

    def numbers(self, key: str, count: int) -> NDArray[np.float64]:
        """Return an attribute of finite numbers, (count,); raises UserError for anything else."""
        words = self.text(key).split()
        try:
            values = np.array([float(word) for word in words])
        except ValueError:
            bad = next(word for word in words if not _is_number(word))
            self.fail(f"{key}: expected numbers, got '{bad}'")
        if len(values) != count:
            self.fail(f"{key}: expected {count} number{'s' if count > 1 else ''}, got {len(values)}")
        if not np.isfinite(values).all():
            self.fail(f"{key}: expected finite numbers, got '{self.text(key)}'")
        if np.abs(values).max() > MOST:
            self.fail(f"{key}: expected numbers up to {MOST:g}, got '{self.text(key)}'")
        return values

    def per_axis(self, key: str, axes: int) -> NDArray[np.float64] | None:
        """Return an attribute of numbers of 0 or more, (axes,), given so or as one for all; None without it."""
        if key not in self.attributes:
            return None
        alone = len(self.text(key).split()) == 1
        values = np.repeat(self.numbers(key, 1), axes) if alone else self.numbers(key, axes)
        if (values < 0).any():
            self.fail(f"{key}: expected numbers of 0 or more, got '{self.text(key)}'")
        return values

    def key_of(self, key: str, other: str) -> str:
        """Return which of two names of an attribute is used; raises UserError where both are."""
        if key in self.attributes and other in self.attributes:
            self.fail(f"expected {key} or {other}, which mean the same, got both")
        return other if other in self.attributes else key

    def number(self, key: str) -> float:
        """Return an attribute that is one finite number."""
        return float(self.numbers(key, 1)[0])

    def positive(self, key: str) -> float:
        """Return an attribute that is a number above zero, of LEAST or more."""
        value = self.number(key)
        if value <= 0:
            self.fail(f"{key}: expected a positive number, got {value:g}")
        if value < LEAST:
            self.fail(f"{key}: expected a number of {LEAST:g} or more, got {value:g}")
        return value


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def read_xml(path: Path, root: str) -> Element:
    """Return the root element of a file. Raises UserError: unreadable, not XML, or another root."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: expected a readable file, but {error.strerror}") from None
    parser, stack, found = expat.ParserCreate(), list[Element](), list[Element]()

    def start(tag: str, attributes: dict[str, str]) -> None:
        element = Element(path, tag, attributes, parser.CurrentLineNumber)
        (stack[-1].children if stack else found).append(element)
        stack.append(element)

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda tag: stack.pop()
    try:
        parser.Parse(content, True)
    except (LookupError, ValueError):
        raise UserError(f"{path} line 1: expected XML in an encoding that is known, got another") from None
    except expat.ExpatError as error:
        raise UserError(f"{path} line {error.lineno}: expected XML, but {expat.ErrorString(error.code)}") from None
    if found[0].tag != root:
        found[0].fail(f"expected the root element <{root}>")
    return found[0]
