"""`soleus record`: a run's policy as a film or a strip of poses."""

from pathlib import Path
from typing import Annotated

import tyro

from soleus.cli.arguments import At, MaybeSeconds, OtherModel, RunText, Which, conditions_of, picture_size
from soleus.errors import UserError
from soleus.render import Shot


def record(
    run: RunText,
    *,
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("walk.mp4"),
    seconds: MaybeSeconds = None,
    camera: Shot = "follow",
    size: Annotated[str | None, tyro.conf.arg(metavar="WIDTHxHEIGHT", help_behavior_hint="")] = None,
    checkpoint: Which = "best",
    model: OtherModel = None,
    ghost: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    seed: int = 0,
    at: At = (),
) -> None:
    """Draw a run's policy to a film or a picture, without a screen; muscles run from blue at rest to red when active.

    Args:
        run: Run folder, checkpoint file, URL of either, or a policy that comes along, by its name (soleus policies).
        out: File to write: .mp4 or .gif for a film, .png for a strip of poses through one gait cycle.
        seconds: Length of a film; by default 10.
        camera: Where the camera stands; it moves along with the human.
        size: Width and height in pixels; by default 640x480 for a film, 1600x420 for a whole strip.
        checkpoint: Checkpoint of the run: the best (or else the latest), the latest, the one before, or that of a step.
        model: Put the policy on another body, by a model's name or MJCF file, and say what differs from the run's own.
        ghost: Draw the reference motion too, as a ghost.
        seed: Seed of where the episode starts.
        at: Value of a condition, NAME=VALUE, such as speed=1.2 or slope=5deg; others have their defaults.
    """
    from soleus.render.film import check_file
    from soleus.run.shipped import find_run
    from soleus.run.trained import load_trained
    from soleus.show.record import record_film, record_strip

    strip = out.suffix.lower() == ".png"
    pixels = picture_size(size, strip)
    if strip and seconds is not None:
        raise UserError(f"--seconds: expected none for a strip, which shows one gait cycle, got {seconds}")
    seconds = 10.0 if seconds is None else seconds
    if not 0 < seconds <= 3600:
        raise UserError(f"--seconds: expected more than 0 and at most 3600, got {seconds}")
    check_file(out)
    trained = load_trained(find_run(run), checkpoint, model, at=conditions_of(at))
    if strip:
        share = record_strip(trained, out, shot=camera, size=pixels, ghost=ghost, seed=seed)
        if share < 0.99:
            print(f"no episode lasts long enough: the strip shows {share:.2f} of a gait cycle")
    else:
        record_film(trained, out, seconds=seconds, shot=camera, size=pixels, ghost=ghost, seed=seed)
    print(out)
