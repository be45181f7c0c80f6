"""Usage errors in one line: tyro explains them in a box of several."""

import contextlib
import dataclasses
import functools
import inspect
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tyro

from soleus.errors import UserError, nearest

_BORDER = re.compile(r"^[╭╰]")  # a box's first line, which has its title, and its last
_RULE = re.compile(r"^[─-]+$")


def one_line(box: str, verb: str) -> str:
    """Return what tyro's box says above its first rule: tyro has no errors but those that it shows."""
    framed = any(_BORDER.match(line.strip()) for line in box.splitlines())
    lines = [line.strip().strip("│").strip() for line in box.splitlines() if not _BORDER.match(line.strip())]
    if not framed and len(lines) > 1 and _RULE.match(lines[1]):  # without UTF-8 a title stands over a rule
        lines = lines[2:]
    rules = [i for i, line in enumerate(lines) if _RULE.match(line)]
    said = " ".join(" ".join(lines[: rules[0]] if rules else lines).split())
    command = f"soleus {verb} --help" if verb else "soleus --help"
    return f"{said.rstrip('.')}; see {command}"


def flags_of(verb: Callable[..., int | None]) -> dict[str, bool]:
    """Return the flags of a verb by name, those of its groups of flags among them, and whether each has to be given."""
    flags: dict[str, bool] = {}
    for name, parameter in inspect.signature(verb).parameters.items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        if dataclasses.is_dataclass(parameter.default):
            flags |= {_flag(field.name): False for field in dataclasses.fields(parameter.default)}
        else:
            flags[_flag(_given_name(name, parameter))] = parameter.default is inspect.Parameter.empty
    return flags


def _given_name(name: str, parameter: inspect.Parameter) -> str:
    """Return what a parameter is called on the command line: Python has no parameter called `from`."""
    marks = getattr(parameter.annotation, "__metadata__", ())
    return next((one.name for one in marks if getattr(one, "name", None)), name)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def check_flags(verb: str, function: Callable[..., int | None], arguments: Sequence[str]) -> None:
    """Raise UserError for a flag that the verb does not have, with the nearest that it has, or one that is missing."""
    flags = flags_of(function)
    given = {_flag(one.partition("=")[0][2:]) for one in arguments if one.startswith("--") and one != "--"}
    if "--help" in given or "-h" in arguments or any(one.startswith("--tyro-") for one in given):
        return
    for one in sorted(given):
        if one not in flags:
            raise UserError(f"soleus {verb}: unknown flag '{one}'{nearest(one, flags)}; see soleus {verb} --help")
    for name, needed in flags.items():
        if needed and name not in given:
            raise UserError(f"soleus {verb}: expected {name}, got none; see soleus {verb} --help")


def parse(verbs: Mapping[str, Callable[..., int | None]], arguments: Sequence[str]) -> Callable[[], int | None]:
    """Return the call that the arguments ask for; raises UserError for arguments that are none."""

    def deferred(verb: Callable[..., int | None]) -> Callable[..., Callable[[], int | None]]:
        @functools.wraps(verb)
        def later(*given: Any, **options: Any) -> Callable[[], int | None]:
            return functools.partial(verb, *given, **options)

        return later

    box = io.StringIO()
    try:
        with contextlib.redirect_stderr(box):
            call: Callable[[], int | None] = tyro.extras.subcommand_cli_from_dict(
                {name: deferred(verb) for name, verb in verbs.items()},
                prog="soleus",
                description="Trains muscle-driven humans to move, on CPUs, fast.",
                args=list(arguments),
            )
            return call
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        verb = arguments[0] if arguments and arguments[0] in verbs else ""
        raise UserError(one_line(box.getvalue(), verb)) from None
