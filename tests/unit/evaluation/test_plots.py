"""Figures can be drawn for any set of articles, one without flags too, and need no screen."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation.curves import EpochFigures
from fimiscope.evaluation.judged import Judged, judge
from fimiscope.evaluation.plots import confusion, precision_recall, reliability, training_curve
from fimiscope.records import Verdict


@pytest.fixture(params=["many", "one", "none labelled"])
def judged(
    request: pytest.FixtureRequest,
    codebook: Codebook,
    many: list[tuple[Example, Verdict]],
    example: Callable[..., Example],
    verdict: Callable[..., Verdict],
) -> Judged:
    if request.param == "many":
        return judge(*zip(*many, strict=True), codebook)
    labels = {} if request.param == "one" else {"role": None, "africa": None}
    return judge([example(1, **labels)], [verdict(1)], codebook)


def test_plots_are_drawn(judged: Judged) -> None:
    for figure in (confusion(judged), precision_recall(judged), reliability(judged)):
        file = io.BytesIO()
        figure.savefig(file, format="png")
        assert file.getvalue().startswith(b"\x89PNG")


def test_the_confusion_counts_every_labelled_article(codebook: Codebook, many: list[tuple[Example, Verdict]]) -> None:
    axes = confusion(judge(*zip(*many, strict=True), codebook)).axes[0]
    counts = [int(text.get_text()) for text in axes.texts]
    assert len(counts) == len(codebook.role_codes) ** 2
    assert sum(counts) == len(many)


def test_a_training_curve_of_one_epoch_or_more_shows_losses_and_figures() -> None:
    epochs = [EpochFigures(number, number, 1.0, 0.9, {"flag/pr_auc": 0.4}) for number in (1, 2)]
    for some in (epochs[:1], epochs):
        losses, figures = training_curve(some).axes
        assert [list(line.get_ydata()) for line in losses.lines] == [[1.0] * len(some), [0.9] * len(some)]
        assert [0.4] * len(some) in [list(line.get_ydata()) for line in figures.lines]
