"""How sure a figure is: bootstrap over units, the paired difference of two models, and shares of few texts.

The bootstrap is Efron's percentile method (1979), expanded for few units (Hesterberg 2015, *What teachers should know
about the bootstrap*): percentiles further out, as Student's t lies further out than the normal distribution. Units
(`sampling_units`) are drawn whole, because texts of one unit are not independent. A share of few texts has Wilson's
score interval (1927).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit  # type: ignore[import-untyped]

from fimiscope.errors import CorpusError
from fimiscope.evaluation.judged import Judged
from fimiscope.evaluation.metrics import drawn, headline
from fimiscope.evaluation.resampling import draws
from fimiscope.evaluation.weighted import Floats

RESAMPLES = 2000
COVERAGE = 0.95
FEWEST_UNITS = 6
"""Of fewer there is no interval: five that all lean one way do so by chance in one case of sixteen."""
_SMALLEST_P = 0.001
_DEVIATIONS = NormalDist().inv_cdf((1 + COVERAGE) / 2)
"""Standard deviations of a normal distribution on both sides of its mean that hold `COVERAGE` of it."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the bounds of its 95 % interval; they are NaN where there is none."""

    value: float
    low: float
    high: float

    @property
    def bounded(self) -> bool:
        """Whether there is an interval."""
        return not math.isnan(self.low)

    def to_dict(self) -> dict[str, float]:
        """Value, and bounds where there are any: JSON has no NaN."""
        return {"value": self.value} | ({"low": self.low, "high": self.high} if self.bounded else {})

    def __str__(self) -> str:
        return self.shown(".2f")

    def shown(self, form: str) -> str:
        """Figure and bounds in a number format; the figure alone where there are none."""
        bounds = f" [{self.low:{form}}, {self.high:{form}}]" if self.bounded else ""
        return f"{self.value:{form}}{bounds}"


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired difference (first minus second model) with its interval and two-sided bootstrap p-value, 1 without."""

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
    figures, found, units = headline(judged), _resampled(judged, seed, resamples), len(set(judged.units))
    return {name: _interval(value, found[name], units) for name, value in figures.items()}


def differences(first: Judged, second: Judged, *, seed: int = 0, resamples: int = RESAMPLES) -> dict[str, Difference]:
    """Figures of `first` minus those of `second`, on the same draws of the same articles.

    Raises:
        CorpusError: the two judged different articles.
    """
    if first.ids != second.ids:
        raise CorpusError("two models can be compared on the same articles only")
    # Near-copies are found among all texts of a corpus, so the same articles may have other units in another run.
    second = replace(second, units=first.units)
    mine, theirs = headline(first), headline(second)
    drawn_mine, drawn_theirs = _resampled(first, seed, resamples), _resampled(second, seed, resamples)
    return {
        name: difference(mine[name] - theirs[name], drawn_mine[name] - drawn_theirs[name], len(set(first.units)))
        for name in mine.keys() & theirs.keys()
    }


def difference(value: float, values: Floats, units: int) -> Difference:
    """A paired difference and its values on draws of so many units; a draw is NaN where it left nothing to measure."""
    interval, values = _interval(value, values, units), values[~np.isnan(values)]
    if not interval.bounded:
        return Difference(interval, 1.0)
    # Half a draw where none is on the other side: so many draws tell no smaller chance.
    tail = max(min((values <= 0).mean(), (values >= 0).mean()), 0.5 / len(values))
    p = 2 * stdtr(units - 1, ndtri(min(tail, 0.5)) / _expansion(units))
    return Difference(interval, float(p))


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


def _interval(value: float, values: Floats, units: int) -> Interval:
    values = values[~np.isnan(values)]
    if units < FEWEST_UNITS or not len(values):
        return Interval(value, float("nan"), float("nan"))
    beyond = ndtr(-_expansion(units) * stdtrit(units - 1, (1 + COVERAGE) / 2))
    low, high = np.quantile(values, [beyond, 1 - beyond])
    return Interval(value, float(low), float(high))


def _expansion(units: int) -> float:
    """By how much the spread of units exceeds that of draws from them."""
    return math.sqrt(units / (units - 1))
