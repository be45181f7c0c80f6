"""What the pictures of benchmarks show: bars as long as the figures, under their names."""

import io
import math
from collections.abc import Mapping
from typing import Any, get_args

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from soleus.bench.bars import OTHER, OURS, bars
from soleus.bench.picture import draw
from soleus.cli.bench import Bench

IMAGES = {"ours_bf16_ms": 20.0, "torch_bf16_ms": 60.0, "ours_f32_ms": 50.0, "torch_f32_ms": 100.0}
IMAGES |= {"ratio_bf16": 3.0, "ratio_f32": 2.0, "ratio_to_torch_f32": 5.0, "gflops": 300.0, "of_matmul": 0.5}
NETWORK = {"sizes": [66, 128, 6], "native_us": 0.3, "torch_batch_1_us": 19.0, "torch_tile_us": 3.5, "of_peak": 0.64}
LEARN = {"samples": 4096, "minibatch": 512, "native_ms": 50.0, "torch_ms": 200.0, "ratio": 4.0, "of_peak": 0.7}
SHARE = {"physics": 0.836, "muscles": 0.016, "coordination": 0.058, "torque": 0.05, "policy": 0.01, "terms": 0.03}
ENTRY = {
    "collector": "inline",
    "num_workers": 1,
    "steps_per_s": 500.0,
    "collect_share": 0.75,
    "learn_share": 0.25,
    "waiting_share": 0.0,
    "collect_speed_up": 1.0,
    "train_speed_up": 1.0,
}
RESULTS: dict[str, dict[str, Any]] = {
    "rollout": {
        "model": "walk2d",
        "control": "muscle",
        "coordination": None,
        "num_envs": 32,
        "num_threads": 2,
        "steps_per_s": 3750.0,
        "substeps_per_s": 60000.0,
        "raw_substeps_per_s": 48000.0,
        "ratio": 1.25,
        "waiting": 0.005,
        "share": {**SHARE, "other": 0.0001},
    },
    "learn": {"model": "walk2d", "threads": 2, "ppo": LEARN, "muscle": {**LEARN, "native_ms": 90.0}},
    "network": {"policy": NETWORK, "muscle": {**NETWORK, "native_us": 5.0}},
    "body": {"model": "walk2d", "muscles": 18, "waypoints": None, "muscles_us": 0.35, "stable_pd_us": 0.27},
    "init": {"model": "walk2d", "num_envs": 32, "num_threads": 2, "model_s": 0.4, "build_s": 0.012, "swap_ms": 0.04},
    "sync": {"model": "walk2d", "num_envs": 64, "step_us": 17000.0, "bare_us": 16000.0, "overhead": 1.06},
    "train": {"model": "walk2d", "num_envs": 32, "steps_per_s": 2000.0, "collect_share": 0.75, "peak_memory_mb": 370.0},
    "conditions": {
        "model": "walk2d",
        "num_envs": 64,
        "steps_per_s": 4.0e4,
        "steps_per_s_without": 4.1e4,
        "ratio": 1.03,
    },
    "images": {"num_threads": 2, "matmul_gflops": 600.0, "nature, step of 256": IMAGES, "impala, step of 256": IMAGES},
    "scaling": {
        "env": "gymnasium:X",
        "num_envs": 8,
        "rollout_steps": 256,
        "learner_threads": 1,
        "entries": [ENTRY, {**ENTRY, "collector": "workers", "num_workers": 2, "collect_speed_up": 1.8}],
    },
}


def shown(axes: Axes) -> dict[str, tuple[float, str]]:
    """Length of each bar, nan where there is none, and the text beside it, by name."""
    names = [label.get_text() for label in axes.get_yticklabels()]
    lengths = {round(bar.get_y() + bar.get_height() / 2): bar.get_width() for bar in axes.patches}
    texts = {round(text.xy[1]): text.get_text() for text in axes.texts}
    return {name: (lengths.get(place, math.nan), texts[place]) for place, name in enumerate(names)}


def saved(figure: Figure) -> bytes:
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


@pytest.mark.parametrize("bench", get_args(Bench))
def test_every_benchmark_has_a_picture(bench: str) -> None:
    figure = draw(bench, RESULTS[bench])
    assert saved(figure).startswith(b"\x89PNG")
    assert all(axes.get_title() for axes in figure.axes)
    assert all(axes.get_xlabel() for axes in figure.axes)


def test_rollouts_against_bare_physics_and_their_shares() -> None:
    figure = draw("rollout", RESULTS["rollout"])
    left, right = figure.axes
    assert shown(left) == {"Soleus": (60000.0, "60,000"), "MuJoCo alone": (48000.0, "48,000")}
    assert [bar.get_facecolor()[:3] for bar in left.patches] == [pytest.approx(rgb(one)) for one in (OURS, OTHER)]
    assert left.get_title() == "Physics steps per second, ratio: 1.25"
    found = shown(right)
    assert list(found) == [*SHARE, "other", "waiting"]
    assert found["physics"] == (0.836, "84%")
    assert found["muscles"] == (0.016, "1.6%")
    assert found["waiting"] == (0.005, "0.5%")
    assert figure.get_suptitle() == "soleus bench rollout: walk2d, control muscle, 32 at once, 2 threads"


def rgb(colour: str) -> list[float]:
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def test_networks_against_torch() -> None:
    figure = draw("network", RESULTS["network"])
    assert figure.get_suptitle() == "soleus bench network"
    left, right = figure.axes
    found = shown(left)
    assert found["policy: Soleus"] == (0.3, "0.3")
    assert found["policy: torch, a tile"] == (3.5, "3.5")
    assert found["muscle: torch, one"] == (19.0, "19")
    assert left.get_xscale() == "log"
    assert shown(right) == {"policy": (0.64, "64%"), "muscle": (0.64, "64%")}


def test_the_others() -> None:
    (body,) = draw("body", RESULTS["body"]).axes
    assert shown(body) == {"muscles": (0.35, "0.35"), "stable PD": (0.27, "0.27")}
    (init,) = draw("init", RESULTS["init"]).axes
    assert {name: text for name, (_, text) in shown(init).items()} == {
        "the model, once": "400",
        "all humans": "12",
        "swapping weights": "0.04",
    }
    (sync,) = draw("sync", RESULTS["sync"]).axes
    assert shown(sync) == {"BatchEnv.step": (17000.0, "17,000"), "its substeps alone": (16000.0, "16,000")}
    assert sync.get_title() == "A step of all humans, ratio: 1.06"
    (training,) = draw("train", RESULTS["train"]).axes
    assert shown(training) == {"collecting": (375.0, "375"), "learning": (125.0, "125")}
    assert training.get_title() == "Whole training, steps/s: 2,000"
    times, ratios = draw("images", RESULTS["images"]).axes
    assert shown(times)["nature, step of 256: float32, torch"] == (100.0, "100")
    assert shown(ratios)["impala, step of 256: bfloat16"] == (3.0, "3.00x")
    assert [line.get_gid() for line in ratios.lines] == ["equal"]


def spoiled(value: Any, by: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: spoiled(inner, by) for key, inner in value.items()}
    if isinstance(value, list):
        return [spoiled(inner, by) for inner in value]
    return by if isinstance(value, float) else value


@pytest.mark.parametrize("by", [None, math.nan, math.inf, 0.0, -1.0, "?", True])
@pytest.mark.parametrize("bench", RESULTS)
def test_figures_that_cannot_be_drawn_never_crash(bench: str, by: Any) -> None:
    assert saved(draw(bench, spoiled(RESULTS[bench], by)))


@pytest.mark.parametrize("bench", [name for name in RESULTS if name != "scaling"])
def test_results_without_their_figures_never_crash(bench: str) -> None:
    assert saved(draw(bench, {}))


def test_a_sweep_with_an_entry_that_came_to_nothing() -> None:
    nothing = {key: None if isinstance(inner, float) else inner for key, inner in ENTRY.items()}
    figure = draw("scaling", {**RESULTS["scaling"], "entries": [ENTRY, {**nothing, "collector": "workers"}]})
    assert saved(figure)
    _, right = figure.axes
    assert [text.get_text() for text in right.texts][-1] == " not measured"
    assert len(right.patches) == 4


def test_what_has_no_bar_says_so() -> None:
    axes = Figure().subplots()
    bars(axes, {"a": (None, OURS), "b": (2.0, OURS), "c": (math.nan, OURS), "d": (0.0, OURS)}, logarithmic=True)
    texts = {name: text for name, (_, text) in shown(axes).items()}
    assert texts == {"a": "not measured", "b": "2", "c": "not measured", "d": "0"}
    assert len(axes.patches) == 1


def test_names_are_no_formulas() -> None:
    figure = draw("body", {**RESULTS["body"], "model": "a$b_$^"})
    assert saved(figure)
    assert figure.get_suptitle() == "soleus bench body: a$b_$^"
