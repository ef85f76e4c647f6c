"""Figures at hand-made cases, and against scikit-learn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
)

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation.judged import Judged, judge
from fimiscope.evaluation.metrics import all_metrics, calibration_error, evidence_hit, headline, narrative_samples_f1
from fimiscope.records import Evidence, Span, Verdict

Make = Callable[..., Example]
Say = Callable[..., Verdict]


@pytest.fixture
def judged(codebook: Codebook, many: list[tuple[Example, Verdict]]) -> Judged:
    return judge(*zip(*many, strict=True), codebook)


def test_a_hand_made_case(codebook: Codebook, example: Make, verdict: Say) -> None:
    # Flag: one hit, one missed, one false alarm, one rightly clear. Roles: two of four right.
    gold = [
        example(1, role="carries", africa=True, narratives=("bio-health",)),
        example(2, role="reports", africa=True),
        example(3, role="none", africa=True),
        example(4, role="none"),
    ]
    given_ = [
        verdict(1, "carries", 0.9, ("bio-health",)),
        verdict(2, "none", 0.4),
        verdict(3, "carries", 0.8),
        verdict(4, "none", 0.1),
    ]
    figures = all_metrics(judge(gold, given_, codebook), codebook)
    assert figures["articles"] == 4
    assert figures["coverage"] == 1
    assert figures["flag/precision"] == figures["flag/recall"] == figures["flag/f1"] == 0.5
    assert figures["flag/share"] == 0.5
    # Ranked by probability: hit, false alarm, hit, clear.
    assert figures["flag/pr_auc"] == pytest.approx((1 + 2 / 3) / 2)
    assert figures["flag/brier"] == pytest.approx((0.01 + 0.36 + 0.64 + 0.01) / 4)
    assert figures["role/accuracy"] == 0.5
    assert figures["role/carries/f1"] == pytest.approx(2 / 3)
    assert figures["role/none/f1"] == 0.5
    assert figures["role/reports/f1"] == 0
    assert figures["role/macro_f1"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3), "roles that do not occur do not count"
    assert "role/rebuts/f1" not in figures
    assert figures["narratives/bio-health/f1"] == 1
    assert figures["africa/f1"] == pytest.approx(2 * 2 / (2 * 2 + 0 + 1))


def test_samples_f1_is_a_mean_over_articles_with_a_gold_narrative(
    codebook: Codebook, example: Make, verdict: Say
) -> None:
    a, b, c, d = codebook.narrative_codes[:4]
    gold = [example(1, narratives=(a, b)), example(2, narratives=(c,)), example(3), example(4, narratives=None)]
    given_ = [verdict(1, narratives=(a, c, d)), verdict(2, narratives=(c,)), verdict(3, narratives=(a,)), verdict(4)]
    # One of two gold codes among three given: F1 is 2·1 / (2 + 3).
    assert narrative_samples_f1(judge(gold, given_, codebook)) == pytest.approx((0.4 + 1) / 2)
    assert narrative_samples_f1(judge(gold[2:], given_[2:], codebook)) is None


def test_figures_agree_with_scikit_learn(judged: Judged, codebook: Codebook) -> None:
    figures = all_metrics(judged, codebook)
    gold, said, probability = judged.flag, judged.flag_given, judged.flag_probability
    assert figures["flag/f1"] == pytest.approx(f1_score(gold, said))
    assert figures["flag/precision"] == pytest.approx(precision_score(gold, said))
    assert figures["flag/recall"] == pytest.approx(recall_score(gold, said))
    assert figures["flag/pr_auc"] == pytest.approx(average_precision_score(gold, probability))
    assert figures["flag/brier"] == pytest.approx(brier_score_loss(gold, probability))
    decided = ~judged.abstained
    assert figures["flag/f1_decided"] == pytest.approx(f1_score(gold[decided], said[decided]))
    assert figures["role/accuracy"] == pytest.approx(accuracy_score(judged.role, judged.role_given))
    assert figures["role/macro_f1"] == pytest.approx(f1_score(judged.role, judged.role_given, average="macro"))
    codes, _, codes_given = judged.sets["narratives"]
    rows = codes.any(axis=1)
    expected = f1_score(codes[rows], codes_given[rows], average="samples", zero_division=0)
    assert figures["narratives/samples_f1"] == pytest.approx(expected)
    assert figures["narratives/macro_f1"] == pytest.approx(f1_score(codes, codes_given, average="macro"))


def test_languages_have_figures_of_their_own(judged: Judged, codebook: Codebook) -> None:
    figures = all_metrics(judged, codebook)
    for language in ("en", "fr"):
        rows = np.flatnonzero(np.array(judged.languages) == language)
        part = headline(judged.take(rows), codebook)
        assert part
        assert {name: figures[f"language/{language}/{name}"] for name in part} == part
        assert figures[f"language/{language}/articles"] == len(rows)


def test_a_language_with_few_articles_gets_no_figures(codebook: Codebook, example: Make, verdict: Say) -> None:
    gold = [example(number, language="sw" if number < 4 else "en") for number in range(9)]
    figures = all_metrics(judge(gold, [verdict(number) for number in range(9)], codebook), codebook)
    assert not [name for name in figures if name.startswith("language/sw")]
    assert figures["language/en/articles"] == 5


def test_what_is_not_labelled_is_not_measured(codebook: Codebook, example: Make, verdict: Say) -> None:
    gold = [example(1, role=None, narratives=None, actors=None, africa=None, evidence=None)]
    assert all_metrics(judge(gold, [verdict(1)], codebook), codebook) == {"articles": 1, "coverage": 1}


def test_nothing_to_measure_gives_no_error(codebook: Codebook) -> None:
    assert all_metrics(judge([], [], codebook), codebook) == {"articles": 0, "coverage": 0}


@pytest.mark.parametrize(
    ("given_", "hit"),
    [((10, 40), 1.0), ((25, 55), 1 / 3 >= 0.3), ((0, 10), 0.0), ((0, 400), 0.0), ((100, 110), 1.0)],
)
def test_evidence_hits_by_overlap(
    codebook: Codebook, example: Make, verdict: Say, given_: tuple[int, int], hit: float
) -> None:
    gold = [example(1, role="carries", evidence=(Span(10, 40), Span(100, 110))), example(2)]
    said = [verdict(1, "carries", evidence=(Evidence(*given_, "", "role", 0.5),)), verdict(2)]
    assert evidence_hit(judge(gold, said, codebook)) == hit


def test_no_annotated_evidence_no_figure(codebook: Codebook, example: Make, verdict: Say) -> None:
    assert evidence_hit(judge([example(1)], [verdict(1)], codebook)) is None


def test_calibration_error_by_hand() -> None:
    # Ten bins of two: in every bin half are flagged while 0.8 is stated.
    assert calibration_error(np.tile([True, False], 10), np.full(20, 0.8)) == pytest.approx(0.3)
    assert calibration_error(np.array([True, False]), np.array([1.0, 0.0])) == 0


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=60))
def test_calibration_error_is_a_share(pairs: list[tuple[bool, float]]) -> None:
    gold, probability = (np.array(column) for column in zip(*pairs, strict=True))
    assert 0 <= calibration_error(gold, probability.astype(float)) <= 1
