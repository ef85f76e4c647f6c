"""How sure a figure is: bootstrap over units, the paired difference of two models, and shares of few texts.

The bootstrap is Efron's percentile method (1979); units (`sampling_units`) are drawn whole, because texts of one unit
are not independent. A share of few texts has Wilson's score interval (1927).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from fimiscope.errors import CorpusError
from fimiscope.evaluation.judged import Judged
from fimiscope.evaluation.metrics import drawn, headline
from fimiscope.evaluation.resampling import draws
from fimiscope.evaluation.weighted import Floats

RESAMPLES = 2000
COVERAGE = 0.95
_SMALLEST_P = 0.001
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

    @property
    def p_told(self) -> str:
        """The p-value after `p`, as `= 0.042`; draws cannot tell values below 0.001 apart."""
        return "< 0.001" if self.p < _SMALLEST_P else f"= {self.p:.3f}"


def intervals(judged: Judged, *, seed: int = 0, resamples: int = RESAMPLES) -> dict[str, Interval]:
    """Every figure of `headline` with its interval."""
    figures, found = headline(judged), _resampled(judged, seed, resamples)
    return {name: _interval(value, found[name]) for name, value in figures.items()}


def differences(first: Judged, second: Judged, *, seed: int = 0, resamples: int = RESAMPLES) -> dict[str, Difference]:
    """Figures of `first` minus those of `second`, on the same draws of the same articles.

    Raises:
        CorpusError: the two judged different articles.
    """
    if first.ids != second.ids:
        raise CorpusError("two models can be compared on the same articles only")
    mine, theirs = headline(first), headline(second)
    drawn_mine, drawn_theirs = _resampled(first, seed, resamples), _resampled(second, seed, resamples)
    result = {}
    for name in mine.keys() & theirs.keys():
        values = drawn_mine[name] - drawn_theirs[name]
        values = values[~np.isnan(values)]
        tail = min((values <= 0).mean(), (values >= 0).mean()) if len(values) else 1.0
        result[name] = Difference(_interval(mine[name] - theirs[name], values), float(min(1.0, 2 * tail)))
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


def _resampled(judged: Judged, seed: int, resamples: int) -> dict[str, Floats]:
    """The figures of `drawn` on `resamples` draws, one value a draw."""
    blocks = [drawn(judged, weights) for weights in draws(judged.units, resamples, seed)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in (blocks[0] if blocks else ())}


def _interval(value: float, values: Floats) -> Interval:
    values = values[~np.isnan(values)]
    if not len(values):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(values, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return Interval(value, float(low), float(high))
