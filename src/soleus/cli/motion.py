"""`soleus motion`: what a motion became on a model, in figures and pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import tyro

from soleus.cli.arguments import MaybeSeconds, picture_size
from soleus.config import HumanRunConfig
from soleus.config.sources import TABLE_ENDINGS, ClipsMotion, is_model_file, spelled_out
from soleus.errors import UserError
from soleus.render import Shot

_MOTIONS = (*TABLE_ENDINGS, ".bvh")


def motion(
    subject: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")],
    *,
    model: Annotated[str | None, tyro.conf.arg(metavar="MODEL", help_behavior_hint="")] = None,
    lap: Annotated[str | None, tyro.conf.arg(metavar="{given,close,find,once}", help_behavior_hint="")] = None,
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None,
    seconds: MaybeSeconds = None,
    camera: Shot = "side",
    size: Annotated[str | None, tyro.conf.arg(metavar="WIDTHxHEIGHT", help_behavior_hint="")] = None,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> None:
    """Say what a motion became on a model: duration, speed, joints against their limits, feet on the ground.

    Args:
        subject: A motion's name or file, with --model; or a preset or YAML file that has both, and keys of the motion.
        model: A model's name, or its file: MJCF or .osim.
        lap: Which part of a file is the motion, as the key motion.lap says it; once: all of it, played once.
        out: Draw it too: .mp4 or .gif for a film, .png for a strip of poses through one lap.
        seconds: Length of a film; by default two laps.
        camera: Where the camera stands; it moves along with the human.
        size: Width and height in pixels; by default 640x480 for a film, 1600x420 for a whole strip.
        json: Print the figures as JSON.
    """
    from json import dumps

    from soleus import models, motions
    from soleus.motions.account import account_of, as_text
    from soleus.render.film import check_file
    from soleus.show.motion import film_of, strip_of

    strip = out is not None and out.suffix.lower() == ".png"
    if seconds is not None and (out is None or strip):
        raise UserError(f"--seconds: expected it with --out and a film (.mp4, .gif), got {seconds:g} without one")
    if seconds is not None and not 0 < seconds <= 3600:
        raise UserError(f"--seconds: expected more than 0 and at most 3600, got {seconds:g}")
    pixels = picture_size(size, strip)
    if out is not None:
        check_file(out)
    config = _configured(subject, model, lap)
    assert config.motion is not None
    human = models.load(config.model, config.control.sim_hz)
    if isinstance(config.motion, ClipsMotion):
        raise UserError(f"{subject}: expected one motion, got {config.motion}: name one of them, with --model")
    moved = motions.load(config.motion, human)
    account = account_of(moved, human)
    print(dumps(account.as_dict(), indent=2) if json else as_text(account))
    if out is not None and strip:
        strip_of(moved, human, out, shot=camera, size=pixels)
    elif out is not None:
        length = 2 * moved.duration if seconds is None else seconds
        film_of(moved, human, out, seconds=length, shot=camera, size=pixels)
    if out is not None and not json:
        print(out)


def _configured(subject: str, model: str | None, lap: str | None) -> HumanRunConfig:
    """Return the configuration of a motion on a model, or of what has both; raises UserError where one is missing."""
    from soleus import models
    from soleus.config import config_of_model, load_human_config
    from soleus.importing.ready import imported

    source = subject if lap is None else _with_lap(subject, model, lap)
    if model is None and Path(subject).suffix.lower() in _MOTIONS:
        raise UserError(f"--model: expected a model's name or file for the motion {subject}, got none")
    if model is None:
        config = load_human_config(subject)
    elif model in models.names() or is_model_file(model):
        config = config_of_model(model, source)
    else:
        known = ", ".join(models.names())
        raise UserError(f"--model: expected one of {known}, or a file .xml, .mjb or .osim, got '{model}'")
    if config.motion is None:
        raise UserError(f"{subject}: expected a configuration with a motion, or a motion with --model, got neither")
    return imported(config)


def _with_lap(subject: str, model: str | None, lap: str) -> Mapping[str, str]:
    """Return the keys of a motion's file and which part of it is the motion; raises UserError where there is none."""
    source = spelled_out(subject)
    if model is None or not isinstance(source, Mapping):
        raise UserError(f"--lap: expected it with a file of poses and --model, got it with {subject}")
    return {**source, "lap": lap}
