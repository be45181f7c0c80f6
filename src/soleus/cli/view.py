"""`soleus view`: look at a run's policy, at a model, at a motion, at a human that diverged."""

import math
from pathlib import Path
from typing import Annotated

import tyro

from soleus.cli.arguments import MaybeSeconds, OtherModel, Which
from soleus.errors import UserError

_PORT = 8080

Maybe = Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")]


def view(
    subject: Annotated[
        str | None, tyro.conf.Positional, tyro.conf.arg(metavar="RUN|MODEL", help_behavior_hint="")
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
) -> None:
    """Look at a run's policy with its muscle network, or at a model or preset without a policy.

    Args:
        subject: Run folder or checkpoint file, here or at a URL; model's name or MJCF file; preset or YAML file, its
            motion being shown.
        checkpoint: Which of the run's checkpoints, or the steps of one.
        speed: Of the act over real time.
        model: Put a run's policy on another body, a model's name or MJCF file, and say what differs from its own.
        motion: Of a model: a motion's name or file.
        dump: Replay what was kept of a human that diverged, from a run's folder dumps/.
        web: In a browser on this machine, for machines without a screen.
        port: Of the page.
        seconds: End after so long, and say how much of real time was kept.
        seed: Of the episode's start.
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

    act, trained = act_of(subject, dump, checkpoint, motion, seed, model)
    control = Control(act, speed)
    if web:
        from soleus.show.view.web import view_web

        kept = view_web(control, port, seconds, trained)
    else:
        from soleus.show.view.desktop import view_desktop

        kept = view_desktop(control, seconds=seconds)
    if seconds is not None:
        print(f"{kept / speed:.2f} of real time")
