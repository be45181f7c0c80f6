"""The networks on images against the same networks in plain torch, and against the processor's limit."""

import statistics
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from soleus.bench.parts import seconds
from soleus.machine.threads import collector_threads
from soleus.nets.cnn import ImpalaCnn, NatureCnn
from soleus.nets.precision import tune_allocator

_SHAPE = (64, 64, 3)  # Procgen's
_FEW = 16  # images of one step of a worker's environments
_MATMUL = 1024


class _PlainResidual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        convs = [nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2)]
        self.moved = nn.Sequential(nn.ReLU(), convs[0], nn.ReLU(), convs[1])

    def forward(self, images: Tensor) -> Tensor:
        moved: Tensor = self.moved(images)
        return images + moved


def plain_impala() -> nn.Sequential:
    """Return the convolutions and the linear layer of ImpalaCnn in plain torch, for images (M, 3, 64, 64)."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((3, 16), (16, 32), (32, 32)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.MaxPool2d(3, 2, 1)]
        layers += [_PlainResidual(outputs) for _ in range(2)]
    return nn.Sequential(*layers, nn.ReLU(), nn.Flatten(), nn.Linear(32 * 8 * 8, 256), nn.ReLU())


def plain_nature() -> nn.Sequential:
    """Return those of NatureCnn."""
    layers: list[nn.Module] = []
    for conv in (nn.Conv2d(3, 32, 8, stride=4), nn.Conv2d(32, 64, 4, stride=2), nn.Conv2d(64, 64, 3)):
        layers += [conv, nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 4 * 4, 512), nn.ReLU())


class _Side:
    """One network in one precision: what it does with a batch."""

    def __init__(self, network: nn.Module, prepared: Callable[[Tensor], Tensor], bfloat16: bool) -> None:
        self.network = network
        self.prepared = prepared
        self.bfloat16 = bfloat16
        self.optimizer = torch.optim.Adam(network.parameters(), fused=True)

    def _features(self, images: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            features: Tensor = self.network(self.prepared(images))
        return features

    def step(self, images: Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self._features(images).float().square().mean().backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()

    def forward(self, images: Tensor) -> None:
        with torch.no_grad():
            self._features(images)


def _sides(name: str) -> dict[str, _Side]:
    generator = torch.Generator().manual_seed(0)
    sides = {}
    for precision, bfloat16 in (("bf16", True), ("f32", False)):
        ours: nn.Module
        if name == "impala":
            ours, plain = ImpalaCnn(*_SHAPE, generator=generator), plain_impala()
        else:
            ours, plain = NatureCnn(*_SHAPE, generator=generator), plain_nature()
        sides[f"ours_{precision}"] = _Side(ours, lambda images: images, bfloat16)
        plain = plain.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        sides[f"torch_{precision}"] = _Side(plain, lambda images: images.permute(0, 3, 1, 2) / 255, bfloat16)
    return sides


def _medians(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return each work's median [s] over rounds in which they take turns."""
    for work in works.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(seconds(work))
    return {name: statistics.median(values) for name, values in times.items()}


def _operations(work: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


def _compare(sides: dict[str, _Side], does: str, images: Tensor, rounds: int, peak: float) -> dict[str, float]:
    def work(side: _Side) -> Callable[[], None]:
        return lambda: getattr(side, does)(images)

    works = {name: work(side) for name, side in sides.items()}
    times = _medians(works, rounds)
    speed = _operations(works["torch_f32"]) / times["ours_bf16"]
    return {
        **{f"{name}_ms": 1e3 * value for name, value in times.items()},
        "ratio_bf16": times["torch_bf16"] / times["ours_bf16"],
        "ratio_f32": times["torch_f32"] / times["ours_f32"],
        "ratio_to_torch_f32": times["torch_f32"] / times["ours_bf16"],
        "gflops": speed / 1e9,
        "of_matmul": speed / peak,
    }


def bench_images(
    rounds: int, num_threads: int | None = None, batch: int = 256, networks: Iterable[str] = ("nature", "impala")
) -> dict[str, Any]:
    """Return times of gradient steps (forward, backward, fused Adam) and of forward passes over images 64 x 64 x 3.

    Ours and plain torch, channels-last with its own max pooling, in bfloat16 (autocast) and float32, take turns;
    medians [ms]. ratio: torch's time over ours. gflops: of ours in bfloat16, operations counted on the plain network.
    of_matmul: share of what a product of two bfloat16 matrices reaches in the same run.
    """
    tune_allocator()
    threads = torch.get_num_threads()
    torch.set_num_threads(collector_threads(num_threads))
    try:
        matrix = torch.randn(_MATMUL, _MATMUL).bfloat16()
        peak = 2 * _MATMUL**3 / _medians({"product": lambda: matrix.mm(matrix)}, 5 * rounds)["product"]
        images = torch.randint(0, 256, (batch, *_SHAPE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        results: dict[str, Any] = {"num_threads": torch.get_num_threads(), "matmul_gflops": peak / 1e9}
        for name in networks:
            sides = _sides(name)
            results[f"{name}, step of {batch}"] = _compare(sides, "step", images, rounds, peak)
            results[f"{name}, forward of {batch}"] = _compare(sides, "forward", images, rounds, peak)
            results[f"{name}, forward of {_FEW}"] = _compare(sides, "forward", images[:_FEW], 5 * rounds, peak)
    finally:
        torch.set_num_threads(threads)
    return results
