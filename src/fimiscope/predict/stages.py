"""Stages of a pipeline that work at the same time, each in a thread of its own, with bounded queues between them."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")
_PATIENCE = 0.1


@dataclass(frozen=True, slots=True)
class _Failure:
    error: BaseException


class _End:
    pass


class _Stage(Generic[T]):
    """Runs an iterator to its end, or until it is told to stop, and queues what it yields."""

    def __init__(self, items: Iterator[T], most: int) -> None:
        self._items = items
        self._queue: Queue[T | _Failure | _End] = Queue(most)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def take(self) -> T | _Failure | _End:
        """The next item; waits in short steps, so that Ctrl-C is heard on every system."""
        while True:
            try:
                return self._queue.get(timeout=_PATIENCE)
            except Empty:
                continue

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        try:
            for item in self._items:
                self._put(item)
                if self._stopped.is_set():
                    break
            self._put(_End())
        except BaseException as error:  # noqa: BLE001 - it is raised again where the items are taken
            self._put(_Failure(error))
        finally:
            # What stands before it must stop as well.
            close = getattr(self._items, "close", None)
            if close is not None:
                close()

    def _put(self, item: T | _Failure | _End) -> None:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=_PATIENCE)
            except Full:
                continue
            return


def ahead(items: Iterator[T], most: int) -> Generator[T]:
    """Yield `items` in their order, worked out by a thread that is at most `most` of them ahead.

    What the iterator raises is raised here. Closing this generator stops the thread and closes the iterator.
    """
    stage = _Stage(items, most)
    try:
        while not isinstance(item := stage.take(), _End):
            if isinstance(item, _Failure):
                raise item.error
            yield item
    finally:
        stage.stop()
