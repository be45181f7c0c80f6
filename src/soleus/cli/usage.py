"""Usage errors in one line: tyro explains them in a box of several."""

import contextlib
import functools
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tyro

from soleus.errors import UserError

_BORDER = re.compile(r"^[╭╰]")  # a box's first line, which has its title, and its last
_RULE = re.compile(r"^[─-]+$")


def one_line(box: str, verb: str) -> str:
    """Return what tyro's box says above its first rule, and the option that it suggests, if any."""
    lines = [line.strip().strip("│").strip() for line in box.splitlines() if not _BORDER.match(line.strip())]
    if len(lines) > 1 and _RULE.match(lines[1]):  # without UTF-8 there is no frame, but a title over a rule
        lines = lines[2:]
    rules = [i for i, line in enumerate(lines) if _RULE.match(line)]
    said = " ".join(" ".join(lines[: rules[0]] if rules else lines).split())
    near = re.search(r"Perhaps you meant: (--\S+)", " ".join(lines))
    hint = f" (did you mean '{near[1]}'?)" if near else ""
    command = f"soleus {verb} --help" if verb else "soleus --help"
    return f"{said.rstrip('.')}{hint}; see {command}"


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
