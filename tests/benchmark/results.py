"""What was measured, and how far two rows agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True, slots=True)
class Measured:
    """One row.

    Attributes:
        row: its letter or name.
        articles: how many were scored under the clock.
        windows: how many windows of them the encoder read.
        seconds: that took.
        start_up: seconds from the start of the process until the row could score.
        megabytes: peak resident memory of the row's processes, of 1,000,000 bytes.
        scores: probability of the flag by article, `None` where there is none; more articles than were timed.
        cleared: how many articles a gate cleared.
    """

    row: str
    articles: int
    windows: int
    seconds: float
    start_up: float
    megabytes: float
    scores: dict[str, float | None]
    cleared: int = 0

    @property
    def articles_per_second(self) -> float:
        return self.articles / self.seconds

    @property
    def windows_per_second(self) -> float:
        return self.windows / self.seconds

    @property
    def with_start_up(self) -> float:
        """Articles a second, start-up counted."""
        return self.articles / (self.seconds + self.start_up)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a row's flags compare with those of another, on the articles that both scored.

    Attributes:
        articles: how many those are.
        equal: on how many of them both flag or neither does.
        flags: how many the other flags.
        kept: how many of these this row flags too.
        largest, mean: difference of the probabilities, over the articles that have two; `None` where none has.
    """

    articles: int
    equal: int
    flags: int
    kept: int
    largest: float | None
    mean: float | None


def agreement(
    scores: Mapping[str, float | None], reference: Mapping[str, float | None], threshold: float
) -> Agreement | None:
    """Compare flags; `None` where no article was scored twice.

    An article is flagged where its probability reaches the threshold; one without a probability is not. Abstentions
    are thus counted on the side on which they lie.
    """
    both = [(scores[name], reference[name]) for name in scores if name in reference]
    if not both:
        return None
    flags = [tuple(one is not None and one >= threshold for one in pair) for pair in both]
    differences = [abs(mine - theirs) for mine, theirs in both if mine is not None and theirs is not None]
    return Agreement(
        articles=len(both),
        equal=sum(mine == theirs for mine, theirs in flags),
        flags=sum(theirs for _, theirs in flags),
        kept=sum(mine and theirs for mine, theirs in flags),
        largest=max(differences, default=None),
        mean=fmean(differences) if differences else None,
    )
