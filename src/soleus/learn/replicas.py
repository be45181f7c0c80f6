"""Learning from the parts of a minibatch side by side, one thread a part: data-parallel, the gradients averaged.

Convolutions of a minibatch split over threads within every operation wait for one another at each; whole forward and
backward passes on a part each do not. The interpreter lock is free while torch computes. The mean of the parts'
gradients is the whole minibatch's within rounding, and the parts are summed in their order: the same bits every time.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import torch
from torch import Tensor

from soleus.machine.threads import computing_with

Item = TypeVar("Item")
Result = TypeVar("Result")
Loss = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From the rows of a part: the mean loss over them, a scalar, and figures to average, (K,)."""


class Replicas:
    """`count` threads that compute gradients of the same parameters."""

    def __init__(self, parameters: Sequence[Tensor], count: int) -> None:
        self.parameters = list(parameters)
        self.count = count
        self._threads = ThreadPoolExecutor(max(count - 1, 1), initializer=torch.set_num_threads, initargs=(1,))

    def at_work(self) -> AbstractContextManager[None]:
        """While it lasts, operations of this thread are not split over threads of their own."""
        return computing_with(1) if self.count > 1 else nullcontext()

    def map(self, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Return work(item) for every item, shared out over the threads, the caller's among them."""
        if self.count == 1 or len(items) == 1:
            return [work(item) for item in items]

        def run(part: range) -> list[Result]:
            return [work(items[i]) for i in part]

        parts = [range(first, len(items), self.count) for first in range(min(self.count, len(items)))]
        others = [self._threads.submit(run, part) for part in parts[1:]]
        results = [run(parts[0]), *(other.result() for other in others)]
        return [results[i % self.count][i // self.count] for i in range(len(items))]

    def backward(self, loss: Loss, rows: Tensor) -> Tensor:
        """Set the parameters' gradients to those of the mean loss over the rows (M,); return the mean figures (K,)."""
        if self.count == 1 or len(rows) < self.count:
            for parameter in self.parameters:
                parameter.grad = None
            whole, figures = loss(rows)
            whole.backward()  # type: ignore[no-untyped-call]
            return figures

        def part(index: Tensor) -> tuple[list[Tensor], Tensor]:
            mean, figures = loss(index)
            share = len(index) / len(rows)
            return list(torch.autograd.grad(mean * share, self.parameters)), figures * share

        results = self.map(part, list(torch.tensor_split(rows, self.count)))
        for gradients, _ in results[1:]:
            torch._foreach_add_(results[0][0], gradients)
        for parameter, gradient in zip(self.parameters, results[0][0], strict=True):
            parameter.grad = gradient
        return torch.stack([figures for _, figures in results]).sum(0)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()
