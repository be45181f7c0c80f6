"""`soleus paths`: polynomials in place of muscle paths, and how far they are off."""

from pathlib import Path
from typing import Annotated

import tyro

from soleus.errors import UserError


def paths(
    subject: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")],
    *,
    motion: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None,
    length: Annotated[float, tyro.conf.arg(metavar="MM")] = 0.2,
    moment: Annotated[float, tyro.conf.arg(metavar="MM")] = 0.5,
    worst: Annotated[float, tyro.conf.arg(metavar="MM")] = 2.0,
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None,
    plot: Annotated[Path | None, tyro.conf.arg(metavar="PNG", help_behavior_hint="")] = None,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> None:
    """Fit polynomials of the joint angles to the muscles of a model, and print how far lengths and moment arms are off.

    Args:
        subject: A model's name or MJCF file; or a preset or YAML file, with its motion.
        motion: Motion for a model: what does not fit over the whole range of the joints may fit near it.
        length: Greatest root mean square of a length's error [mm].
        moment: Greatest root mean square of a moment arm's error [mm].
        worst: Greatest error of a length or a moment arm at any pose that was tried [mm].
        out: Write the fitted paths to this file, for control.paths_file of a training.
        plot: Draw the errors of all muscles in this picture.
        json: Print the figures as JSON instead of the table.
    """
    for name, value in (("length", length), ("moment", moment), ("worst", worst)):
        if not value > 0:
            raise UserError(f"--{name}: expected more than 0 mm, got {value:g}")
    for flag, file, suffix in (("out", out, ".npz"), ("plot", plot, ".png")):
        if file is not None and (file.suffix != suffix or not file.absolute().parent.is_dir()):
            raise UserError(f"--{flag}: expected a file {suffix[1:]} in a folder that is there, got {file}")
    from soleus.machine.files import write_bytes
    from soleus.paths import Bounds, to_bytes
    from soleus.paths.report import as_json, draw, table
    from soleus.sim.muscle_paths import refit, subject_of

    human, moved, config = subject_of(subject, motion)
    fitted = refit(human, moved, config, Bounds(length / 1e3, moment / 1e3, worst / 1e3))
    if out is not None:
        write_bytes(out, to_bytes(fitted))
    if plot is not None:
        write_bytes(plot, draw(fitted, config.subject))
    print(as_json(fitted) if json else table(fitted))
