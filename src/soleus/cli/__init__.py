"""The command line: one file a verb. Errors of the user's are one line on stderr and exit code 2."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb with the given arguments, by default those of the process; return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        from soleus.errors import UserError  # everything is imported here, so that Ctrl-C meanwhile ends in one line

        try:
            from soleus.cli.verbs import run

            run(given)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0
