import io
import subprocess
import sys
from typing import Any, ClassVar

import pytest
from matplotlib.figure import Figure

from soleus.bench import scaling
from soleus.bench.scaling import bench_scaling, default_workers, entries_of
from soleus.bench.scaling_picture import draw, parts
from soleus.bench.scaling_table import as_markdown, as_table
from soleus.config import EnvRunConfig, load_config
from soleus.errors import UserError

SPEEDS = {"inline": 100.0, "workers 1": 80.0, "workers 2": 160.0}  # steps/s of collecting


def config(**overrides: Any) -> EnvRunConfig:
    found = load_config(None, {"env": "gymnasium:soleus.bench.slow:Slow-v0", **overrides})
    assert isinstance(found, EnvRunConfig)
    return found


class Pretended:
    """A run that collects as SPEEDS say and learns 400 steps/s, on a machine that slows down by 1% a turn."""

    turns: ClassVar[list[str]] = []
    alive = most_alive = 0

    def __init__(self, entry: EnvRunConfig) -> None:
        kind, count = entry.parallel.collector, entry.parallel.num_workers
        self.name = kind if kind == "inline" else f"{kind} {count}"
        Pretended.alive += 1
        Pretended.most_alive = max(Pretended.alive, Pretended.most_alive)

    def __enter__(self) -> "Pretended":
        return self

    def __exit__(self, *_: Any) -> None:
        Pretended.alive -= 1

    def iterate(self) -> dict[str, float]:
        slow = 1.01 ** -len(self.turns)
        self.turns.append(self.name)
        collect, learn = SPEEDS[self.name] * slow, 400.0 * slow
        whole = 1 / (1 / collect + 1 / learn)
        row = {"time/steps_per_s": whole, "time/collect_steps_per_s": collect, "time/learn_steps_per_s": learn}
        row |= {"time/collect_share": whole / collect, "time/learn_share": whole / learn, "time/publish_share": 0.001}
        row |= {"time/waiting_share": 0.1} if self.name == "workers 2" else {}
        return {**row, "system/cpu": 1.5}


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> type[Pretended]:
    monkeypatch.setattr(scaling, "Running", Pretended)
    Pretended.turns, Pretended.alive, Pretended.most_alive = [], 0, 0
    return Pretended


def test_default_workers_double_up_to_the_cpus() -> None:
    assert [default_workers(cpus) for cpus in (1, 2, 4, 6, 16)] == [
        [1],
        [1, 2],
        [1, 2, 4],
        [1, 2, 4, 6],
        [1, 2, 4, 8, 16],
    ]


@pytest.mark.parametrize(
    ("overrides", "total"),
    [
        ({}, 8),
        ({"train.num_envs": 12}, 12),
        ({"parallel.num_workers": 4, "parallel.num_envs_per_worker": 16, "ppo.batch_size": 64}, 64),
        ({"parallel.collector": "stepping"}, 8),
    ],
)
def test_entries_have_the_same_environments_in_all(overrides: dict[str, Any], total: int) -> None:
    if "train.num_envs" in overrides:
        overrides["ppo.batch_size"] = 64
    entries = entries_of(config(**overrides), [1, 3])
    crews = [(entry.parallel.collector, entry.parallel.num_workers, entry.train.num_envs) for entry in entries]
    assert crews == [("inline", 1, total), ("workers", 1, total), ("workers", 3, total)]
    assert {entry.parallel.num_envs_per_worker for entry in entries} == {None}


def test_more_workers_than_environments_are_refused() -> None:
    with pytest.raises(UserError, match="expected at most one for each of the 8 environments, got 9"):
        entries_of(config(), [1, 9])


def test_ratios_are_those_of_a_round(pretended: type[Pretended]) -> None:
    results = bench_scaling(config(), [1, 2], rounds=3)
    turns = pretended.turns
    assert len(turns) == 4 * 3
    rounds = [turns[i : i + 3] for i in range(0, 12, 3)]
    assert all(sorted(one) == sorted(SPEEDS) for one in rounds)
    assert len({tuple(one) for one in rounds}) > 1, "each round has an order of its own"
    assert (pretended.alive, pretended.most_alive) == (0, 3)

    sequential, one, two = results["entries"]
    assert (sequential["collect_speed_up"], sequential["train_efficiency"]) == (1.0, 1.0)
    assert two["collect_speed_up"] == pytest.approx(1.6, rel=0.03)
    assert two["collect_efficiency"] == two["collect_speed_up"] / 2
    assert two["collect_over_one_worker"] == pytest.approx(2.0, rel=0.03)
    assert one["collect_over_one_worker"] == 1.0
    assert two["train_speed_up"] == pytest.approx((1 / 100 + 1 / 400) / (1 / 160 + 1 / 400), rel=0.03)
    assert "collect_over_one_worker" not in sequential
    assert (sequential["waiting_share"], two["waiting_share"]) == (0.0, 0.1)
    assert (results["env"], results["num_envs"], results["rounds"]) == ("gymnasium:soleus.bench.slow:Slow-v0", 8, 3)


def test_without_memory_for_all_each_is_started_for_its_turn(
    pretended: type[Pretended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scaling, "available_memory_mb", lambda: 700.0)
    results = bench_scaling(config(), [1, 2], rounds=2)
    assert (pretended.alive, pretended.most_alive) == (0, 1)
    assert len(pretended.turns) == 2 * 2 * 3, "a turn warms up first"
    assert results["entries"][2]["collect_speed_up"] == pytest.approx(1.6, rel=0.1)


@pytest.mark.usefixtures("pretended")
def test_table_and_picture() -> None:
    results = bench_scaling(config(), [2], rounds=1)
    lines = as_table(results["entries"]).splitlines()
    assert lines[0].split() == ["inline", "2", "workers"]
    cells = {line[:32].strip(): line[32:].split() for line in lines[2:]}
    assert cells["speed-up of collecting"][0] == "1.00x"
    assert cells["publishing and taking, share"] == ["0.10%", "0.10%"]
    assert "collecting, times one worker" not in cells, "nobody has it"
    markdown = as_markdown(results["entries"])
    assert markdown.startswith("| figure | inline | 2 workers |\n| --- | --- | --- |\n| collecting, steps/s | ")

    found = parts(results["entries"][1], 2048)
    assert sum(found.values()) == pytest.approx(2048 / results["entries"][1]["steps_per_s"])
    assert found["waiting"] == pytest.approx(found["collecting"] / 9)
    figure = draw(results)
    assert isinstance(figure, Figure)
    left, right = figure.axes
    lines = {line.get_gid(): list(line.get_xdata()) for line in left.lines}
    assert (lines["ideal"], lines["collect_speed_up"]) == ([1, 2], [2])
    assert [label.get_text() for label in right.get_yticklabels()] == ["inline", "2 workers"]
    figure.savefig(io.BytesIO(), format="png")


def free_cpus() -> float:
    """CPUs that two processes get which only compute, for a second."""
    code = "import time; end = time.time() + 1\nwhile time.time() < end: pass\nprint(time.process_time())"
    busy = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(2)]
    return sum(float(one.communicate()[0]) for one in busy)


@pytest.mark.slow  # rounds that are long enough to be timed
def test_two_workers_step_a_slow_environment_nearly_twice_as_fast() -> None:
    if (free := free_cpus()) < 1.8:
        pytest.skip(f"two workers would have {free:.1f} CPUs: the machine is busy, or has one")
    results = bench_scaling(config(), [1, 2], rounds=5)
    _, one, two = results["entries"]
    assert two["collect_over_one_worker"] > 1.5  # 1.9 and more on a machine that does nothing else
    assert two["train_speed_up"] > 1.3
    assert two["publish_share"] < 0.1
    assert one["collect_speed_up"] == pytest.approx(1.0, abs=0.3)
