"""The command line: one file a verb. Errors of the user's are one line on stderr and exit code 2."""

import sys
from collections.abc import Callable, Sequence

from soleus import threads
from soleus.cli.bench import bench
from soleus.cli.evaluate import evaluate
from soleus.cli.presets import presets
from soleus.cli.train import gather_settings, train
from soleus.cli.usage import parse
from soleus.errors import UserError, nearest

VERBS: dict[str, Callable[..., None]] = {"train": train, "evaluate": evaluate, "presets": presets, "bench": bench}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb with the given arguments, by default those of the process; return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    threads.wait_asleep()
    try:
        verb = given[0] if given else "--help"
        if verb not in VERBS and not verb.startswith("-"):
            raise UserError(f"expected a verb of {', '.join(VERBS)}, got '{verb}'{nearest(verb, VERBS)}")
        given = [verb, *(gather_settings(given[1:]) if verb in ("train", "bench") else given[1:])]
        parse(VERBS, given)()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0
