"""How far a bulk run is, counted by all of its threads."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from fimiscope.reading import Position
from fimiscope.records import OUTCOMES, Verdict

_CLEARED = "cleared by the gate"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a bulk run is.

    Attributes:
        counts: articles by outcome, those of finished parts of earlier runs included.
        cleared: of the clear ones, those that the gate cleared.
        copies: articles whose text came before, which took their verdict from there.
        scored: articles that the models read in this run.
        seconds: since the run began.
        articles_per_second: of this run, whatever became of them.
        seconds_left: what the rest of the input takes if it goes on like this; `None` where that cannot be told.
        parts_scored, parts_kept: parts finished in this run, and taken over from an earlier one.
    """

    counts: dict[str, int]
    cleared: int
    copies: int
    scored: int
    seconds: float
    articles_per_second: float
    seconds_left: float | None
    parts_scored: int
    parts_kept: int

    @property
    def articles(self) -> int:
        return sum(self.counts.values())


class Tally:
    """Counts what becomes of the articles of a run; all threads may tell it."""

    def __init__(self, position: Position) -> None:
        self._position = position
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._copies = self._scored = self._done = self._parts_scored = self._parts_kept = 0
        self._read: dict[int, float | None] = {}
        self._kept_to: float | None = 0.0
        self._stored_to: float | None = None

    def read(self, part: int) -> None:
        """A part was cut off the input."""
        self._read[part] = self._position.share

    def kept(self, part: int, counts: Mapping[str, int]) -> None:
        """A part was finished by an earlier run."""
        with self._lock:
            self._counts.update(counts)
            self._parts_kept += 1
            share = self._read.pop(part, None)
            if not self._parts_scored:
                self._kept_to = share

    def judged(self, verdict: Verdict) -> None:
        """An article has its verdict."""
        with self._lock:
            self._counts.update(kinds_of(verdict))
            self._scored += verdict.status != "failed" and not verdict.gate
            self._done += 1

    def copied(self, verdict: Verdict) -> None:
        """An article took the verdict of an earlier one."""
        with self._lock:
            self._counts.update(kinds_of(verdict))
            self._copies += 1
            self._done += 1

    def stored(self, part: int) -> None:
        """A part is finished."""
        with self._lock:
            self._parts_scored += 1
            self._stored_to = self._read.pop(part, None)

    def standing(self) -> Standing:
        """As it is now."""
        with self._lock:
            seconds = time.monotonic() - self._began
            return Standing(
                {outcome: self._counts[outcome] for outcome in OUTCOMES},
                self._counts[_CLEARED],
                self._copies,
                self._scored,
                seconds,
                self._done / seconds,
                self._seconds_left(seconds),
                self._parts_scored,
                self._parts_kept,
            )

    def _seconds_left(self, seconds: float) -> float | None:
        kept, stored = self._kept_to, self._stored_to
        if kept is None or stored is None or stored <= kept:
            return None
        return seconds * (1 - stored) / (stored - kept)


def kinds_of(verdict: Verdict) -> list[str]:
    """As what a verdict is counted: its outcome, and whether the gate cleared it."""
    return [verdict.outcome, *([_CLEARED] if verdict.gate else [])]
