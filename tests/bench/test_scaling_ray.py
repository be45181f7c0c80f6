import json

import pytest

from soleus.bench.scaling_ray import entries_of, predict
from soleus.cli import main
from soleus.config import load_human_config
from soleus.errors import UserError


def test_all_entries_have_as_many_humans() -> None:
    config = load_human_config("walk2d", {"train.num_envs": 8, "parallel.collector": "ray"})
    entries = entries_of(config, [1, 4])
    assert [(one.parallel.collector, one.parallel.num_collectors) for one in entries] == [
        *(("native", 1), ("ray", 1), ("ray", 4)),
    ]
    assert {one.train.num_envs for one in entries} == {8}
    with pytest.raises(UserError, match="expected at most one for each of the 8 humans, got 9"):
        entries_of(config, [9])


def test_a_prediction_is_the_sum_of_its_parts() -> None:
    """Two collectors: 1000 steps in 1 s, of which 0.6 s collecting (0.1 moving), 0.4 s learning."""
    row = {
        "time/steps_per_s": 1000.0,
        "time/collect_share": 0.6,
        "time/learn_share": 0.4,
        "collect/wall_s": 0.6,
        "collect/transfer_s": 0.1,
        "collect/merge_s": 0.02,
        "collect/weights_mb": 5.0,
        "collect/round_mb": 15.0,
    }
    found = predict([row], 2)
    assert found["4"] == pytest.approx(4 * 500 / (0.5 + 4 * (12.5 / 1250 + 0.01 + 0.2)))
    assert list(found) == ["4", "16", "64", "256"]
    assert found["4"] < found["256"] < 500 / 0.22, "what one machine does for all is the limit"


def test_the_bench_runs(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ray")
    command = "bench scaling test-walk2d-small --collector ray --collectors 2 --ray-address local --num-envs 8"
    assert main([*command.split(), "--rounds", "1", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    native, ray = results["entries"]
    assert (native["collector"], ray["collector"], ray["num_workers"]) == ("native", "ray", 2)
    assert ray["collect_over_native"] > 0
    assert 0 < ray["transfer_share"] < 1
    assert ray["round_mb"] > ray["weights_mb"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scaling", "--collectors", "2"], "--collectors: expected it for bench scaling --collector ray alone, got 2"),
        (["scaling", "--collector", "ray", "--workers", "2"], "--workers: expected none for bench scaling --collector"),
        (
            ["scaling", "cartpole", "--collector", "ray"],
            "bench scaling --collector ray: expected a preset with a model",
        ),
        (["scaling", "walk2d", "--parallel.collector", "ray", "--workers", "2"], "--workers: expected none for bench"),
        (["scaling", "--collector", "ray", "--max-lag", "1"], "parallel.max_lag: expected 0 for bench scaling"),
        (["scaling", "--collector", "ray", "--collectors", "x"], "--collectors: expected numbers such as 1,2,4, got"),
    ],
)
def test_what_is_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")
