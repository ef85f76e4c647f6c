"""Peak memory of this process and of those that it started, as Linux keeps it."""

from __future__ import annotations

import threading
from pathlib import Path

_PROCESSES = Path("/proc")
_BETWEEN_LOOKS = 0.5


class PeakMemory:
    """Adds up, over this process and all below it, the largest resident set that each has ever had.

    Processes below are looked at twice a second, because what they had is gone when they end.
    """

    def __init__(self) -> None:
        self._peaks: dict[int, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    @property
    def megabytes(self) -> float:
        """Of 1,000,000 bytes."""
        return sum(self._peaks.values()) * 1024 / 1e6

    def _watch(self) -> None:
        while not self._ended.wait(_BETWEEN_LOOKS):
            self._look()

    def _look(self) -> None:
        waiting = ["self"]
        while waiting:
            try:
                status = (_PROCESSES / waiting.pop() / "status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                # It ended since its parent named it.
                continue
            values = dict(line.split(":", 1) for line in status.splitlines())
            number = int(values["Pid"])
            if "VmHWM" in values:
                self._peaks[number] = int(values["VmHWM"].split()[0])
            waiting.extend(_children(number))


def _children(number: int) -> list[str]:
    try:
        tasks = [task / "children" for task in (_PROCESSES / str(number) / "task").iterdir()]
        return [child for task in tasks for child in task.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
