"""Good files made bad in the ways that files go bad: by a slip of the hand, a wrong unit, a broken copy.

Every mutation draws from a random.Random alone: the same seed gives the same file.
"""

import copy
import math
import random
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import Any

import torch
import yaml

NUMBERS = (
    "0",
    "-1",
    "1",
    "2",
    "0.5",
    "1e-9",
    "-3.7",
    "1e9",
    "1e308",
    "-1e30",
    "nan",
    "inf",
    "-.inf",
    "1e400",
    "007",
    "1,5",
)
WORDS = (
    *("", " ", "x", "null", "true", "~", "walk2d", "../..", "/", "/proc/1/mem", "-", "a b"),
    *("é", "\x00", "%s", "{}", "[]", "🦶", "&a", "!!int"),
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 2, -1, 3, 0.5, -2.5, 1e-12, 1e30, 10**12, 10**30, math.nan, math.inf, -math.inf),
    *(
        "",
        "x",
        "1",
        "auto",
        "null",
        "1e3",
        "nan",
        "../x",
        [],
        [1],
        ["x"],
        [[]],
        {},
        {"x": 1},
        {"a": {"b": []}},
        {"": None},
    ),
)

Mutation = Callable[[random.Random, bytes], bytes]


def flip(rng: random.Random, data: bytes) -> bytes:
    """Change some bytes."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        if out:
            out[rng.randrange(len(out))] = rng.randrange(256)
    return bytes(out)


def cut(rng: random.Random, data: bytes) -> bytes:
    """Leave off the end, the beginning, or a piece between."""
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return rng.choice((data[:a], data[b:], data[:a] + data[b:]))


def blank(rng: random.Random, data: bytes) -> bytes:
    """Zeros in the place of a block, as a broken disk leaves them."""
    a = rng.randrange(len(data) + 1)
    b = min(len(data), a + rng.choice((1, 16, 512, 4096)))
    return data[:a] + bytes(b - a) + data[b:]


def doubled(rng: random.Random, data: bytes) -> bytes:
    """A piece of it twice."""
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:b] + data[a:b] + data[b:]


def _replaced(rng: random.Random, data: bytes, pattern: str, others: Callable[[str, list[str]], list[str]]) -> bytes:
    """Put another text in the place of one that the pattern finds. others: of the one and of all that were found."""
    text = data.decode("utf-8", "surrogateescape")
    found = list(re.finditer(pattern, text))
    if not found:
        return data
    match = rng.choice(found)
    new = rng.choice(others(match[0], [one[0] for one in found]))
    return (text[: match.start()] + new + text[match.end() :]).encode("utf-8", "surrogateescape")


def a_number(rng: random.Random, data: bytes) -> bytes:
    """Another number in the place of one."""

    def others(old: str, all_of_them: list[str]) -> list[str]:
        near = [f"-{old}", f"{old}{old}", f"{old}e2", f"{float(old) * 57.3:g}", f"{float(old) / 1000:g}"]
        return [*NUMBERS, *WORDS[:4], *near]

    return _replaced(rng, data, r"-?\d+(\.\d+)?([eE][-+]?\d+)?", others)


def a_word(rng: random.Random, data: bytes) -> bytes:
    """A word that is misspelt, or another one."""

    def others(old: str, all_of_them: list[str]) -> list[str]:
        k = rng.randrange(len(old))
        slips = [old[:k] + old[k + 1 :], old[:k] + old[k] + old[k:], old.upper(), old.lower()]
        return [*slips, rng.choice(all_of_them), rng.choice(WORDS)]

    return _replaced(rng, data, r"[A-Za-z_]{2,}", others)


def a_line(rng: random.Random, data: bytes) -> bytes:
    """A line that is gone, there twice, elsewhere, or garbage."""
    lines = data.split(b"\n")
    k, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    how = rng.randrange(5)
    if how == 0:
        del lines[k]
    elif how == 1:
        lines.insert(other, lines[k])
    elif how == 2:
        lines[k], lines[other] = lines[other], lines[k]
    elif how == 3:
        lines[k] = rng.choice((b"\xff\xfe", b",,,,", b"\t\t", b"#", b"<a>", b"- : ?", rng.randbytes(20)))
    else:
        lines[k] = lines[k].lstrip() if rng.random() < 0.5 else b"  " + lines[k]
    return b"\n".join(lines)


TEXT: tuple[Mutation, ...] = (a_number, a_number, a_number, a_word, a_word, a_line, a_line, flip, cut, doubled, blank)
BINARY: tuple[Mutation, ...] = (flip, cut, blank, doubled)


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, value in inner for place in _places(value, (*path, key)))]


def _at(node: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        node = node[key]
    return node


def tree(rng: random.Random, content: Any) -> Any:
    """A nested structure with another value, key or part somewhere."""
    content = copy.deepcopy(content)
    places = [place for place in _places(content) if place]
    if not places:
        return rng.choice(VALUES)
    *outer, key = rng.choice(places)
    holder = _at(content, tuple(outer))
    how = rng.randrange(7)
    if how < 3:
        holder[key] = rng.choice(VALUES)
    elif how == 3:
        del holder[key]
    elif how == 4:
        holder[key] = copy.deepcopy(_at(content, rng.choice(places)))
    elif isinstance(holder, dict):
        value = holder.pop(key) if how == 5 else holder[key]
        name = str(key)
        holder[rng.choice((name + "s", name[:-1], name.upper(), "", "x", f"{name}.{name}", 3))] = value
    else:
        holder.append(rng.choice(VALUES))
    return content


def as_yaml(rng: random.Random, data: bytes) -> bytes:
    """A YAML or JSON file with another value, key or part somewhere."""
    return yaml.safe_dump(tree(rng, yaml.safe_load(data)), sort_keys=False, allow_unicode=True).encode()


def as_xml(rng: random.Random, data: bytes) -> bytes:
    """An XML file with another attribute, element or name somewhere."""
    root = ElementTree.fromstring(data)
    elements = list(root.iter())
    parents = {child: parent for parent in elements for child in parent}
    one = rng.choice(elements)
    how = rng.randrange(9)
    if how < 5 and one.attrib:
        name = rng.choice(sorted(one.attrib))
        value = one.attrib[name]
        if how == 0:
            del one.attrib[name]
        elif how == 1:
            one.attrib[rng.choice((name + "s", name[:-1] or "x", name.upper(), "x"))] = one.attrib.pop(name)
        elif how == 2:
            one.attrib[name] = rng.choice((*NUMBERS, "x", "", "é", "a b"))
        elif how == 3:
            one.attrib[name] = rng.choice([other.get(name, "x") for other in elements])
        else:
            parts = value.split()
            k = rng.randrange(len(parts) + 1)
            parts[k : k + rng.randrange(2)] = [rng.choice(NUMBERS)]
            one.attrib[name] = " ".join(parts)
    elif how == 5 and one in parents:
        parents[one].remove(one)
    elif how == 6 and one in parents:
        parents[one].append(copy.deepcopy(one))
    elif how == 7:
        one.tag = rng.choice([rng.choice(elements).tag, one.tag + "s", "x"])
    else:
        one.append(copy.deepcopy(rng.choice(elements)))
    return ElementTree.tostring(root)


def checkpoint(rng: random.Random, content: Any) -> Any:
    """What a checkpoint holds with a part that is gone, of another shape, of another kind, or no number."""
    content = copy.deepcopy(content)
    places = [place for place in _places(content) if place]
    *outer, key = rng.choice(places)
    holder = _at(content, tuple(outer))
    value = holder[key]
    how = rng.randrange(6)
    if isinstance(value, torch.Tensor) and how < 4:
        bad = value.clone()
        if how == 0 and bad.numel() and bad.is_floating_point():
            bad.view(-1)[rng.randrange(bad.numel())] = rng.choice((math.nan, math.inf, 1e38, -1e9))
        elif how == 1:
            bad = rng.choice((bad.reshape(-1), bad[None], torch.zeros(0), torch.zeros(3, 3), torch.tensor(1.0)))
        elif how == 2:
            bad = bad.to(rng.choice((torch.int64, torch.float16, torch.bool, torch.complex64, torch.float64)))
        else:
            bad = torch.zeros(2, 2).to_sparse()
        holder[key] = bad
    elif how == 4:
        del holder[key]
    else:
        holder[key] = rng.choice(VALUES)
    return content
