"""Means over folds and seeds, on figures that differ from one to the other."""

from __future__ import annotations

from collections.abc import Callable
from statistics import stdev

import pytest

from fimiscope.codebook import Codebook
from fimiscope.cross_validation import FoldResult, fold_means, mean_table
from fimiscope.evaluation.evaluate import HEADLINES, Evaluation
from fimiscope.evaluation.judged import judge
from fimiscope.evaluation.means import Mean, means
from fimiscope.seeds import Seeds

Measured = Callable[..., Evaluation]


@pytest.fixture
def measured(codebook: Codebook) -> Measured:
    def make(name: str, figures: dict[str, float]) -> Evaluation:
        return Evaluation(name, (), judge([], [], codebook), figures)

    return make


def test_a_mean_is_of_the_models_that_have_the_figure() -> None:
    found = means([{"a": 0.2, "b": 1.0}, {"a": 0.6}, {"a": 0.1}])
    assert list(found) == ["a", "b"]
    assert found["a"].value == pytest.approx(0.3)
    assert found["a"].deviation == pytest.approx(stdev([0.2, 0.6, 0.1]))
    assert (found["a"].count, str(found["a"])) == (3, "0.30 ± 0.26")
    assert found["b"] == Mean(1.0, None, 1)
    assert str(found["b"]) == "1.00"


def test_folds_are_averaged_model_by_model_and_within_two_languages(measured: Measured) -> None:
    shortcut = measured("majority", {"flag/f1": 0.1})
    words = [
        {"flag/f1": 0.2, "language/en/flag/f1": 0.4, "language/fr/flag/f1": 0.6, "flag/pr_auc": 0.9},
        {"flag/f1": 0.5, "language/en/flag/f1": 0.1, "language/fr/flag/f1": 0.2},
        {"flag/f1": 0.5, "language/en/flag/f1": 0.9},
    ]
    results = [
        FoldResult(f"fold {number}", 9, (shortcut,), (), (measured("words", figures),), ())
        for number, figures in enumerate(words)
    ]
    found = fold_means(results)["words"]
    assert found["all"]["flag/f1"].value == pytest.approx(0.4)
    assert found["all"]["flag/pr_auc"] == Mean(0.9, None, 1)
    # A fold that has one of the two languages alone is left out: its figure would be of other texts.
    assert found["en, fr"]["flag/f1"].value == pytest.approx((0.5 + 0.15) / 2)
    assert found["en, fr"]["flag/f1"].count == 2
    column = 2 + list(HEADLINES).index("flag/f1")
    rows = {row[:2]: row[column] for row in mean_table(results).rows}
    assert rows == {
        ("majority", "all"): "0.10 (3)",
        ("majority", "en, fr"): "–",
        ("words", "all"): "0.40 (3)",
        ("words", "en, fr"): "0.33 (2)",
    }


def test_seeds_end_in_their_mean_and_spread(measured: Measured) -> None:
    figures = {13: {"flag/f1": 0.2, "flag/pr_auc": 0.5}, 14: {"flag/f1": 0.6}, 15: {"flag/f1": 0.1}}
    table = Seeds("", {seed: measured("words", own) for seed, own in figures.items()}, (), ()).table()
    f1, area = (1 + list(HEADLINES).index(name) for name in ("flag/f1", "flag/pr_auc"))
    assert [(row[0], row[f1], row[area]) for row in table.rows] == [
        ("13", "0.20", "0.50"),
        ("14", "0.60", "–"),
        ("15", "0.10", "–"),
        ("mean", "0.30 ± 0.26", "0.50"),
    ]
