"""Figures under many weightings of the same texts at once: how the bootstrap counts them.

A draw with replacement is a weighting: how often each text was drawn. Weights have shape (draws, texts), and every
figure has one value a draw, NaN where the draw leaves nothing to measure. A single row of ones gives the figure itself.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def share(part: Floats, whole: Floats, *, empty: float = float("nan")) -> Floats:
    """`part / whole`, and `empty` where the whole is nothing."""
    result = np.full(np.shape(whole), empty)
    np.divide(part, whole, out=result, where=whole > 0)
    return result


def f1(gold: Bools, given: Bools, weights: Floats) -> Floats:
    """F1 of each class, shape (draws,) or (draws, classes); NaN where a draw has no text of the class.

    Args:
        gold, given: shape (texts,) or (texts, classes).
        weights: shape (draws, texts).
    """
    wanted = weights @ gold.astype(float)
    both = weights @ (gold & given).astype(float)
    return np.where(wanted > 0, share(2 * both, wanted + weights @ given.astype(float)), np.nan)


def mean(figures: Floats) -> Floats:
    """Mean over the last axis of what is not NaN; NaN where everything is."""
    there = ~np.isnan(figures)
    return share(np.where(there, figures, 0.0).sum(axis=-1), there.sum(axis=-1).astype(float))


def weighted_mean(values: Floats, weights: Floats) -> Floats:
    """Mean of one value a text, shape (draws,)."""
    return share(weights @ values, weights.sum(axis=1))


def down_to(scores: Floats, columns: Floats, weights: Floats) -> Floats:
    """Sums of each column over the texts that score at least as much as each score, highest first.

    Args:
        scores: shape (texts,).
        columns: shape (texts, columns).
        weights: shape (draws, texts).

    Returns:
        Shape (columns, draws, distinct scores).
    """
    order = np.argsort(-scores, kind="stable")
    lasts = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    ordered = weights[:, order]
    return np.stack([np.cumsum(ordered * column[order], axis=1)[:, lasts] for column in columns.T])
