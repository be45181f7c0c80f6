"""The verbs of the command line, and which one the arguments ask for."""

from collections.abc import Callable, Sequence
from importlib import metadata

from soleus.cli.arguments import VERBS as KEYED
from soleus.cli.arguments import gather_settings
from soleus.cli.bench import bench
from soleus.cli.compare import compare
from soleus.cli.doctor import doctor
from soleus.cli.evaluate import evaluate
from soleus.cli.import_ import import_
from soleus.cli.learn import learn
from soleus.cli.motion import motion
from soleus.cli.paths import paths
from soleus.cli.policies import policies
from soleus.cli.presets import presets
from soleus.cli.record import record
from soleus.cli.report import report
from soleus.cli.rollout import rollout
from soleus.cli.sweep import sweep
from soleus.cli.terms import terms
from soleus.cli.train import train
from soleus.cli.usage import check_flags, parse
from soleus.cli.view import view
from soleus.errors import UserError, nearest
from soleus.machine import threads

VERBS: dict[str, Callable[..., int | None]] = {
    "train": train,
    "evaluate": evaluate,
    "compare": compare,
    "report": report,
    "record": record,
    "rollout": rollout,
    "sweep": sweep,
    "learn": learn,
    "view": view,
    "policies": policies,
    "presets": presets,
    "terms": terms,
    "motion": motion,
    "paths": paths,
    "import": import_,
    "bench": bench,
    "doctor": doctor,
}


def call_of(arguments: Sequence[str]) -> Callable[[], int | None]:
    """Return the call that the arguments ask for, its own arguments bound; raises UserError for what is none."""
    verb, *rest = arguments or ["--help"]
    if verb == "--version":
        return _print_version
    if verb not in VERBS and not verb.startswith("-"):
        raise UserError(f"expected a verb of {', '.join(VERBS)}, got '{verb}'{nearest(verb, VERBS)}")
    rest = gather_settings(verb, rest) if verb in KEYED else rest
    if verb in VERBS:
        check_flags(verb, VERBS[verb], rest)
    try:
        return parse(VERBS, [verb, *rest])
    except SystemExit:  # after the help that was asked for
        if verb == "train":
            from soleus.cli.key_help import listing

            print(f"\n{listing()}")
        raise


def _print_version() -> None:
    print(f"soleus {metadata.version('soleus')}")


def run(arguments: Sequence[str]) -> int:
    """Run one verb; return its exit code, which is 0 for verbs that give none."""
    threads.wait_asleep()
    return call_of(arguments)() or 0
