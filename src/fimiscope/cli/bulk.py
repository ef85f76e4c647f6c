"""What a person, or a program, is told while a bulk run goes on."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress

    from fimiscope.predict.standing import Standing

_BETWEEN_EVENTS = 1.0


class Report:
    """Listens to a bulk run: a line that changes on a terminal, JSON events for programs, silence in a pipe."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._last = time.monotonic()
        self._bar: Progress | None = None

    def __enter__(self) -> Report:
        if sys.stderr.isatty() and not self._as_json:
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            from fimiscope.cli.show import console

            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            self._bar = Progress(*columns, console=console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("reading", total=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, standing: Standing) -> None:
        """Show how far the run is."""
        if self._bar is not None:
            self._bar.update(self._task, description=_in_words(standing))
        elif self._as_json and time.monotonic() - self._last > _BETWEEN_EVENTS:
            self._last = time.monotonic()
            self._event("progress", standing)

    def end(self, standing: Standing, **facts: Any) -> None:
        """Print the closing event."""
        self._event("end", standing, **facts)

    def _event(self, name: str, standing: Standing, **facts: Any) -> None:
        document = asdict(standing)
        counts = document.pop("counts")
        for figure in ("seconds", "articles_per_second", "seconds_left"):
            document[figure] = None if document[figure] is None else round(document[figure], 2)
        print(json.dumps({"event": name, **counts, **document, **facts}), flush=True)


def _in_words(standing: Standing) -> str:
    counts = standing.counts
    said = [
        f"{standing.articles:,} articles",
        f"{standing.articles_per_second:.1f}/s",
        f"{counts['flagged']:,} flagged",
    ]
    if standing.cleared:
        said.append(f"{standing.cleared / standing.articles:.0%} cleared by the gate")
    if standing.seconds_left is not None:
        said.append(f"{timedelta(seconds=round(standing.seconds_left))} left")
    if standing.parts_kept:
        said.append(f"{standing.parts_kept} parts kept from before")
    return " · ".join(said)
