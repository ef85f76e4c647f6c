"""Figures of one model on labelled articles, under one naming scheme: `role/macro_f1`, `narratives/<code>/f1` …

`docs/metrics.md` defines each figure in a line.
"""

from __future__ import annotations

import numpy as np

from fimiscope.evaluation import evidence, flag, heads
from fimiscope.evaluation.judged import Judged
from fimiscope.evaluation.weighted import Floats

FEWEST = 5
AS_NONE = "abstained_as_none"

Metrics = dict[str, float]


def drawn(judged: Judged, weights: Floats) -> dict[str, Floats]:
    """The figures that get an interval by resampling, one value a row of `weights`, shape (draws, articles).

    A figure is absent where nothing is labelled for it, and NaN in a draw that leaves nothing to measure.
    """
    marked = ~np.isnan(judged.evidence[:, 0])
    return {
        **heads.drawn(judged, weights),
        **flag.drawn(judged, weights),
        **evidence.drawn(judged.evidence[marked], weights[:, marked]),
    }


def headline(judged: Judged) -> Metrics:
    """The figures that get an interval by resampling, on the articles as they are."""
    values = {name: float(figure[0]) for name, figure in drawn(judged, np.ones((1, len(judged)))).items()}
    return {name: value for name, value in values.items() if not np.isnan(value)}


def all_metrics(judged: Judged) -> Metrics:
    """Every figure over all articles; those with an interval again by language (`language/<code>/…`, with at least
    `FEWEST` articles); and where the model abstained, every figure over all articles again with abstentions counted
    as `none` (`abstained_as_none/…`)."""
    figures = _metrics(judged)
    if judged.abstained.any():
        counted = _metrics(judged.with_abstentions_as_none())
        figures |= {f"{AS_NONE}/{name}": value for name, value in counted.items() if "/" in name}
    languages = np.array(judged.languages)
    for language in sorted(set(judged.languages)):
        rows = np.flatnonzero(languages == language)
        if len(rows) >= FEWEST:
            part = headline(judged.take(rows))
            figures |= {f"language/{language}/{name}": value for name, value in part.items()}
            figures[f"language/{language}/articles"] = float(len(rows))
    return figures


def _metrics(judged: Judged) -> Metrics:
    return {
        "articles": float(len(judged)),
        "coverage": float(1 - judged.abstained.mean()) if len(judged) else 0.0,
        "failed": float(judged.failed.mean()) if len(judged) else 0.0,
        **headline(judged),
        **heads.fixed(judged),
        **flag.fixed(judged),
    }
