import json

import pytest
import torch

from soleus.bench import images as bench
from soleus.bench.images import bench_images
from soleus.cli import main


def test_both_sides_of_every_network_are_measured() -> None:
    results = bench_images(1, num_threads=1, batch=4)
    assert results.pop("num_threads") == 1
    assert results.pop("matmul_gflops") > 0
    assert set(results) == {
        f"{name}, {what}" for name in ("nature", "impala") for what in ("step of 4", "forward of 4", "forward of 16")
    }
    for figures in results.values():
        assert {"ours_bf16_ms", "torch_bf16_ms", "ours_f32_ms", "torch_f32_ms", "ratio_bf16"} < set(figures)
        assert all(value > 0 for value in figures.values())


def test_plain_networks_are_ours_in_torch_alone() -> None:
    for plain, name in ((bench.plain_nature(), "nature"), (bench.plain_impala(), "impala")):
        ours = bench._sides(name)["ours_f32"].network
        with torch.no_grad():
            for to, source in zip(ours.parameters(), plain.parameters(), strict=True):
                to.copy_(source)
        pixels = torch.randint(0, 256, (3, 64, 64, 3), dtype=torch.uint8)
        expected = plain[:-3](pixels.permute(0, 3, 1, 2) / 255).permute(0, 2, 3, 1).flatten(1)
        torch.testing.assert_close(ours.maps(pixels).permute(0, 2, 3, 1).flatten(1), expected)


def test_the_verb_prints_what_is_measured(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr("soleus.bench.images.bench_images", lambda rounds, threads: {"asked": [rounds, threads]})
    assert main(["bench", "images", "--rounds", "2", "--num-threads", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"] == {"asked": [2, 1]}
