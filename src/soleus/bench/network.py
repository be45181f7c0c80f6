"""The native networks against torch and against the processor's limit."""

import statistics
from typing import Any

import torch

from soleus.bench.parts import muscle_shapes, seconds, simulation
from soleus.config import HumanRunConfig
from soleus.exchange.weights import NetworkSpec
from soleus.nets.mlp import build_network


def _torch_seconds(spec: NetworkSpec, rows: int, rounds: int) -> float:
    network = build_network(spec, torch.Generator(), 1.0)
    sample = torch.full((rows, spec.inputs), 0.5)
    with torch.inference_mode():
        return statistics.median(seconds(lambda: network(sample)) for _ in range(rounds))


def bench_network(config: HumanRunConfig, rounds: int) -> dict[str, Any]:
    """Return, per network, microseconds a human natively (in a tile) and through torch (batch 1 and a tile), one core.

    of_peak: share of the multiply-adds that the core can do on registers alone.
    """
    from soleus import _core

    sim = simulation(config, 1, 1)
    specs = {"policy": sim.policy_spec}
    if sim.muscle_spec:
        specs["muscle"] = sim.muscle_spec
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    results: dict[str, Any] = {}
    try:
        for name, spec in specs.items():
            native = _core.time_forward(*muscle_shapes(spec), repeats=200 * rounds)
            operations = 2 * sum(a * b for a, b in zip(spec.sizes, spec.sizes[1:], strict=False)) * _core.TILE
            results[name] = {
                "sizes": list(spec.sizes),
                "native_us": 1e6 * native / _core.TILE,
                "torch_batch_1_us": 1e6 * _torch_seconds(spec, 1, 200 * rounds),
                "torch_tile_us": 1e6 * _torch_seconds(spec, _core.TILE, 200 * rounds) / _core.TILE,
                "of_peak": operations / native / _core.peak_flops(),
            }
    finally:
        torch.set_num_threads(threads)
    return results
