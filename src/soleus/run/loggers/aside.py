"""A thread beside the training that carries out calls in order, so that nobody has to wait for a server."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Aside:
    """One such thread, for whose end no process waits."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def call(self, act: Callable[[], T]) -> "Future[T]":
        """Have `act` called after all that was asked for before; return what will hold its result or its error."""
        future: Future[T] = Future()
        self._calls.put((act, future))
        return future

    def end(self) -> None:
        """End the thread once it has done what it was asked for."""
        self._calls.put(None)

    def _work(self) -> None:
        while (asked := self._calls.get()) is not None:
            act, future = asked
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(act())
                except BaseException as error:  # whoever waits for it is told
                    future.set_exception(error)
