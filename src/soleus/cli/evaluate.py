"""`soleus evaluate`: how well a run's policy does."""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Annotated, Any, Literal

import tyro

from soleus.cli.arguments import At, OtherModel, RunText, Which, check_playing, conditions_of
from soleus.errors import UserError
from soleus.evaluation.noise import read_noise

_OF_HUMANS = frozenset({"share_full", "mean_length_s", "mean_distance_m", "mean_speed_m_s", "effort"})
_OF_ENVIRONMENTS = frozenset({"std_return", "mean_length"})


def describe(result: Mapping[str, float]) -> str:
    """Return an evaluation in one line; one of another version that lacks some figures by its return alone."""
    episodes = round(result["episodes"])
    if not (result.keys() >= _OF_HUMANS or result.keys() >= _OF_ENVIRONMENTS):
        return f"return {result['mean_return']:.4g} over {episodes} episodes"
    if "std_return" in result:
        return (
            f"return {result['mean_return']:.4g} +- {result['std_return']:.3g} over {episodes} episodes"
            f" of {result['mean_length']:.4g} steps on average"
        )
    return _described(result, episodes) + "".join(_clips(result, episodes))


def _clips(result: Mapping[str, float], episodes: int) -> list[str]:
    """Return a line for each clip, where there are several."""
    names = [
        key.removesuffix("/share_full") for key in result if key.startswith("clip/") and key.endswith("/share_full")
    ]
    each = episodes // max(len(names), 1)
    return [
        f"\n  {name.removeprefix('clip/')}: {round(result[f'{name}/share_full'] * each)} of {each} last to the end,"
        f" on average {result[f'{name}/mean_length_s']:.1f} s"
        for name in names
    ]


def _joints(found: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of the joints that move, where they were asked for; and a line about those that rest."""
    if not found:
        return ""
    moving = [one for one in found if not isnan(one["correlation"])]
    still = [one["rms"] for one in found if isnan(one["correlation"])]
    wide = max(len(one["joint"]) for one in found)
    lines = [f"\n{'joint':<{wide}}  rms error  of a range of  correlation  [degree; m of slides]"]
    lines += [
        f"{one['joint']:<{wide}}  {one['rms']:9.3g}  {one['range']:13.3g}  {one['correlation']:11.3f}" for one in moving
    ]
    if still:
        lines.append(f"joints that rest in the motion: {len(still)}, off by {max(still):.3g} at most (rms)")
    return "\n".join(lines)


def _likeness(found: Mapping[str, Any] | None) -> str:
    """Return the figure and its parts in a table, where they were asked for."""
    if found is None:
        return ""
    from soleus.gait.likeness.yardstick import TOPICS

    yardsticks = found["yardsticks"].values()
    wide = max(len(f"  {y['label']} [{y['unit']}]") for y in yardsticks)
    lines = [f"\nlikeness {found['figure']:.2f}", f"{'':<{wide}}  score    value   normal   spread"]
    for topic, score in found["topics"].items():
        lines.append(f"{TOPICS[topic]:<{wide}}  {score:5.2f}")
        for y in (y for y in yardsticks if y["topic"] == topic):
            label = f"  {y['label']}" + (f" [{y['unit']}]" if y["unit"] else "")
            spread = "" if y["spread"] is None else f"{y['spread']:9.3g}"
            outside = "  outside" if y["outside"] else ""
            lines.append(f"{label:<{wide}}  {y['score']:5.2f}{y['value']:9.3g}{y['normal']:9.3g}{spread}{outside}")
    if found["missing"]:
        lines.append(f"left out, as the model cannot tell: {', '.join(found['missing'])}")
    return "\n".join(lines)


def _pushes(found: Sequence[Mapping[str, Any]]) -> str:
    """Return a table for each push, where there were any."""
    lines, last = [], None
    for one in found:
        push = one["force_n"], one["seconds"]
        if push != last:
            lines += [
                f"\npushed once by {push[0]:g} N for {push[1]:.3g} s on the {one['body']}:",
                f"{'from':<6}  {'survive':>9}  {'recover':>9}  {'after [s]':>9}  sideways [m], mean and most",
            ]
        last = push
        survived = f"{one['survived']:>2} of {one['pushed']:>3}  {one['recovered']:>2} of {one['survived']:>3}"
        lines.append(
            f"{one['side']:<6}  {survived}"
            f"  {_number(one['mean_recovery_s'])}  {_number(one['mean_sideways_m'])} {_number(one['max_sideways_m'])}"
        )
    return "\n".join(lines)


def _tables(result: Mapping[str, Any]) -> str:
    """Return what was asked for beside the means."""
    found = _pushes(result.get("pushes", [])) + _joints(result.get("joints", []))
    return found + _likeness(result.get("likeness"))


def _number(value: float | None) -> str:
    return f"{'-' if value is None else f'{value:.2f}':>9}"


def _described(result: Mapping[str, float], episodes: int) -> str:
    return (
        f"{round(result['share_full'] * episodes)} of {episodes} episodes last to the end, "
        f"on average {result['mean_length_s']:.1f} s and {result['mean_distance_m']:.1f} m "
        f"at {result['mean_speed_m_s']:.2f} m/s; return {result['mean_return']:.4g}, effort {result['effort']:.4g}"
    )


_Push = Annotated[
    tuple[str, ...],
    tyro.conf.UseAppendAction,
    tyro.conf.arg(metavar="FORCE,TIME,SIDE", help_behavior_hint="(repeatable)"),
]
_Noise = Annotated[str | None, tyro.conf.arg(metavar="NAME=VALUE,...", help_behavior_hint="")]


def evaluate(
    run: RunText,
    *,
    episodes: int = 20,
    seed: int = 0,
    checkpoint: Which = "best",
    model: OtherModel = None,
    engine: Annotated[Literal["auto", "lanes", "mujoco"] | None, tyro.conf.arg(metavar="ENGINE")] = None,
    num_threads: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
    at: At = (),
    push: _Push = (),
    noise: _Noise = None,
    joints: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    likeness: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> None:
    """Run whole episodes under a run's policy, without noise in its actions, and print their means.

    Args:
        run: Run folder, checkpoint file, URL of either, or a policy that comes along, by its name (soleus policies).
        episodes: Episodes to average over.
        seed: Seed of where the episodes start.
        checkpoint: Checkpoint of the run: the best (or else the latest), the latest, the one before, or that of a step.
        model: Put the policy on another body, by a model's name or MJCF file, and say what differs from the run's own.
        engine: What steps the physics: lanes, mujoco or auto; by default what stepped it in training.
        num_threads: Threads to step on; by default as many as the CPUs that this process may use.
        at: Value of a condition, NAME=VALUE, for everybody, one of the run's or any other, such as slope=5deg,
            friction=0.4 or load=10; conditions that are not named have their defaults. By default all are drawn, and
            people are pushed, as in training.
        push: Push everybody once in episodes of their own, such as 150N,0.2s,left: from the front, the back, the left,
            the right, or all of them in turn; say who survives, how soon they walk as before, how far aside they get.
        noise: Noise and delay of nerves (task.noise) in place of those in training, such as
            observation=0.01,observation_delay=40ms,motor=0.1,motor_delay=10ms; none: without any.
        joints: Compare each joint with the motion too: root mean square difference, Pearson's correlation.
        likeness: Say how alike the walk is to people's too: angles, ground forces, torques, muscles, cost, figures.
        json: Print the numbers as JSON.
    """
    if episodes < 1:
        raise UserError(f"--episodes: expected 1 or more, got {episodes}")
    check_playing(seed, num_threads)
    from soleus.api import evaluate as evaluate_run
    from soleus.run.summary import as_json

    result = evaluate_run(
        run,
        episodes,
        seed=seed,
        checkpoint=checkpoint,
        model=model,
        engine=engine,
        num_threads=num_threads,
        joints=joints,
        likeness=likeness,
        at=conditions_of(at, drawn=True),
        push=push,
        noise=None if noise is None else read_noise(noise),
    )
    print(as_json(result) if json else describe(result) + _tables(result))
