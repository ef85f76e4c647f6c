"""Curves as numbers, drawn as images and on the report page, and told as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fimiscope.evaluation.calibration import CALIBRATION_BINS
from fimiscope.evaluation.intervals import wilson
from fimiscope.evaluation.judged import Judged
from fimiscope.evaluation.metrics import Metrics
from fimiscope.evaluation.weighted import Bools, Floats
from fimiscope.tables import Cell, Table

Point = tuple[float, float]
THRESHOLDS = tuple(step / 20 for step in range(1, 20))
WATCHED = {
    "role/macro_f1_all": "role F1 (all classes)",
    "flag/pr_auc": "flag PR-AUC",
    "narratives/samples_f1": "narratives samples-F1",
}
"""Figures of the validation part that a training curve shows."""


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """The flag over all thresholds.

    Attributes:
        points: recall and precision, from the highest threshold to the lowest.
        in_use: recall and precision of the flags that were given.
        share: of texts that are flagged in truth: the precision of flagging all.
    """

    points: tuple[Point, ...]
    in_use: Point
    share: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Texts of similar probability.

    Attributes:
        stated: their mean flag probability.
        flagged: how many are flagged in truth.
    """

    stated: float
    texts: int
    flagged: int


@dataclass(frozen=True, slots=True)
class EpochFigures:
    """What one epoch came to; `figures` are of the validation part, without calibration and abstentions.

    Attributes:
        number: from 1; a fraction where the epoch was cut short.
        step: optimiser steps so far.
    """

    number: float
    step: int
    train_loss: float
    valid_loss: float
    figures: Metrics


def precision_recall_curve(judged: Judged) -> PrecisionRecall | None:
    """`None` where no text is flagged in truth."""
    gold, probability = _flags(judged)
    if not gold.any():
        return None
    given = judged.flag_given[judged.flag_known]
    order = np.argsort(-probability, kind="stable")
    lasts = np.append(np.flatnonzero(np.diff(probability[order])), len(order) - 1)
    hits = np.cumsum(gold[order])[lasts]
    points = zip((hits / gold.sum()).tolist(), (hits / (lasts + 1)).tolist(), strict=True)
    right = int((gold & given).sum())
    in_use = (right / int(gold.sum()), right / max(1, int(given.sum())))
    return PrecisionRecall(tuple(points), in_use, float(gold.mean()))


def reliability_bins(judged: Judged) -> tuple[Bin, ...]:
    """Bins of equal size, by rising probability."""
    gold, probability = _flags(judged)
    # By lot where probabilities are equal: the order of the corpus goes by source.
    lot = np.random.default_rng(0).permutation(len(probability))
    order = lot[np.argsort(probability[lot], kind="stable")]
    bins = np.array_split(order, min(CALIBRATION_BINS, len(order))) if len(order) else []
    return tuple(Bin(float(probability[own].mean()), len(own), int(gold[own].sum())) for own in bins)


def threshold_table(judged: Judged) -> Table:
    """What the flag would find at other thresholds, abstaining from nothing."""
    gold, probability = _flags(judged)
    rows: list[tuple[Cell, ...]] = []
    for threshold in THRESHOLDS if len(gold) else ():
        given = probability >= threshold
        flags, right = int(given.sum()), int((gold & given).sum())
        precision = f"{right / flags:.2f}" if flags else "–"
        recall = f"{right / gold.sum():.2f}" if gold.any() else "–"
        rows.append((f"{threshold:.2f}", flags, right, precision, recall))
    note = "A text is flagged where its probability reaches the threshold; nothing is abstained from."
    return Table("Flag by threshold", ("threshold", "flags", "right", "precision", "recall"), tuple(rows), note)


def reliability_table(judged: Judged) -> Table:
    """The bins of the reliability curve."""
    rows: list[tuple[Cell, ...]] = [
        (f"{one.stated:.2f}", one.texts, one.flagged, str(wilson(one.flagged, one.texts)))
        for one in reliability_bins(judged)
    ]
    columns = ("stated probability (mean)", "texts", "flagged in truth", "share")
    return Table("Reliability of the flag", columns, tuple(rows), "Bins of equal size; shares with Wilson's interval.")


def epoch_table(epochs: Sequence[EpochFigures]) -> Table:
    """One row an epoch: both losses and the watched figures."""
    rows: list[tuple[Cell, ...]] = [
        (
            f"{epoch.number:g}",
            epoch.step,
            f"{epoch.train_loss:.4f}",
            f"{epoch.valid_loss:.4f}",
            *(f"{epoch.figures[name]:.3f}" if name in epoch.figures else "–" for name in WATCHED),
        )
        for epoch in epochs
    ]
    columns = ("epoch", "step", "train loss", "valid loss", *WATCHED.values())
    note = "Figures of the validation part while the encoder trained, without calibration and abstentions."
    return Table("Training curve", columns, tuple(rows), note)


def _flags(judged: Judged) -> tuple[Bools, Floats]:
    return judged.flag[judged.flag_known], judged.flag_probability[judged.flag_known]
