"""What became of a batch of articles, gathered while it is scored, in memory that does not grow with it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping

from fimiscope.records import Verdict

MOST_SAMPLES = 50
UNKNOWN = "unknown"
_SEED = 13


class BatchSummary:
    """Counts of a batch, and a fair sample of what it flagged.

    Every flagged article has the same chance to be among the samples (reservoir sampling, algorithm R: Vitter,
    "Random sampling with a reservoir", ACM TOMS 11, 1985), so that a person who reads them learns what share of all
    flags is wrong. The same verdicts in the same order give the same samples.

    Attributes:
        outcomes: articles that were `flagged`, `clear`, `abstained` or `failed`.
        languages: articles of each language among those that could be read.
        gated: how many of the clear articles the gate cleared; `None` where there was no gate.
    """

    def __init__(self, *, gate: bool = False) -> None:
        self.outcomes: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()
        self.gated: int | None = 0 if gate else None
        self._samples: list[tuple[int, Verdict]] = []
        self._random = random.Random(_SEED)

    def add(self, verdict: Verdict) -> None:
        """Take one verdict into account."""
        self.outcomes[verdict.outcome] += 1
        if verdict.outcome != "failed":
            self.languages[verdict.language or UNKNOWN] += 1
        if self.gated is not None:
            self.gated += verdict.gate
        if verdict.outcome == "flagged":
            self._sample(verdict)

    @property
    def articles(self) -> int:
        return self.outcomes.total()

    @property
    def samples(self) -> list[Verdict]:
        """Up to 50 flagged articles, in the order of the batch."""
        return [verdict for _, verdict in sorted(self._samples, key=lambda numbered: numbered[0])]

    def share(self, outcome: str) -> float:
        """Share of the articles that had an outcome; 0 of none."""
        return self.outcomes[outcome] / self.articles if self.articles else 0.0

    def language_shares(self) -> dict[str, float]:
        """Share of each language among the articles that could be read, largest first."""
        return shares(self.languages)

    def _sample(self, verdict: Verdict) -> None:
        flagged = self.outcomes["flagged"]
        if flagged <= MOST_SAMPLES:
            self._samples.append((flagged, verdict))
        elif (place := self._random.randrange(flagged)) < MOST_SAMPLES:
            self._samples[place] = (flagged, verdict)


def shares(counts: Mapping[str, int]) -> dict[str, float]:
    """Each count as a share of all, largest first."""
    total = sum(counts.values())
    return {name: count / total for name, count in sorted(counts.items(), key=lambda pair: -pair[1])}


def shift(here: Mapping[str, float], there: Mapping[str, float]) -> float:
    """Total variation distance of two mixes, 0 (the same) to 1 (nothing in common): half the sum of differences.

    Levin, Peres and Wilmer, "Markov Chains and Mixing Times", 2009, proposition 4.2.
    """
    names = {*here, *there}
    return sum(abs(here.get(name, 0.0) - there.get(name, 0.0)) for name in names) / 2
