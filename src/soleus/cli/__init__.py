"""The command line: one file a verb. Errors of the user's are one line on stderr and exit code 2."""

import os
import re
import signal
import sys
import warnings
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb with the given arguments, by default those of the process; return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # a user's own environments, wrappers and models may lie there
    warnings.showwarning = _say
    if sys.stdout is None:  # closed by whoever started this
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - as long as the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    from soleus.machine.stopping import guarded_output

    refused: list[OSError] = []

    def lost(error: OSError) -> None:
        refused.append(error)
        raise error

    with guarded_output(lost):
        return _outcome(given, refused)


def _outcome(given: Sequence[str], refused: list[OSError]) -> int:
    """Run one verb; return the exit code, what ended it having been said. refused: by standard output, so far."""
    try:
        # Everything is imported here, so that Ctrl-C meanwhile ends in one line.
        from soleus.errors import UserError, of_system

        try:
            _check_opengl(os.environ.get("MUJOCO_GL", ""))
            from soleus.cli.verbs import run

            try:
                code = run(given)
            except SystemExit:  # after the help that was asked for
                sys.stdout.flush()
                raise
            sys.stdout.flush()
        except UserError as error:
            print(f"error: {' '.join(str(error).splitlines())}", file=sys.stderr)
            return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        if not refused:
            raise
        return 128 + signal.SIGPIPE  # of an output that nobody reads on, as in `soleus presets | head -1`
    except OSError as error:  # a file that cannot be read, a disk that is full
        said = of_system(error)
        print(f"error: the output could not be written ({said})" if refused else f"error: {said}", file=sys.stderr)
        return 2
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "can't allocate memory" not in str(error):  # torch's own kind
            raise
        said = " ".join(str(error).split()[:40]) or "nothing told how much"
        print(f"error: expected memory enough for what was asked, but the system gave none ({said})", file=sys.stderr)
        return 2
    return code


_COLOURS = re.compile(r"\x1b\[[\d;]*m")


def _say(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: object = None,
) -> None:
    """Print a warning of Python's in one line, as all of ours are."""
    text = " ".join(_COLOURS.sub("", str(message)).split())
    print(f"warning: {text.removeprefix('WARN: ')}", file=sys.stderr)


def _check_opengl(asked: str) -> None:
    """Raise UserError for a value of MUJOCO_GL at which MuJoCo would fail to load."""
    from soleus.errors import UserError

    known = ("egl", "osmesa", "glfw", "glx")
    off = ("disable", "disabled", "off", "false", "0", "enable", "enabled", "on", "true", "1", "")
    if asked.strip().lower() not in (*known, *off):
        raise UserError(f"MUJOCO_GL: expected one of {', '.join(known)}, or that it is not set, got '{asked}'")
