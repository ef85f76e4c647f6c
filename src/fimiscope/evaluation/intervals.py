"""How sure a figure is: bootstrap over groups of near-copies, the paired difference of two models, and counts.

The bootstrap is Efron's percentile method; groups (contrast families, near-copy clusters) are drawn whole, because
texts of one group are not independent. A share of few texts has Wilson's score interval (1927).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from fimiscope.codebook import Codebook
from fimiscope.errors import CorpusError
from fimiscope.evaluation.judged import Judged
from fimiscope.evaluation.metrics import Metrics, headline

RESAMPLES = 500
COVERAGE = 0.95
_DEVIATIONS = NormalDist().inv_cdf((1 + COVERAGE) / 2)
"""Standard deviations of a normal distribution on both sides of its mean that hold `COVERAGE` of it."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired difference (first minus second model) with its interval and two-sided bootstrap p-value."""

    interval: Interval
    p: float

    @property
    def real(self) -> bool:
        """Whether the interval excludes zero."""
        return self.interval.low > 0 or self.interval.high < 0


def intervals(judged: Judged, codebook: Codebook, *, seed: int = 0, resamples: int = RESAMPLES) -> dict[str, Interval]:
    """Headline figures with their intervals."""
    figures = headline(judged, codebook)
    drawn = [headline(judged.take(rows), codebook) for rows in _draws(judged, seed, resamples)]
    return {name: _interval(value, [d[name] for d in drawn if name in d]) for name, value in figures.items()}


def differences(
    first: Judged, second: Judged, codebook: Codebook, *, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, Difference]:
    """Headline figures of `first` minus those of `second`, on the same draws of the same articles.

    Raises:
        CorpusError: the two judged different articles.
    """
    if first.ids != second.ids:
        raise CorpusError("two models can be compared on the same articles only")
    mine, theirs = headline(first, codebook), headline(second, codebook)
    drawn: list[Metrics] = []
    for rows in _draws(first, seed, resamples):
        a, b = headline(first.take(rows), codebook), headline(second.take(rows), codebook)
        drawn.append({name: a[name] - b[name] for name in a.keys() & b.keys()})
    result = {}
    for name in mine.keys() & theirs.keys():
        values = np.array([d[name] for d in drawn if name in d])
        tail = min((values <= 0).mean(), (values >= 0).mean()) if len(values) else 1.0
        result[name] = Difference(_interval(mine[name] - theirs[name], values.tolist()), float(min(1.0, 2 * tail)))
    return result


def wilson(hits: int, of: int) -> Interval:
    """The share `hits / of` of independent cases with its 95 % interval, which also holds for few cases.

    Raises:
        ValueError: `of` is not positive, or `hits` is not between 0 and `of`.
    """
    if not 0 <= hits <= of or of == 0:
        raise ValueError(f"{hits} of {of} is no share")
    share, squared = hits / of, _DEVIATIONS**2
    middle = (share + squared / (2 * of)) / (1 + squared / of)
    half = _DEVIATIONS * math.sqrt(share * (1 - share) / of + squared / (4 * of**2)) / (1 + squared / of)
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def _draws(judged: Judged, seed: int, resamples: int) -> Iterator[npt.NDArray[np.int64]]:
    names, group_of = np.unique(np.array(judged.groups), return_inverse=True)
    members = [np.flatnonzero(group_of == number) for number in range(len(names))]
    random = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.concatenate([members[number] for number in random.integers(0, len(names), len(names))])


def _interval(value: float, drawn: list[float]) -> Interval:
    if not drawn:
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(drawn, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return Interval(value, float(low), float(high))
