"""`soleus view`: look at a run's policy, at a model, at a motion, at a human that diverged."""

import math
from pathlib import Path
from typing import Annotated

import tyro

from soleus.cli.arguments import At, MaybeSeconds, OtherModel, Which, conditions_of
from soleus.errors import UserError

_PORT = 8080

Maybe = Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")]


def view(
    subject: Annotated[
        str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[RUN|MODEL]", help_behavior_hint="")
    ] = None,
    *,
    checkpoint: Which = "best",
    speed: float = 1.0,
    model: OtherModel = None,
    motion: Maybe = None,
    dump: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None,
    web: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    port: int = _PORT,
    seconds: MaybeSeconds = None,
    seed: int = 0,
    at: At = (),
) -> None:
    """Watch a run's policy in a window or a browser; or a model, or the motion of a preset, without a policy.

    Args:
        subject: Run folder, checkpoint file, or URL of either; a policy that comes along, by name (soleus policies);
            a model's name or MJCF file; a preset or YAML file.
        checkpoint: Checkpoint of the run: the best (or else the latest), the latest, the one before, or that of a step.
        speed: Speed over real time: 0.5 is half as fast.
        model: Put a run's policy on another body, by a model's name or MJCF file, and say what differs from its own.
        motion: Motion for a model or a preset to show: its name or file. A name then means these, and no policy.
        dump: Replay what led to a human's divergence: a file in the dumps/ of a run folder.
        web: Serve a page for a browser, instead of opening a window.
        port: Port of the page.
        seconds: End after so long, and print how close the playback was to real time.
        seed: Seed of where the episode starts.
        at: Value of a condition, NAME=VALUE, such as speed=1.2 or slope=5deg; others have their defaults.
    """
    if (subject is None) == (dump is None):
        got = "neither" if dump is None else "both"
        raise UserError(f"expected a run, a model or a preset, or --dump FILE, got {got}")
    if not 0.01 <= speed <= 10:
        raise UserError(f"--speed: expected 0.01 to 10, got {speed}")
    if seconds is not None and not 0 < seconds < math.inf:
        raise UserError(f"--seconds: expected more than 0, got {seconds}")
    if not 1 <= port <= 65535:
        raise UserError(f"--port: expected 1 to 65535, got {port}")
    from soleus.show.view.control import Control
    from soleus.show.view.subject import act_of

    act, trained = act_of(subject, dump, checkpoint, motion, seed, model, conditions_of(at))
    control = Control(act, speed)
    if web:
        from soleus.show.view.web import view_web

        kept = view_web(control, port, seconds, trained)
    else:
        from soleus.show.view.desktop import view_desktop

        kept = view_desktop(control, seconds=seconds)
    if seconds is not None:
        print(f"{kept / speed:.2f} of the speed asked for was kept")
