"""One picture of what a benchmark found: ours against what it is compared with, and where the time goes."""

from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from soleus.bench import scaling_picture
from soleus.bench.bars import OTHER, OURS, bars, share, short
from soleus.compare.picture import SHARE_COLOURS
from soleus.compare.reading import number

Results = Mapping[str, Any]


def draw(bench: str, results: Results) -> Figure:
    """Return the picture of a benchmark's results, as `soleus bench` prints them."""
    if bench == "scaling":
        return scaling_picture.draw(results)
    panels = _PANELS[bench]
    figure = Figure(layout="constrained")
    rows = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, panel in zip(rows, panels, strict=True):
        panel(axes, results)
    figure.set_size_inches(5.5 * len(panels), 1.8 + 0.3 * max(4, *(len(axes.get_yticks()) for axes in rows)))
    about = [form.format(results[key]) for key, form in _ABOUT.items() if results.get(key) is not None]
    figure.suptitle(": ".join([f"soleus bench {bench}", ", ".join(about)][: 1 + bool(about)]), parse_math=False)
    return figure


_ABOUT = {  # figures that say what was measured
    "model": "{}",
    "control": "control {}",
    "coordination": "{}",
    "num_envs": "{} at once",
    "num_threads": "{} threads",
}


def _titled(axes: Axes, title: str, key: str, results: Results, form: Callable[[float], str] = short) -> None:
    """Head a panel, with what the figure `key` is where it is known."""
    value = number(results.get(key))
    axes.set_title(title if value is None else f"{title}: {form(value)}", parse_math=False)


def _rollout(axes: Axes, results: Results) -> None:
    ours, bare = results.get("substeps_per_s"), results.get("raw_substeps_per_s")
    bars(axes, {"Soleus": (ours, OURS), "MuJoCo alone": (bare, OTHER)})
    _titled(axes, "Physics steps per second, ratio", "ratio", results)
    axes.set_xlabel("steps/s")


def _rollout_shares(axes: Axes, results: Results) -> None:
    found = results.get("share")
    parts = found if isinstance(found, Mapping) else {}
    figures = {name: (value, OURS) for name, value in parts.items()}
    bars(axes, {**figures, "waiting": (results.get("waiting"), OTHER)}, share)
    axes.set(title="Where the threads' time goes", xlabel="share; waiting: of all time, the rest: of the time at work")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")


def _networks(results: Results) -> dict[str, Results]:
    return {name: found for name, found in results.items() if isinstance(found, Mapping)}


def _by_network(results: Results, sides: Mapping[str, tuple[str, str]]) -> dict[str, tuple[Any, str]]:
    """Return a bar for each side of each network. sides: figure and colour by label."""
    return {
        f"{name}: {label}": (found.get(key), colour)
        for name, found in _networks(results).items()
        for label, (key, colour) in sides.items()
    }


def _network(axes: Axes, results: Results) -> None:
    sides = {
        "Soleus": ("native_us", OURS),
        "torch, a tile": ("torch_tile_us", OTHER),
        "torch, one": ("torch_batch_1_us", OTHER),
    }
    bars(axes, _by_network(results, sides), logarithmic=True)
    axes.set(title="A forward pass on one core", xlabel="time a human [us]")


def _learn(axes: Axes, results: Results) -> None:
    sides = {"Soleus": ("native_ms", OURS), "torch": ("torch_ms", OTHER)}
    bars(axes, _by_network(results, sides), logarithmic=True)
    axes.set(title="An update on a round", xlabel="time [ms]")


def _network_peak(axes: Axes, results: Results) -> None:
    bars(axes, {name: (found.get("of_peak"), OURS) for name, found in _networks(results).items()}, share)
    axes.set(title="Multiply-adds of what the core can do", xlabel="share", xlim=(0, 1.15))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")


def _body(axes: Axes, results: Results) -> None:
    bars(axes, {"muscles": (results.get("muscles_us"), OURS), "stable PD": (results.get("stable_pd_us"), OURS)})
    axes.set(title="A substep of one human on one core", xlabel="time [us]")


def _init(axes: Axes, results: Results) -> None:
    steps = {"the model, once": ("model_s", 1e3), "all humans": ("build_s", 1e3), "swapping weights": ("swap_ms", 1.0)}
    found = {name: (number(results.get(key)), unit) for name, (key, unit) in steps.items()}
    figures = {name: (None if value is None else unit * value, OURS) for name, (value, unit) in found.items()}
    bars(axes, figures, logarithmic=True)
    axes.set(title="Making humans", xlabel="time [ms]")


def _sync(axes: Axes, results: Results) -> None:
    ours, bare = results.get("step_us"), results.get("bare_us")
    bars(axes, {"BatchEnv.step": (ours, OURS), "its substeps alone": (bare, OTHER)})
    _titled(axes, "A step of all humans, ratio", "overhead", results)
    axes.set_xlabel("time [us]")


def _train(axes: Axes, results: Results) -> None:
    speed, collecting = number(results.get("steps_per_s")), number(results.get("collect_share"))
    parts: dict[str, float | None] = {"collecting": None, "learning": None}
    if speed and collecting is not None:
        parts = {"collecting": 1e6 / speed * collecting, "learning": 1e6 / speed * (1 - collecting)}
    bars(axes, {name: (value, SHARE_COLOURS[name]) for name, value in parts.items()})
    _titled(axes, "Whole training, steps/s", "steps_per_s", results)
    axes.set_xlabel("time of 1,000 steps [ms]")


def _images(axes: Axes, results: Results) -> None:
    sides = {
        "bfloat16, Soleus": ("ours_bf16_ms", OURS),
        "bfloat16, torch": ("torch_bf16_ms", OTHER),
        "float32, Soleus": ("ours_f32_ms", OURS),
        "float32, torch": ("torch_f32_ms", OTHER),
    }
    bars(axes, _by_network(results, sides), logarithmic=True)
    axes.set(title="Networks on images", xlabel="time [ms]")


def _image_ratios(axes: Axes, results: Results) -> None:
    sides = {"bfloat16": ("ratio_bf16", OURS), "float32": ("ratio_f32", OURS)}
    bars(axes, _by_network(results, sides), lambda value: f"{value:.2f}x")
    axes.axvline(1.0, color="0.4", linestyle="dashed", linewidth=1, gid="equal")
    axes.set(title="torch's time over ours", xlabel="ratio")


def _conditions(axes: Axes, results: Results) -> None:
    with_them, without = results.get("steps_per_s"), results.get("steps_per_s_without")
    bars(axes, {"with conditions": (with_them, OURS), "without": (without, OTHER)})
    _titled(axes, "Rollouts, ratio of the times", "ratio", results)
    axes.set_xlabel("control steps/s")


_PANELS: dict[str, tuple[Callable[[Axes, Results], None], ...]] = {
    "rollout": (_rollout, _rollout_shares),
    "learn": (_learn, _network_peak),
    "network": (_network, _network_peak),
    "body": (_body,),
    "init": (_init,),
    "sync": (_sync,),
    "train": (_train,),
    "images": (_images, _image_ratios),
    "conditions": (_conditions,),
}
