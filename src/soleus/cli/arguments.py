"""Arguments that several verbs share, and how a verb's own flags are told from those that are keys.

A flag becomes a key of the configuration in soleus/config/flags.py.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from soleus.config import parse_overrides, takes_no_value
from soleus.config.fields import parse_seconds
from soleus.config.keys import SHORT
from soleus.errors import UserError

if TYPE_CHECKING:
    from soleus.inverse.forward import Forward

Text = Annotated[str | None, tyro.conf.arg(metavar="VALUE", help_behavior_hint="")]


def _seconds(given: list[str]) -> float:
    try:
        return float(parse_seconds(given[0]))
    except ValueError as error:
        raise ValueError(f"{error}, got '{given[0]}'") from None


_READ_SECONDS = tyro.constructors.PrimitiveConstructorSpec(
    1, "SECONDS", _seconds, lambda value: isinstance(value, float | None), lambda value: [str(value)]
)
Seconds = Annotated[float, _READ_SECONDS]
"""A time: 90s, 1m30s, or 90."""
MaybeSeconds = Annotated[float | None, _READ_SECONDS, tyro.conf.arg(metavar="SECONDS", help_behavior_hint="")]
Which = Annotated[str, tyro.conf.arg(metavar="{best,latest,previous,STEPS}")]
"""A checkpoint of a run."""
OtherModel = Annotated[str | None, tyro.conf.arg(metavar="MODEL", help_behavior_hint="")]
"""Another body for a run's policy: a model's name or MJCF file."""
RunText = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
"""A run folder, a checkpoint file in one, the URL of either, or a policy's name (run.shipped.find_run): text, as a path
would lose a slash of s3://bucket/walk."""


At = Annotated[
    tuple[str, ...],
    tyro.conf.UseAppendAction,
    tyro.conf.arg(name="at", metavar="NAME=VALUE", help_behavior_hint="(repeatable)"),
]
"""Values of conditions: speed=1.2, strength.soleus=0.5, slope=5deg, several behind commas; or default."""


def conditions_of(at: Sequence[str], drawn: bool = False) -> dict[str, float] | None:
    """Return values of conditions by name. Raises UserError for what is no NAME=VALUE.

    drawn: where nothing is asked for, None, so that conditions are drawn.
    """
    values = dict[str, float]()
    for one in (part.strip() for asked in at for part in asked.split(",")):
        name, equals, text = one.partition("=")
        value = condition_value(text)
        if one == "default":
            continue
        if value is None or not equals:
            raise UserError(f"--at: expected NAME=VALUE such as speed=1.2, or default, got '{one}'")
        values[name] = value
    return values if at or not drawn else None


def network_values(forward: "Forward", at: Sequence[str]) -> dict[str, float]:
    """Return values of a network's conditions by name. Raises UserError for what is none of them, or out of range."""
    values = conditions_of(at) or {}
    try:
        forward.values(values)
    except UserError as error:
        raise UserError(f"--at {error}") from None
    return values


def condition_value(text: str) -> float | None:
    """Return a value of a condition, such as 1.2 or 5deg; None for what is none."""
    number = text.removesuffix("deg")
    try:
        value = float(number) * (math.pi / 180 if number != text else 1.0)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


@dataclass(frozen=True)
class Collection:
    """What is stepped, and by which collector: short flags of several verbs."""

    num_envs: Text = None
    """Humans or environments that are stepped at once."""
    num_threads: Text = None
    """Threads to compute on; by default as many as the CPUs that this process may use."""
    env: Text = None
    """Environment that is not ours: gymnasium:ID, envpool:ID or procgen:GAME. It needs no preset."""
    collector: Text = None
    """Who collects: native (humans), workers (processes), inline (this process), stepping (a VectorEnv) or ray."""
    num_workers: Text = None
    """Processes that collect; auto: as many as the CPUs that the run may use."""
    num_envs_per_worker: Text = None
    """Environments of each worker; by default --num-envs shared out."""
    threads_per_worker: Text = None
    """Threads that each worker computes with."""
    ray_address: Text = None
    """Ray cluster: auto (this machine's, or else local), local (started here), HOST:PORT or ray://HOST:PORT."""
    num_collectors: Text = None
    """Collectors on Ray; by default one a machine."""
    envs_per_collector: Text = None
    """Humans or environments of each collector on Ray; by default --num-envs shared out."""
    max_lag: Text = None
    """1: collectors on Ray collect with weights one update older while the learner learns; by default 0: in turn."""

    @property
    def given(self) -> dict[str, str]:
        """The flags that were given."""
        return {name: value for name, value in asdict(self).items() if value is not None}


NO_COLLECTION = Collection()
CollectionFlags = Annotated[Collection, tyro.conf.arg(name="")]

_LARGEST = 4096  # [pixels] of a picture
_LENGTH = ("steps", "duration", "seed", "device")  # of a training alone
_OF_VERB = {  # flags that are no keys, and short ones besides those of the collection
    "train": (*_LENGTH, "run_dir", "resume", "video_every", "checkpoint_url", "profile"),
    "bench": ("rounds", "workers", "collectors", "plot", "record", "json"),
}
VERBS = frozenset(_OF_VERB)
"""Verbs that take every key of the configuration."""


def check_playing(seed: int, num_threads: int | None, seed_bits: int = 63) -> None:
    """Raise UserError for a seed or a number of threads that nothing can be played with."""
    if not 0 <= seed < 2**seed_bits:
        raise UserError(f"--seed: expected 0 or more and less than 2**{seed_bits}, got {seed}")
    if num_threads is not None and num_threads < 1:
        raise UserError(f"--num-threads: expected 1 or more, got {num_threads}")


def picture_size(size: str | None, strip: bool) -> tuple[int, int]:
    """Return width and height [pixels] of a strip or a film, even of a film, as H.264 needs them. Raises UserError."""
    size = size or ("1600x420" if strip else "640x480")
    match = re.fullmatch(r"(\d{2,4})x(\d{2,4})", size)
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
        raise UserError(f"--size: expected a width and a height up to {_LARGEST} such as 640x480, got '{size}'")
    return (width, height) if strip else (width - width % 2, height - height % 2)


def short_overrides(given: Mapping[str, str]) -> dict[str, Any]:
    """Return values by dotted key for short flags; raises UserError for a value that cannot be read."""
    return parse_overrides([f"--{SHORT[name]}={value}" for name, value in given.items()])


def gather_settings(verb: str, arguments: Sequence[str]) -> list[str]:
    """Rewrite flags that are keys of the configuration, `--ppo.epochs 4`, as `--set ppo.epochs=4`.

    A flag of neither kind is taken for a key too, so that its error names the nearest one.
    """
    own = {f"--{name}".replace("_", "-") for name in ("help", "set", *_OF_VERB[verb], *asdict(NO_COLLECTION))}
    rest, gathered = list(arguments), []
    while rest:
        token = rest.pop(0)
        flag, equals, _ = token.partition("=")
        if not flag.startswith("--") or flag.replace("_", "-") in own:
            gathered.append(token)
            continue
        if equals:
            setting = token[2:]
        elif rest and not rest[0].startswith("--") and not (takes_no_value(flag) and rest[0] not in ("true", "false")):
            setting = f"{flag[2:]}={rest.pop(0)}"
        else:
            setting = flag[2:]
        gathered += ["--set", setting]
    return gathered
