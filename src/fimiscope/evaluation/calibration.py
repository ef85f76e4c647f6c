"""Whether stated probabilities hold, and how far from holding chance alone would bring them."""

from __future__ import annotations

import numpy as np

from fimiscope.evaluation.weighted import Bools, Floats, share

CALIBRATION_BINS = 10
SIMULATIONS = 1000


def calibration_error(gold: Bools, probability: Floats) -> float:
    """Expected calibration error over bins of equal size (Naeini et al. 2015)."""
    order = np.argsort(probability, kind="stable")
    return _error(gold[order].astype(float), probability[order])


def calibration_error_by_chance(probability: Floats, *, seed: int = 0) -> tuple[float, float]:
    """The calibration error of a model that is perfectly calibrated: mean and 95th percentile of `SIMULATIONS` sets of
    outcomes drawn from the model's own probabilities (consistency resampling, Bröcker and Smith 2007; used to test
    the calibration error by Vaicenavicius et al. 2019)."""
    stated = np.sort(probability, kind="stable")
    random = np.random.default_rng(seed)
    errors = [_error((random.random(len(stated)) < stated).astype(float), stated) for _ in range(SIMULATIONS)]
    return float(np.mean(errors)), float(np.quantile(errors, 0.95))


def brier_skill(gold: Bools, probability: Floats, weights: Floats) -> Floats:
    """One minus the Brier score over that of always stating the base rate (Murphy 1973), shape (draws,): 1 is perfect,
    0 no better than the base rate, below 0 worse. NaN where only one outcome is drawn."""
    base = weights @ gold.astype(float) / weights.sum(axis=1)
    score = weights @ (probability - gold) ** 2 / weights.sum(axis=1)
    return 1 - share(score, base * (1 - base))


def _error(outcomes: Floats, stated: Floats) -> float:
    """Of texts in the order of their probabilities."""
    # Which texts of equal probability fall into which bin is chance, so they share their outcomes.
    firsts = np.flatnonzero(np.r_[True, stated[1:] != stated[:-1]])
    sizes = np.diff(np.r_[firsts, len(stated)])
    outcomes = np.repeat(np.add.reduceat(outcomes, firsts) / sizes, sizes)
    bins = min(CALIBRATION_BINS, len(stated))
    starts = [part[0] for part in np.array_split(np.arange(len(stated)), bins)]
    return float(np.abs(np.add.reduceat(outcomes - stated, starts)).sum() / len(stated))
