"""What a row of the benchmark is: a way of scoring articles, opened once and then timed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from fimiscope.records import Article

WARM_UP = 20
"""Articles that are scored before the clock runs."""
Work = TypeVar("Work")


class Absent(Exception):
    """A row that cannot be measured here; says why."""


@dataclass(frozen=True, slots=True)
class Score:
    """What a row says of one article.

    Attributes:
        id: of the article.
        probability: that it is flagged; `None` where the row gives none.
        cleared: whether a gate cleared it before the model read it.
    """

    id: str
    probability: float | None
    cleared: bool = False


class Row(Protocol[Work]):
    """A way of scoring."""

    def prepare(self, articles: Iterable[Article]) -> Work:
        """All that happens before the clock runs."""

    def score(self, work: Work) -> list[Score]:
        """What the clock measures; empty where a row computes no scores."""

    def windows(self, work: Work) -> int:
        """How many windows the encoder read of the work just scored; asked when nothing is measured any more."""
