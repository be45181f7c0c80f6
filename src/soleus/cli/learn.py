"""`soleus learn`: a policy's gaits over its conditions in a network, and conditions of a gait."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from soleus.cli.arguments import At, Which, check_playing, network_values
from soleus.config.fields import is_url
from soleus.errors import UserError

if TYPE_CHECKING:
    from soleus.inverse.forward import Forward
    from soleus.run.trained import Trained

_MaybePath = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]
_MOTIONS, _CYCLES = 1024, 4


def learn(
    what: tyro.conf.Positional[Literal["forward", "backward"]],
    subject: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN|FILE")],
    *,
    motions: int = _MOTIONS,
    cycles: int = _CYCLES,
    motion: Annotated[str | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None,
    at: At = (),
    out: _MaybePath = None,
    seed: int = 0,
    checkpoint: Which = "best",
    num_threads: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
) -> None:
    """Learn a network from conditions to the gaits of a run's policy; or find the conditions that make a gait.

    Args:
        what: forward learns the network of a run with conditions; backward finds conditions of a motion.
        subject: Run folder, checkpoint file, URL of either, or a policy that comes along, by its name (soleus
            policies); of backward also the file of a network, which is then asked alone.
        motions: Of forward, how many people walk, each under conditions of its own.
        cycles: Of forward, strides of each of them that are learnt from.
        motion: Of backward, the gait: a motion file that soleus motion reads, or a motion's name.
        at: Of backward, value of a condition that is known, NAME=VALUE.
        out: Of forward, file of the network, by default forward.pt in the run folder, or POLICY-forward.pt here of one
            that comes along; of backward, JSON of all that was found.
        seed: Seed of the conditions and of where people start, and of the searches.
        checkpoint: Checkpoint of the run: the best (or else the latest), the latest, the one before, or that of a step.
        num_threads: Threads to step on; by default as many as the CPUs that this process may use.
    """
    check_playing(seed, num_threads)
    if out is not None and not out.parent.is_dir():
        raise UserError(f"--out: expected a file in an existing folder, got the folder {out.parent}")
    if out is not None and out.is_dir():
        raise UserError(f"--out: expected a file, got the folder {out}")
    if what == "forward":
        for flag, given in (("motion", motion), ("at", next(iter(at), None))):
            if given is not None:
                raise UserError(f"--{flag}: expected it for soleus learn backward alone, got {given}")
        _forward(subject, motions, cycles, out, seed, checkpoint, num_threads)
        return
    if (motions, cycles) != (_MOTIONS, _CYCLES):
        raise UserError("--motions and --cycles: expected them for soleus learn forward alone")
    if motion is None:
        raise UserError("--motion: expected the motion whose conditions are to be found, got none")
    _backward(subject, motion, at, out, seed, checkpoint, num_threads)


def _trained(run: str, checkpoint: str) -> "Trained":
    from soleus.run.shipped import find_run
    from soleus.run.trained import load_trained

    return load_trained(find_run(run), checkpoint)


def _forward(
    run: str, motions: int, cycles: int, out: Path | None, seed: int, checkpoint: str, num_threads: int | None
) -> None:
    """Learn a network and write it."""
    from soleus.inverse.forward import Facts
    from soleus.inverse.learning import LEAST, errors_of, learn_forward
    from soleus.inverse.playing import load_player
    from soleus.inverse.points import spread
    from soleus.inverse.report import table_of_errors
    from soleus.inverse.store import NAME, save_forward
    from soleus.machine import threads
    from soleus.run.shipped import beside
    from soleus.sweep.parts import digest

    if not LEAST <= motions <= 1_000_000:
        raise UserError(f"--motions: expected {LEAST} to 1000000, got {motions}")
    if not 2 <= cycles <= 100:
        raise UserError(f"--cycles: expected 2 to 100, got {cycles}")
    if out is None and is_url(run):
        raise UserError(f"--out: expected a file for the network of a run at a URL, got none beside {run}")
    trained = _trained(run, checkpoint)
    player = load_player(trained, cycles)
    conditions = player.scenario.conditions
    assert conditions is not None
    points = spread(conditions.low, conditions.high, motions, seed)
    every = max(1, motions // 8)

    def played(done: int, fell: int) -> None:
        if done % every == 0 or done == motions:
            print(f"{done} of {motions} motions played, {fell} left out: they fell", flush=True)

    def fitted(step: int, steps: int, loss: float) -> None:
        print(f"step {step} of {steps}: {loss:.1%} of the variance is left", flush=True)

    gaits = player.gaits(points, seed, threads.collector_threads(num_threads), played)
    facts = Facts(
        run=trained.called, checkpoint=trained.file.name, sha256=digest(trained.file), steps=trained.steps,
        motions=motions, fell=sum(gait is None for gait in gaits), cycles=cycles, seed=seed,
    )  # fmt: skip
    forward = learn_forward(player, points, gaits, seed, facts, fitted)
    file = out or beside(trained.run, NAME)
    save_forward(file, forward)
    print(table_of_errors(errors_of(forward), len(forward.residuals)))
    print(file)


def _backward(
    subject: str, motion: str, at: At, out: Path | None, seed: int, checkpoint: str, num_threads: int | None
) -> None:
    """Find the conditions of a motion, and say them."""
    from soleus.inverse.backward import find_conditions
    from soleus.inverse.given import read_given
    from soleus.inverse.playing import load_player
    from soleus.inverse.report import as_json, as_text
    from soleus.inverse.store import is_forward, load_forward
    from soleus.machine import threads
    from soleus.machine.files import write_bytes

    if is_forward(Path(subject)):
        if checkpoint != "best":
            raise UserError(f"--checkpoint: expected it with a run, got it with the network {subject}")
        forward, player = load_forward(Path(subject)), None
    else:
        trained = _trained(subject, checkpoint)
        forward = _network_of(trained)
        player = load_player(trained, forward.facts.cycles)
        forward.check_human(player.scenario.human)
    held = network_values(forward, at)
    given = read_given(motion, player.scenario.human if player else forward.human, forward.columns)
    for note in given.notes:
        print(f"note: {note}")
    found = find_conditions(
        forward, given, player, held, seed=seed, num_threads=threads.collector_threads(num_threads),
        say=lambda text: print(text, flush=True),
    )  # fmt: skip
    print(as_text(forward, given, found, subject, player is not None))
    if out is not None:
        content: dict[str, Any] = as_json(forward, given, found)
        from soleus.run.summary import as_json as text_of

        write_bytes(out, f"{text_of(content)}\n".encode())
        print(out)


def _network_of(trained: "Trained") -> "Forward":
    """Return the network that lies in a run's folder. Raises UserError where it is not of this checkpoint."""
    from soleus.inverse.store import NAME, load_forward
    from soleus.run.shipped import beside
    from soleus.sweep.parts import digest

    file = beside(trained.run, NAME)
    again = f"soleus learn forward {trained.called} makes it"
    if not file.is_file():
        raise UserError(f"{file}: expected the network of the run's gaits, got none: {again}")
    forward = load_forward(file)
    if forward.facts.sha256 != digest(trained.file):
        raise UserError(
            f"{file}: expected the network of {trained.file.name}, got that of another checkpoint, of"
            f" {forward.facts.steps} steps: {again} anew"
        )
    return forward
