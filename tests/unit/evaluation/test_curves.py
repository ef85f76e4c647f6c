"""Curves as numbers: they agree with the figures, and stay defined where there is little to measure."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation.curves import (
    EpochFigures,
    epoch_table,
    precision_recall_curve,
    reliability_bins,
    reliability_table,
    threshold_table,
)
from fimiscope.evaluation.judged import Judged, judge
from fimiscope.evaluation.metrics import all_metrics
from fimiscope.records import Verdict


@pytest.fixture(scope="module")
def judged(many: list[tuple[Example, Verdict]], codebook: Codebook) -> Judged:
    return judge(*zip(*many, strict=True), codebook)


def test_the_area_under_the_curve_and_the_point_in_use_are_the_figures(judged: Judged) -> None:
    curve, figures = precision_recall_curve(judged), all_metrics(judged)
    assert curve is not None
    recalls = [0.0, *(recall for recall, _ in curve.points)]
    gained = [after - before for before, after in pairwise(recalls)]
    area = sum(gain * precision for gain, (_, precision) in zip(gained, curve.points, strict=True))
    assert area == pytest.approx(figures["flag/pr_auc"])
    assert curve.in_use == pytest.approx((figures["flag/recall"], figures["flag/precision"]))
    assert curve.points[-1] == pytest.approx((1, curve.share))
    assert curve.share == pytest.approx(figures["flag/share"])


def test_bins_hold_every_text_by_rising_probability(judged: Judged) -> None:
    bins = reliability_bins(judged)
    assert sum(one.texts for one in bins) == len(judged)
    assert sum(one.flagged for one in bins) == judged.flag.sum()
    assert [one.stated for one in bins] == sorted(one.stated for one in bins)
    assert len(reliability_table(judged).rows) == len(bins)


def test_a_threshold_flags_what_reaches_it(judged: Judged) -> None:
    rows = {row[0]: row for row in threshold_table(judged).rows}
    given = judged.flag_probability >= 0.5
    right = int((given & judged.flag).sum())
    assert rows["0.50"][1:3] == (int(given.sum()), right)
    assert rows["0.50"][3:] == (f"{right / given.sum():.2f}", f"{right / judged.flag.sum():.2f}")
    flags = [int(row[1]) for row in rows.values()]
    assert flags == sorted(flags, reverse=True)


def test_without_flags_or_labels_there_is_no_curve(
    codebook: Codebook, example: Callable[..., Example], verdict: Callable[..., Verdict]
) -> None:
    clear = judge([example(1)], [verdict(1)], codebook)
    assert precision_recall_curve(clear) is None
    assert {row[4] for row in threshold_table(clear).rows} == {"–"}
    unlabelled = judge([example(1, role=None, africa=None)], [verdict(1)], codebook)
    assert reliability_bins(unlabelled) == ()
    assert threshold_table(unlabelled).rows == reliability_table(unlabelled).rows == ()


def test_epochs_are_told_row_by_row() -> None:
    epochs = [EpochFigures(1, 20, 0.9, 0.8, {"flag/pr_auc": 0.5}), EpochFigures(1.5, 30, 0.7, 0.75, {})]
    first, second = epoch_table(epochs).rows
    assert first == ("1", 20, "0.9000", "0.8000", "–", "0.500", "–")
    assert second[0] == "1.5"
