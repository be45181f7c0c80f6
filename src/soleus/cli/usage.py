"""Usage errors in one line: tyro explains them in a box of several."""

import contextlib
import functools
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tyro

from soleus.errors import UserError

_FRAME = re.compile(r"[│╭╮╰╯]")
_RULE = re.compile(r"^\s*─+\s*$")


def one_line(box: str, verb: str) -> str:
    """Return what tyro's box says above its first rule, and the option that it suggests, if any."""
    lines = [_FRAME.sub("", line).strip() for line in box.splitlines() if line.strip()]
    lines = [line for line in lines if not re.match(r"^─ .* ─+$", line)]  # the title
    rules = [i for i, line in enumerate(lines) if _RULE.match(line)]
    said = " ".join(lines[: rules[0]] if rules else lines)
    near = re.search(r"Perhaps you meant: (--\S+)", " ".join(line for line in lines if not _RULE.match(line)))
    hint = f" (did you mean '{near[1]}'?)" if near else ""
    return f"{said.rstrip('.')}{hint}; see soleus {verb} --help".replace(" ; ", "; ")


def parse(verbs: Mapping[str, Callable[..., None]], arguments: Sequence[str]) -> Callable[[], None]:
    """Return the call that the arguments ask for; raises UserError for arguments that are none."""

    def deferred(verb: Callable[..., None]) -> Callable[..., Callable[[], None]]:
        @functools.wraps(verb)
        def later(*given: Any, **options: Any) -> Callable[[], None]:
            return functools.partial(verb, *given, **options)

        return later

    box = io.StringIO()
    try:
        with contextlib.redirect_stderr(box):
            call: Callable[[], None] = tyro.extras.subcommand_cli_from_dict(
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
        raise UserError(" ".join(one_line(box.getvalue(), verb).split())) from None
