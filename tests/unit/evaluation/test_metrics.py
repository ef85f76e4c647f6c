"""Figures at hand-made cases, and against scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    cohen_kappa_score,
    f1_score,
    precision_score,
    recall_score,
)

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation.judged import Judged, judge
from fimiscope.evaluation.metrics import AS_NONE, all_metrics, drawn, headline
from fimiscope.records import Verdict

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
    figures = all_metrics(judge(gold, given_, codebook))
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
    assert figures["role/macro_f1_all"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3), (
        "roles that do not occur do not count"
    )
    assert "role/macro_f1" not in figures, "no role has 20 texts"
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
    assert headline(judge(gold, given_, codebook))["narratives/samples_f1"] == pytest.approx((0.4 + 1) / 2)
    assert "narratives/samples_f1" not in headline(judge(gold[2:], given_[2:], codebook))


def test_figures_agree_with_scikit_learn(judged: Judged) -> None:
    figures = all_metrics(judged)
    gold, said, probability = judged.flag, judged.flag_given, judged.flag_probability
    assert figures["flag/f1"] == pytest.approx(f1_score(gold, said))
    assert figures["flag/precision"] == pytest.approx(precision_score(gold, said))
    assert figures["flag/recall"] == pytest.approx(recall_score(gold, said))
    assert figures["flag/pr_auc"] == pytest.approx(average_precision_score(gold, probability))
    assert figures["flag/brier"] == pytest.approx(brier_score_loss(gold, probability))
    by_base_rate = brier_score_loss(gold, np.full(len(gold), gold.mean()))
    assert figures["flag/brier_skill"] == pytest.approx(1 - figures["flag/brier"] / by_base_rate)
    decided = ~(judged.abstained | judged.failed)
    assert figures["flag/f1_decided"] == pytest.approx(f1_score(gold[decided], said[decided]))
    role, role_said = (side.argmax(axis=1) for side in (judged.heads["role"].gold, judged.heads["role"].given))
    assert figures["role/accuracy"] == pytest.approx(accuracy_score(role, role_said))
    assert figures["role/kappa"] == pytest.approx(cohen_kappa_score(role, role_said))
    assert figures["role/macro_f1"] == pytest.approx(f1_score(role, role_said, average="macro"))
    codes, codes_said = judged.heads["narratives"].gold, judged.heads["narratives"].given
    rows = codes.any(axis=1)
    expected = f1_score(codes[rows], codes_said[rows], average="samples", zero_division=0)
    assert figures["narratives/samples_f1"] == pytest.approx(expected)
    assert figures["narratives/macro_f1_all"] == pytest.approx(f1_score(codes, codes_said, average="macro"))


def test_drawn_figures_are_those_of_the_drawn_articles(judged: Judged) -> None:
    """A weighting says how often an article is drawn: its figures are those of the articles taken as often."""
    often = np.random.default_rng(5).integers(0, 3, (6, len(judged)))
    values = drawn(judged, often.astype(float))
    for number, weights in enumerate(often):
        taken = headline(judged.take(np.repeat(np.arange(len(judged)), weights)))
        for name in ("role/accuracy", "flag/f1", "flag/pr_auc", "flag/coverage_at_precision_90", "flag/brier_skill"):
            assert values[name][number] == pytest.approx(taken[name]), name
        for name in ("role/macro_f1_all", "narratives/samples_f1", "africa/f1", "evidence/hit"):
            assert values[name][number] == pytest.approx(taken[name]), name


def test_languages_have_figures_of_their_own(judged: Judged) -> None:
    figures = all_metrics(judged)
    for language in ("en", "fr"):
        rows = np.flatnonzero(np.array(judged.languages) == language)
        part = headline(judged.take(rows))
        assert part
        assert {name: figures[f"language/{language}/{name}"] for name in part} == part
        assert figures[f"language/{language}/articles"] == len(rows)


def test_a_language_with_few_articles_gets_no_figures(codebook: Codebook, example: Make, verdict: Say) -> None:
    gold = [example(number, language="sw" if number < 4 else "en") for number in range(9)]
    figures = all_metrics(judge(gold, [verdict(number) for number in range(9)], codebook))
    assert not [name for name in figures if name.startswith("language/sw")]
    assert figures["language/en/articles"] == 5


def test_what_is_not_labelled_is_not_measured(codebook: Codebook, example: Make, verdict: Say) -> None:
    gold = [example(1, role=None, narratives=None, actors=None, africa=None, evidence=None)]
    assert all_metrics(judge(gold, [verdict(1)], codebook)) == {"articles": 1, "coverage": 1, "failed": 0}


def test_nothing_to_measure_gives_no_error(codebook: Codebook) -> None:
    assert all_metrics(judge([], [], codebook)) == {"articles": 0, "coverage": 0, "failed": 0}


def test_abstentions_can_be_counted_as_none(judged: Judged, codebook: Codebook, example: Make, verdict: Say) -> None:
    figures = all_metrics(judged)
    both = {name.removeprefix(f"{AS_NONE}/") for name in figures if name.startswith(f"{AS_NONE}/")}
    assert {"role/macro_f1", "flag/pr_auc", "narratives/samples_f1", "evidence/hit", "actors/russia/f1"} <= both
    gold = [example(n, role="carries", africa=True, narratives=("bio-health",)) for n in range(4)]
    said = [verdict(n, "carries", 0.9, ("bio-health",)) for n in range(3)]
    said.append(verdict(3, "carries", 0.4, ("bio-health",), status="abstained", flag=None))
    figures = all_metrics(judge(gold, said, codebook))
    assert figures["coverage"] == 0.75
    assert figures["role/accuracy"] == figures["narratives/samples_f1"] == 1
    assert figures[f"{AS_NONE}/role/accuracy"] == figures[f"{AS_NONE}/narratives/samples_f1"] == 0.75


def test_a_model_that_never_abstains_is_not_counted_twice(codebook: Codebook, example: Make, verdict: Say) -> None:
    figures = all_metrics(judge([example(1)], [verdict(1)], codebook))
    assert not [name for name in figures if name.startswith(AS_NONE)]


def test_what_no_verdict_speaks_of_is_not_measured(codebook: Codebook, example: Make, verdict: Say) -> None:
    gold = [example(1, role="carries", africa=True, narratives=("bio-health",), actors=("russia",))]
    silence: dict[str, None] = dict.fromkeys(("narratives", "narratives_flagged", "actors", "africa", "evidence"))
    said = replace(verdict(1, "carries", 0.9), **silence)
    figures = all_metrics(judge(gold, [said], codebook))
    assert {"role/accuracy", "flag/f1"} <= figures.keys()
    assert not [name for name in figures if name.startswith(("narratives", "actors", "africa", "evidence"))]


def test_a_model_that_reads_nothing_is_measured_all_the_same(codebook: Codebook, example: Make) -> None:
    gold = [example(1, role="carries", africa=True, narratives=("bio-health",))]
    figures = all_metrics(judge(gold, [Verdict("text 1", "failed", "empty")], codebook))
    assert figures["failed"] == 1
    assert figures["flag/f1"] == figures["narratives/samples_f1"] == figures["role/accuracy"] == 0
